"""The line at the end of a run says what was caught, and counts nothing twice."""

from tests.acceptance.tally import tally
from watchdog.demo.failures import FAILURES

_CAUGHT = "tests/acceptance/test_failures.py::test_a_failure_opens_exactly_its_incidents[{}]"
_SILENT = "tests/acceptance/test_twins.py::test_a_twin_stays_silent[{}]"
_FAILURES = {one.id.partition("-")[0] for one in FAILURES.values() if not one.is_twin}
_TWINS = [one.id for one in FAILURES.values() if one.is_twin]
_END = f" of {len(_FAILURES)} caught", f" of {len(_TWINS)} silent"


def said(caught: int, silent: int) -> str:
    return f"{caught}{_END[0]}, {silent}{_END[1]}"


def test_nothing_is_said_of_other_tests() -> None:
    assert tally(["tests/unit/test_line.py::test_a_line[Z1]"], []) == ""


def test_there_are_52_failures_and_66_twins() -> None:
    assert tally([], [_CAUGHT.format("Z1")]) == "0 of 52 caught, 0 of 66 silent"


def test_every_failure_and_every_twin_counts_once() -> None:
    ran = [_CAUGHT.format("Z1"), _CAUGHT.format("S1"), _SILENT.format("Z1a"), _SILENT.format("Z1b")]
    assert tally([*ran, *ran], []) == said(2, 2)


def test_a_failure_is_caught_only_if_it_is_caught_in_each_of_its_ways() -> None:
    both = [_CAUGHT.format("Z5"), _CAUGHT.format("Z5-empty")]
    assert tally(both, []) == said(1, 0)
    assert tally(both[:1], both[1:]) == said(0, 0)


def test_a_twin_that_spoke_up_is_not_silent() -> None:
    assert tally([_SILENT.format("Z1a")], [_SILENT.format("Z1b")]) == said(0, 1)


def test_all_of_them_are_all() -> None:
    everything = [(_SILENT if one.is_twin else _CAUGHT).format(one.id) for one in FAILURES.values()]
    assert tally(everything, []) == said(len(_FAILURES), len(_TWINS))
