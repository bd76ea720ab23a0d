"""What the gate lets through, and what every answer carries."""

import asyncio
import re
import socket

import asyncpg
import httpx
import pytest
from starlette.routing import Mount, Route

from tests.page import FORM, open_incident, running_page, stored
from watchdog.clock import MovedClock
from watchdog.store.pool import transaction
from watchdog.store.sessions import begin
from watchdog.web.gate import HEADERS
from watchdog.web.server import CannotListen, listen, routes

OPEN = {
    *("/healthz", "/readyz", "/sign-in"),
    *("/ping/{key}", "/ping/{key}/{word}", "/slack/actions", "/u/{token}"),
}
"""Open to all; what jobs report carries a key of its own, and no rule has the key `{key}`. Slack signs.
Nobody's mails stop by the token `{token}`."""


def every_route() -> list[tuple[str, str]]:
    """Return method and path of every route, with numbers that exist."""
    found = []
    for route in routes():
        if isinstance(route, Mount):
            continue
        assert isinstance(route, Route)
        path = re.sub(r"\{number:int\}", "1042", route.path).replace("{part}", "rules")
        found += [(method, path) for method in sorted(route.methods or ())]
    return found


async def test_without_a_session_every_route_is_refused(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.client() as stranger:
        for method, path in [*every_route(), ("GET", "/nowhere"), ("POST", "/")]:
            proxied = {"x-forwarded-for": "198.51.100.7"}
            answer = await stranger.request(method, path, headers=proxied)
            if path not in OPEN:
                assert answer.status_code in {401, 403}, (method, path)
                assert "#1042" not in answer.text
    assert (await stored(store)).version == 1


async def test_a_made_up_session_is_no_session(store: asyncpg.Pool, clock: MovedClock) -> None:
    async with running_page(store, clock) as page, page.client() as stranger:
        port = page.url.rpartition(":")[2]
        answer = await stranger.get("/", headers={"cookie": f"watchdog-{port}=made-up"})
    assert answer.status_code == 401
    assert "Please sign in" in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/sign-in", "/healthz", "/static/style.css", "/live"]
)
@pytest.mark.parametrize("is_signed_in", [True, False])
async def test_every_answer_carries_the_security_headers(
    path: str, is_signed_in: bool, store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        client = ana.client if is_signed_in else page.client()
        async with client.stream("GET", path) as answer:
            headers = dict(answer.headers)
        await client.aclose()
    assert HEADERS.items() <= headers.items()
    assert headers["date"] == "Fri, 13 Jun 2025 02:15:00 GMT"
    assert "server" not in headers
    assert "unsafe" not in headers["content-security-policy"]


async def test_our_pages_have_nothing_inline(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        for path in ("/", "/i/1042", "/i/1042/take", "/outbox/1", "/sign-in?token=x"):
            text = (await ana.client.get(path)).text
            assert not re.search(
                r"<script(?! src=)|<style|\sstyle=|\son\w+=|https?://(?!wiki)", text
            )


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    ],
)
async def test_a_form_of_another_site_is_refused(
    headers: dict[str, str], store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        answer = await ana.post("/i/1042/take", headers=FORM | headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert (await stored(store)).version == 1


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "same-origin", "origin": "null"}, {"origin": "null"}]
)
async def test_a_form_of_our_own_page_passes(
    headers: dict[str, str], store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        answer = await ana.post("/i/1042/take", headers=FORM | headers)
    assert answer.status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        path
        for method, path in every_route()
        if method == "POST" and not re.search(r"\{(key|token)\}|^/slack/", path)
    ],
)
async def test_every_form_needs_the_sessions_own_token(
    path: str, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        async with page.signed_in("raj") as raj:
            foreign = await raj.token()
        for token in ("", "0" * 64, "ä", foreign):
            answer = await ana.client.post(
                path, data={"token": token, "words": "x", "kind": "code"}
            )
            assert answer.status_code == 403, (path, token)
    assert (await stored(store)).version == 1


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, b"token=x", 415),
        ({"content-type": "application/json"}, b"{}", 415),
        (FORM, b"words=" + b"x" * 70_000, 413),
        (FORM, b"a=1&" * 100, 400),
        (FORM, b"\xff\xfe", 400),
    ],
)
async def test_what_no_form_of_ours_sends_is_refused(
    headers: dict[str, str], body: bytes, status: int, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        answer = await ana.client.post("/i/1042/note", content=body, headers=headers)
    assert answer.status_code == status


async def test_a_foreign_host_name_poisons_no_link(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        for name in ("host", "x-forwarded-host", "forwarded"):
            answer = await ana.client.get("/", headers={name: "evil.example"})
            assert "evil.example" not in answer.text + str(answer.headers)


async def test_metrics_are_for_this_machine_and_for_people_signed_in(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as here, page.signed_in() as ana:
        asked: list[tuple[httpx.AsyncClient, dict[str, str], int]] = [
            (here, {}, 200),
            (here, {"host": "localhost:1"}, 200),
            (here, {"x-forwarded-for": "198.51.100.7"}, 403),
            (here, {"host": "rebound.example"}, 403),
            (ana.client, {"x-forwarded-for": "198.51.100.7"}, 200),
        ]
        for client, headers, status in asked:
            assert (await client.get("/metrics", headers=headers)).status_code == status, headers


async def test_while_the_store_is_down_pages_say_so_and_the_process_lives(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        await store.close()
        answer = await ana.client.get("/")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "the store does not answer" in answer.text
        assert (await ana.client.get("/healthz")).status_code == 200
        assert (await ana.client.get("/readyz")).status_code == 503


async def test_a_person_who_is_no_longer_declared_is_signed_out(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        async with transaction(store) as conn:
            secret = await begin(conn, "gone", clock.now())
        port = page.url.rpartition(":")[2]
        answer = await client.get("/", headers={"cookie": f"watchdog-{port}={secret}"})
    assert answer.status_code == 401


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(
            CannotListen, match=f"cannot listen on {address}: another program"
        ) as told:
            listen(address)
    assert "--listen" in str(told.value)


@pytest.mark.parametrize(
    "address", ["", "8711", "127.0.0.1:", "127.0.0.1:http", "nowhere.invalid:1", ":99999"]
)
def test_what_is_no_address_is_told_how_one_reads(address: str) -> None:
    with pytest.raises(CannotListen, match="cannot listen on"):
        listen(address)


async def test_the_server_ends_with_that_sentence_before_it_says_anything(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(CannotListen):
        async with running_page(store, clock, listen=f"127.0.0.1:{taken.getsockname()[1]}"):
            await asyncio.sleep(0)
