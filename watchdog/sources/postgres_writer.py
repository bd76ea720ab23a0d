"""A PostgreSQL that a recovery action changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from rules.base import SqlQuestion
from watchdog.sources import postgres_reasons as reasons
from watchdog.sources.base import seconds_in_words
from watchdog.sources.postgres_connection import Limits
from watchdog.sources.postgres_values import UnfitError, adapt_all, adapter
from watchdog.sources.writers import COMMIT_SECONDS, NotChanged, Unsure, within

_READ_ONLY = "25006"
_ERRORS = (*reasons.LOST, UnfitError, ValueError)


class HeldChange:
    """A change inside a transaction that is open."""

    def __init__(self, connection: "asyncpg.Connection[Any]", rows: int) -> None:
        self._connection = connection
        self.rows = rows

    async def commit(self) -> None:
        """See `Held`."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._connection.execute("COMMIT;")
        except TimeoutError as error:
            words = f"no answer to the commit within {seconds_in_words(COMMIT_SECONDS)}"
            raise Unsure(words) from error
        except reasons.LOST as error:
            if reasons.is_refusal(error) and not self._connection.is_closed():
                raise NotChanged(_words(error, COMMIT_SECONDS)) from error
            raise Unsure("the connection was lost at the commit") from error


@asynccontextmanager
async def changing(
    address: str, question: SqlQuestion, timeout_s: float
) -> AsyncIterator[HeldChange]:
    """Give a change that was made; see `writers.changed`."""
    connection: asyncpg.Connection[Any] | None = None
    try:
        try:
            async with within(timeout_s):
                connection = await _connected(address, timeout_s)
                rows = await _made(connection, question, Limits(timeout_s))
        except _ERRORS as error:
            raise NotChanged(_words(error, timeout_s)) from error
        yield HeldChange(connection, rows)
    finally:
        # The server rolls back what is open when the connection ends; a farewell could hang.
        if connection is not None:
            connection.terminate()


async def _connected(address: str, timeout_s: float) -> "asyncpg.Connection[Any]":
    try:
        return await asyncpg.connect(
            address,
            timeout=timeout_s,
            statement_cache_size=0,
            server_settings={"application_name": "incident-watchdog action"},
        )
    except (*reasons.LOST, ValueError) as error:
        raise NotChanged(reasons.of_connecting(error, timeout_s).reason) from error


async def _made(
    connection: "asyncpg.Connection[Any]", question: SqlQuestion, limits: Limits
) -> int:
    """Begin, change, and return how many rows that were."""
    # Should we vanish in between, the server gives the rows free after the last of the limits.
    await connection.execute(
        "begin isolation level read committed read write;"
        f"set local statement_timeout = {limits.statement_ms};"
        f"set local lock_timeout = {limits.lock_ms};"
        f"set local idle_in_transaction_session_timeout = {int(limits.timeout_s * 1000) + 10_000};"
        f"set local timezone = '{question.zone}'"
    )
    statement = await connection.prepare(question.text, name="")
    adapters = [adapter(parameter) for parameter in statement.get_parameters()]
    await statement.fetch(*adapt_all(question.params, adapters, question.zone))
    status = statement.get_statusmsg() or ""  # such as `UPDATE 3` or `INSERT 0 3`
    return int(status.rpartition(" ")[2])


def _words(error: Exception, timeout_s: float) -> str:
    code = str(error.sqlstate) if isinstance(error, asyncpg.PostgresError) else ""
    if code == _READ_ONLY:
        return "the database, or this account, only reads"
    return reasons.of_question(error, timeout_s, timeout_s).reason
