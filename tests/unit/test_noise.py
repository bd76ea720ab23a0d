"""Which rules page in vain, and what is proposed: nothing that would have lost what was needed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.durations import parse_duration
from tests.unit.test_figures import (
    HOUR,
    MINUTE,
    MONDAY,
    OPEN,
    RECOVERED,
    RESOLVED,
    TAKEN,
    history,
)
from watchdog.domain.figures import History
from watchdog.domain.noise import KEEP, LOOK, advice, is_unneeded, noisy_rules
from watchdog.domain.pages import Hours, Page


def alone(good: timedelta) -> History:
    """Return what ended by itself."""
    return history((RECOVERED, good), good=good)


def needed(good: timedelta) -> History:
    """Return what somebody took and explained."""
    return history((TAKEN, MINUTE), (RECOVERED, good), (RESOLVED, good), good=good, kind="code")


def marked(reason: str) -> History:
    return replace(needed(HOUR), unneeded=reason)


@pytest.mark.parametrize(
    ("one", "is_in_vain"),
    [
        (alone(MINUTE), True),
        (needed(MINUTE), False),
        (history(), False),
        (history((TAKEN, MINUTE)), False),
        (history((TAKEN, MINUTE), (RECOVERED, HOUR), good=HOUR), False),
        (history((TAKEN, MINUTE), (RESOLVED, HOUR), kind="false alarm"), True),
        (history((RESOLVED, HOUR), kind="withdrawn"), False),
        (marked("not actionable"), True),
    ],
)
def test_unneeded_is_what_ended_alone_and_untaken_or_was_called_so(
    one: History, is_in_vain: bool
) -> None:
    assert is_unneeded(one) is is_in_vain


def test_noise_is_what_unneeded_pages_cost_nights_four_times_off_hours_twice() -> None:
    vain = replace(alone(MINUTE), id=1)
    real = replace(needed(HOUR), id=2)
    quiet = replace(needed(HOUR), id=3, opening=replace(real.opening, rule="backups"))
    pages = [
        *(Page("ana", 1, hours) for hours in Hours),
        *(Page("raj", 2, Hours.NIGHT) for _ in range(9)),
    ]
    first, second = noisy_rules([quiet, real, vain], pages)
    assert (first.rule, first.noise, first.fired, first.needed, first.useful) == (
        "orders",
        1 + 2 + 4,
        2,
        1,
        1,
    )
    assert (second.rule, second.noise, second.advice) == ("backups", 0, KEEP)


def test_a_longer_wait_is_proposed_that_spares_most_and_loses_nothing() -> None:
    fired = [alone(3 * MINUTE), alone(8 * MINUTE), alone(4 * HOUR), needed(25 * MINUTE)]
    assert advice(fired) == "`for: 10m`: 2 instead of 4"


def test_no_wait_is_proposed_that_would_lose_what_was_needed() -> None:
    assert advice([alone(10 * MINUTE), alone(12 * MINUTE), needed(9 * MINUTE)]) == LOOK


def test_no_wait_is_proposed_that_spares_less_than_half() -> None:
    assert advice([alone(MINUTE), *(alone(9 * HOUR) for _ in range(2))]) == LOOK


def test_what_has_not_ended_is_not_spared() -> None:
    assert advice([alone(2 * MINUTE), history(), history((TAKEN, MINUTE), (OPEN, HOUR))]) == LOOK


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("false positive", "correct its limit"),
        ("not actionable", "send it to whoever can act"),
        ("poor details", "say more in `impact`"),
    ],
)
def test_what_people_called_it_decides_the_advice(reason: str, words: str) -> None:
    said = advice([marked(reason), marked(reason), alone(MINUTE)])
    assert said.startswith(f"{reason} (2×): {words}")


def test_a_rule_that_earned_every_page_is_kept() -> None:
    assert advice([needed(MINUTE), history()]) == KEEP


spans = st.timedeltas(timedelta(), 5 * HOUR)


@given(st.lists(st.builds(alone, spans) | st.builds(needed, spans), min_size=1, max_size=9))
def test_a_proposed_wait_loses_nothing_needed_whatever_has_fired(fired: list[History]) -> None:
    said = advice(fired)
    if said.startswith("`for"):
        hold = parse_duration(said.split("`")[1].removeprefix("for: "))
        kept = [one for one in fired if (one.first_good_at or MONDAY) - MONDAY > hold]
        assert all(one in kept for one in fired if not is_unneeded(one))
        assert 2 * len(kept) <= len(fired)
