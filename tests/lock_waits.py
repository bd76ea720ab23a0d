"""Who waits for a lock, as PostgreSQL sees it: no span of time is long enough on every machine."""

import asyncio
from typing import Any

import asyncpg

_WAITING = "select exists (select from pg_stat_activity where wait_event_type = 'Lock')"


async def held_up(store: asyncpg.Pool, work: "asyncio.Future[Any]") -> bool:
    """Return True once somebody on the server waits for a lock, or False once the work is done."""
    async with asyncio.timeout(60):
        while not work.done():
            if await store.fetchval(_WAITING):
                return True
    return False


async def nobody_waits(store: asyncpg.Pool) -> None:
    """Return once nobody on the server waits for a lock."""
    async with asyncio.timeout(60):
        while await store.fetchval(_WAITING):  # noqa: ASYNC110 (PostgreSQL has no event for it)
            await asyncio.sleep(0.02)  # whoever waits gives up after seconds


async def wait_for_nobody(conn: asyncpg.Connection) -> None:
    """Let the rest of a transaction fail where it would have to wait for a lock."""
    await conn.execute("set local lock_timeout = '1ms'")
