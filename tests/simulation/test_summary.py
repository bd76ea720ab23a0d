"""The line at the end of a simulated year adds up its quarters, and hides nothing."""

from datetime import timedelta

from tests.simulation.summary import HEALTHY, PLANTED_IN, as_plain, summary
from tests.simulation.verdict import Verdict

MINUTE = timedelta(minutes=1)
GOOD = Verdict([5 * MINUTE, 10 * MINUTE], [], [], [])


def test_nothing_is_said_of_a_run_without_a_quarter() -> None:
    assert summary([("another", [1, 2])]) == ""


def test_quarters_are_added_up() -> None:
    later = Verdict([15 * MINUTE], [], [], [])
    told = [(PLANTED_IN, as_plain(GOOD)), (PLANTED_IN, as_plain(later))]
    assert summary([*told, (HEALTHY, [2000, 0]), (HEALTHY, [500, 0])]) == (
        "year: 0 incidents in 2,500 healthy moments;"
        " 3 of 3 found, half of them within 0:10:00, all within 0:15:00; 0 false"
    )


def test_what_was_missed_and_what_was_false_is_counted() -> None:
    bad = Verdict([], ["Z1 at noon: "], ["B1"], [])
    told = [(PLANTED_IN, as_plain(GOOD)), (PLANTED_IN, as_plain(bad)), (HEALTHY, [10, 2])]
    line = summary(told)
    assert "2 incidents in 10 healthy moments; 2 of 3 found" in line
    assert line.endswith("; 1 false")
