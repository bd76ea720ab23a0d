"""What is about to be sent: written before the first byte, with the lane that it goes through."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from notifiers.base import Pace
from watchdog.store.columns import in_columns
from watchdog.store.outbox import Claimed
from watchdog.store.sql import load

_SQL = load("outbox")


async def write_intents(
    conn: asyncpg.Connection,
    claimed: Sequence[Claimed],
    now: datetime,
    hideable: Collection[int] = (),
    paces: Mapping[int, Pace] | None = None,
) -> dict[int, datetime | None]:
    """Write that these are about to be sent; return which may be: none of `hideable` if silenced now.

    Waits for nobody: those of `hideable` are left out, too, whose incident somebody else has locked.

    Those with a pace book their lanes, and come back with the instant at which these are free again.
    Of each lane the first is begun, if it is free.
    """
    rows = list(_intents(claimed, hideable, paces or {}))
    if not rows:
        return {}
    ids, tokens, *more = in_columns(rows)
    begun = await conn.fetch(_SQL["write_intents"], ids, tokens, now, *more)
    return {row["id"]: row["free_at"] for row in begun}


def _intents(
    claimed: Sequence[Claimed], hideable: Collection[int], paces: Mapping[int, Pace]
) -> Iterator[tuple[Any, ...]]:
    lanes: set[str] = set()
    for one in claimed:
        held = (one.id, one.token, one.id in hideable)
        pace = paces.get(one.id)
        if pace is None:
            yield *held, None, None, None
        elif one.lane not in lanes:
            lanes.add(one.lane)
            yield *held, one.lane, pace.every, pace.every * (pace.burst - 1)
