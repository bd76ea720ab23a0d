"""Runs of actions as the store keeps them: what must never be is refused by the schema."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.postgres import Database
from tests.unit.test_acting import a_run
from tests.yard import Yard, a_yard
from watchdog.clock import MovedClock
from watchdog.domain.acting import Run, Standing
from watchdog.store import due, runs
from watchdog.store.pool import transaction


@pytest.fixture
async def yard(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[Yard]:
    async with a_yard(store, database, clock) as yard:
        yield yard


async def keep(yard: Yard, run: Run) -> None:
    incident = await yard.incident()
    async with transaction(yard.store) as conn:
        await runs.insert(conn, incident, run)


async def update(yard: Yard, run: Run) -> bool:
    async with transaction(yard.store) as conn:
        return await runs.update(conn, 1042, run)


DONE: dict[str, Any] = {"standing": Standing.DONE, "words": "1 row"}


async def test_what_is_kept_is_read_as_it_was(yard: Yard) -> None:
    run = a_run(Standing.RUNNING, mitigation="the host is back")
    await keep(yard, run)
    ended = replace(run, **DONE, ended_at=yard.clock.now(), rows=1)
    assert await update(yard, ended)
    assert await yard.runs() == [ended]


@pytest.mark.parametrize("under_way", [Standing.WAITING, Standing.RUNNING])
async def test_two_under_way_on_one_incident_are_refused(yard: Yard, under_way: Standing) -> None:
    await keep(yard, a_run(under_way))
    with pytest.raises(asyncpg.UniqueViolationError, match="action_run_alone"):
        await keep(yard, a_run(Standing.RUNNING, 2))


async def test_how_a_run_ended_stays(yard: Yard) -> None:
    run = a_run(Standing.RUNNING)
    await keep(yard, run)
    at = yard.clock.now()
    assert await update(yard, replace(run, standing=Standing.UNKNOWN, words="?", ended_at=at))
    assert not await update(yard, replace(run, **DONE, ended_at=at))
    assert [one.standing for one in await yard.runs()] == [Standing.UNKNOWN]
    with pytest.raises(asyncpg.PostgresError, match="unknown cannot become done"):
        await yard.store.execute("update action_run set state = 'done'")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("person", "raj"),
        ("hypothesis", "something else"),
        ("mitigation", "something else"),
        ("key", "another"),
        ("action", "another"),
        ("two_people", True),
        ("asked_at", "2020-01-01"),
    ],
)
async def test_what_was_asked_for_is_not_rewritten(yard: Yard, column: str, value: object) -> None:
    await keep(yard, a_run(Standing.RUNNING))
    with pytest.raises(asyncpg.PostgresError, match="what was asked for is not rewritten"):
        await yard.store.execute(
            f"update action_run set state = 'done', words = 'x', ended_at = asked_at, "  # noqa: S608
            f"{column} = '{value}'"
        )


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("update action_run set state = 'done', words = 'x'", "action_run_ends"),
        ("update action_run set state = 'done', ended_at = asked_at", "action_run_says_how"),
        ("update action_run set state = 'done', ended_at = asked_at, words = 'x', "
         "started_at = null", "action_run_starts"),
        ("update action_run set state = 'done', ended_at = asked_at, words = 'x', "
         "approved_by = 'ana'", "action_run_approved"),
    ],
)  # fmt: skip
async def test_an_end_without_its_time_words_or_beginning_is_refused(
    yard: Yard, statement: str, constraint: str
) -> None:
    await keep(yard, a_run(Standing.RUNNING))
    with pytest.raises(asyncpg.CheckViolationError, match=constraint):
        await yard.store.execute(statement)


@pytest.mark.parametrize("approver", ["", "ana"])
async def test_what_needs_two_people_never_begins_with_one(yard: Yard, approver: str) -> None:
    await keep(yard, a_run(Standing.WAITING, two_people=True))
    with pytest.raises(asyncpg.CheckViolationError, match="action_run_approved"):
        await yard.store.execute(
            "update action_run set state = 'running', started_at = asked_at, approved_by = $1",
            approver,
        )


async def test_nothing_is_overdue_before_its_time(yard: Yard) -> None:
    run = a_run(Standing.RUNNING)
    await keep(yard, run)
    async with transaction(yard.store) as conn:
        before = run.ends_by - timedelta(seconds=1)
        assert not (await due.what(conn, before)).runs
        assert (await due.what(conn, run.ends_by)).runs
        assert await runs.overdue(conn, before, 10) == []
        assert await runs.overdue(conn, run.ends_by, 10) == [1042]
