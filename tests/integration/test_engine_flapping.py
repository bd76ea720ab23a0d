"""What flaps, on the real engine: one incident, told once, through restarts and until it is calm."""

import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.postgres import Database
from tests.watching import World, make_table, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Rule
from watchdog.domain.incident import State
from watchdog.domain.people import Policy


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync"])
    async with contextlib.AsyncExitStack() as engines:
        yield (world := World(store, db, database.reader_dsn, clock, engines))
    await world.close_sources()
    await db.close()


def nervous(recover_after: int = 1) -> Rule:
    return stuck_rule(policy=Policy(open_after=1, recover_after=recover_after))


async def flip(world: World, looks: int) -> None:
    """Let the queue hang and work by turns, changing before each look."""
    for number in range(looks):
        await (world.mend("mail") if number % 2 else world.hang("mail"))
        await world.pass_minutes(1)


async def events(world: World) -> list[str]:
    rows = await world.store.fetch("select event from event order by incident_id, version")
    return [row["event"] for row in rows]


async def test_what_flips_at_each_look_is_one_incident_and_six_changes_are_told(
    world: World,
) -> None:
    await world.begin(nervous())
    await flip(world, 60)
    [one] = await world.incidents()
    assert one.state is State.OPEN
    told = await events(world)
    assert told == ["opened", *["recovered", "back_again"] * 3, "flapping"]
    words = await world.store.fetchval("select words from event where event = 'flapping'")
    assert words == "7 times in 7m"


async def test_it_recovers_once_it_is_calm(world: World) -> None:
    await world.begin(nervous(recover_after=3))
    await flip(world, 30)
    assert (await events(world))[-1] == "flapping"
    await world.mend("mail")
    await world.pass_minutes(13)
    assert (await world.incidents())[0].state is State.OPEN
    await world.pass_minutes(6)
    assert (await events(world))[-1] == "recovered"
    assert [one.state for one in await world.incidents()] == [State.RECOVERED]


async def test_it_writes_no_more_than_anything_that_is_bad_and_good_by_turns(world: World) -> None:
    await world.begin(nervous(recover_after=3))
    await flip(world, 30)
    await world.mend("mail")
    await world.pass_minutes(4)
    before = await world.store.fetchval("select xmin::text from track")
    await world.pass_minutes(5)
    assert await world.store.fetchval("select xmin::text from track") == before


async def test_what_does_not_flap_beside_it_comes_and_goes_as_ever(world: World) -> None:
    await world.begin(nervous())
    await flip(world, 20)
    await world.hang("sync")
    await world.pass_minutes(1)
    await world.mend("sync")
    await world.pass_minutes(1)
    states = {one.entity[0][1]: one.state for one in await world.incidents()}
    assert states == {"mail": State.OPEN, "sync": State.RECOVERED}


async def test_a_restart_forgets_it_and_loses_nothing_else(world: World) -> None:
    await world.begin(nervous())
    await flip(world, 20)
    await world.begin_again(nervous())
    await world.mend("mail")
    await world.pass_minutes(1)
    assert (await events(world))[-1] == "recovered"
    await flip(world, 20)
    assert (await events(world))[-1] == "flapping"
    assert len(await world.incidents()) == 1


async def test_a_rule_that_watches_something_else_begins_without_results(world: World) -> None:
    await world.begin(nervous())
    await flip(world, 20)
    memory = world.engine.memory
    assert memory is not None
    assert len(memory.results_of(nervous())) == 1
    other = stuck_rule(settings={"is": "queued"})
    assert memory.results_of(other) == {}
    await world.watch()
    assert memory.results_of(nervous()) == {}
