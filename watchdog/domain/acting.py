"""Guarded recovery actions: who may run one, when, and what came of it.

Each function returns what is to be written, or raises `Refused` with the sentence the person reads;
then nothing has changed. The schema holds the same rules as constraints where it can.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifiers.base import Event
from rules.spans import short_span
from rules.values import dataclass
from watchdog.domain.incident import WATCHDOG, Happened, Incident, Refused, State, Transition
from watchdog.domain.step import step
from watchdog.domain.stopping import Stop, stopped

APPROVED_WITHIN = timedelta(minutes=15)
"""How long a run that needs a second person waits for one."""

DAY = timedelta(days=1)
WORDS_MAX = 500


class Guard(StrEnum):
    """What must hold at the instant at which an action takes effect."""

    STILL_OPEN = "still_open"
    STILL_BAD = "still_bad"


class Standing(StrEnum):
    """Where a run is, or how it ended.

    `busy`: the receiver is doing it already. `refused`: the guard or a limit held it back; nothing
    was changed. `failed`: it did not take effect. `unknown`: nobody can tell whether it did.
    """

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    BUSY = "busy"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    LAPSED = "lapsed"


UNDER_WAY = (Standing.WAITING, Standing.RUNNING)
TRIES = (Standing.RUNNING, Standing.DONE, Standing.FAILED, Standing.UNKNOWN)
"""What counts towards a cap, and asks for a new mitigation before the next."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms an action may be run.

    Attributes:
        label: What it does, in a few words.
        at_most: How many runs there may be of one incident, or of the rule within a day.
        is_daily: Those of the rule within a day are counted.
        two_people: Somebody else must approve each run.
        what: What it does, as a digest.
    """

    name: str
    label: str
    needs_hypothesis: bool = True
    again_needs_mitigation: bool = True
    at_most: int = 3
    is_daily: bool = False
    guard: Guard = Guard.STILL_OPEN
    two_people: bool = False
    what: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an action.

    Attributes:
        number: Counted from 1 in its incident.
        key: The same for a run and those that follow it while its outcome is unknown, so that a
            receiver can tell that it is asked for the same once more.
        ends_by: When it counts as lapsed while it waits, as unknown while it runs.
        words: What came of it.
        rows: How many rows it changed, where it changed rows.
        what: What the action did when it was asked for, as a digest.
    """

    number: int
    action: str
    label: str
    person: str
    standing: Standing
    key: str
    asked_at: datetime
    ends_by: datetime
    hypothesis: str = ""
    mitigation: str = ""
    two_people: bool = False
    approved_by: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    words: str = ""
    rows: int | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """What was run before.

    Attributes:
        runs: Those of the incident, the oldest first.
        within_day: How often the rule's action was tried within the last day, on any incident.
        stop: All actions are stopped.
    """

    runs: Sequence[Run] = ()
    within_day: int = 0
    stop: Stop | None = None

    def tries(self, action: str) -> list[Run]:
        """Return the runs of an action that count."""
        return [one for one in self.runs if one.action == action and one.standing in TRIES]

    @property
    def under_way(self) -> Run | None:
        """Return the run that waits or runs; there is one at most."""
        return next((one for one in self.runs if one.standing in UNDER_WAY), None)

    @property
    def hypothesis(self) -> str:
        """Return what was said last of what is wrong."""
        return next((one.hypothesis for one in reversed(self.runs) if one.hypothesis), "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run, as whoever ran it saw it."""

    standing: Standing
    words: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """A run as it is from now on, and the entry of the incident's timeline that says so."""

    run: Run
    transition: Transition


def hindrance(
    incident: Incident, terms: Terms, history: History, person: str, now: datetime
) -> str:
    """Return why a person cannot run an action now, whatever they say of it; empty: they can."""
    return (
        _not_theirs(incident, person)
        or stopped(history.stop, now)
        or guarded(incident, terms)
        or _under_way(incident, history.under_way, now)
        or _over_cap(incident, terms, history)
    )


def _not_theirs(incident: Incident, person: str) -> str:
    number = f"#{incident.id}"
    if incident.state is State.RESOLVED:
        return f"{number} is resolved; there is nothing left to act on"
    if incident.state is State.RECOVERED:
        return f"{number} has recovered; there is nothing left to act on"
    if incident.state is State.OPEN:
        return f"{number} is not taken; take it first: only its owner acts on it"
    if incident.owner != person:
        return (
            f"{number} belongs to {incident.owner}; only its owner acts on it. "
            "Take it over if that is agreed"
        )
    return ""


def guarded(incident: Incident, terms: Terms) -> str:
    """Return why the guard of an action does not hold; empty: it does."""
    if incident.state not in (State.OPEN, State.TAKEN):
        return f"#{incident.id} is {incident.state} meanwhile"
    if terms.guard is Guard.STILL_BAD and not incident.bad_now:
        return (
            f"the latest check of #{incident.id} was good ({incident.fact}), "
            f"and `{terms.name}` is only for what is still bad"
        )
    return ""


def _under_way(incident: Incident, run: Run | None, now: datetime) -> str:
    if run is None:
        return ""
    if run.standing is Standing.WAITING:
        return (
            f"`{run.action}` has been waiting for a second person for "
            f"{short_span(now - run.asked_at)}; somebody other than {run.person} approves it: "
            f"watchdog act {incident.id} {run.action} --approve"
        )
    since = short_span(now - (run.started_at or run.asked_at))
    return f"`{run.action}` of #{incident.id} has been running for {since}; wait for its end"


def _over_cap(incident: Incident, terms: Terms, history: History) -> str:
    count = history.within_day if terms.is_daily else len(history.tries(terms.name))
    if count < terms.at_most:
        return ""
    where = "within a day" if terms.is_daily else f"on #{incident.id}"
    cap = f"{terms.at_most} per {'day' if terms.is_daily else 'incident'}"
    times = "once" if count == 1 else f"{count} times"
    return f"`{terms.name}` was run {times} {where}, and {cap} is the most; what is left is by hand"


def needs_mitigation(terms: Terms, history: History) -> bool:
    """Return whether the next run of an action needs words on what is different this time."""
    tries = history.tries(terms.name)
    return bool(tries) and (terms.again_needs_mitigation or tries[-1].standing is Standing.UNKNOWN)


def ask(
    incident: Incident,
    terms: Terms,
    history: History,
    person: str,
    hypothesis: str,
    mitigation: str,
    now: datetime,
    lasts: timedelta,
) -> Moved:
    """Return the run that a person asks for: it runs from now on, or waits for a second person.

    Args:
        hypothesis: What is wrong; what was said last by default.
        mitigation: What is different this time.
        lasts: How long the run may last before nobody can know what came of it.

    Raises:
        Refused: The person may not, not now, or has not said enough.
    """
    if words := hindrance(incident, terms, history, person, now):
        raise Refused(words)
    hypothesis = _cut(hypothesis) or history.hypothesis
    if terms.needs_hypothesis and not hypothesis:
        raise Refused(
            f"say what you think is wrong before you run `{terms.name}`: a hypothesis, in a sentence"
        )
    mitigation = _cut(mitigation)
    _require_news(incident, terms, history, mitigation)
    run = _run(incident, terms, history, person, hypothesis, mitigation, now, lasts)
    event = Event.ACTION_ASKED if terms.two_people else Event.ACTION_BEGUN
    said = "; this time: ".join(filter(None, (hypothesis, mitigation)))
    words = f"{terms.label}: {said}" if said else terms.label
    return Moved(run, step(incident, Happened(event, now, person, words)))


def _run(
    incident: Incident,
    terms: Terms,
    history: History,
    person: str,
    hypothesis: str,
    mitigation: str,
    now: datetime,
    lasts: timedelta,
) -> Run:
    tries = history.tries(terms.name)
    number = max((one.number for one in history.runs), default=0) + 1
    is_same = bool(tries) and tries[-1].standing is Standing.UNKNOWN
    return Run(
        number,
        terms.name,
        terms.label,
        person,
        Standing.WAITING if terms.two_people else Standing.RUNNING,
        tries[-1].key if is_same else f"watchdog-{incident.id}-{number}",
        asked_at=now,
        ends_by=now + (APPROVED_WITHIN if terms.two_people else lasts),
        hypothesis=hypothesis,
        mitigation=mitigation,
        two_people=terms.two_people,
        started_at=None if terms.two_people else now,
        what=terms.what,
    )


def _cut(words: str) -> str:
    return " ".join(words.split())[:WORDS_MAX]


def _require_news(incident: Incident, terms: Terms, history: History, mitigation: str) -> None:
    """Raise unless a run that is not the first comes with words that were not said before."""
    if not needs_mitigation(terms, history):
        return
    tries = history.tries(terms.name)
    last = tries[-1]
    before = {_folded(one.mitigation) for one in tries} | {_folded(one.hypothesis) for one in tries}
    if mitigation and _folded(mitigation) not in before:
        return
    if last.standing is Standing.UNKNOWN:
        raise Refused(
            f"nobody knows whether the last run of `{terms.name}` took effect: {last.words}. "
            "See for yourself whether it did; to run it once more, say what is different this time"
        )
    if mitigation:
        raise Refused(
            f"this was said before on #{incident.id}; to run `{terms.name}` again, "
            "say what is different this time"
        )
    raise Refused(
        f"`{terms.name}` was run before on #{incident.id} ({last.standing}); "
        "to run it again, say what is different this time: a new mitigation"
    )


def _folded(words: str) -> str:
    return " ".join(words.casefold().split())


def approve(
    incident: Incident,
    terms: Terms,
    history: History,
    person: str,
    now: datetime,
    lasts: timedelta,
) -> Moved:
    """Return the run that waits, running from now on, because a second person approves it.

    Raises:
        Refused: Nothing waits, it was asked for by the same person, or it may not be run any more.
    """
    run = history.under_way
    if run is None or run.standing is not Standing.WAITING or run.action != terms.name:
        raise Refused(f"no run of `{terms.name}` waits for a second person on #{incident.id}")
    if run.person == person:
        raise Refused(f"you asked for `{run.action}` yourself; somebody else must approve it")
    words = (
        _not_theirs(incident, run.person)
        or stopped(history.stop, now)
        or guarded(incident, terms)
        or _changed_since(run, terms)
        or _over_cap(incident, terms, history)
    )
    if words:
        raise Refused(words)
    begun = replace(
        run,
        standing=Standing.RUNNING,
        approved_by=person,
        started_at=now,
        ends_by=now + lasts,
    )
    said = f"{run.label}: approved, asked for by {run.person}"
    return Moved(begun, step(incident, Happened(Event.ACTION_BEGUN, now, person, said)))


def _changed_since(run: Run, terms: Terms) -> str:
    if run.what == terms.what:
        return ""
    return (
        f"`{run.action}` does something else now than when {run.person} asked for it; "
        "let it lapse, and ask again"
    )


def ended(
    incident: Incident, run: Run, outcome: Outcome, now: datetime, actor: str = WATCHDOG
) -> Moved:
    """Return the end of a run."""
    after = replace(
        run, standing=outcome.standing, words=outcome.words, rows=outcome.rows, ended_at=now
    )
    words = f"{run.label}: {outcome.standing}, {outcome.words}"
    return Moved(after, step(incident, Happened(Event.ACTION_RAN, now, actor, words)))


LAPSED = Outcome(Standing.LAPSED, f"nobody approved it within {short_span(APPROVED_WITHIN)}")
FORSAKEN = Outcome(
    Standing.UNKNOWN, "whoever ran it stopped in the middle; it may have taken effect or not"
)


def overdue(run: Run) -> Outcome:
    """Return how a run ends whose time is over."""
    assert run.standing in UNDER_WAY
    return LAPSED if run.standing is Standing.WAITING else FORSAKEN
