"""The page of a week, and the links by which readers stop its mail: only a POST changes anything."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.test_cli_weekly import a_week
from tests.integration.test_weekly import weekly_of
from tests.page import DIRECTORY, Page, open_incident, running_page, send_too_many
from tests.postgres import NIGHT
from tests.watching import config_of, stuck_rule
from watchdog.clock import MovedClock
from watchdog.store.pool import transaction
from watchdog.store.subscriptions import stop

TOKEN = "t" * 32
FORM = {"content-type": "application/x-www-form-urlencoded"}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def page(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Page]:
    await store.execute(
        "insert into subscription values ('weekly', 'email:ana@example.com', $1)", TOKEN
    )
    async with running_page(store, clock) as page:
        yield page


async def is_stopped(store: asyncpg.Pool) -> bool:
    found: bool = await store.fetchval("select stopped_at is not null from subscription")
    return found


async def test_a_week_is_shown_as_in_the_mail_with_links(
    store: asyncpg.Pool, clock: MovedClock, page: Page
) -> None:
    await a_week(store, clock)
    async with page.signed_in("ana") as ana:
        html = await ana.read("/week/2025-24")
    assert "2 incidents so far." in html
    assert "Noisiest rules" in html
    assert "Stop these mails" not in html
    assert 'href="/"' in html


async def test_what_is_still_open_leads_to_its_page(
    store: asyncpg.Pool, clock: MovedClock, page: Page
) -> None:
    await open_incident(store, clock, 1042)
    async with page.signed_in("ana") as ana:
        assert 'href="/i/1042"' in await ana.read("/week/2025-24")


async def test_a_week_that_is_none_or_has_not_begun_is_not_there(page: Page) -> None:
    async with page.signed_in("ana") as ana:
        assert "2025 has no week 53" in await ana.read("/week/2025-53", 404)
        assert "it has not begun" in await ana.read("/week/2025-40", 404)


async def test_the_present_week_is_one_step_away(page: Page) -> None:
    async with page.signed_in("ana") as ana:
        assert 'href="/week">The week so far</a>' in await ana.read("/")
        led = await ana.client.get("/week", follow_redirects=True)
    assert led.url.path == "/week/2025-24"
    assert 'href="/week/2025-23"' in led.text


async def test_a_week_is_for_people_who_are_signed_in(page: Page) -> None:
    async with page.client() as stranger:
        assert (await stranger.get("/week/2025-24")).status_code == 401


async def test_opening_the_link_asks_and_changes_nothing(store: asyncpg.Pool, page: Page) -> None:
    async with page.client() as reader:
        for method in ("GET", "HEAD"):
            answer = await reader.request(method, f"/u/{TOKEN}")
            assert answer.status_code == 200
        shown = await reader.get(f"/u/{TOKEN}")
    assert "ana@example.com gets it every week." in shown.text
    assert '<button name="do" value="stop">' in shown.text
    assert not await is_stopped(store)


async def test_one_click_of_a_mail_program_stops_it(store: asyncpg.Pool, page: Page) -> None:
    async with page.client() as program:
        answer = await program.post(f"/u/{TOKEN}", data=ONE_CLICK)
        assert answer.status_code == 200
        again = await program.post(f"/u/{TOKEN}", data=ONE_CLICK)
    assert "No more weekly summaries" in again.text
    assert await is_stopped(store)


async def test_one_click_may_be_a_form_of_several_parts(store: asyncpg.Pool, page: Page) -> None:
    async with page.client() as program:
        parts = {name: (None, value) for name, value in ONE_CLICK.items()}
        answer = await program.post(f"/u/{TOKEN}", files=parts)
    assert answer.status_code == 200
    assert await is_stopped(store)


@pytest.mark.parametrize(
    "body", [{"data": {}}, {"data": {"do": "what"}}, {"files": {"do": (None, "what")}}]
)
async def test_a_post_that_asks_for_nothing_changes_nothing(
    store: asyncpg.Pool, page: Page, body: dict[str, Any]
) -> None:
    headers = {} if body.get("data") or "files" in body else FORM
    async with page.client() as program:
        answer = await program.post(f"/u/{TOKEN}", headers=headers, **body)
    assert answer.status_code == 200
    assert not await is_stopped(store)


async def test_the_button_of_the_page_stops_it(store: asyncpg.Pool, page: Page) -> None:
    async with page.client() as reader:
        await reader.post(f"/u/{TOKEN}", data={"do": "stop"})
    assert await is_stopped(store)


async def test_the_button_of_the_page_lets_it_come_again(store: asyncpg.Pool, page: Page) -> None:
    async with transaction(store) as conn:
        await stop(conn, TOKEN, NIGHT)
    async with page.client() as reader:
        answer = await reader.post(f"/u/{TOKEN}", data={"do": "again"})
    assert "Stop the weekly summary?" in answer.text
    assert not await is_stopped(store)


async def test_a_link_of_nobody_is_not_there(store: asyncpg.Pool, page: Page) -> None:
    async with page.client() as stranger:
        for path in ("/u/x", f"/u/{TOKEN}x", "/u/" + "y" * 3000):
            assert (await stranger.get(path)).status_code == 404
            assert (await stranger.post(path, data=ONE_CLICK)).status_code == 404
    assert not await is_stopped(store)


async def test_a_page_of_another_site_stops_nothing(store: asyncpg.Pool, page: Page) -> None:
    headers = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    async with page.client() as reader:
        answer = await reader.post(f"/u/{TOKEN}", data=ONE_CLICK, headers=headers)
    assert answer.status_code == 403
    assert not await is_stopped(store)


async def test_a_week_goes_by_the_clock_of_its_report(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    config = replace(config_of("", [stuck_rule()]), directory=DIRECTORY)
    config = replace(config, weeklies={"weekly": weekly_of("ana@example.com")})
    async with running_page(store, clock, config) as page, page.signed_in("ana") as ana:
        assert "times in Berlin" in await ana.read("/week/2025-24")


async def test_a_page_of_too_much_says_why_there_is_none(
    store: asyncpg.Pool, clock: MovedClock, page: Page
) -> None:
    await open_incident(store, clock, 1042)
    await send_too_many(store, 1042, NIGHT)
    await clock.advance(timedelta(minutes=1))
    async with page.signed_in("ana") as ana:
        assert "more than 100,000 messages to people" in await ana.read("/week/2025-24", 404)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, "List-Unsubscribe=One-Click", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, "x=" + "y" * 70_000, 413),
    ],
)
async def test_what_is_no_form_stops_nothing(
    store: asyncpg.Pool, page: Page, headers: dict[str, str], body: str, status: int
) -> None:
    async with page.client() as stranger:
        answer = await stranger.post(f"/u/{TOKEN}", content=body, headers=headers)
    assert answer.status_code == status
    assert not await is_stopped(store)


async def test_the_page_of_a_link_needs_no_script_and_names_nobody_else(page: Page) -> None:
    async with page.client() as reader:
        answer = await reader.get(f"/u/{TOKEN}")
    assert "<script" not in answer.text
    assert answer.text.count("@example.com") == 1
    assert answer.headers["referrer-policy"] == "no-referrer"  # the link is a secret
    assert answer.headers["cache-control"] == "no-store"


async def test_hostile_names_do_nothing_to_the_page_of_a_week(
    store: asyncpg.Pool, clock: MovedClock, page: Page
) -> None:
    await open_incident(store, clock, 1042, title="<script>alert(1)</script><img src=x onerror=1>")
    async with page.signed_in("ana") as ana:
        html = await ana.read("/week/2025-24")
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html
