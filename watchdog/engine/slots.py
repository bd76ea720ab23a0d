"""When each rule is looked at. Pure."""

import hashlib
import math
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GRAIN = timedelta(seconds=1)
"""Slots fall on whole seconds, so that rules of one source are asked together."""


def offset(name: str, every: timedelta) -> timedelta:
    """Return by how much a rule's slots lie after whole multiples of `every` since 1970.

    A hash of the name spreads the rules evenly, the same way in every replica and after a restart.
    """
    grains = max(1, every // _GRAIN)
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return _GRAIN * (int.from_bytes(digest, "big") % grains)


def next_slot(name: str, every: timedelta, after: datetime) -> datetime:
    """Return the rule's first slot later than `after`."""
    first = _EPOCH + offset(name, every)
    return first + every * (math.floor((after - first) / every) + 1)


def slots_between(name: str, every: timedelta, after: datetime, until: datetime) -> int:
    """Return how many slots lie later than `after` and not later than `until`; 0 if none."""
    if until <= after:
        return 0
    first = _EPOCH + offset(name, every)
    return math.floor((until - first) / every) - math.floor((after - first) / every)
