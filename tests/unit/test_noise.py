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

NO_WAIT = timedelta()


def advised(*fired: History, wait: timedelta | None = NO_WAIT) -> str:
    return advice(fired, wait)


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
    first, second = noisy_rules([quiet, real, vain], pages, {"orders": NO_WAIT, "backups": NO_WAIT})
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
    assert advised(*fired) == "with `for: 10m` it would have fired 2 times"


def test_a_wait_is_counted_from_the_first_bad_check_not_from_what_the_data_say() -> None:
    seen_late = replace(needed(10 * MINUTE), first_bad_at=MONDAY - 50 * MINUTE)
    assert advised(seen_late, *(alone(12 * MINUTE) for _ in range(3))) == LOOK


def test_the_present_wait_is_part_of_a_longer_one() -> None:
    fired = [alone(3 * MINUTE), alone(4 * MINUTE)]
    assert advised(*fired, wait=10 * MINUTE) == "with `for: 15m` it would never have fired"
    assert advised(alone(NO_WAIT), wait=10 * MINUTE) == "with `for: 15m` it would never have fired"


def test_no_wait_is_proposed_where_it_would_change_nothing() -> None:
    assert advised(alone(MINUTE), alone(MINUTE), wait=None) == LOOK


def test_what_is_no_rule_gets_no_advice() -> None:
    fired = [history((RECOVERED, MINUTE), good=MINUTE, rule="storm:main") for _ in range(3)]
    [line] = noisy_rules(fired, (), {"orders": NO_WAIT})
    assert (line.rule, line.fired, line.advice) == ("storm:main", 3, "")


def test_no_wait_is_proposed_that_would_lose_what_was_needed() -> None:
    assert advised(alone(10 * MINUTE), alone(12 * MINUTE), needed(9 * MINUTE)) == LOOK


def test_no_wait_is_proposed_that_spares_less_than_half() -> None:
    assert advised(alone(MINUTE), *(alone(9 * HOUR) for _ in range(2))) == LOOK


def test_what_has_not_ended_is_not_spared() -> None:
    assert advised(alone(2 * MINUTE), history(), history((TAKEN, MINUTE), (OPEN, HOUR))) == LOOK


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("false positive", "correct its limit"),
        ("not actionable", "send it to whoever can act"),
        ("poor details", "say more in `impact`"),
    ],
)
def test_what_people_called_it_decides_the_advice(reason: str, words: str) -> None:
    said = advised(marked(reason), marked(reason), alone(MINUTE))
    assert said.startswith(f"{reason} (2×): {words}")


def test_a_rule_that_earned_every_page_is_kept() -> None:
    assert advised(needed(MINUTE), history()) == KEEP


spans = st.timedeltas(timedelta(), 5 * HOUR)
waits = st.sampled_from([NO_WAIT, 5 * MINUTE, HOUR])


@st.composite
def lives(draw: st.DrawFn) -> History:
    """Draw a life, seen by the data some time before anybody looked."""
    one = draw(st.sampled_from([alone, needed]))(draw(spans))
    return replace(one, first_bad_at=MONDAY - draw(spans))


@given(st.lists(lives(), min_size=1, max_size=9), waits)
def test_a_proposed_wait_loses_nothing_needed_whatever_has_fired(
    fired: list[History], wait: timedelta
) -> None:
    said = advised(*fired, wait=wait)
    if said.startswith("with `for"):
        hold = parse_duration(said.split("`")[1].removeprefix("for: "))
        first_check = MONDAY - wait
        kept = [one for one in fired if (one.first_good_at or MONDAY) - first_check > hold]
        assert all(one in kept for one in fired if not is_unneeded(one))
        assert 2 * len(kept) <= len(fired)
        assert hold > wait
