"""A recovery that must be proven: what is missing is shown, and the incident stays open."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from tests.postgres import Database
from tests.watching import World, make_table, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Query, Rule
from watchdog.domain.incident import Incident, State

NEW_RUN = Query(
    "jobs", "select 1 from run where queue = {{ entity.queue }} and at > {{ opened_at }}"
)
VOLUME = Query("jobs", "select 1 from run where at > {{ opened_at }} having sum(rows) > 0")


def proven_rule(**verify: Query) -> Rule:
    return stuck_rule(verify=verify or {"new_run": NEW_RUN, "volume": VOLUME})


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await db.execute("create table run (queue text, at timestamptz, rows int)")
    await make_table(db, ["mail", "sync"])
    async with contextlib.AsyncExitStack() as engines:
        yield (world := World(store, db, database.reader_dsn, clock, engines))
    await world.close_sources()
    await db.close()


async def a_run(world: World, rows: int) -> None:
    at = world.clock.now() - timedelta(seconds=30)
    await world.db.execute("insert into run values ('mail', $1, $2)", at, rows)


async def break_and_mend(world: World, minutes: int = 3) -> None:
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.mend("mail")
    await world.pass_minutes(minutes)


async def only(world: World) -> Incident:
    await world.engine.flush()
    [incident] = await world.incidents()
    return incident


async def test_an_apparent_recovery_stays_open_and_says_which_proof_is_missing(
    world: World,
) -> None:
    await world.begin(proven_rule())
    await break_and_mend(world)
    await a_run(world, rows=0)
    await world.pass_minutes(1)
    incident = await only(world)
    assert (incident.state, incident.bad_now) == (State.OPEN, False)
    assert incident.fact == "not proven: volume"
    assert incident.detail == (
        "No row is running. But its recovery is not proven: `volume` finds no row."
    )


async def test_a_real_recovery_closes(world: World) -> None:
    await world.begin(proven_rule())
    await break_and_mend(world, minutes=5)
    assert (await only(world)).state is State.OPEN
    await a_run(world, rows=7)
    await world.pass_minutes(1)
    incident = await only(world)
    assert (incident.state, incident.fact) == (State.RECOVERED, "not running")
    assert await world.tracks() == {}


async def test_what_cannot_be_asked_proves_nothing(world: World) -> None:
    await world.begin(proven_rule(gone=Query("jobs", "select 1 from no_such_table")))
    await break_and_mend(world)
    incident = await only(world)
    assert incident.state is State.OPEN
    assert "`gone` could not be asked: " in incident.detail
    assert 'table "no_such_table" does not exist' in incident.detail


async def test_proof_must_be_newer_than_the_last_time_it_came_back(world: World) -> None:
    await world.begin(proven_rule())
    await break_and_mend(world, minutes=2)
    await a_run(world, rows=7)
    await world.pass_minutes(1)
    assert (await only(world)).state is State.RECOVERED
    await break_and_mend(world)
    assert (await only(world)).fact == "not proven: new_run, volume"


async def test_an_unproven_recovery_survives_a_restart(world: World) -> None:
    await world.begin(proven_rule())
    await break_and_mend(world)
    await world.begin_again(proven_rule())
    await world.pass_minutes(2)
    assert (await only(world)).state is State.OPEN
    await a_run(world, rows=7)
    await world.pass_minutes(1)
    assert (await only(world)).state is State.RECOVERED


async def test_a_healthy_rule_never_asks_for_proof(world: World) -> None:
    await world.begin(proven_rule())
    asked: list[object] = []
    answer_all = world.sources["jobs"].answer_all

    async def listened(questions: list[object]) -> object:
        asked.extend(questions)
        return await answer_all(questions)

    world.sources["jobs"].answer_all = listened
    await world.pass_minutes(5)
    assert len(asked) == 5
    await break_and_mend(world)
    assert len(asked) == 5 + 5 + 2
