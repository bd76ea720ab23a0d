"""How full the outbox is, and whether anything leaves it."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from watchdog.store.sql import load

_SQL = load("backlog")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How full the outbox is.

    Attributes:
        due: Waiting though their time has come. `held`: waiting for their time.
        oldest_due_at: Since when the oldest of those that are due, or being sent, has been due.
        dead: Given up since the asked instant.
    """

    due: int
    held: int
    sending: int
    oldest_due_at: datetime | None
    dead: int


async def waiting(conn: asyncpg.Connection, now: datetime, dead_since: datetime) -> Waiting:
    """Return how full the outbox is."""
    [row] = await conn.fetch(_SQL["count_waiting"], now, dead_since)
    return Waiting(**dict(row))


async def is_stuck(conn: asyncpg.Connection, since: datetime) -> bool:
    """Return whether nobody is reached: pushes are due since then, or given up, and nothing came after."""
    return bool(await conn.fetchval(_SQL["is_stuck"], since))
