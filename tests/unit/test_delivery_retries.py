"""When a message is tried again."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import DeliveryError
from tests.post_office import seeded
from tests.postgres import NIGHT
from watchdog.delivery.retries import Patience, back_off, next_try_at

PATIENCE = Patience()
MINUTE = timedelta(minutes=1)
FULL = DeliveryError("mailbox full")


def busy(span: timedelta) -> DeliveryError:
    return DeliveryError("ratelimited", retry_after=span)


@given(st.integers(1, 1_000_000), st.integers())
def test_a_wait_is_never_longer_than_its_bound(tries: int, seed: int) -> None:
    wait = back_off(tries, PATIENCE, seeded(seed))

    assert timedelta() <= wait <= PATIENCE.cap
    assert wait <= PATIENCE.base * 2 ** min(tries - 1, 20)


def test_waits_double_on_average_and_then_stay() -> None:
    random = seeded(7)

    def average(tries: int) -> float:
        waits = [back_off(tries, PATIENCE, random).total_seconds() for _ in range(2000)]
        return sum(waits) / len(waits)

    assert [round(average(tries)) for tries in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert 140 < average(12) < 160


@given(st.integers(1, 11), st.integers(0, 23))
def test_a_message_is_tried_again_while_there_is_patience(tries: int, hours: int) -> None:
    since = NIGHT - timedelta(hours=hours)

    due_at = next_try_at(FULL, tries, since, NIGHT, PATIENCE, seeded(1))

    assert due_at is not None
    assert NIGHT <= due_at <= NIGHT + PATIENCE.cap


def test_it_is_given_up_after_the_last_try() -> None:
    assert next_try_at(FULL, 12, NIGHT, NIGHT, PATIENCE, seeded(1)) is None


LATER = DeliveryError("greylisted", put_off=True)


@given(st.integers(1, 1000), st.integers(0, 1439), st.integers())
def test_what_is_put_off_is_tried_for_a_day_however_often(
    tries: int, minutes: int, seed: int
) -> None:
    since = NIGHT - timedelta(minutes=minutes)

    due_at = next_try_at(LATER, tries, since, NIGHT, PATIENCE, seeded(seed))

    assert due_at is not None
    bound = min(15, 2 ** min(tries - 1, 10))
    assert bound * 0.75 * MINUTE <= due_at - NIGHT <= bound * MINUTE


def test_what_is_put_off_is_given_up_after_a_day() -> None:
    yesterday = NIGHT - timedelta(hours=24)

    assert next_try_at(LATER, 3, yesterday, NIGHT, PATIENCE, seeded(1)) is None


def test_it_is_given_up_a_day_after_the_first_try() -> None:
    yesterday = NIGHT - timedelta(hours=24)

    assert next_try_at(busy(MINUTE), 3, yesterday, NIGHT, PATIENCE, seeded(1)) is None


def test_what_can_never_arrive_is_given_up_at_once() -> None:
    gone = DeliveryError("channel_not_found", permanent=True, retry_after=MINUTE)

    assert next_try_at(gone, 1, NIGHT, NIGHT, PATIENCE, seeded(1)) is None


@given(st.integers(1, 3600))
def test_the_wait_a_receiver_asks_for_is_kept_exactly(seconds: int) -> None:
    asked = timedelta(seconds=seconds)

    assert next_try_at(busy(asked), 1, NIGHT, NIGHT, PATIENCE, seeded(1)) == NIGHT + asked


def test_a_receiver_that_asks_us_to_wait_is_never_given_up_for_its_many_tries() -> None:
    assert next_try_at(busy(MINUTE), 100, NIGHT, NIGHT, PATIENCE, seeded(1)) == NIGHT + MINUTE


def test_nobody_waits_for_a_week() -> None:
    week = timedelta(days=7)

    assert next_try_at(busy(week), 1, NIGHT, NIGHT, PATIENCE, seeded(1)) == NIGHT + 60 * MINUTE


def test_a_wait_of_nothing_is_a_failure_like_any_other() -> None:
    for span in (timedelta(), timedelta(seconds=-5)):
        first = next_try_at(busy(span), 1, NIGHT, NIGHT, PATIENCE, seeded(3))
        assert first == next_try_at(FULL, 1, NIGHT, NIGHT, PATIENCE, seeded(3))
        assert next_try_at(busy(span), 12, NIGHT, NIGHT, PATIENCE, seeded(3)) is None
