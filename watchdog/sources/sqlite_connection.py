"""Opening an SQLite file: by a thread of its own, whose last word somebody hears."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

import aiosqlite

_ROWS_AT_ONCE = 64

Found: TypeAlias = tuple[list[str], list[Any]]
Still: TypeAlias = Callable[[], bool]


class ReplacedError(Exception):
    """Another file stands at the path, or none; the connection is to be given up."""


class Connection(aiosqlite.Connection):
    """A connection that says when its thread has ended, also after an opening that failed.

    Attributes:
        ended: Set when it is told to stop.
    """

    ended: "asyncio.Future[Any] | None" = None

    async def ask(
        self, text: str, params: Mapping[str, object], rows_max: int, still: Still | None = None
    ) -> Found | None:
        """Return the names of an answer's columns and at most `rows_max` rows; None of no query.

        The thread is woken once, not for the cursor, its rows and its end: that was most of the
        time that a short question took. aiosqlite has no public way to do several things at once.

        Args:
            still: Looks, in the thread, whether the file is still the one that was opened.

        Raises:
            ReplacedError: It is not; nothing was asked.
            sqlite3.Error, sqlite3.Warning, ValueError, OverflowError: It cannot be answered.
        """
        found: Found | None = await self._execute(self._answer, text, params, rows_max, still)  # type: ignore[no-untyped-call]
        return found

    def _answer(
        self, text: str, params: Mapping[str, object], rows_max: int, still: Still | None
    ) -> Found | None:
        if still is not None and not still():
            raise ReplacedError
        with closing(self._conn.execute(text, params)) as cursor:
            if cursor.description is None:
                return None
            return [column[0] for column in cursor.description], cursor.fetchmany(rows_max)

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
