"""When a message that did not arrive is tried again, and when it is given up. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from notifiers.base import DeliveryError

_DOUBLINGS_MAX = 30


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a message is tried before it goes another way.

    Attributes:
        base: Upper bound of the first wait; it doubles with each try.
        cap: Upper bound of every wait.
        tries: Tries without success, at least 1. Tries that the receiver has asked to repeat later
            do not end it, and neither does an outage of the whole channel: `age` bounds them.
        put_off_base, put_off_cap: As `base` and `cap`, where it has asked without saying when;
            mail servers want minutes before they trust a stranger.
        age: From the first try. Time that a message was held or nobody ran does not count.
        wait_longest: The longest wait that a receiver may ask for.
    """

    base: timedelta = timedelta(seconds=2)
    cap: timedelta = timedelta(minutes=5)
    tries: int = 12
    put_off_base: timedelta = timedelta(minutes=1)
    put_off_cap: timedelta = timedelta(minutes=15)
    age: timedelta = timedelta(hours=24)
    wait_longest: timedelta = timedelta(hours=1)


def back_off(tries: int, patience: Patience, random: Random) -> timedelta:
    """Return a wait drawn evenly from zero to the bound after `tries` tries (full jitter).

    Args:
        tries: At least 1.
    """
    return _bound(tries, patience.base, patience.cap) * random.random()


def _bound(tries: int, base: timedelta, cap: timedelta) -> timedelta:
    doublings: int = min(tries - 1, _DOUBLINGS_MAX)
    return min(cap, base * (1 << doublings))


def next_try_at(
    error: DeliveryError,
    tries: int,
    first_tried_at: datetime,
    now: datetime,
    patience: Patience,
    random: Random,
) -> datetime | None:
    """Return when to try again after `tries` tries, or None to give up."""
    if error.permanent or now - first_tried_at >= patience.age:
        return None
    if error.retry_after is not None and error.retry_after > timedelta():
        return now + min(error.retry_after, patience.wait_longest)
    if error.put_off:
        bound = _bound(tries, patience.put_off_base, patience.put_off_cap)
        return now + bound * (0.75 + random.random() / 4)
    if tries >= patience.tries and not error.is_outage:
        return None
    return now + back_off(tries, patience, random)
