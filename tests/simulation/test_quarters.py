"""What is planted in the quarters of a simulated year, without playing them."""

from itertools import pairwise
from pathlib import Path

from tests.simulation.player import as_teams_look
from tests.simulation.quarters import PLANTED, QUARTERS, planted_in
from tests.simulation.year import APART
from watchdog.demo.failures import FAILURES

SEEDS = 40


def test_every_quarter_has_room_for_all_that_is_planted_whatever_the_seed(tmp_path: Path) -> None:
    rules = as_teams_look(tmp_path).rules
    for seed in range(SEEDS):
        year = [planted_in(quarter, rules, seed) for quarter in QUARTERS]
        assert sum(map(len, year)) == PLANTED
        for quarter, planted in zip(QUARTERS.values(), year, strict=True):
            assert quarter.start < planted[0].span.start
            assert planted[-1].span.end < quarter.end
            assert all(one.span.end + APART <= two.span.start for one, two in pairwise(planted))


def test_the_year_holds_failures_of_every_system_that_can_be_seen_on_few_days(
    tmp_path: Path,
) -> None:
    rules = as_teams_look(tmp_path).rules
    found = [one for quarter in QUARTERS for one in planted_in(quarter, rules)]
    assert {one.failure.part for one in found} == {one.part for one in FAILURES.values()}
    rare = [one for one in found if one.failure.id == "E11-drill"]
    assert len(rare) >= len(QUARTERS) - 1
    assert all(one.broken_at == one.failure.next_at(one.broken_at) for one in found)
