"""Cron lines and their slots, held against a walker that goes through every minute."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.cron import CronError, next_slots, parse_cron, previous_slots

MINUTE = timedelta(minutes=1)
BEGIN, END = datetime(2018, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Johannesburg",
    "Africa/Juba",
    "America/Asuncion",
    "America/Caracas",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Nuuk",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kabul",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Eucla",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/London",
    "Europe/Volgograd",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Norfolk",
    "UTC",
]
NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Line:
    """A cron line by its meaning: each field is None for `*`, or `*/n` as (n,), or a list."""

    minute: list[int] | int | None
    hour: list[int] | int | None
    day: list[int] | int | None = None
    month: list[int] | int | None = None
    weekday: list[int] | int | None = None

    @property
    def text(self) -> str:
        return " ".join(
            "*" if one is None else f"*/{one}" if isinstance(one, int) else ",".join(map(str, one))
            for one in (self.minute, self.hour, self.day, self.month, self.weekday)
        )

    def names(self, wall: datetime) -> bool:
        """Return whether the line names a local time."""
        day = _has(self.day, wall.day, 1)
        weekday = _has(self.weekday, wall.isoweekday() % 7, 0)
        listed = isinstance(self.day, list) and isinstance(self.weekday, list)
        return (
            _has(self.minute, wall.minute, 0)
            and _has(self.hour, wall.hour, 0)
            and _has(self.month, wall.month, 1)
            and (day or weekday if listed else day and weekday)
        )

    @property
    def keeps_pace(self) -> bool:
        return not (isinstance(self.minute, list) and isinstance(self.hour, list))


def _has(meant: list[int] | int | None, value: int, low: int) -> bool:
    if meant is None:
        return True
    return (value - low) % meant == 0 if isinstance(meant, int) else value in meant


def walked(line: Line, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the slots from `start` up to `end`, by looking at the clock in every minute."""
    at = start
    before = (at - MINUTE).astimezone(zone).replace(tzinfo=None)
    while at <= end:
        local = at.astimezone(zone)
        wall = local.replace(tzinfo=None, fold=0)
        skipped = (before + n * MINUTE for n in range(1, (wall - before) // MINUTE))
        if line.keeps_pace:
            is_slot = line.names(wall)
        else:
            is_slot = (line.names(wall) and local.fold == 0) or any(map(line.names, skipped))
        if is_slot:
            yield at
        at, before = at + MINUTE, wall


@lru_cache
def changes(zone: str) -> list[datetime]:
    """Return when the clocks of a zone change within the ten years, to the hour."""
    hours = (END - BEGIN) // timedelta(hours=24)
    days = [BEGIN + n * timedelta(hours=24) for n in range(hours)]
    offsets = [(day, day.astimezone(ZoneInfo(zone)).utcoffset()) for day in days]
    return [day for (day, one), (_, other) in pairwise(offsets) if one != other]


def several(low: int, high: int) -> st.SearchStrategy[list[int] | int | None]:
    listed = st.lists(st.integers(low, high), min_size=1, max_size=3, unique=True).map(sorted)
    return st.one_of(listed, listed, st.integers(1, high - low), st.none())


lines = st.builds(
    Line,
    several(0, 59),
    st.one_of(several(0, 23), st.sampled_from([[0], [1], [2], [3], [23], [1, 2, 3]])),
    st.one_of(st.none(), st.none(), several(1, 28)),
    st.none(),
    st.one_of(st.none(), st.none(), several(0, 6)),
)


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone, and an instant of ten years, more often than not near a change of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    near = changes(zone)
    if draw(st.booleans()) and near:
        return zone, draw(st.sampled_from(near)) + draw(st.integers(0, 2 * 24 * 60)) * MINUTE
    return zone, BEGIN + draw(st.integers(0, (END - BEGIN) // MINUTE)) * MINUTE


def check(line: Line, name: str, at: datetime, span: timedelta) -> None:
    """Hold both directions against the walker, within `span` before and after `at`."""
    zone, cron = ZoneInfo(name), parse_cron(line.text)
    past = [one for one in walked(line, zone, at - span, at) if one < at]
    found = list(islice(previous_slots(cron, zone, at), len(past) + 1))
    assert found[: len(past)] == past[::-1]
    assert all(one < at - span for one in found[len(past) :])
    future = [one for one in walked(line, zone, at, at + span) if one > at]
    found = list(islice(next_slots(cron, zone, at), len(future) + 1))
    assert found[: len(future)] == future
    assert all(one > at + span for one in found[len(future) :])


@given(lines, moments())
def test_slots_are_those_that_a_walker_meets(line: Line, moment: tuple[str, datetime]) -> None:
    check(line, *moment, timedelta(hours=40))


@pytest.mark.long
@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize(
    "line",
    [
        Line([0, 30], [0, 1, 2, 3, 23]),
        Line(15, None),
        Line([0], [9, 12, 17], None, None, [1, 2, 3, 4, 5]),
        Line([30], 2),
    ],
)
def test_slots_are_right_around_every_change_of_clocks(line: Line, name: str) -> None:
    for change in changes(name):
        check(line, name, change + timedelta(hours=12), timedelta(hours=40))


@given(lines, moments(), st.integers(-90, 90))
def test_slots_come_in_order_and_none_is_left_out(
    line: Line, moment: tuple[str, datetime], seconds: int
) -> None:
    zone, cron, at = ZoneInfo(moment[0]), parse_cron(line.text), moment[1]
    at += timedelta(seconds=seconds)
    found = list(islice(previous_slots(cron, zone, at), 5))
    assert all(later > earlier for later, earlier in pairwise([at, *found]))
    for slot in found:
        assert next(previous_slots(cron, zone, slot + MINUTE)) == slot
    again = list(islice(next_slots(cron, zone, found[-1]), len(found) - 1))
    assert again == found[:-1][::-1]


def walls(text: str, zone: str, at: datetime, count: int) -> list[str]:
    found = previous_slots(parse_cron(text), ZoneInfo(zone), at)
    return [f"{one.astimezone(ZoneInfo(zone)):%m-%d %H:%M %z}" for one in islice(found, count)]


# The clocks of New York skip 02:00 to 03:00 on 9 March 2025, and repeat 01:00 to 02:00 on 2 November.
SPRING, AUTUMN = datetime(2025, 3, 9, 12, tzinfo=UTC), datetime(2025, 11, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("30 2 * * *", SPRING, ["03-09 03:00 -0400", "03-08 02:30 -0500"]),
        ("0 2,3 * * *", SPRING, ["03-09 03:00 -0400", "03-08 03:00 -0500"]),
        ("30 1 * * *", AUTUMN, ["11-02 01:30 -0400", "11-01 01:30 -0400"]),
        ("*/30 2 * * *", SPRING, ["03-08 02:30 -0500", "03-08 02:00 -0500"]),
        ("30 * * * *", SPRING - 5 * timedelta(hours=1), ["03-09 01:30 -0500", "03-09 00:30 -0500"]),
        (
            "*/30 1 * * *",
            AUTUMN,
            ["11-02 01:30 -0500", "11-02 01:00 -0500", "11-02 01:30 -0400", "11-02 01:00 -0400"],
        ),
    ],
)
def test_a_gap_and_a_repeated_hour_follow_the_rule(
    text: str, at: datetime, expected: list[str]
) -> None:
    assert walls(text, "America/New_York", at, len(expected)) == expected


def test_a_day_that_a_zone_leaves_out_comes_when_the_next_begins() -> None:
    at = datetime(2012, 1, 5, tzinfo=UTC)
    found = walls("0 9 * * *", "Pacific/Apia", at, 8)
    assert found[5:] == ["12-31 09:00 +1400", "12-31 00:00 +1400", "12-29 09:00 -1000"]


def test_a_slot_at_the_instant_is_neither_before_nor_after_it() -> None:
    cron, at = parse_cron("0 * * * *"), datetime(2025, 6, 13, 2, tzinfo=UTC)
    assert next(previous_slots(cron, NEW_YORK, at)) == at - timedelta(hours=1)
    assert next(next_slots(cron, NEW_YORK, at)) == at + timedelta(hours=1)
    assert next(previous_slots(cron, NEW_YORK, at + timedelta.resolution)) == at
    assert next(next_slots(cron, NEW_YORK, at - timedelta.resolution)) == at


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("@hourly", "0 * * * *"),
        ("@Daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 7"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 jan *"),
        ("@annually", "0 0 1 1 *"),
        ("  0  9-17 * *\t1-5 ", "0 9,10,11,12,13,14,15,16,17 * * MON-Fri"),
        ("0 0 * * fri-sun", "0 0 * * 0,5,6"),
        ("5/15 */12 1-31/10 */6 6/1", "5,20,35,50 0,12 1,11,21,31 1,7 6-7"),
        ("*/60 */24 */31 */12 *", "0 0 1 1 *"),
        ("0 0 ? * *".replace("?", "*"), "@daily"),
    ],
)
def test_equal_meanings_have_equal_slots(text: str, meant: str) -> None:
    one, other = parse_cron(text), parse_cron(meant)
    for name in ("times", "days", "months", "weekdays"):
        assert tuple(getattr(one, name)) == tuple(getattr(other, name))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("0 0 13 * 5", [6, 13, 20, 27]),
        ("0 0 13 * *", [13]),
        ("0 0 * * 5", [6, 13, 20, 27]),
        ("0 0 */13 * 5", [27]),
        ("0 0 13 * */5", [13]),
    ],
)
def test_days_are_alternatives_where_both_are_listed(text: str, days: list[int]) -> None:
    cron, first = parse_cron(text), date(2025, 6, 1).toordinal()
    assert [n for n in range(1, 31) if cron.is_on(first + n - 1)] == days


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("61 * * * *", "`61` cannot be the minute; allowed are 0-59, `*`, lists, ranges and steps up to 60"),
        ("* 24 * * *", "`24` cannot be the hour; allowed are 0-23,"),
        ("0 0 L * *", "`L` cannot be the day of the month; allowed are 1-31,"),
        ("0 0 15W * *", "`15W` cannot be the day of the month; allowed are 1-31,"),
        ("0 0 ? * 1", "`?` cannot be the day of the month; allowed are 1-31,"),
        ("0 0 * * 5#2", "`5#2` cannot be the day of the week; allowed are 0-7, sun-sat,"),
        ("0 0 * 13 *", "`13` cannot be the month; allowed are 1-12, jan-dec,"),
        ("0 0 * * moon", "`moon` cannot be the day of the week;"),
        ("0 0 * mon *", "`mon` cannot be the month;"),
        ("30-10 * * * *", "`30-10` cannot be the minute;"),
        ("*/0 * * * *", "`*/0` cannot be the minute;"),
        ("*/61 * * * *", "`*/61` cannot be the minute;"),
        ("0 0 * * */8", "steps up to 7"),
        ("1,, * * * *", "`` cannot be the minute;"),
        ("٣ * * * *", "`٣` cannot be the minute;"),
        ("-1 * * * *", "`-1` cannot be the minute;"),
        ("* * * *", "it has 4 fields, not 5: minute, hour, day of the month, month, day of the week"),
        ("0 0 12 * * 5", "it has 6 fields, not 5"),
        ("", "it has 0 fields, not 5"),
        ("@reboot", "`@reboot` is unknown; allowed are @hourly, @daily,"),
        ("0 0 30 2 *", "day 30 of month 2 never comes"),
        ("0 0 31 feb,4 */2", "day 31 of month feb,4 never comes"),
        ("1," * 60, "it is longer than 100 characters"),
    ],
)  # fmt: skip
def test_what_is_no_line_is_told_with_its_field_and_what_is_allowed(text: str, words: str) -> None:
    with pytest.raises(CronError) as caught:
        parse_cron(text)
    assert words in str(caught.value)


@given(st.text(alphabet="0123456789*/-,@ LW#?amonjfeb", max_size=30))
def test_any_text_is_a_line_or_is_refused(text: str) -> None:
    with contextlib.suppress(CronError):
        assert next(previous_slots(parse_cron(text), NEW_YORK, SPRING)) < SPRING


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("0 0 29 2 *", datetime(2024, 2, 29, 5, tzinfo=UTC)),
        ("0 0 29 2 */7", datetime(2004, 2, 29, 5, tzinfo=UTC)),
        ("59 23 31 12 *", datetime(2025, 1, 1, 4, 59, tzinfo=UTC)),
    ],
)
def test_rare_slots_are_found(text: str, slot: datetime) -> None:
    assert next(previous_slots(parse_cron(text), NEW_YORK, SPRING)) == slot


@pytest.mark.parametrize("at", [datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue", "UTC"])
@pytest.mark.parametrize("text", ["* * * * *", "0 0 29 2 *"])
def test_at_the_ends_of_time_nothing_breaks(at: datetime, zone: str, text: str) -> None:
    cron, place = parse_cron(text), ZoneInfo(zone)
    assert all(one < at for one in islice(previous_slots(cron, place, at), 3))
    assert all(one > at for one in islice(next_slots(cron, place, at), 3))
