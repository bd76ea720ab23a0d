"""The demo lives by the clock: nothing in it is ever bad by itself, and it survives restarts."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import aiosqlite
import asyncpg
import pytest
import pytest_asyncio

from tests.demo_world import World, drop, living
from tests.postgres import NIGHT, Server
from watchdog.clock import MovedClock
from watchdog.demo.places import WORKSPACES
from watchdog.demo.switch import list_broken, set_broken

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROBES = frozenset(
    {
        "background_sync-status-endpoint",
        "servicetitan_sync-credentials",
        "servicetitan_sync-workflow-ended",
    }
)
"""Hundreds of requests, whose answers do not depend on the hour."""

SLOW = PROBES | {
    "background_sync-records-collapse",
    "background_sync-runs-failing",
    "background_sync-runs-slow",
}
"""Rules that are looked at every few hours only, so that a week passes in seconds."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    dsn, clock = postgres_server.dsn("postgres"), MovedClock(NIGHT)
    async with living(dsn, tmp_path_factory.mktemp("demo"), clock, "world") as world:
        yield world
    await drop(dsn, "world")


async def test_it_begins_healthy_with_years_of_history(world: World) -> None:
    assert await world.bad() == set()
    assert await world.count("select count(*) from workspaces") >= 200
    async with aiosqlite.connect(world.demo.addresses["web_sync"]) as db:
        [(syncs,)] = await db.execute_fetchall("select count(*) from sync_logs")
    runs = await world.count("select count(*) from zendesk_sync_runs")
    assert runs + syncs >= 100_000


async def test_its_workspaces_are_in_every_hour_of_the_day(world: World) -> None:
    now = world.clock.now()
    assert {now.astimezone(ZoneInfo(one.zone)).hour for one in WORKSPACES} == set(range(24))


@pytest.mark.parametrize("hours", [30, pytest.param(166, marks=pytest.mark.long)])
async def test_nothing_is_bad_at_any_hour_of_a_day_or_a_week(world: World, hours: int) -> None:
    for hour in range(hours):
        # Not quite an hour, so that every minute of it has its turn too.
        await world.live(timedelta(minutes=61, seconds=7))
        assert await world.bad(SLOW if hour % 24 else frozenset()) == set(), world.clock.now()


async def test_nothing_is_bad_at_any_moment_of_a_quarter_of_an_hour(world: World) -> None:
    for _ in range(75):
        await world.live(timedelta(seconds=13))
        assert await world.bad(SLOW) == set(), world.clock.now()


async def test_a_leap_of_ten_hours_leaves_no_gap(world: World) -> None:
    await world.live(timedelta(hours=10))
    assert await world.bad() == set()
    gaps = """
        select count(*) from (
            select started_at - lag(started_at) over (order by started_at) as gap
            from zendesk_sync_runs) as g
        where gap > interval '20 minutes'"""
    assert await world.count(gaps) == 0
    late = """
        select count(*) from servicetitan_sync_state as s
        join workspaces as w on w.id = s.workspace_id
        where s.sync_enabled
          and extract(hour from (select max(updated_at) from servicetitan_sync_state)
                      at time zone w.timezone) between 7 and 19
          and s.updated_at < (select max(updated_at) from servicetitan_sync_state)
              - interval '16 minutes'"""
    assert await world.count(late) == 0


async def test_a_leap_leaves_syncs_as_they_would_be_without_it(world: World) -> None:
    running = "select count(*) from servicetitan_sync_state where sync_status = 'running'"
    for _ in range(3):
        await world.live(timedelta(hours=2))
        assert await world.count(running) < 40  # of 235: each runs 40 s of a quarter of an hour


async def test_a_leap_costs_a_bounded_number_of_rows(world: World) -> None:
    before = await world.count("select count(*) from zendesk_sync_runs")
    await world.live(timedelta(days=40))
    after = await world.count("select count(*) from zendesk_sync_runs")
    assert abs(after - before) < 4000
    assert await world.bad() == set()


async def test_rules_may_only_look(world: World) -> None:
    for part in ("crm", "desk_db"):
        db = await asyncpg.connect(world.demo.addresses[part], timeout=10)
        with pytest.raises(
            (asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)
        ):
            await db.execute("create table theirs (id integer)")
        await db.close()
    db = await asyncpg.connect(world.demo.addresses["crm"], timeout=10)
    await db.execute("set default_transaction_read_only = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.execute("delete from contacts")
    await db.close()


async def test_the_worker_writes_a_line_at_least_once_a_minute(world: World) -> None:
    for _ in range(12):
        await world.live(timedelta(seconds=5))
    log = Path(world.demo.addresses["logs"]) / "email-worker.log"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["message"] for line in lines} <= {"processing", "idle"}
    assert lines[-1]["timestamp"] > (world.clock.now() - timedelta(seconds=60)).isoformat()


async def ask(world: World, method: str, part: str, path: str, **more: object) -> tuple[int, dict]:  # type: ignore[type-arg]
    async with (
        world.browser() as session,
        session.request(method, world.demo.addresses[part] + path, **more) as answer,  # type: ignore[arg-type]
    ):
        return answer.status, await answer.json()


async def test_the_desk_says_how_it_is(world: World) -> None:
    status, health = await ask(world, "GET", "desk", "/healthz")
    assert (status, health["status"], health["database"]) == (200, "ok", "ok")
    assert health["email_queue_pending"] <= 2
    status, ready = await ask(world, "GET", "desk", "/readyz")
    assert (status, ready["alembic_revision"]) == (200, "a41c09e7d2f3")
    status, version = await ask(world, "GET", "desk", "/version")
    assert (status, set(version)) == (200, {"version", "commit"})


async def test_an_organisation_has_a_status_and_can_be_synced_by_hand(world: World) -> None:
    where = "/api/zendesk/sync-status?organizationId=tokyo-toys"
    status, before = await ask(world, "GET", "sync", where)
    assert (status, before["active"], before["errors"]) == (200, True, 0)
    assert len(before["lastOperations"]) == 3
    order = {"action": "trigger", "organizationId": "tokyo-toys"}
    assert (await ask(world, "POST", "sync", "/api/zendesk/sync-config", json=order))[0] == 202
    _, after = await ask(world, "GET", "sync", where)
    assert after["totals"]["syncs"] == before["totals"]["syncs"] + 1
    assert after["lastSync"] > before["lastSync"]


async def test_unknown_names_are_not_found(world: World) -> None:
    where = "/api/zendesk/sync-status?organizationId=nobody"
    assert (await ask(world, "GET", "sync", where))[0] == 404
    assert (await ask(world, "GET", "contacts", "/status?instanceId=nothing"))[0] == 404
    assert (await ask(world, "GET", "contacts", "/debug/raw-customer?workspaceId=x"))[0] == 404


async def test_a_contact_sync_that_runs_cannot_be_started_again(world: World) -> None:
    order = {"workspaceId": "cairo-roofing"}
    status, started = await ask(world, "POST", "contacts", "/trigger", json=order)
    assert status == 202
    assert (await ask(world, "POST", "contacts", "/trigger", json=order))[0] == 409
    where = f"/status?instanceId={started['instanceId']}"
    assert (await ask(world, "GET", "contacts", where))[1]["status"] == "Running"
    await world.live(timedelta(minutes=1))
    assert (await ask(world, "GET", "contacts", where))[1]["status"] == "Complete"


async def test_the_rate_limit_is_renewed_every_hour(world: World) -> None:
    _, document = await ask(world, "GET", "github", "/rate_limit")
    core = document["resources"]["core"]
    assert 0 < core["remaining"] <= core["limit"]
    assert 0 < core["reset"] - world.clock.now().timestamp() <= 3600


async def test_breaking_is_noticed_without_waiting_for_the_next_tick(world: World) -> None:
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        living_on = group.create_task(world.demo.run(lambda: world.page.url), name="demo")
        await world.live(timedelta(seconds=5))
        await world.clock.advance(timedelta(seconds=5))
        await set_broken(world.demo.crm_dsn, "E1", True)
        while not await world.count("select count(*) from applied"):
            pass
        assert "support_desk-api-down" in await world.bad(PROBES)
        await set_broken(world.demo.crm_dsn, "E1", False)
        while await world.count("select count(*) from applied"):
            pass
        assert await world.bad(PROBES) == set()
        living_on.cancel()


async def test_what_is_broken_is_listed_in_order(world: World) -> None:
    dsn = world.demo.crm_dsn
    assert await set_broken(dsn, "S1", True)
    assert await set_broken(dsn, "E1", True)
    assert not await set_broken(dsn, "S1", True)
    assert await list_broken(dsn) == ("S1", "E1")
    assert await set_broken(dsn, "S1", False)
    assert not await set_broken(dsn, "S1", False)
    assert await set_broken(dsn, "E1", False)
    with pytest.raises(KeyError):
        await set_broken(dsn, "X9", True)
