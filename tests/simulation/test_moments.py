"""When a simulated year is looked at, and when failures are planted in it."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo_world import repository_rules
from tests.simulation.player import as_teams_look
from tests.simulation.year import (
    APART,
    DAY,
    HOUR,
    SLOT,
    WEEK,
    YEAR,
    ZONE,
    Span,
    always_dense,
    changes_of_time,
    dealt,
    moments,
    month_ends,
    plant,
    plantable,
    promised,
    quarters,
)
from watchdog.demo.failures import FAILURES

START = YEAR.start
RULES = repository_rules()
PLANTABLE = plantable(FAILURES.values(), RULES)

spans = st.builds(
    lambda after, lasts: Span(
        START + timedelta(seconds=after), START + timedelta(seconds=after + lasts)
    ),
    st.integers(0, 5 * 86400),
    st.integers(0, 2 * 86400),
)


@given(spans, st.lists(spans, max_size=4))
def test_every_whole_hour_is_looked_at_and_nothing_outside_of_the_whole(
    whole: Span, dense: list[Span]
) -> None:
    found = moments(whole, dense)
    assert set(found) >= set(whole.slots(HOUR))
    assert all(whole.start <= at < whole.end for at in found)


@given(spans, st.lists(spans, max_size=4))
def test_every_slot_of_what_is_dense_is_looked_at_once_and_in_order(
    whole: Span, dense: list[Span]
) -> None:
    found = moments(whole, dense)
    assert found == sorted(set(found))
    slots = {at for one in dense for at in one.slots(SLOT) if whole.start <= at < whole.end}
    assert slots <= set(found)


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_failures_lie_apart_from_each_other_and_from_what_is_reserved(
    seed: int, count: int
) -> None:
    chance = random.Random(seed)
    reserved = month_ends(YEAR)
    found = plant(chance.sample(PLANTABLE, count), RULES, YEAR, reserved, chance)
    taken = sorted([*reserved, *(one.span for one in found)])
    assert len(found) == count
    assert all(one.end + APART <= two.start for one, two in pairwise(taken))


@given(st.integers(0, 2**32))
def test_a_failure_is_mended_after_its_promise_and_looked_at_until_it_is_over(seed: int) -> None:
    chance = random.Random(seed)
    [one] = plant(chance.sample(PLANTABLE, 1), RULES, YEAR, [], chance)
    assert one.promised_at - one.broken_at == promised(one.failure, RULES)
    assert one.mended_at > one.promised_at
    assert one.dense[0].start < one.broken_at
    assert one.dense[-1].end == one.over_at > one.mended_at


def test_what_can_be_seen_once_in_a_quarter_finds_its_instant_among_many() -> None:
    last = quarters(YEAR)[3]
    rare = FAILURES["E11-drill"]
    others = [one for one in PLANTABLE if not one.when]
    for seed in range(20):
        found = plant([*others[:49], rare], RULES, last, [], random.Random(seed))
        assert any(one.failure is rare for one in found)


def test_a_hand_holds_no_failure_twice_and_all_come_equally_often() -> None:
    hands = dealt(PLANTABLE, 50, 4, random.Random(1))
    times = Counter(one.id for hand in hands for one in hand)
    assert [len({one.id for one in hand}) for hand in hands] == [50] * 4
    assert (len(times), set(times.values())) == (len(PLANTABLE), {3, 4})


def test_what_has_no_room_is_refused() -> None:
    day = Span(START, START + DAY)
    with pytest.raises(ValueError, match="no room"):
        plant(PLANTABLE * 9, RULES, day, [], random.Random(1))


def test_a_failure_that_ends_before_its_rule_has_looked_is_not_planted() -> None:
    slowly = {name: replace(rule, every=HOUR) for name, rule in RULES.items()}
    assert "Z9a" not in {one.id for one in plantable(FAILURES.values(), slowly)}


def test_only_what_changes_by_itself_before_teams_have_looked_is_not_planted(
    tmp_path: Path,
) -> None:
    found = plantable(FAILURES.values(), as_teams_look(tmp_path).rules)
    left_out = {one.id for one in FAILURES.values() if not one.is_twin} - {one.id for one in found}
    assert left_out == {"Z9", "Z10", "S9", "S7-back"}
    assert FAILURES["W10"].acts  # which change nothing


def test_quarters_are_a_whole_year_and_hold_the_end_of_every_month() -> None:
    found = quarters(YEAR)
    assert (found[0].start, len(found)) == (YEAR.start, 4)
    assert all(two.start < one.end for one, two in pairwise(found))
    inside = [one for one in month_ends(YEAR) if one.start > YEAR.start]
    assert len(inside) == 12
    assert all(any(two.start < one.start <= one.end <= two.end for two in found) for one in inside)


def test_a_week_and_both_days_that_turn_the_clock_are_looked_at_slot_by_slot() -> None:
    found = {at for one in quarters(YEAR) for at in moments(one, always_dense(YEAR))}
    days = changes_of_time(ZONE, YEAR)
    assert (len(days), WEEK.end - WEEK.start) == (2, 7 * DAY)
    assert found >= {at for one in (WEEK, *days) for at in one.slots(SLOT)}


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("America/New_York", [(3, 9), (11, 2)]),
        ("Europe/Berlin", [(3, 30), (10, 26)]),
        ("Asia/Kolkata", []),
    ],
)
def test_days_that_have_not_24_hours_are_known(zone: str, days: list[tuple[int, int]]) -> None:
    middles = [one.start + (one.end - one.start) / 2 for one in changes_of_time(zone, YEAR)]
    assert [(at.month, at.day) for at in middles] == days


def test_every_month_of_the_year_has_an_end() -> None:
    assert len([one for one in month_ends(YEAR) if one.overlaps(YEAR)]) == 13
