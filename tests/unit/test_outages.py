"""A channel that nothing gets through is tried now and then, and its return is noticed once."""

from datetime import timedelta

from notifiers.base import DeliveryError
from tests.postgres import NIGHT
from watchdog.delivery.outages import Outages

SECOND = timedelta(seconds=1)
OUT = DeliveryError("slack cannot be reached", is_outage=True)
REFUSED = DeliveryError("channel_not_found", permanent=True)


def test_a_channel_that_is_out_is_left_alone_for_ever_longer_up_to_a_minute() -> None:
    outages, now, waits = Outages(), NIGHT, []
    for _ in range(8):
        outages.note("slack", OUT, now)
        began = now
        while outages.closed(now):
            now += SECOND
        waits.append((now - began) // SECOND)

    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]


def test_of_several_that_fail_together_one_counts() -> None:
    outages = Outages()
    for _ in range(20):
        outages.note("slack", OUT, NIGHT)

    assert outages.closed(NIGHT + SECOND) == ["slack"]
    assert outages.closed(NIGHT + 2 * SECOND) == []


def test_a_refusal_closes_no_channel_and_shows_that_it_answers() -> None:
    outages = Outages()
    outages.note("slack", OUT, NIGHT)
    outages.note("slack", REFUSED, NIGHT)

    assert outages.closed(NIGHT) == []
    assert outages.returned == set()


def test_its_return_is_noticed_once_and_again_after_the_next_outage() -> None:
    outages = Outages()
    outages.note("slack", None, NIGHT)
    assert outages.returned == {"slack"}
    outages.returned.clear()
    outages.note("slack", None, NIGHT)
    assert outages.returned == set()

    outages.note("slack", OUT, NIGHT)
    outages.note("slack", None, NIGHT + SECOND)
    assert outages.returned == {"slack"}


def test_channels_are_out_each_for_itself() -> None:
    outages = Outages()
    outages.note("slack", OUT, NIGHT)
    outages.note("email", None, NIGHT)

    assert outages.closed(NIGHT) == ["slack"]


def test_a_clock_that_is_put_back_opens_what_was_closed_until_later() -> None:
    outages = Outages()
    outages.note("slack", OUT, NIGHT)
    earlier = NIGHT - timedelta(hours=1)

    assert outages.closed(earlier) == []
    outages.note("slack", OUT, earlier)
    assert outages.closed(earlier) == ["slack"]
