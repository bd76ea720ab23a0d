"""Everything that can be broken in the demo, by the ids of the failures it is watched for.

A failure is data. `sets` turns switches that the systems honour at every tick while it is broken;
`breaks` runs once when it breaks, `keeps` at every tick, `mends` once when it is mended: statements
of `sql/failures_crm.sql`, `…_desk.sql` and `…_web_sync.sql` with what they are given. A letter
after the number marks a twin: it looks like the failure, and nobody may be told of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeAlias

from watchdog.demo.places import tenant_of

USUAL_RUN = timedelta(seconds=40)
LONG_RUN = timedelta(minutes=6)

Step: TypeAlias = tuple[Any, ...]
"""The name of a statement and what it is given after `now`."""


@dataclass(frozen=True, slots=True)
class Switches:
    """What the living systems do differently while something is broken.

    Attributes:
        zendesk_error: What every run fails with; empty when they succeed.
        zendesk_quiet: Runs succeed and find nothing.
        zendesk_hangs: No run starts or ends.
        tickets_frozen: Runs do not touch the tickets.
        workspaces_left_alone: Their contact sync neither starts nor ends.
        customers_refused, customers_refused_once: Workspaces whose CRM refuses us, always or at
            the first request only.
        organisations_failing: What the syncs of an organisation fail with.
        desk_down, desk_down_once: The desk answers 503, always or to the first request only.
        mails_waiting: How many mails wait at any moment.
        mails_stuck: Mails that have waited for a quarter of an hour wait for ever.
    """

    zendesk_error: str = ""
    zendesk_quiet: bool = False
    zendesk_hangs: bool = False
    zendesk_took: timedelta = USUAL_RUN
    tickets_frozen: bool = False
    workspaces_left_alone: tuple[str, ...] = ()
    customers_refused: tuple[str, ...] = ()
    customers_refused_once: tuple[str, ...] = ()
    organisations_failing: Mapping[str, str] = field(default_factory=dict)
    desk_down: bool = False
    desk_down_once: bool = False
    mails_waiting: int = 2
    mails_stuck: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """An incident that a failure opens. `entity` as the rule names it; () for the whole."""

    rule: str
    severity: str
    failure_class: str = ""
    entity: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Say it in a line of `demo list`."""
        named = "".join(f" of {value}" for _, value in self.entity[:1])
        kind = f" ({self.failure_class})" if self.failure_class else ""
        return f"{self.severity} {self.rule}{named}{kind}"


@dataclass(frozen=True, slots=True)
class Failure:
    """One way to break the demo.

    Attributes:
        part: Whose statements these are: `crm`, `desk` or `web_sync`.
        opens: The incidents it opens; none for a twin.
        holds: Rules that turn bad too and are rightly held under an expected one.
        later: Rules that rightly open beside it when it lasts.
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

    @property
    def is_twin(self) -> bool:
        """Return whether it must stay silent."""
        return not self.opens

    @property
    def expect(self) -> str:
        """Return in words what is to be heard of it."""
        if self.is_twin:
            return "stays silent"
        later = f"; {', '.join(self.later)} when it lasts" if self.later else ""
        holds = f"; holds {', '.join(self.holds)}" if self.holds else ""
        return "opens " + ", ".join(map(str, self.opens)) + holds + later


def switches(broken: Iterable[str]) -> Switches:
    """Return how the systems behave while these failures are broken; unknown ids change nothing."""
    state = Switches()
    for one in broken:
        if one in FAILURES:
            state = replace(state, **FAILURES[one].sets)
    return state


# These functions are tables: longer than 50 lines, and read line by line.


def _zendesk() -> tuple[Failure, ...]:
    stale, failing, hangs = "zendesk-tickets-stale", "zendesk-runs-failing", "zendesk-run-hangs"
    outage = "connection reset by peer while reading page 3"
    refused = "401 Unauthorized: invalid API token"
    of_a_customer = "Error 401 Unauthorized: invalid token"
    good_run = (("add_good_run",),)
    return (
        Failure(
            "Z1", "Tickets stopped updating", "crm",
            opens=(Expected(stale, "warning"),),
            sets={"tickets_frozen": True},
            breaks=(("age_tickets", timedelta(minutes=31)),),
        ),
        Failure(
            "Z1a", "A quiet night: runs succeed and fetch nothing", "crm",
            sets={"zendesk_quiet": True, "tickets_frozen": True},
            breaks=(("age_tickets", timedelta(minutes=40)), ("empty_last_run",)),
            mends=good_run,
        ),
        Failure(
            "Z1b", "Tickets are 29 minutes old", "crm",
            sets={"tickets_frozen": True},
            keeps=(("hold_tickets", timedelta(minutes=29)),),
        ),
        Failure(
            "Z2", "The ticket sync keeps failing", "crm",
            opens=(Expected(failing, "warning", "transient"),), later=(stale,),
            sets={"zendesk_error": outage},
            breaks=(("fail_runs", 1, 3, outage),), mends=good_run,
        ),
        Failure(
            "Z2a", "Two failed runs, then a good one", "crm",
            breaks=(("fail_runs", 2, 3, outage),), mends=good_run,
        ),
        Failure(
            "Z2b", "A run in progress on top of two failed ones", "crm",
            sets={"zendesk_took": LONG_RUN},
            breaks=(("begin_run", timedelta(minutes=1)), ("fail_runs", 1, 2, outage)),
            mends=good_run,
        ),
        Failure(
            "Z3", "The API token of the ticket sync is refused", "crm",
            opens=(Expected(failing, "critical", "auth_config"),), later=(stale,),
            sets={"zendesk_error": refused},
            breaks=(("fail_runs", 1, 1, refused),), mends=good_run,
        ),
        Failure(
            "Z3a", "A ticket whose subject speaks of a 401", "crm",
            breaks=(
                ("add_ticket", of_a_customer),
                ("remark_on_last_run", f'skipped a picture in ticket "{of_a_customer}"'),
            ),
            mends=good_run,
        ),
        Failure(
            "Z7", "A ticket sync hangs", "crm",
            opens=(Expected(hangs, "warning"),), holds=(stale,),
            sets={"zendesk_hangs": True, "tickets_frozen": True},
            breaks=(("begin_run", timedelta(minutes=31)),),
            mends=(("end_runs",), *good_run),
        ),
        Failure(
            "Z7a", "A ticket sync has been running for five minutes", "crm",
            sets={"zendesk_took": LONG_RUN},
            breaks=(("begin_run", timedelta(minutes=5)),),
            mends=(("end_runs",), *good_run),
        ),
    )  # fmt: skip


def _background() -> tuple[Failure, ...]:
    name, error = "nairobi-books", "Zendesk answered 503 Service Unavailable"
    organisation = (("organization_id", name), ("system_type", "zendesk"))
    others = ("lagos-books", "cairo-books", "tunis-books")
    return (
        Failure(
            "B2", "One organisation's sync keeps failing", "web_sync",
            opens=(
                Expected("background-sync-failing", "warning", "transient", organisation),
            ),
            sets={"organisations_failing": {name: error}},
            breaks=(("fail_syncs", name, 3, error),), mends=(("add_good_sync", name),),
        ),
        Failure(
            "B2a", "Three organisations fail once each", "web_sync",
            breaks=tuple(("fail_syncs", other, 1, error) for other in others),
            mends=tuple(("add_good_sync", other) for other in others),
        ),
    )  # fmt: skip


def _contacts() -> tuple[Failure, ...]:
    stuck, slow, refused = "berlin-heating", "lima-plumbing", "denver-electric"
    return (
        Failure(
            "S1", "A contact sync is stuck in running", "crm",
            opens=(
                Expected("contact-sync-stuck", "warning", "", (("workspace_id", stuck),)),
            ),
            sets={"workspaces_left_alone": (stuck,)},
            breaks=(("run_contact_sync", stuck, timedelta(minutes=31)),),
            mends=(("end_contact_sync", stuck),),
        ),
        Failure(
            "S1a", "A contact sync has been running for ten minutes", "crm",
            sets={"workspaces_left_alone": (slow,)},
            keeps=(("run_contact_sync", slow, timedelta(minutes=10)),),
            mends=(("end_contact_sync", slow),),
        ),
        Failure(
            "S5", "A workspace's CRM refuses our credentials", "crm",
            opens=(
                Expected(
                    "contact-credentials", "critical", "auth_config",
                    (("workspace_id", refused), ("tenant_id", str(tenant_of(refused)))),
                ),
            ),
            sets={"customers_refused": (refused,)},
        ),
        Failure(
            "S5a", "One probe of a workspace's CRM fails", "crm",
            sets={"customers_refused_once": (refused,)},
        ),
    )  # fmt: skip


def _github() -> tuple[Failure, ...]:
    error = "HTTP 502 Bad Gateway from the code host"
    return (
        Failure(
            "W2", "Seven repositories fail for good", "crm",
            opens=(Expected("repositories-failing", "critical", "transient"),),
            breaks=(("fail_repositories", 7, error),), mends=(("mend_repositories",),),
        ),
        Failure(
            "W2a", "Exactly five repositories fail for good", "crm",
            breaks=(("fail_repositories", 5, error),), mends=(("mend_repositories",),),
        ),
    )  # fmt: skip


def _desk() -> tuple[Failure, ...]:
    up, degraded, ready = "desk-up", "desk-degraded", "desk-ready"
    recently, earlier = timedelta(minutes=5), timedelta(minutes=65)
    return (
        Failure(
            "E1", "The support desk answers 503", "desk",
            opens=(Expected(up, "critical"),), holds=(degraded, ready), sets={"desk_down": True},
        ),
        Failure(
            "E1a", "One probe of the support desk fails", "desk", sets={"desk_down_once": True}
        ),
        Failure(
            "E2", "More than a hundred mails wait", "desk",
            opens=(Expected(degraded, "warning"),),
            sets={"mails_waiting": 130}, mends=(("send_waiting_mails",),),
        ),
        Failure(
            "E2a", "Exactly a hundred mails wait and exactly fifty failed", "desk",
            sets={"mails_waiting": 100}, keeps=(("fill_failed_mails", 50),),
            mends=(("send_waiting_mails",), ("send_failed_mails",)),
        ),
        Failure(
            "E4", "Three mails are stuck in the queue", "desk",
            opens=(Expected("email-queue-stuck", "warning"),),
            sets={"mails_stuck": True},
            breaks=(("queue_mails", 3, timedelta(minutes=16)),), mends=(("send_waiting_mails",),),
        ),
        Failure(
            "E4a", "Ninety mails wait, and move", "desk",
            sets={"mails_waiting": 90}, mends=(("send_waiting_mails",),),
        ),
        Failure(
            "E5", "Three mails fail for good", "desk",
            opens=(Expected("email-failed-for-good", "warning", "transient"),),
            breaks=(("fail_mails", 3, recently, 5),), mends=(("send_failed_mails",),),
        ),
        Failure(
            "E5a", "Three mails have failed four times, not five", "desk",
            breaks=(("fail_mails", 3, recently, 4),), mends=(("send_failed_mails",),),
        ),
        Failure(
            "E5b", "Three mails that failed for good are still there an hour later", "desk",
            breaks=(("fail_mails", 3, earlier, 5),), mends=(("send_failed_mails",),),
        ),
    )  # fmt: skip


FAILURES: dict[str, Failure] = {
    one.id: one for system in (_zendesk, _background, _contacts, _github, _desk) for one in system()
}
"""Every failure by its id, in the order of `demo list`."""
