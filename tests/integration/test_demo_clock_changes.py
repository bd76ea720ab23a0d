"""Hours that DST skips and repeats: organisations sync at their own slots, and no slot is missed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from tests.demo_world import World, drop, living
from tests.postgres import Server
from watchdog.clock import MovedClock
from watchdog.demo.places import ORGANISATIONS

pytestmark = pytest.mark.asyncio(loop_scope="module")

SKIPPED = datetime(2025, 9, 27, 14, tzinfo=UTC)
"""In New Zealand two o'clock becomes three."""
REPEATED = datetime(2025, 10, 26, 1, tzinfo=UTC)
"""In Europe an hour comes twice: at three most often, on the Azores at midnight."""

SLOTS = ("background_sync-slot-missed", "background_sync-scheduler-dead")
BEFORE, STEP = timedelta(minutes=70), timedelta(minutes=10)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    dsn, clock = postgres_server.dsn("postgres"), MovedClock(SKIPPED - BEFORE)
    async with living(dsn, tmp_path_factory.mktemp("demo"), clock, "turned") as world:
        yield world
    await drop(dsn, "turned")


@pytest.mark.parametrize("turned_at", [SKIPPED, REPEATED], ids=["skipped", "repeated"])
async def test_no_slot_is_missed_when_clocks_are_turned(world: World, turned_at: datetime) -> None:
    before, after = turned_at - timedelta(seconds=1), turned_at
    zones = {ZoneInfo(one.zone) for one in ORGANISATIONS}
    assert any(
        before.astimezone(one).utcoffset() != after.astimezone(one).utcoffset() for one in zones
    )
    without = frozenset(world.rules) - set(SLOTS)
    await world.live(turned_at - BEFORE - world.clock.now())
    for _ in range(20):
        await world.live(STEP)
        assert await world.bad(without) == set(), world.clock.now()


async def test_a_slot_that_is_missed_after_the_change_is_found(world: World) -> None:
    await world.switch("B1", True)
    assert await world.bad(frozenset(world.rules) - set(SLOTS)) == {SLOTS[0]}
    await world.switch("B1", False)
