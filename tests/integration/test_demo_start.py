"""The demo starts from nothing, from a half-made state, and again."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from tests.demo_world import drop, living
from tests.postgres import Server
from watchdog.clock import MovedClock
from watchdog.demo.switch import set_broken


@pytest.fixture
async def dsn(postgres_server: Server) -> AsyncIterator[str]:
    dsn = postgres_server.dsn("postgres")
    yield dsn
    await drop(dsn, "again")


async def test_a_second_start_continues(dsn: str, tmp_path: Path, clock: MovedClock) -> None:
    async with living(dsn, tmp_path, clock, "again") as world:
        runs = await world.count("select count(*) from zendesk_sync_runs")
    await clock.advance(timedelta(hours=7))
    async with living(dsn, tmp_path, clock, "again") as world:
        assert await world.bad() == set()
        assert await world.count("select count(*) from zendesk_sync_runs") == runs + 28


async def test_what_is_broken_stays_broken_over_a_restart_and_can_be_mended_meanwhile(
    dsn: str, tmp_path: Path, clock: MovedClock
) -> None:
    async with living(dsn, tmp_path, clock, "again") as world:
        for failure_id in ("S1", "B2"):
            await world.switch(failure_id, True)
    await clock.advance(timedelta(hours=1))
    async with living(dsn, tmp_path, clock, "again") as world:
        assert await world.bad() == {"servicetitan_sync-sync-stuck", "background_sync-runs-failing"}
        crm_dsn = world.demo.crm_dsn
    for failure_id in ("S1", "B2"):
        await set_broken(crm_dsn, failure_id, False)
    async with living(dsn, tmp_path, clock, "again") as world:
        assert await world.bad() == set()


async def test_a_start_that_died_half_way_is_finished_by_the_next(
    dsn: str, tmp_path: Path, clock: MovedClock
) -> None:
    admin = await asyncpg.connect(dsn, timeout=10)
    await admin.execute('create database "again_crm"')
    await admin.close()
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "web_sync.db").touch()
    async with living(dsn, tmp_path, clock, "again") as world:
        assert await world.bad() == set()
