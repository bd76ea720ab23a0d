"""An SQLite file that recovery actions change."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from rules.base import Dialect
from tests.postgres import Database
from tests.yard import Yard, a_yard
from watchdog.clock import MovedClock
from watchdog.config.model import Source
from watchdog.config.recovery import SqlChange
from watchdog.domain.acting import Standing

IDLE = (
    "update job set status = 'idle' where queue = {{ entity.queue }} and status = 'running' "
    "and started_at < {{ now }}"
)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)) as file:
        file.execute("create table job (queue text, status text, started_at text)")
        file.execute("insert into job values ('mail', 'running', '2025-06-13T01:00:00Z')")
        yield file


@pytest.fixture
async def yard(
    store: asyncpg.Pool, database: Database, clock: MovedClock, tmp_path: Path
) -> AsyncIterator[Yard]:
    async with a_yard(store, database, clock) as yard:
        path = SecretStr(str(tmp_path / "jobs.db"))
        dialect = Dialect("sqlite", "iso")
        yard.sources["writer"] = Source(
            "writer", "sqlite", path, "data", timedelta(seconds=1), dialect=dialect, writes=True
        )
        yield yard


def change(statement: str = IDLE, max_rows: int = 1) -> SqlChange:
    return SqlChange("writer", statement, Dialect("sqlite", "iso"), max_rows)


def statuses(file: sqlite3.Connection) -> list[str]:
    return [status for (status,) in file.execute("select status from job")]


async def test_rows_of_a_file_are_changed_in_one_transaction(
    yard: Yard, file: sqlite3.Connection
) -> None:
    yard.add(change())
    run = await yard.act()
    assert (run.standing, run.words, run.rows) == (Standing.DONE, "1 row changed", 1)
    assert statuses(file) == ["idle"]


async def test_more_rows_than_allowed_stay_as_they_are(
    yard: Yard, file: sqlite3.Connection
) -> None:
    file.execute("insert into job select * from job")
    yard.add(change())
    assert (await yard.act()).words == "would change 2 rows, allowed is 1; nothing was changed"
    assert statuses(file) == ["running", "running"]


async def test_where_no_row_fits_that_is_said(yard: Yard, file: sqlite3.Connection) -> None:
    file.execute("delete from job")
    yard.add(change())
    run = await yard.act()
    assert (run.standing, run.words) == (
        Standing.REFUSED,
        "no row fits any more; nothing was changed",
    )


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update jobb set a = 1 where true", 'nothing was changed: table "jobb" does not exist'),
        ("insert into job select writefile('x', 'y'), '', ''", "nothing was changed: no such func"),
        ("delete from sqlite_master where true", "nothing was changed"),
    ],
)
async def test_what_is_no_change_of_rows_fails(
    yard: Yard, file: sqlite3.Connection, statement: str, words: str
) -> None:
    yard.add(change(statement))
    run = await yard.act()
    assert (run.standing, run.words[: len(words)]) == (Standing.FAILED, words)
    assert statuses(file) == ["running"]


async def test_a_file_that_is_not_there_is_not_made(yard: Yard, tmp_path: Path) -> None:
    yard.add(change())
    run = await yard.act()
    assert (run.standing, run.words) == (
        Standing.FAILED,
        "nothing was changed: the file cannot be opened",
    )
    assert not (tmp_path / "jobs.db").exists()


async def test_a_file_that_somebody_holds_is_not_waited_for_for_long(
    yard: Yard, file: sqlite3.Connection
) -> None:
    file.execute("begin immediate")
    yard.add(change())
    run = await yard.act()
    file.execute("rollback")
    assert (run.standing, run.words) == (
        Standing.FAILED,
        "nothing was changed: the file is locked by another program",
    )
