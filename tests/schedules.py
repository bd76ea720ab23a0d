"""Any schedule of any team in 40 zones, and a second opinion of who is on call by it.

The second opinion knows nothing of instants at which turns begin. It looks at the clock on the wall
minute by minute, keeps the latest reading it has ever shown, and reads the schedule at that: where
DST sets the clock back, nothing happens until it shows what nobody has seen yet.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from rules.hours import WeeklyHours
from watchdog.domain.people import Cover, Directory, Rotation, Turn, Unit

ZONES = (  # noqa: SIM905 (a list of 40 lines would not read better)
    "Africa/Cairo Africa/Casablanca Africa/Johannesburg America/Asuncion America/Bogota "
    "America/Chicago America/Denver America/Halifax America/Havana America/Los_Angeles "
    "America/New_York America/Nuuk America/Phoenix America/Santiago America/Sao_Paulo "
    "America/St_Johns America/Tijuana Asia/Amman Asia/Beirut Asia/Dhaka Asia/Gaza Asia/Jerusalem "
    "Asia/Kathmandu Asia/Kolkata Asia/Tehran Asia/Tokyo Atlantic/Azores Australia/Adelaide "
    "Australia/Lord_Howe Australia/Sydney Europe/Berlin Europe/Chisinau Europe/Dublin "
    "Europe/Lisbon Europe/London Pacific/Apia Pacific/Auckland Pacific/Chatham Pacific/Easter UTC"
).split()
"""With clocks that change at midnight, by half an hour, by a whole day, for Ramadan, or not at all."""

YEARS = (2008, 2011, 2018, 2021, 2024, 2025, 2026)
MINUTE = timedelta(minutes=1)
_QUARTER = timedelta(minutes=15)
_LOOK_BACK = timedelta(hours=30)
"""No clock was set back by more than a day."""

MOST = {Unit.HOURS: 168, Unit.DAYS: 90, Unit.WEEKS: 26, Unit.MONTHS: 6}
PEOPLE = ("ana", "raj", "mei", "tom")


def _or_every_day(days: frozenset[int]) -> frozenset[int]:
    """Return all days instead of most, so that layers without a gap are not rare."""
    return frozenset(range(7)) if len(days) > 3 else days


_minutes = st.integers(0, 24 * 60 - 1).map(lambda one: time(one // 60, one % 60))
_often_by_night = st.sampled_from((time(0), time(0, 30), time(1), time(2), time(2, 30), time(3)))
times = _often_by_night | _minutes
_few = {unit: st.integers(1, 3) | st.integers(1, most) for unit, most in MOST.items()}
turns = st.sampled_from(Unit).flatmap(lambda unit: st.builds(Turn, _few[unit], st.just(unit)))
rotations = st.builds(
    Rotation,
    turns,
    st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4).map(tuple),
    times,
    st.integers(0, 6),
    st.integers(1, 28),
    st.dates(date(1970, 1, 1), date(2030, 1, 1)),
)
zones = st.sampled_from(ZONES)
weekly_hours = st.builds(
    WeeklyHours, st.frozensets(st.integers(0, 6), min_size=1).map(_or_every_day), times, times
)
layers = st.lists(
    st.builds(replace, rotations, hours=st.none() | weekly_hours | weekly_hours), max_size=3
).map(tuple)


@st.composite
def covers(draw: st.DrawFn, around: datetime) -> tuple[Cover, ...]:
    """Give covers within a day of an instant, of which no two overlap."""
    minutes = draw(st.lists(st.integers(-1440, 1440), max_size=6, unique=True).map(sorted))
    edges = [around + minute * MINUTE for minute in minutes]
    return tuple(
        Cover(
            "data", draw(st.sampled_from(PEOPLE)), edges[place], edges[place + 1], "tom", place + 1
        )
        for place in range(len(edges) - 1)
        if draw(st.booleans())
    )


@lru_cache
def clock_changes(zone: str) -> tuple[datetime, ...]:
    """Return the hours before which the clock of a zone was moved; a New Year where it never is."""
    place, found = ZoneInfo(zone), []
    for year in YEARS:
        hour = datetime(year, 1, 1, tzinfo=UTC)
        while hour.year == year:
            later = hour + timedelta(hours=1)
            if hour.astimezone(place).utcoffset() != later.astimezone(place).utcoffset():
                found.append(later)
            hour = later
    return tuple(found) or (datetime(2025, 1, 1, tzinfo=UTC),)


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """Give an instant less than two days from a change of the zone's clock."""
    change = draw(st.sampled_from(clock_changes(zone)))
    return change + timedelta(seconds=draw(st.integers(-150_000, 150_000)))


def walls(since: datetime, minutes: int, zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Yield each minute from `since` with the latest reading that the clock has shown by then."""
    place = ZoneInfo(zone)
    # Clocks are moved at full quarters of an hour: before, the minute that precedes each is enough.
    before = since - timedelta(minutes=since.minute % 15 + 1)
    quarters = (before - quarter * _QUARTER for quarter in range(_LOOK_BACK // _QUARTER))
    latest = max(at.astimezone(place).replace(tzinfo=None) for at in quarters)
    for minute in range(minutes):
        at = since + minute * MINUTE
        latest = max(latest, at.astimezone(place).replace(tzinfo=None))
        yield at, latest


def turn_by_the_wall(rotation: Rotation, wall: datetime) -> str:
    """Return whose turn it is when the clock shows `wall`, counted hand-over by hand-over."""
    handovers = _handovers(rotation.turn.unit, rotation.weekday, rotation.day)
    first = bisect_left(handovers, rotation.since)
    since_handover = wall - timedelta(hours=rotation.at.hour, minutes=rotation.at.minute)
    begun = bisect_right(handovers, since_handover.date())
    passed = begun - 1 - first
    if rotation.turn.unit is Unit.HOURS:
        passed = 24 * passed + since_handover.hour
    return rotation.order[passed // rotation.turn.count % len(rotation.order)]


@lru_cache(maxsize=8)
def _handovers(unit: Unit, weekday: int, day: int) -> list[date]:
    """Return all days of hand-overs from 1968 on, so that some lie before any that turns count from."""
    every = [date(1968, 1, 1) + timedelta(days=one) for one in range(62 * 366)]
    if unit is Unit.WEEKS:
        return [one for one in every if one.weekday() == weekday]
    if unit is Unit.MONTHS:
        return [one for one in every if one.day == day]
    return every


def on_call_by_the_wall(directory: Directory, at: datetime, wall: datetime) -> str:
    """Return who is on call at an instant, when the clock shows `wall`: covers, layers, the lead."""
    team = directory.teams["data"]
    for cover in directory.covers:
        if cover.starts_at <= at < cover.ends_at:
            return cover.person
    for rotation in team.oncall:
        if rotation.hours is None or _is_in(rotation.hours, wall):
            return turn_by_the_wall(rotation, wall)
    return team.lead


def _is_in(hours: WeeklyHours, wall: datetime) -> bool:
    today, yesterday = wall.weekday() in hours.days, (wall.weekday() - 1) % 7 in hours.days
    if hours.start < hours.end:
        return today and hours.start <= wall.time() < hours.end
    return (today and wall.time() >= hours.start) or (yesterday and wall.time() < hours.end)
