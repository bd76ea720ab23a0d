"""What a failure of the demo is: how it is broken, and what is to be heard of it.

A failure is data. `sets` turns switches that the systems honour at every tick while it is broken;
`breaks` runs once when it breaks, `keeps` at every tick, `mends` once when it is mended: statements
of `sql/failures_crm.sql`, `…_desk.sql` and `…_web_sync.sql` with what they are given. A letter
after the number marks a twin: it looks like the failure, and nobody may be told of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from rules.cron import next_slots, parse_cron

_UTC = ZoneInfo("UTC")

USUAL_RUN = timedelta(seconds=40)
"""How long a ticket sync takes."""

Step: TypeAlias = tuple[Any, ...]
"""The name of a statement and what it is given after `now`."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Lines that are written into a log at once, again and again.

    Attributes:
        what: One of `watchdog.demo.logs.BURSTS`.
    """

    what: str
    lines: int
    every: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Switches:
    """What the living systems do differently while something is broken.

    Attributes:
        zendesk_error: What every run fails with; empty when they succeed.
        zendesk_quiet: Runs succeed and find nothing.
        zendesk_hangs: No run starts or ends.
        zendesk_unscheduled: No run starts by itself.
        tickets_frozen: Runs do not touch the tickets.
        workspaces_left_alone: Their contact sync neither starts nor ends.
        workspaces_hung: Their contact sync that has run for minutes does not end; another one would.
        customers_refused, customers_refused_once: Workspaces whose CRM refuses us, always or at
            the first request only.
        workspaces_walked: Each sync of theirs updates all of their contacts.
        workspaces_erring: Each sync of theirs leaves some customers out.
        cursors_frozen: Workspaces whose syncs do not move the cursor.
        workflows_terminated: Workspaces whose last workflow was ended by force.
        organisations_failing: What the syncs of an organisation fail with.
        organisations_slow: Organisations whose syncs take five times as long.
        organisations_left_alone: Organisations that do not sync.
        scheduler_dead: No organisation syncs.
        statuses_refused, statuses_refused_once: Organisations whose status cannot be told, always
            or at the first request only.
        desk_down, desk_down_once: The desk answers 503, always or to the first request only.
        mails_waiting: How many mails wait at any moment.
        mails_stuck: Mails that have waited for a quarter of an hour wait for ever.
        syncs_stopped: No repository syncs any more.
        repositories_left_alone: Workspaces whose repositories do not sync.
        calls_left, calls_renewed_in: What the code host says of its rate limit; zero: as usual.
        cache_left_alone: Cached answers that ended are neither asked for again nor deleted.
        metrics_kept: Old daily figures are not archived.
        worker_dead: No mail is sent, and the worker writes nothing.
        revision_told: The migration that the API says it is at; empty for that of its database.
        bursts: What stands in the logs far more often than usual.
        archive_stopped: Old mails stay in the log.
        backups_stopped: The backup job has not run for days.
        drill_stopped: Nobody does the restore drill.
        tokens_forgotten: Tokens that end soon are not prolonged.
        certificate_ends_in: How long the desk's certificate has left when it breaks, and nobody
            renews it; zero: it is renewed in time.
    """

    zendesk_error: str = ""
    zendesk_quiet: bool = False
    zendesk_hangs: bool = False
    zendesk_unscheduled: bool = False
    zendesk_took: timedelta = USUAL_RUN
    tickets_frozen: bool = False
    workspaces_left_alone: tuple[str, ...] = ()
    workspaces_hung: tuple[str, ...] = ()
    customers_refused: tuple[str, ...] = ()
    customers_refused_once: tuple[str, ...] = ()
    workspaces_walked: tuple[str, ...] = ()
    workspaces_erring: tuple[str, ...] = ()
    cursors_frozen: tuple[str, ...] = ()
    workflows_terminated: tuple[str, ...] = ()
    organisations_failing: Mapping[str, str] = field(default_factory=dict)
    organisations_slow: tuple[str, ...] = ()
    organisations_left_alone: tuple[str, ...] = ()
    scheduler_dead: bool = False
    statuses_refused: tuple[str, ...] = ()
    statuses_refused_once: tuple[str, ...] = ()
    desk_down: bool = False
    desk_down_once: bool = False
    mails_waiting: int = 2
    mails_stuck: bool = False
    syncs_stopped: bool = False
    repositories_left_alone: tuple[str, ...] = ()
    calls_left: int = 0
    calls_renewed_in: timedelta = timedelta()
    cache_left_alone: bool = False
    metrics_kept: bool = False
    worker_dead: bool = False
    revision_told: str = ""
    bursts: tuple[Burst, ...] = ()
    archive_stopped: bool = False
    backups_stopped: bool = False
    drill_stopped: bool = False
    tokens_forgotten: bool = False
    certificate_ends_in: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Expected:
    """An incident that a failure opens. `entity` as the rule names it; () for the whole.

    Attributes:
        says, omits: Words that stand in its fact or detail, and words that do not.
        recovers: It ends although nobody mends the failure.
        repeats: It names the earlier incident that it repeats.
        team: Who owns it, where it is not its rule's team.
    """

    rule: str
    severity: str
    failure_class: str = ""
    entity: tuple[tuple[str, str], ...] = ()
    says: str = ""
    omits: str = ""
    recovers: bool = False
    repeats: bool = False
    team: str = ""

    def __str__(self) -> str:
        """Say it in a line of `demo list`."""
        named = "".join(f" of {value}" for _, value in self.entity[:1])
        kind = f" ({self.failure_class})" if self.failure_class else ""
        again = " again" if self.repeats else ""
        owned = f" for {self.team}" if self.team else ""
        return f"{self.severity} {self.rule}{named}{kind}{again}{owned}"


def in_words(
    opens: Sequence[Expected], holds: Sequence[str] = (), later: Sequence[str] = ()
) -> str:
    """Return in words what is to be heard of something that breaks.

    Args:
        holds: Rules that are held under what opens.
        later: Rules that open when it lasts.
    """
    if not opens:
        return "stays silent"
    held = f"; holds {', '.join(holds)}" if holds else ""
    lasting = f"; {', '.join(later)} when it lasts" if later else ""
    return "opens " + ", ".join(map(str, opens)) + held + lasting


@dataclass(frozen=True, slots=True)
class Act:
    """What a failure does some time after it broke, once.

    Attributes:
        sets: Switches that it turns from then on, over those of the failure and of earlier acts.
    """

    after: timedelta
    steps: tuple[Step, ...] = ()
    sets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to break the demo.

    Attributes:
        part: Whose statements these are: `crm`, `desk` or `web_sync`.
        opens: The incidents it opens, in their order; a twin mostly opens none.
        holds: Rules that turn bad too and are rightly held under an expected one.
        later: Rules that rightly open beside it when it lasts.
        acts: What happens while it lasts, in the order of their time.
        when: The instants at which it can be seen, as a cron line in UTC: `40 14 * * *`; empty
            for any.
        takes: How long it must last before anybody can know of it.
        needs: For how long the demo must have been watched before, at that hour of each day.
        fades: For how long it can still be seen after it was mended.
    """

    id: str
    title: str
    part: str
    opens: tuple[Expected, ...] = ()
    holds: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    sets: Mapping[str, Any] = field(default_factory=dict)
    breaks: tuple[Step, ...] = ()
    keeps: tuple[Step, ...] = ()
    mends: tuple[Step, ...] = ()
    acts: tuple[Act, ...] = ()
    when: str = ""
    takes: timedelta = timedelta()
    fades: timedelta = timedelta()
    needs: timedelta = timedelta()

    def next_at(self, earliest: datetime) -> datetime:
        """Return when it can be seen next: at `earliest`, or then as soon as `when` says."""
        if not self.when:
            return earliest
        just_before = earliest - timedelta.resolution
        return next(next_slots(parse_cron(self.when), _UTC, just_before))

    @property
    def is_twin(self) -> bool:
        """Return whether it only looks like a failure: a letter stands behind its number."""
        return self.id[-1].islower() and self.id[-2].isdecimal()

    @property
    def expect(self) -> str:
        """Return in words what is to be heard of it."""
        return in_words(self.opens, self.holds, self.later)
