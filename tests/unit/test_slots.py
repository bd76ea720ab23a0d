"""When each rule is looked at."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from watchdog.engine.slots import next_slot, offset, slots_between

EVERY = st.sampled_from(
    [timedelta(seconds=5), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)]
)
INSTANTS = st.floats(631_152_000, 3_786_912_000).map(lambda s: datetime.fromtimestamp(s, UTC))
NAMES = st.text(min_size=1, max_size=20)


@given(NAMES, EVERY, INSTANTS)
def test_the_next_slot_is_later_and_at_most_one_interval_away(
    name: str, every: timedelta, after: datetime
) -> None:
    slot = next_slot(name, every, after)
    assert after < slot <= after + every


@given(NAMES, EVERY, INSTANTS)
def test_slots_are_one_interval_apart(name: str, every: timedelta, after: datetime) -> None:
    first = next_slot(name, every, after)
    assert next_slot(name, every, first) == first + every


@given(NAMES, EVERY, INSTANTS, st.integers(0, 500))
def test_slots_between_counts_what_walking_finds(
    name: str, every: timedelta, after: datetime, count: int
) -> None:
    slot, until = after, after
    for _ in range(count % 50):
        slot = next_slot(name, every, slot)
        until = slot
    assert slots_between(name, every, after, until) == count % 50


def test_slots_of_a_thousand_rules_are_spread_over_the_interval() -> None:
    per_second = Counter(offset(f"rule-{n}", timedelta(minutes=1)) for n in range(6000))
    assert len(per_second) == 60
    assert max(per_second.values()) < 2 * 6000 / 60


def test_a_clock_that_went_back_has_no_slots_between() -> None:
    now = datetime(2025, 6, 13, tzinfo=UTC)
    assert slots_between("r", timedelta(minutes=1), now, now - timedelta(hours=1)) == 0
