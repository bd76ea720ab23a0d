"""Hours outside of which nothing becomes bad, on the real engine."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from rules.hours import ActiveHours, WeeklyHours
from tests.postgres import Database
from tests.watching import World, make_table, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Rule
from watchdog.domain.incident import State


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync"])
    async with contextlib.AsyncExitStack() as engines:
        yield (world := World(store, db, database.reader_dsn, clock, engines))
    await world.close_sources()
    await db.close()


def active_rule(world: World, begin: int, end: int) -> Rule:
    """Return a rule whose hours begin and end so many minutes from now."""
    at = [(world.clock.now() + timedelta(minutes=one)).time() for one in (begin, end)]
    return stuck_rule(active=ActiveHours(WeeklyHours(frozenset(range(7)), at[0], at[1])))


async def states(world: World) -> list[State]:
    return [one.state for one in await world.incidents()]


async def test_nothing_opens_before_its_hours_and_counting_begins_with_them(world: World) -> None:
    rule = active_rule(world, 60, 180)
    await world.begin(rule)
    await world.hang("mail", minutes=90)
    await world.pass_minutes(59)
    assert await world.tracks() == {}
    await world.pass_minutes(31)
    assert await states(world) == []
    await world.pass_minutes(4)
    assert await states(world) == [State.OPEN]


async def test_what_was_not_yet_an_incident_when_the_hours_ended_is_forgotten(
    world: World,
) -> None:
    rule = active_rule(world, -60, 1)
    await world.begin(rule)
    await world.hang("mail", minutes=31)
    await world.pass_minutes(1)
    assert list(await world.tracks()) == [("jobs-stuck", "mail")]
    await world.pass_minutes(3)
    assert (await world.tracks(), await states(world)) == ({}, [])


async def test_outside_its_hours_an_open_incident_neither_recovers_nor_worsens(
    world: World,
) -> None:
    rule = active_rule(world, -60, 5)
    await world.begin(rule)
    await world.hang("mail", minutes=31)
    await world.pass_minutes(4)
    assert await states(world) == [State.OPEN]
    await world.pass_minutes(2)
    await world.mend("mail")
    await world.pass_minutes(60)
    [incident] = await world.incidents()
    assert (incident.state, incident.version) == (State.OPEN, 1)
    await world.begin_again(rule, after=timedelta(hours=22))
    await world.pass_minutes(4)
    assert await states(world) == [State.RECOVERED]
