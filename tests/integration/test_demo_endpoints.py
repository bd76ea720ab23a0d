"""Each path of the demo's HTTP server: what it answers, to whom, and what breaks it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.demo_world import World, drop, living
from tests.postgres import NIGHT, Server
from watchdog.clock import MovedClock
from watchdog.demo.places import WORKSPACES, tenant_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    dsn, clock = postgres_server.dsn("postgres"), MovedClock(NIGHT)
    async with living(dsn, tmp_path_factory.mktemp("demo"), clock, "endpoints") as world:
        yield world
    await drop(dsn, "endpoints")


@asynccontextmanager
async def broken(world: World, failure_id: str) -> AsyncIterator[None]:
    await world.switch(failure_id, True)
    try:
        yield
    finally:
        await world.switch(failure_id, False)


async def ask(
    world: World, path: str, method: str = "GET", **more: Any
) -> tuple[int, dict[str, Any]]:
    part, _, rest = path.partition("/")
    url = f"{world.demo.addresses[part]}/{rest}"
    async with (
        asyncio.timeout(10),
        world.browser() as session,
        session.request(method, url, **more) as answer,
    ):
        assert answer.content_type == "application/json"
        found = await answer.json()
    assert isinstance(found, dict)
    return answer.status, found


def customer_of(workspace: str, tenant: int | str) -> str:
    return f"contacts/debug/raw-customer?workspaceId={workspace}&tenantId={tenant}"


async def customer_status(world: World, workspace: str) -> int:
    return (await ask(world, customer_of(workspace, tenant_of(workspace))))[0]


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("desk/healthz", {"status", "database", "email_queue_pending", "email_queue_failed"}),
        ("desk/readyz", {"status", "alembic_revision"}),
        ("desk/version", {"version", "commit"}),
        (
            "sync/api/zendesk/sync-status?organizationId=nairobi-books",
            {"active", "lastSync", "totals", "today", "errors", "lastOperations"},
        ),
        (customer_of("berlin-heating", tenant_of("berlin-heating")), {"customer"}),
        ("github/rate_limit", {"resources"}),
    ],
)
async def test_each_path_answers_with_its_shape(world: World, path: str, keys: set[str]) -> None:
    status, found = await ask(world, path)
    assert (status, set(found)) == (200, keys)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("sync/api/zendesk/sync-status", 'no organisation ""'),
        ("sync/api/zendesk/sync-status?organizationId=x", 'no organisation "x"'),
        ("contacts/status", 'no instance ""'),
        ("contacts/status?instanceId=x", 'no instance "x"'),
        ("contacts/debug/raw-customer", 'no workspace ""'),
        (customer_of("nobody", 900_001), 'no workspace "nobody"'),
        (customer_of("berlin-heating", 1), 'no workspace "berlin-heating"'),
        ("contacts/debug/raw-customer?workspaceId=berlin-heating", 'no workspace "berlin-heating"'),
    ],
)
async def test_who_is_unknown_is_not_found_by_name(world: World, path: str, said: str) -> None:
    assert await ask(world, path) == (404, {"error": said})


@pytest.mark.parametrize("path", ["sync/api/zendesk/sync-config", "contacts/trigger"])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"null", b'"trigger"', b"{}"])
async def test_an_order_that_is_none_is_refused_with_a_reason(
    world: World, path: str, body: bytes
) -> None:
    status, found = await ask(
        world, path, "POST", data=body, headers={"content-type": "application/json"}
    )
    assert status in {400, 404}
    assert found["error"]


@pytest.mark.parametrize("action", [None, "", "delete", ["trigger"]])
async def test_a_sync_does_only_what_it_can(world: World, action: object) -> None:
    order = {"action": action, "organizationId": "nairobi-books"}
    status, found = await ask(world, "sync/api/zendesk/sync-config", "POST", json=order)
    assert (status, found) == (400, {"error": "the action must be trigger"})


async def test_an_unknown_organisation_is_not_synced(world: World) -> None:
    order = {"action": "trigger", "organizationId": "nobody"}
    status, found = await ask(world, "sync/api/zendesk/sync-config", "POST", json=order)
    assert (status, found) == (404, {"error": 'no organisation "nobody"'})


@pytest.mark.parametrize("workspace", ["nobody", "", "x\x00y", None, 7])
async def test_an_unknown_workspace_is_not_said_to_be_syncing(
    world: World, workspace: object
) -> None:
    status, found = await ask(world, "contacts/trigger", "POST", json={"workspaceId": workspace})
    assert status == 404
    assert found["error"].startswith("no workspace ")


async def test_an_instance_with_a_nul_is_unknown_like_any_other(world: World) -> None:
    status, _ = await ask(world, "contacts/status?instanceId=a%00b")
    assert status == 404


async def test_a_workspace_that_syncs_is_not_started_again(world: World) -> None:
    order = {"workspaceId": "lima-roofing"}
    status, started = await ask(world, "contacts/trigger", "POST", json=order)
    assert (status, set(started)) == (202, {"instanceId"})
    assert await ask(world, "contacts/trigger", "POST", json=order) == (
        409,
        {"error": "a sync is running"},
    )
    _, instance = await ask(world, f"contacts/status?instanceId={started['instanceId']}")
    assert instance == {"instanceId": started["instanceId"], "status": "Running"}


async def test_a_ticket_sync_is_started_by_hand_unless_one_runs(world: World) -> None:
    path = "tickets/functions/v1/zendesk-sync"
    async with broken(world, "Z6"):
        status, started = await ask(world, path, "POST")
        assert (status, set(started)) == (202, {"run"})
        assert await ask(world, path, "POST") == (409, {"error": "a sync is running"})
        await world.live(timedelta(minutes=1))
        assert (await ask(world, path, "POST"))[0] == 202


RIGHTS = [
    ("crm_writer", "update servicetitan_sync_state set sync_status = 'idle' where false", True),
    ("crm_writer", "update servicetitan_sync_state set last_modified_cursor = null", False),
    ("crm_writer", "delete from servicetitan_sync_state", False),
    (
        "crm_writer",
        "update workspace_tracked_repositories set sync_attempts = 0, next_sync_at = now() "
        "where false",
        True,
    ),
    ("crm_writer", "update workspace_tracked_repositories set is_active = false", False),
    ("crm_writer", "update contacts set lastname = ''", False),
    ("desk_writer", "update email_delivery_logs set status = 'QUEUED' where false", True),
    ("desk_writer", "update email_delivery_logs set to_email = ''", False),
    ("desk_writer", "delete from support_threads", False),
]


@pytest.mark.parametrize(("part", "statement", "may"), RIGHTS)
async def test_whoever_acts_may_change_what_actions_change_and_nothing_else(
    world: World, part: str, statement: str, may: bool
) -> None:
    connection = await asyncpg.connect(world.demo.addresses[part], timeout=10)
    try:
        if may:
            await connection.execute(statement)
        else:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close(timeout=5)


@pytest.mark.parametrize("workspace", [one.id for one in WORKSPACES[::50]])
async def test_a_customer_has_a_name(world: World, workspace: str) -> None:
    status, found = await ask(world, customer_of(workspace, tenant_of(workspace)))
    assert status == 200
    assert all(found["customer"][key] for key in ("id", "firstname", "lastname"))


async def test_while_the_desk_is_down_health_and_readiness_say_so_and_the_version_is_told(
    world: World,
) -> None:
    async with broken(world, "E1"):
        for _ in range(2):
            for path in ("desk/healthz", "desk/readyz"):
                assert await ask(world, path) == (503, {"error": "the database does not answer"})
        assert (await ask(world, "desk/version"))[0] == 200
    assert (await ask(world, "desk/healthz"))[0] == 200


async def test_one_probe_of_the_desk_fails_and_the_next_does_not(world: World) -> None:
    async with broken(world, "E1a"):
        assert [(await ask(world, "desk/healthz"))[0] for _ in range(3)] == [503, 200, 200]
        assert (await ask(world, "desk/readyz"))[0] == 200


async def test_a_crm_that_refuses_us_refuses_one_workspace_for_as_long_as_it_lasts(
    world: World,
) -> None:
    async with broken(world, "S5"):
        assert [await customer_status(world, "denver-electric") for _ in range(2)] == [401, 401]
        assert await customer_status(world, "denver-heating") == 200
    assert await customer_status(world, "denver-electric") == 200


async def test_one_probe_of_a_crm_fails_and_the_next_does_not(world: World) -> None:
    async with broken(world, "S5a"):
        found = [await customer_status(world, "denver-electric") for _ in range(3)]
    assert found == [401, 200, 200]


@pytest.mark.parametrize(
    ("failure_id", "pending", "failed"), [("E2", 130, 0), ("E2a", 100, 50), ("E4a", 90, 0)]
)
async def test_health_counts_the_mails_that_wait_and_that_failed(
    world: World, failure_id: str, pending: int, failed: int
) -> None:
    _, before = await ask(world, "desk/healthz")
    async with broken(world, failure_id):
        _, health = await ask(world, "desk/healthz")
    assert health["email_queue_pending"] == pending
    assert health["email_queue_failed"] == max(failed, before["email_queue_failed"])
    assert (await ask(world, "desk/healthz"))[1]["email_queue_pending"] <= 2


@pytest.mark.parametrize("minutes", [0, 29, 30, 1])
async def test_the_rate_limit_adds_up_and_resets_on_the_hour(world: World, minutes: int) -> None:
    await world.clock.advance(timedelta(minutes=minutes))
    core = (await ask(world, "github/rate_limit"))[1]["resources"]["core"]
    assert core["used"] + core["remaining"] == core["limit"] == 5000
    assert 0 <= core["used"] <= 3000
    reset = datetime.fromtimestamp(core["reset"], UTC)
    assert (reset.minute, reset.second) == (0, 0)
    assert timedelta() < reset - world.clock.now() <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "desk/healthz", 405),
        ("GET", "contacts/trigger", 405),
        ("DELETE", "github/rate_limit", 405),
        ("GET", "desk/", 404),
        ("GET", "desk/healthz/x", 404),
    ],
)
async def test_nothing_else_is_answered(world: World, method: str, path: str, status: int) -> None:
    part, _, rest = path.partition("/")
    async with (
        asyncio.timeout(10),
        world.browser() as session,
        session.request(method, f"{world.demo.addresses[part]}/{rest}") as answer,
    ):
        assert answer.status == status
