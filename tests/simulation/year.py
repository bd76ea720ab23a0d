"""When a simulated year is looked at, and when what breaks in it. Pure."""

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

from watchdog.config.model import Rule
from watchdog.demo.failure import Failure

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SLOT = timedelta(minutes=5)
"""How often a team looks in the simulation; every rule's interval is a multiple of it."""

BEFORE = timedelta(minutes=12)
"""Every slot is looked at from so long before something breaks."""

APART = timedelta(hours=3)
"""Between two failures: past the reopen window, and every incident has had time to end."""

AROUND_MIDNIGHT = timedelta(hours=1)
QUARTER_MONTHS = 3
_TRIES = 1000


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From one instant up to, but without, another."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Span") -> bool:
        """Return whether they have an instant in common."""
        return self.start < other.end and other.start < self.end

    def slots(self, every: timedelta) -> Iterator[datetime]:
        """Yield the whole multiples of `every` since 1970 that lie in it."""
        at = EPOCH + every * math.ceil((self.start - EPOCH) / every)
        while at < self.end:
            yield at
            at += every


YEAR = Span(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
WEEK = Span(datetime(2025, 9, 1, tzinfo=UTC), datetime(2025, 9, 8, tzinfo=UTC))
"""From a Monday to a Monday; every slot of it is looked at."""

ZONE = "America/New_York"
"""Both days on which it changes its time are looked at slot by slot: the packs' usual zone."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A failure that somebody breaks, and mends once it must have been found.

    Attributes:
        promised_at: By then each of its incidents has opened.
        over_at: By then each has ended.
    """

    failure: Failure
    broken_at: datetime
    promised_at: datetime
    over_at: datetime

    @property
    def mended_at(self) -> datetime:
        """Return the instant after the last slot in which it can be found."""
        return self.promised_at + timedelta(seconds=1)

    @property
    def span(self) -> Span:
        """Return when it can be seen, and a little before."""
        return Span(self.broken_at - BEFORE, self.over_at)

    @property
    def dense(self) -> tuple[Span, ...]:
        """Return when every slot counts: when it breaks, when it must be found, until it is over."""
        first = Span(self.broken_at - BEFORE, self.broken_at + HOUR)
        last = Span(self.promised_at - HOUR, self.over_at)
        return (self.span,) if first.overlaps(last) else (first, last)


def checked_for(rule: Rule) -> timedelta:
    """Return how long after it turned bad a rule may take to open an incident: slot by slot."""
    checks = max(rule.policy.open_after, 1 + math.ceil(rule.policy.open_for / rule.every))
    return rule.every * checks


def promised(failure: Failure, rules: Mapping[str, Rule]) -> timedelta:
    """Return how long after it broke all incidents of a failure must have opened."""
    return failure.takes + max(checked_for(rules[one.rule]) for one in failure.opens)


def plantable(failures: Iterable[Failure], rules: Mapping[str, Rule]) -> list[Failure]:
    """Return the failures that these rules watch, and that last until they must be found.

    One that changes, or ends, of its own accord before its rule has looked often enough is none
    that the rule promises to find.
    """
    return [
        one
        for one in failures
        if one.opens
        and not one.is_twin
        and all(expected.rule in rules for expected in one.opens)
        and all(act.after > promised(one, rules) for act in one.acts if act.steps or act.sets)
    ]


def planted(failure: Failure, rules: Mapping[str, Rule], at: datetime) -> Planted:
    """Return a failure that is broken at an instant."""
    promised_at = at + promised(failure, rules)
    ends = [
        rules[one.rule].every * (rules[one.rule].policy.recover_after + 1) for one in failure.opens
    ]
    return Planted(failure, at, promised_at, promised_at + failure.fades + max(ends))


def plant(
    order: Iterable[Failure],
    rules: Mapping[str, Rule],
    whole: Span,
    reserved: Iterable[Span],
    chance: random.Random,
) -> list[Planted]:
    """Return failures at random seconds, far apart from each other and from what is reserved.

    The fewer the instants at which one can be seen, the earlier it chooses.

    Raises:
        ValueError: There is no room for so many.
    """
    taken, found = list(reserved), []
    for failure in sorted(order, key=lambda one: _days_of(one, whole)):
        one = _free(failure, rules, whole, taken, chance)
        taken.append(one.span)
        found.append(one)
    return sorted(found, key=lambda one: one.broken_at)


def _days_of(failure: Failure, whole: Span) -> int:
    """Return on how many days a failure can be seen; one of any time comes after all others."""
    if not failure.when:
        return (whole.end - whole.start).days + 1
    return len({failure.next_at(day).date() for day in whole.slots(DAY)})


def _free(
    failure: Failure,
    rules: Mapping[str, Rule],
    whole: Span,
    taken: Sequence[Span],
    chance: random.Random,
) -> Planted:
    seconds = int((whole.end - whole.start).total_seconds())
    for _ in range(_TRIES):
        at = failure.next_at(whole.start + timedelta(seconds=chance.randrange(seconds)))
        one = planted(failure, rules, at)
        around = Span(one.span.start - APART, one.span.end + APART)
        inside = whole.start + failure.needs <= around.start and around.end <= whole.end
        if inside and not any(map(around.overlaps, taken)):
            return one
    raise ValueError(f"no room for {failure.id} between {whole.start} and {whole.end}")


def dealt(
    failures: Sequence[Failure], each: int, hands: int, chance: random.Random
) -> list[list[Failure]]:
    """Return so many different failures for each hand; each comes as often as all others, or once less.

    Raises:
        ValueError: There are not so many, or too many to come equally often.
    """
    spared = len(failures) - each
    left_out = chance.sample(failures, spared * hands)
    without = [left_out[hand * spared : (hand + 1) * spared] for hand in range(hands)]
    return [chance.sample([one for one in failures if one not in some], each) for some in without]


def changes_of_time(zone: str, whole: Span) -> list[Span]:
    """Return the days of a zone that have not 24 hours."""
    days = [Span(*one) for one in pairwise(_midnights(ZoneInfo(zone), whole))]
    return [one for one in days if one.end - one.start != DAY]


def month_ends(whole: Span) -> list[Span]:
    """Return the last hour of each month in UTC, and the first of the next."""
    firsts = [one for one in _midnights(UTC, whole) if one.day == 1]
    return [Span(one - AROUND_MIDNIGHT, one + AROUND_MIDNIGHT) for one in firsts]


def quarters(whole: Span) -> list[Span]:
    """Return the quarters of whole years in UTC; each goes on until the month's end is over."""
    firsts = [one for one in _midnights(UTC, whole) if one.day == 1]
    turns = [one for one in firsts if one.month % QUARTER_MONTHS == 1]
    return [Span(one, two + AROUND_MIDNIGHT) for one, two in pairwise(turns)]


def _midnights(zone: tzinfo, whole: Span) -> list[datetime]:
    days = range((whole.end - whole.start).days + 1)
    dates = [(whole.start + DAY * number).date() for number in days]
    return [datetime.combine(one, time(), zone).astimezone(UTC) for one in dates]


def always_dense(year: Span) -> list[Span]:
    """Return what of a year is looked at slot by slot whether something is planted or not."""
    return [WEEK, *changes_of_time(ZONE, year), *month_ends(year)]


def moments(whole: Span, dense: Iterable[Span]) -> list[datetime]:
    """Return when to look: at every slot of what is dense, and every whole hour besides."""
    found = set(whole.slots(HOUR))
    for one in dense:
        found.update(one.slots(SLOT))
    return sorted(at for at in found if whole.start <= at < whole.end)
