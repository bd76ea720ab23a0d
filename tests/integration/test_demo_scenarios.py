"""The demo plays its scenarios by itself, at its own ticks, and however late these come."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from tests.demo_world import World, drop, living
from tests.postgres import NIGHT, Server
from watchdog.clock import MovedClock
from watchdog.demo.playing import Stopped, begin, follow, stop
from watchdog.demo.scenarios import BAD_MORNING as STORY
from watchdog.demo.switch import list_broken

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def living_world(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    dsn, clock = postgres_server.dsn("postgres"), MovedClock(NIGHT)
    async with living(dsn, tmp_path_factory.mktemp("demo"), clock, "scenarios") as world:
        yield world
    await drop(dsn, "scenarios")


@pytest_asyncio.fixture(loop_scope="module")
async def world(living_world: World) -> AsyncIterator[World]:
    """Give a world in which nothing is broken, and leave it so."""
    yield living_world
    await stop(living_world.demo.crm_dsn, STORY)
    for one in await list_broken(living_world.demo.crm_dsn):
        await living_world.switch(one, False)
    await living_world.demo.tick()


async def broken(world: World) -> set[str]:
    return set(await list_broken(world.demo.crm_dsn)) - {STORY.id}


async def test_each_turn_is_played_at_its_time_and_the_last_one_ends_it(world: World) -> None:
    first, *others = STORY.turns
    assert await begin(world.demo.crm_dsn, STORY) == ()
    await world.demo.tick()
    began_at, expected = world.clock.now(), set(first.breaks)
    for turn in others:
        await world.live(began_at + turn.after - timedelta(seconds=1) - world.clock.now())
        assert await broken(world) == expected
        await world.live(timedelta(seconds=1))
        expected = (expected | set(turn.breaks)) - set(turn.mends)
        assert await broken(world) == expected
    assert await list_broken(world.demo.crm_dsn) == ()


async def test_turns_that_nobody_played_in_time_are_made_up_for(world: World) -> None:
    await begin(world.demo.crm_dsn, STORY)
    await world.demo.tick()
    await world.live(timedelta(minutes=5))
    assert await broken(world) == {"S1", "S7-back", "B8", "E1", "Z2", "W2"}
    await world.live(timedelta(hours=3))
    assert await list_broken(world.demo.crm_dsn) == ()


async def test_it_begins_anew_only_when_nothing_is_broken(world: World) -> None:
    dsn = world.demo.crm_dsn
    await world.switch("S8a", True)
    assert await begin(dsn, STORY) == ("S8a",)
    assert await list_broken(dsn) == ("S8a",)
    await world.switch("S8a", False)
    assert await begin(dsn, STORY) == ()
    await world.demo.tick()
    assert STORY.id in await begin(dsn, STORY)
    assert await broken(world) == {"Z1a"}


async def test_it_is_stopped_in_the_middle_with_all_that_it_broke_mended(world: World) -> None:
    dsn = world.demo.crm_dsn
    await begin(dsn, STORY)
    await world.demo.tick()
    await world.live(timedelta(minutes=2))
    assert await stop(dsn, STORY) == ("Z1a", "S1", "S7-back")
    assert await stop(dsn, STORY) is None
    await world.live(timedelta(minutes=20))
    assert await list_broken(dsn) == ()


async def test_whoever_follows_hears_all_from_the_beginning_and_of_its_end(world: World) -> None:
    dsn = world.demo.crm_dsn
    await begin(dsn, STORY)
    await world.demo.tick()
    await world.live(timedelta(hours=1))
    assert [turn async for turn in follow(dsn, STORY)] == list(STORY.turns)

    await begin(dsn, STORY)
    await world.demo.tick()
    turns = follow(dsn, STORY)
    assert await anext(turns) == STORY.turns[0]
    await stop(dsn, STORY)
    with pytest.raises(Stopped):
        await anext(turns)
