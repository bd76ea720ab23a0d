"""Connections to our own store."""

import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from typing import cast

import asyncpg

from watchdog.store import sql

_CONNECT_SECONDS = 5.0
_COMMAND_SECONDS = 10.0
_ACQUIRE_SECONDS = 5.0
_IDLE_SECONDS = 240.0
_TCP_USER_TIMEOUT_MS = 4_000

LOST = (
    OSError,
    asyncpg.PostgresConnectionError,  # 08xxx
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,  # 57P01
    asyncpg.CrashShutdownError,  # 57P02
    asyncpg.CannotConnectNowError,  # 57P03
    asyncpg.TooManyConnectionsError,  # 53300
    asyncpg.ReadOnlySQLTransactionError,  # 25006: an old primary after a failover
)
"""Errors that say nothing of the statement: the connection is lost or leads to the wrong server."""


class StoreDown(Exception):  # noqa: N818 (a state, not a mistake)
    """The store cannot be reached now. Whether a commit under way took place is unknown: look first."""


@contextlib.contextmanager
def store_down() -> Iterator[None]:
    """Turn what is lost with the connection to the store into `StoreDown`."""
    try:
        yield
    except LOST as error:
        raise StoreDown(f"the store does not answer: {error or type(error).__name__}") from error
    except asyncpg.InterfaceError as error:
        # A mistake in how we call the library has the same type; only these say that it is closed.
        if isinstance(error, ValueError) or not _says_closed(error):
            raise
        raise StoreDown(f"the store does not answer: {error}") from error


def _says_closed(error: asyncpg.InterfaceError) -> bool:
    return "clos" in str(error) or "terminated" in str(error)


async def open_pool(dsn: str, *, size: int = 10) -> asyncpg.Pool:
    """Return a pool of at most `size` connections to the store; it answers when this returns.

    Every connection finds our tables without their schema, speaks jsonb as Python values, and
    gives up: on a lock after 2 s, on a statement after 10 s, on a network that went silent after
    4 s. `search_path` and time-outs are set by a statement, since poolers refuse them as start
    parameters, and stay: `RESET ALL` is not part of giving a connection back.

    Raises:
        StoreDown: No server answers.
    """
    with store_down():
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=_CONNECT_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            max_inactive_connection_lifetime=_IDLE_SECONDS,
            init=_init,
            reset=_reset,
        )


async def _init(connection: asyncpg.Connection) -> None:
    limit_silence(connection)
    await connection.execute(sql.load("pool")["set_session"])
    await connection.set_type_codec(
        "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
    )


async def _reset(connection: asyncpg.Connection) -> None:
    """Keep the session as `_init` made it; what we set beyond that ends with its transaction."""


def limit_silence(connection: asyncpg.Connection) -> None:
    """Let the kernel end a TCP connection on which nothing is acknowledged for 4 s.

    Time-outs in asyncio do not do it: closing and cancelling wait for the silent server, too.
    """
    transport = connection._transport  # type: ignore[attr-defined] # there is no public way
    line = transport.get_extra_info("socket")
    if line is None or line.family == socket.AF_UNIX:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_USER_TIMEOUT", _TCP_USER_TIMEOUT_MS),
        ("TCP_KEEPIDLE", 2),
        ("TCP_KEEPINTVL", 1),
        ("TCP_KEEPCNT", 3),
    ):
        if hasattr(socket, name):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@contextlib.asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection inside a transaction: committed at the end, rolled back on an exception.

    Tries once; whether and how to try again is the caller's to know.

    Raises:
        StoreDown: No connection within 5 s, or it was lost on the way.
    """
    with store_down():
        async with pool.acquire(timeout=_ACQUIRE_SECONDS) as borrowed, borrowed.transaction():
            # Stands for the connection in everything but its type.
            yield cast("asyncpg.Connection", borrowed)
