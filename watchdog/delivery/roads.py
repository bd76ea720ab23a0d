"""What becomes of pages that reached nobody: other roads, and owners to whom there is none."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

import asyncpg

from watchdog.domain.fallback import (
    first_part,
    later_part,
    next_receivers,
    people_at,
    unheard_owners,
)
from watchdog.domain.people import Directory
from watchdog.store import fallbacks, incidents
from watchdog.store.fallbacks import Road
from watchdog.store.incidents import Missed
from watchdog.store.outbox import Result

ALL_WAIT = timedelta(minutes=10)
"""What has not arrived by then goes on as if it had been given up, though it is still tried."""


async def fall_back(
    conn: asyncpg.Connection,
    given_up: Collection[int],
    directory: Directory,
    channels: Collection[str],
    now: datetime,
) -> int:
    """Send these by other roads, and write which owners there is none to; return how many were sent."""
    if not given_up:
        return 0
    unreached = await fallbacks.unreached(conn, given_up, now - ALL_WAIT)
    chosen = next_receivers(unreached, directory, channels)
    unheard = unheard_owners(unreached, chosen, directory)
    missed = [Missed(one, name, "cannot be reached") for one, name in unheard.items()]
    sent = await _send(conn, chosen, now)
    await incidents.mark_missed(conn, missed, now)
    return sent


async def tell_meanwhile(
    conn: asyncpg.Connection,
    waiting: Collection[int],
    directory: Directory,
    channels: Collection[str],
    now: datetime,
) -> int:
    """Send these to the same readers by another channel; return how many that were."""
    if not waiting:
        return 0
    unreached = await fallbacks.unreached(conn, waiting, now - ALL_WAIT)
    return await _send(
        conn, next_receivers(unreached, directory, channels, only_same_reader=True), now
    )


async def _send(conn: asyncpg.Connection, chosen: Mapping[int, str], now: datetime) -> int:
    roads = [Road(number, one, first_part(one), later_part(one)) for number, one in chosen.items()]
    return len(await fallbacks.insert_fallbacks(conn, roads, now))


def missed_by(silent: Iterable[Result], directory: Directory) -> list[Missed]:
    """Return who has a page where no phone rings."""
    return [
        Missed(one.id, name, "in Do Not Disturb")
        for one in silent
        for name in people_at(one.unheard_at, directory)
    ]
