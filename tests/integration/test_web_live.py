"""Open tabs hear of changes, and never hold up a stop."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from tests.page import Browser, open_incident, running_page
from watchdog.clock import MovedClock
from watchdog.store.pool import open_pool
from watchdog.web import live, server
from watchdog.web.live import CLIENTS_MAX


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the page look for what nobody announced without a test having to wait."""
    monkeypatch.setattr(live, "_LOOK_SECONDS", 0.3)


@contextlib.asynccontextmanager
async def stream(browser: Browser) -> AsyncIterator[AsyncIterator[str]]:
    """Give the lines of the live stream."""
    async with browser.client.stream("GET", "/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield answer.aiter_lines()


async def parts(lines: AsyncIterator[str]) -> set[str]:
    """Return what the next event names."""
    async with asyncio.timeout(20):
        async for line in lines:
            if line.startswith("data: "):
                return set(line.removeprefix("data: ").split())
    raise AssertionError("the stream ended")


async def test_a_new_tab_is_told_to_fetch_everything_then_only_what_changes(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana, stream(ana) as lines:
        assert await parts(lines) == {"incidents", "rules", "outbox"}
        await open_incident(store, clock)
        assert await parts(lines) == {"incidents", "outbox"}


async def test_an_announced_commit_is_heard_before_the_next_look(
    store: asyncpg.Pool, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_LOOK_SECONDS", 3600.0)
    async with running_page(store, clock) as page, page.signed_in() as ana, stream(ana) as lines:
        await parts(lines)
        await open_incident(store, clock)
        assert await parts(lines) == {"incidents", "outbox"}


@pytest.mark.usefixtures("looks_often")
async def test_a_change_that_nobody_announced_is_found_by_looking(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana, stream(ana) as lines:
        await parts(lines)
        await store.execute(
            "insert into rule_look (rule, looked_at, outcome) values ('r', $1, 'bad')", clock.now()
        )
        assert await parts(lines) == {"rules"}


@pytest.mark.usefixtures("looks_often")
async def test_all_tabs_share_one_connection_and_none_is_held_without_tabs(
    store_dsn: str, clock: MovedClock
) -> None:
    pool = await open_pool(store_dsn, size=3)
    async with running_page(pool, clock) as page, page.signed_in() as ana:
        async with contextlib.AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(stream(ana)) for _ in range(5)]
            for lines in streams:
                await parts(lines)
            assert pool.get_size() - pool.get_idle_size() == 1
            assert page.web._live.clients == 5
        async with asyncio.timeout(20):
            while pool.get_size() != pool.get_idle_size():  # noqa: ASYNC110 (seen from outside)
                await asyncio.sleep(0.05)
    await pool.close()


async def test_more_tabs_than_there_is_room_for_are_told_so(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        held = [page.web._live.open() for _ in range(CLIENTS_MAX)]
        for one in held:
            await anext(one)
        answer = await ana.client.get("/live")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


async def test_a_tab_that_went_away_before_its_first_byte_takes_no_room(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page:
        for _ in range(3 * CLIENTS_MAX):
            page.web._live.open()
        assert page.web._live.clients == 0


@pytest.mark.usefixtures("looks_often")
async def test_the_stream_survives_the_loss_of_its_connection(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana, stream(ana) as lines:
        await parts(lines)
        await store.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert await parts(lines) == {"incidents", "rules", "outbox"}


async def test_a_stop_with_an_open_tab_is_quick_and_quiet(
    store: asyncpg.Pool,
    clock: MovedClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "_STOP_SECONDS", 20)  # for tabs that hear nothing of the stop
    async with running_page(store, clock) as page, page.signed_in() as ana, stream(ana) as lines:
        await parts(lines)
        begun = time.monotonic()
        with caplog.at_level(logging.INFO):
            await page.stop()
        assert time.monotonic() - begun < 15
        with contextlib.suppress(httpx.RemoteProtocolError):
            assert [line async for line in lines if line.startswith("data")] == []
    assert [one for one in caplog.records if one.levelno >= logging.WARNING or one.exc_info] == []


async def test_an_open_tab_does_not_hold_time_still(store: asyncpg.Pool, clock: MovedClock) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana, stream(ana) as lines:
        await parts(lines)
        async with asyncio.timeout(5):
            await clock.rest()
