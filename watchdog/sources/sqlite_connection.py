"""Opening an SQLite file: by a thread of its own, whose last word somebody hears."""

import asyncio
import sqlite3
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

import aiosqlite

_ROWS_AT_ONCE = 64


class Connection(aiosqlite.Connection):
    """A connection that says when its thread has ended, also after an opening that failed.

    Attributes:
        ended: Set when it is told to stop.
    """

    ended: "asyncio.Future[Any] | None" = None

    def stop(self) -> "asyncio.Future[Any] | None":
        """Stop the thread once everything that waits is done."""
        self.ended = super().stop()
        return self.ended


def connection_to(
    path: str, mode: Literal["ro", "rw"], factory: type[sqlite3.Connection], timeout_s: float
) -> Connection:
    """Return a connection that is still to be opened; each statement is a transaction of its own.

    Args:
        timeout_s: Half of it may be spent on waiting for somebody else's lock.
    """
    connect = partial(
        sqlite3.connect,
        f"file:{quote(path)}?mode={mode}",
        uri=True,
        factory=factory,
        isolation_level=None,
        timeout=timeout_s / 2,
    )
    return Connection(connect, _ROWS_AT_ONCE)


async def opened(connection: Connection) -> Connection:
    """Open it.

    Raises:
        sqlite3.Error: It cannot be.
    """
    try:
        await connection
    except sqlite3.Error:
        if connection.ended is not None:  # its thread has one more word for this loop
            await connection.ended
        raise
    return connection
