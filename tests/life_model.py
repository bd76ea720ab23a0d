"""What becomes of an incident, told a second time and without the service's code: a model to compare with.

A `Desk` is the whole of it: who is on call, one rule that watches a few things, and their incidents. Each
method is something that happens; one that people ask for returns False when it must be refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
ORDER = ("ana", "raj", "mei")
"""The first is on call, all the time."""

LEAD = "tom"
RUNG_AFTER = (10 * MINUTE, 15 * MINUTE, 15 * MINUTE)
"""How long each owner has: whoever is on call, who follows, the lead."""

TAKE_LASTS = OFFER_LASTS = 30 * MINUTE
REOPEN_WITHIN = timedelta(hours=1)
ANSWER_WITHIN = timedelta(days=3)
GONE_FOR = timedelta(days=1)
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
    has_cause: bool = False

    @property
    def is_live(self) -> bool:
        return self.state in {"open", "taken"}

    def page(self, now: datetime) -> None:
        self.state, self.paged_at = "open", now


@dataclass
class Counts:
    """Checks of one thing in a row."""

    bad: int = 0
    good: int = 0
    severity: str = ""


@dataclass
class Desk:
    """Everything that is known, by the model."""

    cases: list[Case] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)
    gone: dict[str, datetime] = field(default_factory=dict)
    is_watched: bool = True

    def live(self, thing: str) -> Case | None:
        return next((one for one in self.cases if one.thing == thing and one.is_live), None)

    # --- what the checks see ---

    def see_bad(self, thing: str, severity: str, now: datetime) -> None:
        counts = self.counts.setdefault(thing, Counts())
        case = self.live(thing)
        counts.bad, counts.good = counts.bad + 1, 0
        if case:
            is_worse = (case.severity, severity) == ("warning", "critical")
            case.severity = severity
            case.paged_at = now if is_worse else case.paged_at
        elif counts.bad >= CHECKS:
            self._open(thing, severity, now)

    def _open(self, thing: str, severity: str, now: datetime) -> None:
        ended = [one for one in self.cases if one.thing == thing and one.state == "recovered"]
        latest = max(ended, key=lambda one: one.recovered_at or now, default=None)
        if latest and latest.recovered_at and now - latest.recovered_at <= REOPEN_WITHIN:
            latest.severity, latest.rung, latest.recovered_at = severity, 0, None
            latest.page(now)
            return
        number = len(self.cases) + 1
        self.cases.append(Case(number, thing, severity, ORDER[0], now, paged_at=now))

    def see_good(self, thing: str, now: datetime) -> None:
        case = self.live(thing)
        if case is None:
            self.counts.pop(thing, None)
            return
        counts = self.counts[thing]
        counts.good += 1
        if counts.good >= CHECKS:
            case.state, case.recovered_at, case.offered_to = "recovered", now, ""
            del self.counts[thing]

    def see_no_more(self, told: set[str], now: datetime) -> None:
        """Of what is bad and not told of the data says nothing; for a day, then nobody can tell."""
        for thing in told:
            self.gone.pop(thing, None)
        for one in self.cases:
            if one.is_live and one.thing not in told:
                since = self.gone.setdefault(one.thing, now)
                if now - since >= GONE_FOR:
                    one.state, one.offered_to = "resolved", ""
                    del self.counts[one.thing], self.gone[one.thing]

    def stop_watching(self) -> None:
        """The rule is gone: what it saw is over, without a cause that a person gave."""
        self.is_watched = False
        self.counts.clear()
        self.gone.clear()
        for one in self.cases:
            if one.is_live:
                one.state, one.offered_to = "resolved", ""

    # --- what comes when nobody acts ---

    def let_pass(self, now: datetime) -> None:
        """Do the first thing that is due of each incident."""
        for one in self.cases:
            due = min(self._due(one), key=lambda pair: pair[0], default=None)
            if due and due[0] <= now:
                due[1](one, now)

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
            due.append((max(known) + TAKE_LASTS, self._expire))
        return due

    def _lapse(self, one: Case, _: datetime) -> None:
        one.offered_to = ""

    def _give_up(self, one: Case, _: datetime) -> None:
        one.state, one.offered_to = "resolved", ""

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

    def take(self, one: Case, person: str, now: datetime, *, over: bool) -> bool:
        is_offered = one.offered_to == person
        if one.state == "resolved" or (one.state != "open" and not is_offered and not over):
            return False
        if one.state != "open" and not is_offered and one.owner == person:
            return False
        one.owner, one.offered_to, one.acted_at = person, "", now
        one.state = "taken" if one.state == "open" else one.state
        return True

    def offer(self, one: Case, giver: str, receiver: str, now: datetime) -> bool:
        if one.state == "resolved" or one.owner != giver or receiver == giver:
            return False
        one.offered_to, one.acted_at = receiver, now
        return True

    def give_back(self, one: Case, person: str, now: datetime) -> bool:
        if one.state != "taken" or one.owner != person:
            return False
        one.owner = ORDER[1] if person == ORDER[0] else ORDER[0]
        one.rung, one.offered_to, one.acted_at = 0, "", now
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

    def note(self, one: Case, now: datetime) -> bool:
        one.acted_at = now
        return True

    def resolve(self, one: Case, now: datetime, *, has_answer: bool) -> bool:
        if one.state != "recovered" or not has_answer:
            return False
        one.state, one.offered_to, one.acted_at, one.has_cause = "resolved", "", now, True
        return True
