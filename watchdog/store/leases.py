"""Work that only one replica may do at a time."""

from datetime import timedelta

import asyncpg

from watchdog.store.sql import load

_SQL = load("leases")


class LeaseLost(Exception):  # noqa: N818 (an outcome, not an error)
    """Another replica does this work now; nothing was written."""


async def prolong(
    conn: asyncpg.Connection, name: str, replica: str, token: int, span: timedelta
) -> bool:
    """Keep a lease for `span` from now; return False when it is ours no more.

    Waits for nobody: not for a long transaction that writes under this very lease.
    """
    return await conn.fetchval(_SQL["prolong"], name, replica, token, span) is not None


async def acquire(
    conn: asyncpg.Connection, name: str, replica: str, span: timedelta, *, anew: bool
) -> int | None:
    """Return the fencing token if this replica has the lease for `span` from now, else None.

    Waits for transactions that write under the lease, so nothing of an earlier holder comes later.
    Spans are measured by the database's clock, the only one that all replicas share.

    Args:
        anew: The process has just started: it raises the token, so that an earlier process of the
            same name is fenced off.
    """
    await conn.execute(_SQL["lock"], name)
    token: int | None = await conn.fetchval(_SQL["acquire"], name, replica, span, anew)
    return token


async def require(conn: asyncpg.Connection, name: str, token: int) -> None:
    """Return while the token is the present one; it stays so until the transaction ends.

    Raises:
        LeaseLost: It is not.
    """
    if await conn.fetchval(_SQL["check_token"], name, token) is None:
        raise LeaseLost(name)


async def release(conn: asyncpg.Connection, name: str, replica: str) -> None:
    """Give the lease back, so that another replica need not wait for its end."""
    await conn.execute(_SQL["release"], name, replica)
