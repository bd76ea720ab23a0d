"""Breaks and mends the demo from another process: a row says what is broken, the world obeys it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg

CHANNEL = "demo"
"""Notified when something is broken or mended. A hint only: every tick reads the table."""

_SECONDS = 10.0
_FAREWELL_SECONDS = 1.0

_BREAK = "insert into broken (id, broken_at) values ($1, clock_timestamp()) on conflict do nothing"
_MEND = "delete from broken where id = $1"


async def set_broken(crm_dsn: str, failure_id: str, broken: bool) -> bool:
    """Break or mend a failure of the running demo; return False when it was so already.

    Args:
        crm_dsn: The database `demo_crm`, as its owner.

    Raises:
        KeyError: There is no such failure.
    """
    from watchdog.demo.failures import FAILURES

    if failure_id not in FAILURES:
        raise KeyError(failure_id)
    async with connected(crm_dsn) as db, asyncio.timeout(_SECONDS), db.transaction():
        done = await db.execute(_BREAK if broken else _MEND, failure_id)
        await db.execute("select pg_notify($1, $2)", CHANNEL, failure_id)
    return not done.endswith(" 0")


async def list_broken(crm_dsn: str) -> tuple[str, ...]:
    """Return the ids of what is broken now, the oldest first."""
    async with connected(crm_dsn) as db, asyncio.timeout(_SECONDS):
        rows = await db.fetch("select id from broken order by broken_at, id")
    return tuple(row["id"] for row in rows)


@contextlib.asynccontextmanager
async def connected(dsn: str) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """Give a connection to the database in which things are broken and mended."""
    import asyncpg

    db = await asyncpg.connect(dsn, timeout=_SECONDS, command_timeout=_SECONDS)
    try:
        yield db
    finally:
        # What was interrupted is cancelled first, and of that the server may never tell.
        with contextlib.suppress(TimeoutError):
            await db.close(timeout=_FAREWELL_SECONDS)
