"""Silences on the real engine: what opens, comes back or changes its level while one holds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Severity
from tests.postgres import Database
from tests.watching import DIRECTORY, World, make_table, stuck_rule
from watchdog import silencing
from watchdog.clock import MovedClock
from watchdog.domain.incident import Incident, State
from watchdog.domain.people import Directory, Person, Role, Storms
from watchdog.domain.silences import Silence
from watchdog.engine.deadlines import Deadlines

ADMIN = Directory(
    {**DIRECTORY.people, "tom": Person("tom", role=Role.ADMIN)}, DIRECTORY.teams, DIRECTORY.routes
)
LEVELS = {"max_age": {"warning": "30m", "critical": "1h"}}


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync"])
    async with contextlib.AsyncExitStack() as engines:
        yield (world := World(store, db, database.reader_dsn, clock, engines))
    await world.close_sources()
    await db.close()


async def silence(world: World, minutes: int, by: str = "raj", **more: object) -> int:
    now = world.clock.now()
    ends_at = now + timedelta(minutes=minutes)
    wanted = Silence("jobs-*", "deploy", by, now, ends_at, **more)  # type: ignore[arg-type]
    return (await silencing.add(world.store, ADMIN, wanted, ["jobs-stuck"], now)).silence.number


async def only(world: World) -> Incident:
    [one] = await world.incidents()
    return one


async def test_what_opens_while_it_holds_is_hidden_and_what_opens_after_it_is_not(
    world: World,
) -> None:
    await world.begin(stuck_rule())
    await silence(world, 10, entity=(("queue", "mail"),))
    await world.hang("mail")
    await world.hang("sync")
    await world.pass_minutes(3)
    hidden = {one.entity[0][1]: one.silence for one in await world.incidents()}
    assert hidden == {"mail": 1, "sync": None}
    assert {one.owner for one in await world.incidents()} == {"ana"}


async def test_what_comes_back_while_it_holds_is_hidden_though_it_was_not(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(3)
    await world.mend("mail")
    await world.pass_minutes(4)
    await silence(world, 30)
    await world.hang("mail")
    await world.pass_minutes(3)
    one = await only(world)
    assert (one.state, one.silence) == (State.OPEN, 1)


async def test_what_comes_back_after_it_is_hidden_no_more(world: World) -> None:
    await world.begin(stuck_rule())
    await silence(world, 8)
    await world.hang("mail")
    await world.pass_minutes(3)
    await world.mend("mail")
    await world.pass_minutes(6)
    assert (await only(world)).state is State.RECOVERED
    await world.hang("mail")
    await world.pass_minutes(3)
    one = await only(world)
    assert (one.state, one.silence, one.silenced_until) == (State.OPEN, None, None)


@pytest.mark.parametrize(("by", "hidden"), [("raj", None), ("tom", 1)])
async def test_what_gets_critical_breaks_out_unless_an_admin_has_silenced_it(
    world: World, by: str, hidden: int | None
) -> None:
    await world.begin(stuck_rule(severity=None, settings=LEVELS))
    await silence(world, 120, by)
    await world.hang("mail")
    await world.pass_minutes(3)
    assert (await only(world)).silence == 1
    await world.pass_minutes(30)
    one = await only(world)
    assert (one.severity, one.silence) == (Severity.CRITICAL, hidden)
    if hidden is None:
        assert one.paged_at is not None
        assert one.paged_at > one.opened_at, "the escalation begins when it breaks out"


async def test_what_is_hidden_joins_no_storm_and_what_is_told_counts_without_it(
    world: World,
) -> None:
    await world.begin(stuck_rule())
    queues = [f"q{number}" for number in range(8)]
    await world.db.executemany(
        "insert into job values ($1, 'running', $2)",
        [(queue, world.clock.now() - timedelta(hours=1)) for queue in queues],
    )
    await silence(world, 30)
    await world.hang("mail")
    await world.pass_minutes(3)
    found = await world.incidents()
    assert len(found) == 9
    assert {one.silence for one in found} == {1}
    assert not any(one.is_storm for one in found)


async def test_what_is_told_as_a_storm_at_the_end_recovers_member_by_member(
    world: World,
) -> None:
    await world.begin(stuck_rule())
    queues = [f"q{number}" for number in range(8)]
    await world.db.executemany(
        "insert into job values ($1, 'running', $2)",
        [(queue, world.clock.now() - timedelta(hours=1)) for queue in queues],
    )
    await silence(world, 10)
    await world.pass_minutes(9)
    deadlines = Deadlines(
        world.store,
        world.clock,
        world.engine._leader,
        lambda: DIRECTORY,
        asyncio.Event(),
        lambda: Storms(more_than=5),
        lambda: world.engine.memory,
    )
    await world.pass_minutes(1)
    await deadlines.act()
    [storm] = [one for one in await world.incidents() if one.is_storm]
    assert storm.fact.startswith("8 incidents")
    await world.mend("q0")
    await world.pass_minutes(4)
    [storm] = [one for one in await world.incidents() if one.is_storm]
    assert (storm.state, storm.fact) == (State.OPEN, "7 of 8 bad")
    for queue in queues:
        await world.mend(queue)
    await world.pass_minutes(4)
    states = {one.state for one in await world.incidents()}
    assert states == {State.RECOVERED, State.RESOLVED}
