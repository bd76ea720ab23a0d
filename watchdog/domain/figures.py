"""The figures of a week: what opened in it, how soon somebody took it, and whom it woke. Pure.

Their definitions are fixed, so that weeks can be compared. Of what opened in a week everything counts that
has happened to it until now; of pages, what was sent in the week.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from statistics import median

from rules.base import Entity
from rules.hours import active_time
from rules.values import dataclass
from watchdog.domain.closing import CAUSE_KINDS, FALSE_ALARM, JOINED, WITHDRAWN
from watchdog.domain.incident import State
from watchdog.domain.pages import Hours, Push, is_at_night, pages
from watchdog.domain.people import Directory, Team
from watchdog.domain.reminders import hours_of
from watchdog.domain.weeks import Week

CAME_BACK_WITHIN = timedelta(days=28)
Thing = tuple[str, str, Entity]
"""A team, a rule and an entity: what an incident is about."""

_USEFUL = frozenset(CAUSE_KINDS) - {FALSE_ALARM}


@dataclass(frozen=True, slots=True)
class Opening:
    """That an incident about something opened; the same team, rule and entity are the same thing."""

    team: str
    rule: str
    entity: Entity
    opened_at: datetime

    @property
    def thing(self) -> Thing:
        """Return what it is about."""
        return (self.team, self.rule, self.entity)


@dataclass(frozen=True, slots=True)
class Change:
    """That an incident came into a state, and who owned it then."""

    at: datetime
    state: State
    owner: str


@dataclass(frozen=True, slots=True)
class History:
    """What of an incident's life counts.

    Attributes:
        changes: Of its state, in order; the first is its opening.
        first_good_at: First good check of the run that ended it; None: it has not recovered.
        first_bad_at: When it was first bad; None: nobody knows that it was before it opened.
        cause: As written. `unneeded`: why it needed nobody, if somebody said so.
    """

    opening: Opening
    changes: tuple[Change, ...]
    first_good_at: datetime | None = None
    cause_kind: str = ""
    id: int = 0
    first_bad_at: datetime | None = None
    cause: str = ""
    unneeded: str = ""

    @property
    def first_take(self) -> Change | None:
        """Return when somebody took it for the first time; None: nobody has."""
        return next((one for one in self.changes if one.state is State.TAKEN), None)

    @property
    def is_live(self) -> bool:
        """Return whether it is open or taken now."""
        return self.changes[-1].state in {State.OPEN, State.TAKEN}

    @property
    def is_useful(self) -> bool:
        """Return whether somebody took it and it had a cause other than a false alarm."""
        return self.cause_kind in _USEFUL and self.first_take is not None

    def bad_for(self, now: datetime) -> timedelta:
        """Return how long it was bad: until the first good check, or until now."""
        return (self.first_good_at or now) - (self.first_bad_at or self.opening.opened_at)

    def waits(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield from when until when it was open and nobody had taken it."""
        ends = (*self.changes[1:], Change(now, State.RESOLVED, ""))
        for one, following in zip(self.changes, ends, strict=True):
            if one.state is State.OPEN:
                yield one.at, following.at


@dataclass(frozen=True, slots=True)
class Record:
    """What the store knows of a week.

    Attributes:
        histories: Of what opened in it.
        earlier: What opened in the `CAME_BACK_WITHIN` before it.
        pushes: Those sent in it.
    """

    histories: Sequence[History]
    earlier: Sequence[Opening] = ()
    pushes: Sequence[Push] = ()


@dataclass(frozen=True, slots=True)
class CameBack:
    """Something that opened more than once; `times` counts the 28 days up to its latest opening."""

    team: str
    rule: str
    entity: Entity
    times: int

    @property
    def thing(self) -> Thing:
        """Return what it is about."""
        return (self.team, self.rule, self.entity)


@dataclass(frozen=True, slots=True)
class Load:
    """What a person had of the week."""

    person: str
    taken: int
    off_hours_pages: int
    night_pages: int


@dataclass(frozen=True, slots=True)
class Day:
    """How many incidents opened on a day, and how many of them at night; by the clock of the week."""

    day: date
    incidents: int
    at_night: int = 0


@dataclass(frozen=True, slots=True)
class Weekly:
    """The figures of a week.

    Attributes:
        incidents: What opened; a storm is one, and what joined it is part of it.
        withdrawn: How many of them ended because nobody watches them any more.
        not_taken: How many of them nobody took. Those and what `people` took are all `incidents`.
        still_open: How many of them are open or taken now.
        useful: How many of them somebody took that had a cause other than a false alarm.
        mtta: Median from an opening to the first Take; of no takes, None. `mtta_mean`: their mean.
        slowest_takes: The slowest tenth of the takes, at least one, took so long or longer.
        mttr: Median from an opening to the first good check of the run that ended it.
        time_not_taken: Summed over the incidents while open and not taken, around the clock.
        time_not_taken_at_work: The part of it in the working hours of their teams.
        night_pages: Of all people, those who have left the configuration excluded.
        people: Who took something or was paged outside working hours, by name.
        days: Each of the week, in its zone; together they have all `incidents`.
    """

    week: Week
    incidents: int
    withdrawn: int
    not_taken: int
    still_open: int
    useful: int
    mtta: timedelta | None
    mtta_mean: timedelta | None
    slowest_takes: timedelta | None
    mttr: timedelta | None
    time_not_taken: timedelta
    time_not_taken_at_work: timedelta
    night_pages: int
    came_back: tuple[CameBack, ...]
    people: tuple[Load, ...]
    days: tuple[Day, ...]


def weekly(week: Week, record: Record, directory: Directory, now: datetime) -> Weekly:
    """Return the figures of a week; what has not happened by `now` is not there yet."""
    own = own_of(record)
    takes = [(one, take) for one in own if (take := one.first_take)]
    waited = sorted(take.at - one.opening.opened_at for one, take in takes)
    taken = Counter(take.owner for _, take in takes)
    paged = Counter((one.person, one.hours) for one in pages(record.pushes, directory))
    load = tuple(
        Load(one, taken[one], paged[one, Hours.OFF], paged[one, Hours.NIGHT])
        for one in sorted({*taken, *(name for name, hours in paged if hours is not Hours.WORK)})
    )
    around_the_clock, at_work = _time_not_taken(own, directory, now)
    return Weekly(
        week=week,
        incidents=len(own),
        withdrawn=sum(one.cause_kind == WITHDRAWN for one in own),
        not_taken=len(own) - len(takes),
        still_open=sum(one.is_live for one in own),
        useful=sum(one.is_useful for one in own),
        mtta=_median(waited),
        mtta_mean=sum(waited, timedelta()) / len(waited) if waited else None,
        slowest_takes=waited[-_tenth(len(waited))] if waited else None,
        mttr=_median(
            [one.first_good_at - one.opening.opened_at for one in own if one.first_good_at]
        ),
        time_not_taken=around_the_clock,
        time_not_taken_at_work=at_work,
        night_pages=sum(one.night_pages for one in load),
        came_back=_came_back([one.opening for one in own], record.earlier),
        people=load,
        days=_days(week, own),
    )


def own_of(record: Record) -> list[History]:
    """Return what counts as an incident: all but what joined a storm."""
    return [one for one in record.histories if one.cause_kind != JOINED]


def _median(spans: Sequence[timedelta]) -> timedelta | None:
    return median(spans) if spans else None  # type: ignore[type-var]  # spans add and halve


def _tenth(count: int) -> int:
    """Return a tenth, rounded up."""
    return -(-count // 10)


def _time_not_taken(
    own: Iterable[History], directory: Directory, now: datetime
) -> tuple[timedelta, timedelta]:
    """Return how long they were open and not taken: around the clock, and in working hours."""
    total, at_work = timedelta(), timedelta()
    for one in own:
        name = one.opening.team
        team = directory.teams.get(name) or Team(name, lead="")
        for since, until in one.waits(now):
            total += until - since
            at_work += active_time(since, until, hours_of(team), team.zone.key)
    return total, at_work


def _came_back(own: Iterable[Opening], earlier: Iterable[Opening]) -> tuple[CameBack, ...]:
    """Return what opened at least twice in the 28 days up to its latest opening, the most often first."""
    opened_at: dict[Thing, list[datetime]] = {}
    for one in own:
        opened_at.setdefault(one.thing, []).append(one.opened_at)
    latest = {thing: max(instants) for thing, instants in opened_at.items()}
    for one in earlier:
        if one.thing in latest:
            opened_at[one.thing].append(one.opened_at)
    times = {
        thing: sum(latest[thing] - at <= CAME_BACK_WITHIN for at in instants)
        for thing, instants in opened_at.items()
    }
    again = [CameBack(*thing, count) for thing, count in times.items() if count > 1]
    return tuple(sorted(again, key=lambda one: (-one.times, one.team, one.rule, one.entity)))


def _days(week: Week, own: Iterable[History]) -> tuple[Day, ...]:
    walls = [one.opening.opened_at.astimezone(week.zone) for one in own]
    counted = Counter(one.date() for one in walls)
    nights = Counter(one.date() for one in walls if is_at_night(one))
    return tuple(Day(one, counted[one], nights[one]) for one in sorted({*week.days, *counted}))
