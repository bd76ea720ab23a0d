"""Who uses the demo, where, and when their syncs are due."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.demo import slots
from watchdog.demo.places import ORGANISATIONS, WORKSPACES, ZONES, Place, places, tenant_of
from watchdog.demo.slots import FOUR_HOURLY, HOURLY, OFFICE_HOURS, QUARTERLY

CRONS = (QUARTERLY, HOURLY, FOUR_HOURLY, OFFICE_HOURS)
JUNE = datetime(2025, 6, 13, tzinfo=UTC)
JANUARY = datetime(2025, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_every_zone_exists_and_is_whole_quarters_of_an_hour_from_utc(zone: str) -> None:
    assert zone in available_timezones()
    for at in (JUNE, JANUARY):
        offset = at.astimezone(ZoneInfo(zone)).utcoffset()
        assert offset is not None
        assert offset % timedelta(minutes=15) == timedelta()


def test_no_zone_is_named_twice() -> None:
    assert len(ZONES) == len(set(ZONES)) == 63


@pytest.mark.parametrize("everybody", [WORKSPACES, ORGANISATIONS])
def test_four_businesses_live_in_each_place(everybody: tuple[Place, ...]) -> None:
    assert set(Counter(one.zone for one in everybody).values()) == {4}
    assert len(everybody) == 252


@pytest.mark.parametrize("everybody", [WORKSPACES, ORGANISATIONS])
def test_ids_are_of_plain_letters_and_unique(everybody: tuple[Place, ...]) -> None:
    assert len({one.id for one in everybody}) == len(everybody)
    for one in everybody:
        assert re.fullmatch("[a-z]+(-[a-z]+)+", one.id.replace("_", "-"))
        assert one.name.lower().replace(" ", "-") == one.id


def test_workspaces_and_organisations_are_told_apart() -> None:
    assert not {one.id for one in WORKSPACES} & {one.id for one in ORGANISATIONS}


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("minute", [0, 15, 30, 45])
def test_in_all_seasons_every_hour_of_the_day_is_somebodys(month: int, minute: int) -> None:
    now = datetime(2026, month, 22, 4, minute, tzinfo=UTC)
    assert {now.astimezone(ZoneInfo(zone)).hour for zone in ZONES} == set(range(24))


def test_there_are_days_of_three_dates_at_once() -> None:
    now = JUNE + timedelta(hours=10, minutes=30)
    assert len({now.astimezone(ZoneInfo(zone)).date() for zone in ZONES}) == 3


def test_a_place_is_called_by_its_city_and_its_trade() -> None:
    assert places(("books",))[8] == Place(
        "buenos-aires-books", "Buenos Aires Books", "America/Argentina/Buenos_Aires"
    )


def test_tenants_are_numbered_without_a_gap() -> None:
    numbers = sorted(tenant_of(one.id) for one in WORKSPACES)
    assert numbers == list(range(900_001, 900_001 + len(WORKSPACES)))


@pytest.mark.parametrize("name", ["", "berlin", "berlin-books", "Berlin-Heating"])
def test_who_is_no_workspace_has_no_tenant(name: str) -> None:
    with pytest.raises(ValueError, match="not in list"):
        tenant_of(name)


@pytest.mark.parametrize(
    ("cron", "local", "is_slot"),
    [
        (QUARTERLY, "2025-06-14T03:45", True),
        (HOURLY, "2025-06-14T03:00", True),
        (HOURLY, "2025-06-14T03:15", False),
        (FOUR_HOURLY, "2025-06-14T00:00", True),
        (FOUR_HOURLY, "2025-06-14T03:00", False),
        (FOUR_HOURLY, "2025-06-14T20:00", True),
        (FOUR_HOURLY, "2025-06-14T20:30", False),
        (OFFICE_HOURS, "2025-06-13T09:00", True),
        (OFFICE_HOURS, "2025-06-13T08:00", False),
        (OFFICE_HOURS, "2025-06-13T17:00", True),
        (OFFICE_HOURS, "2025-06-13T18:00", False),
        (OFFICE_HOURS, "2025-06-13T12:30", False),
        (OFFICE_HOURS, "2025-06-14T12:00", False),
        (OFFICE_HOURS, "2025-06-15T12:00", False),
        (OFFICE_HOURS, "2025-06-16T09:00", True),
    ],
)
def test_a_slot_is_one_by_the_clock_on_the_wall(cron: str, local: str, is_slot: bool) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Tehran"))
    assert slots.is_slot(cron, at) is is_slot


@pytest.mark.parametrize(
    ("at", "floor"),
    [
        ("2025-06-13T02:15:00+00:00", "2025-06-13T02:15:00+00:00"),
        ("2025-06-13T02:14:59.999999+00:00", "2025-06-13T02:00:00+00:00"),
        ("2025-06-13T02:15:00.000001+00:00", "2025-06-13T02:15:00+00:00"),
        ("2025-06-13T08:00:00+05:45", "2025-06-13T02:15:00+00:00"),
        ("2025-06-12T23:59:59-03:00", "2025-06-13T02:45:00+00:00"),
    ],
)
def test_an_instant_is_rounded_down_to_a_quarter_of_an_hour(at: str, floor: str) -> None:
    assert slots.floor(datetime.fromisoformat(at)) == datetime.fromisoformat(floor)


@given(
    st.timedeltas(timedelta(days=-10_000), timedelta(days=20_000)),
    st.sampled_from(ZONES).map(ZoneInfo),
)
def test_rounding_down_goes_back_by_less_than_a_quarter(since: timedelta, zone: ZoneInfo) -> None:
    at = (JUNE + since).astimezone(zone)
    rounded = slots.floor(at)
    assert timedelta() <= at.astimezone(UTC) - rounded < slots.QUARTER_HOUR
    assert slots.floor(rounded) == rounded


@pytest.mark.parametrize("cron", CRONS)
def test_nothing_lies_between_an_instant_and_itself(cron: str) -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    assert list(slots.slots_between(cron, zone, JUNE, JUNE)) == []
    assert list(slots.slots_between(cron, zone, JUNE, JUNE - timedelta(days=1))) == []


@pytest.mark.parametrize("cron", CRONS)
@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Europe/Berlin", "Australia/Lord_Howe"])
def test_the_start_counts_and_the_end_does_not(cron: str, zone: str) -> None:
    first = slots.latest_slot(cron, ZoneInfo(zone), JUNE)
    found = list(slots.slots_between(cron, ZoneInfo(zone), first, first + timedelta(days=5)))
    assert found[0] == first
    again = list(slots.slots_between(cron, ZoneInfo(zone), first, found[-1]))
    assert again == found[:-1]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2025-03-30", 23),
        ("Europe/Berlin", "2025-10-26", 25),
        ("Asia/Tokyo", "2025-03-30", 24),
    ],
)
def test_a_day_has_as_many_hourly_slots_as_hours(zone: str, day: str, hours: int) -> None:
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    end = start + timedelta(days=1)  # the same wall-clock time
    found = slots.slots_between(HOURLY, ZoneInfo(zone), start, end.astimezone(UTC))
    assert len(list(found)) == hours


@pytest.mark.parametrize("day", ["2025-04-06", "2025-10-05"])
def test_a_change_of_half_an_hour_misses_no_hour_of_the_wall(day: str) -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")
    start = datetime.fromisoformat(day).replace(tzinfo=lord_howe).astimezone(UTC)
    found = [
        slot.astimezone(lord_howe).hour
        for slot in slots.slots_between(HOURLY, lord_howe, start, start + timedelta(hours=20))
    ]
    assert set(range(3, 20)) <= set(found)
