"""Jobs report over HTTP, with a key and nothing else."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import httpx
import pytest

from rules.base import PingQuestion, Rows
from rules.heartbeat import Heartbeat
from tests.page import running_page
from tests.watching import stuck_rule
from watchdog.clock import MovedClock
from watchdog.store.pings import KEPT, Pings

KEY = "nightly-backup-7f3a"


@pytest.fixture
async def client(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[httpx.AsyncClient]:
    async with running_page(store, clock) as page, page.client() as client:
        kind = Heartbeat.model_validate({"key": KEY, "expect": {"every": "1d"}})
        rule = replace(stuck_rule("backup"), kind_name="heartbeat", kind=kind)
        config = page.service.config
        page.service.config = replace(config, rules={**config.rules, "backup": rule})
        yield client


async def heard(store: asyncpg.Pool, key: str = KEY) -> list[dict[str, object]]:
    answer = await Pings(store).answer(PingQuestion("@pings", key))
    assert isinstance(answer, Rows)
    return [dict(row) for row in answer.rows]


async def told(store: asyncpg.Pool) -> list[tuple[object, ...]]:
    return [(one["what"], one["exit_status"], one["run"]) for one in await heard(store)]


@pytest.mark.parametrize(
    ("path", "is_heard"),
    [
        ("", ("success", None, "")),
        ("/start", ("start", None, "")),
        ("/fail", ("fail", None, "")),
        ("/log", ("log", None, "")),
        ("/0", ("success", 0, "")),
        ("/137", ("fail", 137, "")),
        ("/start?rid=2026-03-04", ("start", None, "2026-03-04")),
    ],
)
async def test_what_stands_after_the_key_says_what_happened(
    client: httpx.AsyncClient, store: asyncpg.Pool, path: str, is_heard: tuple[object, ...]
) -> None:
    answer = await client.post(f"/ping/{KEY}{path}")
    assert (answer.status_code, answer.text) == (200, "OK\n")
    assert await told(store) == [is_heard]


async def test_getting_the_address_reports_success(
    client: httpx.AsyncClient, store: asyncpg.Pool
) -> None:
    assert (await client.get(f"/ping/{KEY}")).status_code == 200
    assert (await client.head(f"/ping/{KEY}")).status_code == 200
    assert await told(store) == [("success", None, "")] * 2


@pytest.mark.parametrize("word", ["fail", "1"])
async def test_getting_an_address_never_counts_as_failure(
    client: httpx.AsyncClient, store: asyncpg.Pool, word: str
) -> None:
    answer = await client.get(f"/ping/{KEY}/{word}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert await told(store) == []


@pytest.mark.parametrize("path", ["/256", "/-1", "/finish", "/\u0663", "?rid=" + "x" * 65])
async def test_what_we_do_not_know_is_refused_and_not_kept(
    client: httpx.AsyncClient, store: asyncpg.Pool, path: str
) -> None:
    answer = await client.post(f"/ping/{KEY}{path}")
    assert answer.status_code == 400
    assert "exit status from 0 to 255" in answer.text
    assert await told(store) == []


async def test_a_key_that_no_rule_has_is_not_found(
    client: httpx.AsyncClient, store: asyncpg.Pool
) -> None:
    assert (await client.post("/ping/another-key-1234")).status_code == 404
    assert await heard(store, "another-key-1234") == []


async def test_the_first_ten_kilobytes_of_a_report_are_kept(
    client: httpx.AsyncClient, store: asyncpg.Pool
) -> None:
    await client.post(f"/ping/{KEY}/1", content=b"disk full\n" + b"x" * 20_000 + b"\0\xff")
    [one] = await heard(store)
    assert str(one["body"]).startswith("disk full\nxxx")
    assert len(str(one["body"])) == 10_240
    assert await store.fetchval("select is_cut from ping")


async def test_bytes_that_are_no_text_do_not_lose_the_report(
    client: httpx.AsyncClient, store: asyncpg.Pool
) -> None:
    await client.post(f"/ping/{KEY}", content=b"a\0b\xff")
    assert [one["body"] for one in await heard(store)] == ["ab\ufffd"]


async def test_a_body_without_end_is_cut_off(
    client: httpx.AsyncClient, store: asyncpg.Pool
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 65_536

    with contextlib.suppress(httpx.TransportError):  # it may be cut off in mid-sentence
        await client.post(f"/ping/{KEY}", content=endless())
    assert await told(store) == [("success", None, "")]


async def test_the_newest_pings_are_kept_and_the_newest_success_beside_them(
    client: httpx.AsyncClient, store: asyncpg.Pool
) -> None:
    await client.post(f"/ping/{KEY}")
    await store.execute(
        "insert into ping (beat, at, what) select beat, at, 'log' from ping,"
        " generate_series(1, $1::integer)",
        KEPT,
    )
    await client.post(f"/ping/{KEY}/log")
    kept = [what for what, _, _ in await told(store)]
    assert kept == ["log"] * KEPT + ["success"]


async def test_lines_of_a_log_bury_neither_a_failure_nor_a_run_that_has_begun(
    client: httpx.AsyncClient, store: asyncpg.Pool
) -> None:
    for word in ("", "/fail", "/start"):
        await client.post(f"/ping/{KEY}{word}")
    await store.execute(
        "insert into ping (beat, at, what) select beat, at, 'log' from ping,"
        " generate_series(1, $1::integer)",
        KEPT,
    )
    await client.post(f"/ping/{KEY}/log")
    kept = [what for what, _, _ in await told(store)]
    assert kept == ["log"] * KEPT + ["start", "fail", "success"]


async def test_nobody_can_tell_the_key_from_the_table(
    client: httpx.AsyncClient, store: asyncpg.Pool
) -> None:
    await client.post(f"/ping/{KEY}")
    assert KEY not in str(await store.fetch("select ping::text from ping"))
