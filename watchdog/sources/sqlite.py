"""An SQLite file as a source: opened so that it can only be read, and opened again when it was replaced."""

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from rules.base import Answer, Question, Rows, SqlQuestion, SqlValue, Unanswered
from watchdog.config.model import Source as SourceSpec
from watchdog.sources.base import seconds_in_words
from watchdog.sources.sqlite_connection import (
    Connection,
    Found,
    ReplacedError,
    connection_to,
    opened,
)

CELL_BYTES_MAX: Final = 16 * 1024 * 1024
"""Longest text or blob that SQLite may make while it answers."""

_MAY: Final = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_IS_LOCKED: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_OF_FILE: Final = {
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_IOERR: "the file cannot be read",
    sqlite3.SQLITE_PERM: "the file must not be read",
    sqlite3.SQLITE_AUTH: "it is not a query: it does more than read",
    sqlite3.SQLITE_READONLY: "it tries to write; sources are only read",
    sqlite3.SQLITE_TOOBIG: "a value in its answer is too large",
    sqlite3.SQLITE_NOMEM: "there is not enough memory for it",
    sqlite3.SQLITE_MISMATCH: "a value does not fit the type of its place",
}
_WHOLE: Final = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
}


class _ReadingConnection(sqlite3.Connection):
    """A connection on which only SELECT passes: no write, no PRAGMA, no other file attached."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, CELL_BYTES_MAX)
        self.execute("pragma query_only = on")
        self.set_authorizer(_authorize)


def _authorize(action: int, table: str | None, *_details: str | None) -> int:
    # `json_each` announces its columns in this way; a real update fails for being read-only.
    is_table_function = action == sqlite3.SQLITE_UPDATE and table == "sqlite_master"
    return sqlite3.SQLITE_OK if action in _MAY or is_table_function else sqlite3.SQLITE_DENY


class SqliteSource:
    """A monitored SQLite file. Questions are asked one after the other, in a thread of its own."""

    def __init__(self, spec: SourceSpec, address: str) -> None:
        self._path = address
        self._timeout_s = spec.timeout.total_seconds()
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._is_checked = False
        # What threads that hang in a dead file system would still have to finish.
        self._hanging: asyncio.Future[Any] | None = None

    async def answer(self, question: Question) -> Answer:
        """Return what the file says to one question."""
        return (await self.answer_all([question]))[0]

    async def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the answers in order; after a trouble of the file itself nothing more is asked."""
        late = Unanswered(
            f"its turn did not come within {seconds_in_words(self._timeout_s)}: "
            "the file is busy with other questions"
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._turn.acquire()
        except TimeoutError:
            return [late] * len(questions)
        ends_s = time.monotonic() + self._timeout_s
        answers: list[Answer] = []
        failure: Unanswered | None = None
        self._is_checked = False
        try:
            for question in questions:
                if failure is None and time.monotonic() > ends_s:
                    failure = late
                answer = failure or await self._ask(question)
                answers.append(answer)
                if isinstance(answer, Unanswered) and answer.whole_source:
                    failure = answer
        finally:
            self._turn.release()
        return answers

    async def close(self) -> None:
        """Close the file; a thread that hangs in it is left to itself."""
        await self._give_up()

    async def _ask(self, question: Question) -> Answer:
        if not isinstance(question, SqlQuestion):
            return Unanswered("a database is asked in SQL, not by URL")
        if self._hanging is not None and not self._hanging.done():
            words = "the file hangs: an earlier look at it has not come back"
            return Unanswered(words, whole_source=True)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._rows(question)
        except TimeoutError:
            await self._give_up()
            return Unanswered(f"no answer within {seconds_in_words(self._timeout_s)}")
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
            answer = reason_of(error, self._timeout_s)
            if answer.whole_source:
                await self._give_up()
            return answer
        except BaseException:
            await self._give_up()
            raise

    async def _rows(self, question: SqlQuestion) -> Rows | Unanswered:
        started_s = time.monotonic()
        params = {str(n): bindable(value) for n, value in enumerate(question.params, start=1)}
        try:
            answer = await self._found(question, params)
        except ReplacedError:
            await self._give_up()
            answer = await self._found(question, params)
        if isinstance(answer, Unanswered):
            return answer
        if answer is None:
            return Unanswered("it is not a query: it returns no columns")
        names, found = answer
        rows = [dict(zip(names, row, strict=True)) for row in found[: question.rows_max]]
        took = timedelta(seconds=time.monotonic() - started_s)
        return Rows(rows, truncated=len(found) > question.rows_max, took=took)

    async def _found(
        self, question: SqlQuestion, params: Mapping[str, object]
    ) -> Found | Unanswered | None:
        """Ask the file that stands at the path now, for which is looked once a batch."""
        if self._connection is None and not await self._open():
            return Unanswered("the file does not exist", whole_source=True)
        assert self._connection is not None
        still = None if self._is_checked else self._is_still_there
        found = await self._connection.ask(question.text, params, question.rows_max + 1, still)
        self._is_checked = True
        return found

    def _is_still_there(self) -> bool:
        return _identity_of(self._path) == self._identity

    async def _open(self) -> bool:
        """Connect to the file at the path; return False without one."""
        loop = asyncio.get_running_loop()
        self._hanging = loop.run_in_executor(None, _identity_of, self._path)
        identity = await asyncio.shield(self._hanging)
        if identity is None:
            return False
        to_file = connection_to(self._path, "ro", _ReadingConnection, self._timeout_s)
        self._connection = await opened(to_file)
        self._identity = identity
        self._is_checked = True
        return True

    async def _give_up(self) -> None:
        """Stop what the connection does and close it, without waiting for a thread that hangs."""
        connection, self._connection = self._connection, None
        self._identity = None
        if connection is None:
            return
        await connection.interrupt()
        ended = connection.stop()
        assert ended is not None  # it is only missing where no loop runs
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.shield(ended)
        except TimeoutError:
            self._hanging = ended


def reason_of(error: Exception, timeout_s: float) -> Unanswered:
    """Return what an error of SQLite means; its messages name tables, columns and parts of the SQL."""
    code = getattr(error, "sqlite_errorcode", None)
    code = None if code is None else code & 0xFF  # the upper bits only refine
    if code in _IS_LOCKED:
        return Unanswered("the file is locked by another program", whole_source=True)
    if code == sqlite3.SQLITE_INTERRUPT:
        return Unanswered(f"no answer within {seconds_in_words(timeout_s)}")
    if code in _OF_FILE:
        return Unanswered(_OF_FILE[code], whole_source=code in _WHOLE)
    if code == sqlite3.SQLITE_ERROR:
        return Unanswered(_in_our_words(str(error)))
    return Unanswered("it cannot be asked: its parameters or its form are not right")


def _in_our_words(message: str) -> str:
    missing = message.removeprefix("no such table: ")
    return message[:200] if missing == message else f'table "{missing}" does not exist'


def bindable(value: SqlValue) -> str | int | float | None:
    """Return a value as SQLite takes it."""
    if isinstance(value, tuple):
        return json.dumps(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value


def _identity_of(path: str) -> tuple[int, int] | None:
    """Return what tells one file from another at the same path; None when there is none."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return (0, 0)  # opening it will say why it cannot be read
    return found.st_dev, found.st_ino
