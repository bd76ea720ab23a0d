"""Runs that are cut off between intent and outcome: they end as unknown, and nothing runs again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from pydantic import SecretStr

from tests.cut_line import cut_line
from tests.lock_waits import held_up, nobody_waits
from tests.postgres import Database, Server
from tests.yard import DIRECTORY, Yard, a_yard, change
from watchdog.clock import MovedClock
from watchdog.config.model import Source
from watchdog.domain.acting import APPROVED_WITHIN, Run, Standing
from watchdog.engine.deadlines import Deadlines
from watchdog.engine.leader import Leader
from watchdog.verbs import Refused


@pytest.fixture
async def yard(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[Yard]:
    async with a_yard(store, database, clock) as yard:
        yield yard


@pytest.fixture
async def deadlines(yard: Yard) -> Deadlines:
    """Give what the replica that leads does with what is due."""
    leader = Leader(yard.store, "one")
    await leader._renew()
    return Deadlines(yard.store, yard.clock, leader, lambda: DIRECTORY, asyncio.Event())


async def cut_off(yard: Yard) -> None:
    """Press, and be gone before there is an answer."""
    yard.add(yard.call("/silent", within=timedelta(seconds=30)))
    pressing = asyncio.ensure_future(yard.act())
    async with asyncio.timeout(10):
        await yard.server.asked.wait()
    pressing.cancel()
    await asyncio.gather(pressing, return_exceptions=True)


async def test_a_run_that_nobody_ends_is_unknown_when_its_time_is_over(
    yard: Yard, deadlines: Deadlines
) -> None:
    await cut_off(yard)
    assert [one.standing for one in await yard.runs()] == [Standing.RUNNING]
    await yard.clock.advance(timedelta(seconds=61))
    await deadlines.act()
    assert [one.standing for one in await yard.runs()] == [Standing.RUNNING]
    await yard.clock.advance(timedelta(seconds=2))
    await deadlines.act()
    [run] = await yard.runs()
    assert (run.standing, run.words) == (
        Standing.UNKNOWN,
        "whoever ran it stopped in the middle; it may have taken effect or not",
    )
    assert (await yard.entries())[-1][:2] == ("action_ran", "watchdog")
    assert len(yard.server.heads) == 1


async def test_what_is_unknown_is_run_again_by_a_person_only_and_with_something_new(
    yard: Yard, deadlines: Deadlines
) -> None:
    await cut_off(yard)
    with pytest.raises(Refused, match="has been running for 0s"):
        await yard.act(mitigation="now")
    await yard.clock.advance(timedelta(minutes=2))
    for _ in range(3):
        await deadlines.act()
    assert len(yard.server.heads) == 1
    with pytest.raises(Refused, match="See for yourself whether it did"):
        await yard.act()
    yard.add(yard.call("/ok"))
    run = await yard.act(mitigation="its log shows that it did not")
    assert (run.standing, len(yard.server.heads)) == (Standing.DONE, 2)


async def test_an_approval_that_does_not_come_lets_the_run_lapse(
    yard: Yard, deadlines: Deadlines
) -> None:
    yard.add(change(), two_people=True)
    await yard.act()
    await yard.clock.advance(APPROVED_WITHIN)
    await deadlines.act()
    [run] = await yard.runs()
    assert (run.standing, run.words) == (Standing.LAPSED, "nobody approved it within 15m")
    with pytest.raises(Refused, match="no run of `unstick` waits"):
        await yard.approve()
    assert (await yard.act()).standing is Standing.WAITING
    assert await yard.statuses() == ["running"]


async def test_nothing_is_ended_where_another_replica_leads(
    yard: Yard, deadlines: Deadlines
) -> None:
    await cut_off(yard)
    await yard.clock.advance(timedelta(hours=1))
    await yard.store.execute("update lease set token = token + 1, replica = 'two'")
    await deadlines.act()
    assert [one.standing for one in await yard.runs()] == [Standing.RUNNING]


@contextlib.asynccontextmanager
async def pressed_and_made(yard: Yard) -> AsyncIterator["asyncio.Future[Run]"]:
    """Give a press whose statement has run, while somebody holds the incident that guards it."""
    yard.add(change())
    async with yard.store.acquire() as other:
        work = other.transaction()
        async with yard.db.transaction():
            await yard.db.execute(
                "update job set status = 'running'"
            )  # the statement waits for this
            pressing = asyncio.ensure_future(yard.act())
            await until(yard, "wait_event_type = 'Lock'")
            await work.start()
            await other.execute("select * from incident for update")
        await until(yard, "state = 'idle in transaction'")
        yield pressing
        await work.rollback()


async def until(yard: Yard, condition: str, *, there: bool = True) -> None:
    """Return when the session of an action is in a state, or is not any more."""
    asked = (
        "select exists (select from pg_stat_activity "  # noqa: S608
        f"where application_name = 'incident-watchdog action' and {condition})"
    )
    async with asyncio.timeout(10):
        while await yard.store.fetchval(asked) is not there:  # noqa: ASYNC110 (PostgreSQL has no event for it)
            await asyncio.sleep(0.02)  # a lock is waited for for seconds


async def test_a_change_whose_process_is_gone_before_its_commit_is_undone(yard: Yard) -> None:
    async with pressed_and_made(yard) as pressing:
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)
        await until(yard, "true", there=False)
    assert await yard.statuses() == ["running"]
    assert [one.standing for one in await yard.runs()] == [Standing.RUNNING]


async def test_where_the_guard_cannot_be_asked_nothing_is_changed(yard: Yard) -> None:
    async with pressed_and_made(yard) as pressing:
        await until(yard, "true", there=False)  # the store waits 2 s for a lock
    run = await pressing
    assert run.standing is Standing.FAILED
    assert run.words.startswith("nothing was changed: the guard could not be asked")
    assert await yard.statuses() == ["running"]


async def test_an_outcome_is_written_although_somebody_holds_the_incident_for_a_while(
    yard: Yard,
) -> None:
    yard.add(yard.call("/late"))
    async with yard.store.acquire() as other:
        pressing = asyncio.ensure_future(yard.act())
        await yard.server.asked.wait()
        work = other.transaction()
        await work.start()
        await other.execute("select * from incident for update")
        assert await held_up(yard.store, pressing)
        await nobody_waits(yard.store)  # it has given up, for the first time
        await work.rollback()
    run = await pressing
    assert (run.standing, len(yard.server.heads)) == (Standing.DONE, 1)
    assert await yard.runs() == [run]


async def test_what_is_done_is_written_although_its_row_is_held_for_a_while(yard: Yard) -> None:
    async with yard.store.acquire() as other:
        work = other.transaction()
        async with pressed_and_made(yard) as pressing:
            await work.start()
            await other.execute("select * from action_run for update")
        assert await held_up(yard.store, pressing)
        await nobody_waits(yard.store)
        assert await yard.statuses() == ["idle"]
        await work.rollback()
    run = await pressing
    assert (run.standing, run.rows) == (Standing.DONE, 1)
    assert await yard.runs() == [run]


async def test_a_connection_that_is_lost_at_the_commit_leaves_it_unknown(
    yard: Yard, postgres_server: Server
) -> None:
    home = postgres_server.embedded.data_dir / "socket" / ".s.PGSQL.5432"
    async with cut_line(home) as line:
        name = yard.dsn.partition("@/")[2].partition("?")[0]
        dsn = f"postgres://watchdog@127.0.0.1:{line.port}/{name}"
        yard.sources["writer"] = Source("writer", "postgres", SecretStr(dsn), "data", writes=True)
        yard.add(change())
        line.cuts = 1
        run = await yard.act()
        assert line.done == 1
    assert (run.standing, run.words) == (
        Standing.UNKNOWN,
        "the connection was lost at the commit; it may have taken effect or not",
    )
    assert await yard.statuses() == ["idle"]  # it had, and nobody claims to know
    assert await yard.runs() == [run]
