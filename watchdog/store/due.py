"""What the service is to do by now when nobody acts, asked in one look: mostly it is nothing."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from watchdog.domain.silences import REMIND_BEFORE
from watchdog.store.sql import load

_SQL = load("due")


@dataclass(frozen=True, slots=True)
class Due:
    """Whether something is to be done with incidents, silences that end, or runs of actions."""

    incidents: bool
    silences: bool
    runs: bool


async def what(conn: asyncpg.Connection, now: datetime) -> Due:
    """Return what is to be done by now; nothing is locked."""
    [row] = await conn.fetch(_SQL["what_is_due"], now, REMIND_BEFORE)
    return Due(row["incidents"], row["silences"], row["runs"])
