"""An SQLite file that a recovery action changes."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiosqlite

from rules.base import SqlQuestion
from watchdog.sources.base import seconds_in_words
from watchdog.sources.sqlite import bindable, reason_of
from watchdog.sources.sqlite_connection import connection_to, opened
from watchdog.sources.writers import COMMIT_SECONDS, NotChanged, Unsure, within

_MAY: Final = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE,
    sqlite3.SQLITE_TRANSACTION,
}
_ERRORS = (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError)


class _ChangingConnection(sqlite3.Connection):
    """A connection on which rows change and nothing else: no table, no PRAGMA, no other file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.set_authorizer(_authorize)


def _authorize(action: int, *_details: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _MAY else sqlite3.SQLITE_DENY


class HeldChange:
    """A change inside a transaction that is open."""

    def __init__(self, connection: aiosqlite.Connection, rows: int) -> None:
        self._connection = connection
        self.rows = rows

    async def commit(self) -> None:
        """See `Held`."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._connection.execute("commit")
        except TimeoutError as error:
            words = f"no answer to the commit within {seconds_in_words(COMMIT_SECONDS)}"
            raise Unsure(words) from error
        except _ERRORS as error:
            raise NotChanged(reason_of(error, COMMIT_SECONDS).reason) from error


@asynccontextmanager
async def changing(
    address: str, question: SqlQuestion, timeout_s: float
) -> AsyncIterator[HeldChange]:
    """Give a change that was made; see `writers.changed`."""
    connection = connection_to(address, "rw", _ChangingConnection, timeout_s)
    try:
        try:
            async with within(timeout_s):
                await opened(connection)
                await connection.execute("begin immediate")
                params = {str(n): bindable(one) for n, one in enumerate(question.params, start=1)}
                async with connection.execute(question.text, params) as cursor:
                    await cursor.fetchall()
                    rows = cursor.rowcount
        except _ERRORS as error:
            raise NotChanged(reason_of(error, timeout_s).reason) from error
        yield HeldChange(connection, max(0, rows))
    finally:
        await _closed(connection)


async def _closed(connection: aiosqlite.Connection) -> None:
    """Close it, which rolls back what is open; a thread that hangs in a dead file is left to itself."""
    try:
        async with asyncio.timeout(COMMIT_SECONDS):
            await connection.interrupt()
            await connection.close()
    except (TimeoutError, *_ERRORS):
        connection.stop()
