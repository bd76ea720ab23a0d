"""What becomes of pages that reached nobody: other roads, and owners to whom there is none."""

from collections.abc import Collection, Iterable
from datetime import datetime

import asyncpg

from watchdog.domain.fallback import (
    first_part,
    later_part,
    next_receivers,
    people_at,
    unheard_owners,
)
from watchdog.domain.people import Directory
from watchdog.store import fallbacks
from watchdog.store.fallbacks import Road
from watchdog.store.incidents import Missed
from watchdog.store.outbox import Result


async def fall_back(
    conn: asyncpg.Connection,
    dead: Iterable[int],
    directory: Directory,
    channels: Collection[str],
    now: datetime,
) -> tuple[int, list[Missed]]:
    """Send what was given up by other roads; return how many, and the owners to whom there is none."""
    given_up = await fallbacks.unreached(conn, dead)
    chosen = next_receivers(given_up, directory, channels)
    roads = [Road(number, one, first_part(one), later_part(one)) for number, one in chosen.items()]
    written = await fallbacks.insert_fallbacks(conn, roads, now)
    unheard = unheard_owners(given_up, chosen, directory)
    return len(written), [Missed(one, name, "cannot be reached") for one, name in unheard.items()]


def missed_by(silent: Iterable[Result], directory: Directory) -> list[Missed]:
    """Return who has a page where no phone rings."""
    return [
        Missed(one.id, name, "in Do Not Disturb")
        for one in silent
        for name in people_at(one.unheard_at, directory)
    ]
