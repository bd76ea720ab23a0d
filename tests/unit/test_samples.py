"""Figures that are kept once a day, read as figures of each day."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from watchdog.domain.samples import Reading, Sample, per_day

MONDAY = date(2026, 11, 16)
SYNCS = Reading(rising=("issues",), per={"issues_per_sync": ("issues", "total")})


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def sample(number: int, total: float | None, issues: float | None) -> Sample:
    return Sample(day(number), {"total": total, "issues": issues})


def test_what_only_rises_is_told_as_the_difference_to_the_day_before() -> None:
    kept = [sample(0, 10, 1000), sample(1, 20, 1060)]
    assert per_day(kept, SYNCS, day(1), day(1)) == {
        day(1): {"total": 20, "issues": 60, "issues_per_sync": 3.0}
    }


def test_the_first_day_has_no_difference() -> None:
    [figures] = per_day([sample(0, 10, 1000)], SYNCS, day(0), day(0)).values()
    assert figures == {"total": 10, "issues": None, "issues_per_sync": None}


def test_a_day_that_was_not_kept_is_empty_and_so_is_the_difference_after_it() -> None:
    kept = [sample(0, 10, 1000), sample(2, 20, 1060)]
    told = per_day(kept, SYNCS, day(1), day(2))
    assert told[day(1)] == {}
    assert told[day(2)] == {"total": 20, "issues": None, "issues_per_sync": None}


def test_what_fell_though_it_only_rises_was_begun_anew() -> None:
    told = per_day([sample(0, 10, 1000), sample(1, 20, 5)], SYNCS, day(1), day(1))
    assert told[day(1)]["issues"] is None


def test_nothing_is_divided_by_zero() -> None:
    told = per_day([sample(0, 10, 1000), sample(1, 0, 1000)], SYNCS, day(1), day(1))
    assert told[day(1)] == {"total": 0, "issues": 0, "issues_per_sync": None}


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=20))
def test_differences_add_up_to_the_whole(rises: list[int]) -> None:
    totals = [sum(rises[: number + 1]) for number in range(len(rises))]
    kept = [sample(number, 1, total) for number, total in enumerate(totals)]
    told = per_day(kept, SYNCS, day(1), day(len(rises) - 1))
    assert sum(one["issues"] or 0 for one in told.values()) == totals[-1] - totals[0]
