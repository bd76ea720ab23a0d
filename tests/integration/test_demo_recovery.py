"""What a failure leaves behind once it is mended: it was told, and is not told again as another."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tests.demo_world import World, drop, living
from tests.postgres import Server
from watchdog.clock import MovedClock

pytestmark = pytest.mark.asyncio(loop_scope="module")

MORNING = datetime(2025, 6, 13, 8, 40, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LITTLE = "zendesk_sync-brings-little"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    dsn, clock = postgres_server.dsn("postgres"), MovedClock(MORNING)
    async with living(dsn, tmp_path_factory.mktemp("demo"), clock, "recovery") as world:
        yield world
    await drop(dsn, "recovery")


@pytest.mark.parametrize("failure_id", ["Z2", "Z6", "Z7"])
async def test_an_hour_whose_runs_failed_is_not_told_as_one_that_brings_little(
    world: World, failure_id: str
) -> None:
    begins_at = world.clock.now().replace(minute=40) + timedelta(days=1)
    await world.live(begins_at - MINUTE - world.clock.now())
    await world.live(MINUTE)
    await world.switch(failure_id, True)
    await world.live(10 * MINUTE)
    await world.switch(failure_id, False)
    for minutes in (15, 20):  # into the next hour, and the last one is judged
        await world.live(minutes * MINUTE)
        assert await world.bad(frozenset(world.rules) - {LITTLE}) == set()
