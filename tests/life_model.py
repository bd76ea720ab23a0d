"""What becomes of an incident, told a second time and without the service's code: a model to compare with.

A `Desk` is the whole of it: who is on call, one rule that watches a few things, and their incidents. Each
method is something that happens; one that people ask for returns False when it must be refused.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

MINUTE = timedelta(minutes=1)
ORDER = ("ana", "raj", "mei")
"""The first is on call, all the time."""

LEAD = "tom"
RUNG_AFTER = (10 * MINUTE, 15 * MINUTE, 15 * MINUTE)
"""How long each owner has: whoever is on call, who follows, the lead."""

TAKE_LASTS = OFFER_LASTS = 30 * MINUTE
REOPEN_WITHIN = timedelta(hours=1)
SNOOZE_MAX = GONE_FOR = timedelta(days=1)
RESULTS, FLAPS_AT, CALM_BELOW = 20, 0.30, 0.25
"""Of so many results, which share of changes between them is flapping, and which no more."""

LEVELS = {"good": 0, "warning": 2, "critical": 3}
ANSWER_WITHIN = timedelta(days=3)
CHECKS = 2
"""Bad ones until it opens, good ones until it has recovered."""


@dataclass
class Case:
    """One incident as people see it, and what its deadlines are counted from."""

    number: int
    thing: str
    severity: str
    owner: str
    opened_at: datetime
    state: str = "open"
    offered_to: str = ""
    rung: int = 0
    paged_at: datetime | None = None
    acted_at: datetime | None = None
    recovered_at: datetime | None = None
    resolved_at: datetime | None = None
    snoozed_until: datetime | None = None
    has_cause: bool = False
    is_withdrawn: bool = False
    is_reopened: bool = False
    """By hand, and its checks have not been bad since."""

    is_unneeded: bool = False

    @property
    def is_live(self) -> bool:
        return self.state in {"open", "taken"}

    def page(self, now: datetime) -> None:
        self.state, self.paged_at, self.snoozed_until = "open", now, None

    def end(self, now: datetime, *, has_cause: bool = False) -> None:
        self.state, self.offered_to, self.snoozed_until = "resolved", "", None
        self.resolved_at, self.has_cause = now, has_cause

    def belongs_to(self, person: str, now: datetime) -> None:
        self.snoozed_until = self.snoozed_until if self.owner == person else None
        self.owner, self.offered_to, self.acted_at = person, "", now


@dataclass
class Counts:
    """Checks of one thing in a row."""

    bad: int = 0
    good: int = 0
    gone_since: datetime | None = None


@dataclass
class Results:
    """How one thing was lately, the newest last."""

    levels: list[int] = field(default_factory=list)
    at: datetime | None = None
    is_flapping: bool = False

    def note(self, level: int, now: datetime) -> bool:
        """Return whether it flaps now."""
        self.levels, self.at = [*self.levels, level][-RESULTS:], now
        changes = sum(one != two for one, two in pairwise(self.levels))
        limit = CALM_BELOW if self.is_flapping else FLAPS_AT
        self.is_flapping = changes / (RESULTS - 1) >= limit
        return self.is_flapping


@dataclass
class Desk:
    """Everything that is known, by the model."""

    cases: list[Case] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)
    results: dict[str, Results] = field(default_factory=dict)
    unseen_since: datetime | None = None
    is_watched: bool = True

    def live(self, thing: str) -> Case | None:
        return next((one for one in self.cases if one.thing == thing and one.is_live), None)

    def watched(self, thing: str) -> Case | None:
        """Return the live case that the checks decide about; people decide about what they reopened."""
        case = self.live(thing)
        return case if case and not case.is_reopened else None

    # --- what the checks see ---

    def look(self, bad: dict[str, str], good: Iterable[str], now: datetime) -> None:
        """See some things bad, others good; of those that are watched and not named the data is silent."""
        for thing, severity in bad.items():
            self._see_bad(thing, severity, now)
        for thing in good:
            self._see_good(thing, now)
        for thing in set(self.counts) - set(bad) - set(good):
            self._see_gone(thing, now)
        for thing in set(self.results) - set(bad) - set(self.counts):
            if self.results[thing].at != now:
                self._note(thing, "good", now)
        self.unseen_since = None

    def find_nothing(self, now: datetime) -> None:
        for thing in list(self.counts):
            self._see_gone(thing, now)
        self.unseen_since = None

    def fail_to_look(self, now: datetime) -> None:
        """What is not seen is not gone: the time until the next look does not count."""
        self.unseen_since = self.unseen_since or now

    def restart(self) -> None:
        self.results.clear()
        self.unseen_since = None

    def _note(self, thing: str, level: str, now: datetime) -> bool:
        if thing not in self.results and level == "good":
            return False
        flaps = self.results.setdefault(thing, Results()).note(LEVELS[level], now)
        if not any(self.results[thing].levels):
            del self.results[thing]
        return flaps

    def _see_bad(self, thing: str, severity: str, now: datetime) -> None:
        flaps = self._note(thing, severity, now)
        counts = self.counts.setdefault(thing, Counts())
        case = self.watched(thing)
        counts.bad, counts.good, counts.gone_since = counts.bad + 1, 0, None
        if case:
            if (case.severity, severity) == ("warning", "critical"):
                case.severity, case.paged_at, case.snoozed_until = severity, now, None
            elif not flaps:
                case.severity = severity
        elif counts.bad >= CHECKS:
            self._open(thing, severity, now)

    def _open(self, thing: str, severity: str, now: datetime) -> None:
        reopened = self.live(thing)
        if reopened:
            reopened.severity, reopened.is_reopened = severity, False
            reopened.paged_at, reopened.snoozed_until = now, None
            return
        ended = [one for one in self.cases if one.thing == thing and one.state == "recovered"]
        latest = max(ended, key=lambda one: one.recovered_at or now, default=None)
        if latest and latest.recovered_at and now - latest.recovered_at <= REOPEN_WITHIN:
            latest.severity, latest.rung, latest.recovered_at = severity, 0, None
            latest.page(now)
            return
        number = len(self.cases) + 1
        self.cases.append(Case(number, thing, severity, ORDER[0], now, paged_at=now))

    def _see_good(self, thing: str, now: datetime) -> None:
        if thing not in self.counts:
            return
        flaps, counts, case = (
            self._note(thing, "good", now),
            self.counts[thing],
            self.watched(thing),
        )
        counts.good, counts.gone_since = counts.good + 1, None
        if case is None:
            del self.counts[thing]
        elif counts.good >= CHECKS and not flaps:
            case.state, case.recovered_at, case.offered_to = "recovered", now, ""
            case.snoozed_until = None
            del self.counts[thing]
        else:
            counts.bad = 0

    def _see_gone(self, thing: str, now: datetime) -> None:
        case, counts = self.watched(thing), self.counts[thing]
        if case is None:
            return
        unseen = now - (self.unseen_since or now)
        counts.gone_since = counts.gone_since + unseen if counts.gone_since else now
        if now - counts.gone_since >= GONE_FOR:
            case.end(now)
            case.is_withdrawn = True
            del self.counts[thing]

    def stop_watching(self, now: datetime) -> None:
        """The rule is gone: what it saw is over, without a cause; what a person reopened is theirs."""
        self.is_watched = False
        self.counts.clear()
        self.restart()
        for one in self.cases:
            if one.is_live and not one.is_reopened:
                one.end(now)
                one.is_withdrawn = True

    # --- what comes when nobody acts ---

    def let_pass(self, now: datetime) -> None:
        """Do of each incident what is due, one thing after the other."""
        for one in self.cases:
            while due := [pair for pair in self._due(one) if pair[0] <= now]:
                min(due, key=lambda pair: pair[0])[1](one, now)

    def _due(self, one: Case) -> list[tuple[datetime, Callable[[Case, datetime], object]]]:
        due: list[tuple[datetime, Callable[[Case, datetime], object]]] = []
        if one.offered_to and one.acted_at:
            due.append((one.acted_at + OFFER_LASTS, self._lapse))
        if one.state == "recovered" and one.recovered_at:
            due.append((one.recovered_at + ANSWER_WITHIN, self._give_up))
        if one.state == "open" and one.paged_at and one.rung <= 2:
            due.append((one.paged_at + RUNG_AFTER[one.rung], self._pass_on))
        if one.state == "taken" and one.severity == "critical":
            known = [at for at in (one.acted_at, one.paged_at, one.opened_at) if at]
            at = max(known) + TAKE_LASTS
            due.append((max(at, one.snoozed_until or at), self._expire))
        return due

    def _lapse(self, one: Case, _: datetime) -> None:
        one.offered_to = ""

    def _give_up(self, one: Case, now: datetime) -> None:
        one.end(now, has_cause=one.is_unneeded)

    def _expire(self, one: Case, now: datetime) -> None:
        one.rung, one.offered_to = 0, ""
        one.page(now)

    def _pass_on(self, one: Case, now: datetime) -> bool:
        """Return whether somebody else has it now."""
        follows = next(name for name in (*ORDER[1:], LEAD) if name != one.owner)
        for rung, person in enumerate((follows, LEAD), start=1):
            if rung > one.rung and person != one.owner:
                one.owner, one.rung, one.offered_to = person, rung, ""
                one.page(now)
                return True
        one.rung = 3
        return False

    # --- what people do ---

    def take(self, one: Case, person: str, now: datetime, *, over: bool = False) -> bool:
        is_offered = one.offered_to == person
        if one.state == "resolved" or (one.state != "open" and not is_offered and not over):
            return False
        if one.state != "open" and not is_offered and one.owner == person:
            return False
        if one.state == "open":
            one.state = "taken"
        one.belongs_to(person, now)
        return True

    def offer(self, one: Case, giver: str, receiver: str, now: datetime) -> bool:
        if one.state == "resolved" or one.owner != giver or receiver == giver:
            return False
        one.offered_to, one.acted_at = receiver, now
        return True

    def decline(self, one: Case, person: str, now: datetime) -> bool:
        if one.state == "resolved" or one.offered_to != person:
            return False
        one.offered_to, one.acted_at = "", now
        return True

    def give_back(self, one: Case, person: str, now: datetime) -> bool:
        if one.state != "taken" or one.owner != person:
            return False
        one.belongs_to(ORDER[1] if person == ORDER[0] else ORDER[0], now)
        one.rung = 0
        one.page(now)
        return True

    def escalate(self, one: Case, now: datetime) -> bool:
        if one.state != "open":
            return False
        before = replace(one)
        if self._pass_on(one, now):
            one.acted_at = now
            return True
        vars(one).update(vars(before))
        return False

    def snooze(self, one: Case, person: str, span: timedelta, now: datetime) -> bool:
        if one.state != "taken" or one.owner != person or span > SNOOZE_MAX:
            return False
        one.snoozed_until, one.acted_at = now + span, now
        return True

    def note(self, one: Case, now: datetime) -> bool:
        one.acted_at = now
        return True

    def reopen(self, one: Case, person: str, now: datetime) -> bool:
        over_for = now - (one.resolved_at or now)
        is_over = one.state in {"recovered", "resolved"} and not one.is_withdrawn
        if not is_over or over_for > REOPEN_WITHIN or self.live(one.thing):
            return False
        one.belongs_to(person, now)
        one.state, one.is_reopened, one.rung, one.has_cause = "taken", True, 0, False
        one.recovered_at = one.resolved_at = one.snoozed_until = None
        return True

    def call_unneeded(self, one: Case, now: datetime) -> bool:
        if one.state == "resolved":
            return False
        one.is_unneeded, one.acted_at = True, now
        if one.state == "recovered":
            one.end(now, has_cause=True)
        return True

    def resolve(self, one: Case, person: str, now: datetime, *, has_answer: bool) -> bool:
        is_by_hand = one.is_live and one.is_reopened and one.owner == person
        if not has_answer or not (one.state == "recovered" or is_by_hand):
            return False
        one.end(now, has_cause=True)
        one.acted_at = now
        return True
