"""Pages: what a person notices as one push, and into which hours of theirs it falls."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_figures import BERLIN, DIRECTORY, KOLKATA, MINUTE, MONDAY, SECOND
from watchdog.domain.pages import Hours, Page, Push, hours_of_day, is_at_night, pages

ANA, RAJ = "slack:@U01ANA", "email:raj@example.com"


def test_a_page_belongs_to_whoever_is_reached_there_and_to_its_incident() -> None:
    sent = [Push(RAJ, MONDAY, 7), Push(ANA, MONDAY, 8)]
    assert pages(sent, DIRECTORY) == [
        Page("raj", 7, Hours.NIGHT),  # 05:30 in Kolkata
        Page("ana", 8, Hours.NIGHT),  # 02:00 in Berlin
    ]


def test_the_first_push_of_a_minute_is_the_page() -> None:
    sent = [Push(ANA, MONDAY + 40 * SECOND, 2), Push("email:ana@example.com", MONDAY, 1)]
    assert [one.incident for one in pages(sent, DIRECTORY)] == [1]


def test_a_minute_counts_from_the_page_and_not_from_what_it_has_swallowed() -> None:
    sent = [Push(ANA, MONDAY + after * SECOND, after) for after in (0, 50, 100)]
    assert [one.incident for one in pages(sent, DIRECTORY)] == [0, 100]


@pytest.mark.parametrize(
    ("day", "clock", "hours"),
    [
        (9, "07:59", Hours.NIGHT),
        (9, "08:00", Hours.WORK),
        (9, "17:59", Hours.WORK),
        (9, "18:00", Hours.OFF),
        (9, "21:59", Hours.OFF),
        (9, "22:00", Hours.NIGHT),
        (14, "07:59", Hours.NIGHT),
        (14, "12:00", Hours.OFF),
        (15, "21:59", Hours.OFF),
    ],
)
def test_hours_are_those_of_work_off_and_night(day: int, clock: str, hours: Hours) -> None:
    wall = datetime.fromisoformat(f"2025-06-{day:02}T{clock}:00").replace(tzinfo=BERLIN)
    assert hours_of_day(wall) is hours
    assert is_at_night(wall) is (hours is Hours.NIGHT)


def test_the_clock_that_counts_is_that_of_whoever_is_paged() -> None:
    evening = datetime(2025, 6, 10, 15, tzinfo=UTC)  # 17:00 in Berlin, 20:30 in Kolkata
    found = pages([Push(ANA, evening), Push(RAJ, evening)], DIRECTORY)
    assert [one.hours for one in found] == [Hours.WORK, Hours.OFF]
    assert evening.astimezone(KOLKATA).hour == 20


@given(st.lists(st.tuples(st.sampled_from([ANA, RAJ, "slack:@GONE"]), st.integers(0, 3600))))
def test_pages_of_a_person_are_more_than_a_minute_apart(sent: list[tuple[str, int]]) -> None:
    pushes = [Push(receiver, MONDAY + at * SECOND, at) for receiver, at in sent]
    found = pages(pushes, DIRECTORY)
    for name in ("ana", "raj"):
        instants = [timedelta(seconds=one.incident) for one in found if one.person == name]
        gaps = [later - one for one, later in itertools.pairwise(instants)]
        assert all(gap > MINUTE for gap in gaps)
    assert len(found) <= len([one for one in sent if one[0] != "slack:@GONE"])
