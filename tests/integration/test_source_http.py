import asyncio
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from rules.base import Answer, HttpFailure, HttpQuestion, HttpReply, SqlQuestion, Unanswered
from tests.hostile_http import EXPIRED, SELF_SIGNED, HostileServer, hostile_server
from watchdog.config.model import Source as SourceSpec
from watchdog.sources.base import ROOTS, Source
from watchdog.sources.open import open_source

CAP = 1000
AT_ONCE = 3


def ask(url: str = "/ok", seconds: float = 5, **more: Any) -> HttpQuestion:
    return HttpQuestion("desk", url, within=timedelta(seconds=seconds), **more)


def opened(address: str, **more: Any) -> Source:
    more = {"body_bytes_max": CAP, "connections": AT_ONCE} | more
    return open_source(SourceSpec("desk", "http", SecretStr(address), "ops", **more), {})


def reply(answer: Answer) -> HttpReply:
    assert isinstance(answer, HttpReply), answer
    return answer


def failure(answer: Answer) -> HttpFailure:
    assert isinstance(answer, HttpFailure), answer
    return answer


def unanswered(answer: Answer) -> Unanswered:
    assert isinstance(answer, Unanswered), answer
    return answer


@pytest.fixture
async def server() -> AsyncIterator[HostileServer]:
    async with hostile_server() as server:
        yield server


@pytest.fixture
async def desk(server: HostileServer) -> AsyncIterator[Source]:
    source = opened(server.address)
    yield source
    await source.close()


@pytest.fixture
def closed_port() -> AsyncIterator[int] | Any:
    with socket.socket() as taken:  # bound but not listening: nobody else gets it
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def test_a_good_endpoint_is_read(desk: Source) -> None:
    answer = reply(await desk.answer(ask()))
    assert (answer.status, answer.body, answer.truncated) == (200, b'{"status": "ok"}', False)
    assert ("Content-Type", "application/json") in answer.headers
    assert answer.took > timedelta()


async def test_a_bad_status_is_a_reply_for_the_rule_to_judge(desk: Source) -> None:
    answer = reply(await desk.answer(ask("/down")))
    assert (answer.status, answer.body) == (503, b"sorry")


async def test_a_redirect_is_not_followed(desk: Source, server: HostileServer) -> None:
    assert reply(await desk.answer(ask("/redirect"))).status == 302
    assert len(server.heads) == 1


async def test_cookies_are_not_kept(desk: Source, server: HostileServer) -> None:
    await desk.answer(ask("/cookie"))
    await desk.answer(ask("/cookie"))
    assert "cookie:" not in server.heads[1].lower()


async def test_proxies_of_the_environment_are_not_used(
    server: HostileServer, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    source = opened(server.address)
    assert reply(await source.answer(ask())).status == 200
    await source.close()


async def test_a_body_over_the_cap_is_cut_and_told(desk: Source) -> None:
    answer = reply(await desk.answer(ask("/big")))
    assert (len(answer.body), answer.truncated, answer.status) == (CAP, True, 200)


async def test_a_body_without_end_is_cut(desk: Source) -> None:
    answer = reply(await desk.answer(ask("/endless")))
    assert (len(answer.body), answer.truncated) == (CAP, True)


async def test_a_packed_body_is_unpacked(desk: Source) -> None:
    assert reply(await desk.answer(ask("/packed"))).body == b"well packed"


async def test_a_bomb_is_not_unpacked_beyond_the_cap(server: HostileServer) -> None:
    source = opened(server.address, body_bytes_max=1_000_000)
    tracemalloc.start()
    answer = reply(await source.answer(ask("/bomb")))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(answer.body), answer.truncated) == (1_000_000, True)
    assert peak_bytes < 20_000_000
    await source.close()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/reset", "reset"),
        ("/empty", "reset"),
        ("/garbage", "protocol"),
        ("/bad-length", "protocol"),
        ("/bad-chunks", "protocol"),
        ("/short", "protocol"),
        ("/not-packed", "protocol"),
        ("/half-packed", "protocol"),
        ("/odd-packed", "protocol"),
        ("/long-header", "too_large"),
        ("/headers", "protocol"),
        ("/silent", "timeout"),
        ("/drip", "timeout"),
        ("/continue", "timeout"),
    ],
)
async def test_what_the_endpoint_does_wrong_is_its_failure(
    desk: Source, path: str, reason: str
) -> None:
    started_s = time.monotonic()
    seconds = 0.3 if reason == "timeout" else 5
    answer = failure(await desk.answer(ask(path, seconds)))
    assert answer.reason == reason
    assert answer.detail
    assert time.monotonic() - started_s < 4  # on a busy machine, and before the longer time-out


async def test_a_time_out_says_how_long_was_waited(desk: Source) -> None:
    answer = failure(await desk.answer(ask("/drip", 0.2)))
    assert answer.detail == "No complete answer within 0.2 s."
    assert timedelta(seconds=0.2) <= answer.took < timedelta(seconds=2)


async def test_a_refused_connection_is_its_failure(closed_port: int) -> None:
    source = opened(f"http://127.0.0.1:{closed_port}")
    assert failure(await source.answer(ask())).reason == "refused"
    await source.close()


async def test_a_server_that_never_accepts_times_out() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        source = opened(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        answers = await source.answer_all([ask(seconds=0.3)] * 3)
        assert {failure(answer).reason for answer in answers} == {"timeout"}
        await source.close()


async def test_a_certificate_that_nobody_vouches_for_is_a_tls_failure() -> None:
    async with hostile_server(tls=True) as server:
        source = opened(server.address)
        answer = failure(await source.answer(ask()))
        assert answer.reason == "tls"
        assert "self-signed" in answer.detail
        await source.close()


@pytest.mark.parametrize(
    ("address", "authority", "is_answered"),
    [
        ("demo://desk", EXPIRED, True),  # its rule knows the demo's time
        ("demo://desk", SELF_SIGNED, False),
        ("", EXPIRED, False),
    ],
    ids=["the demo's own", "another one", "not of the demo"],
)
async def test_the_authority_of_the_demo_vouches_for_the_demo_and_at_any_time(
    address: str, authority: Path, is_answered: bool
) -> None:
    async with hostile_server(tls=True, certificate=EXPIRED) as server:
        demo = {"desk": server.address, ROOTS: str(authority)}
        spec = SourceSpec("api", "http", SecretStr(address or server.address), "ops")
        source = open_source(spec, demo)
        answer = await source.answer(ask())
        assert isinstance(answer, HttpReply if is_answered else HttpFailure)
        await source.close()


async def test_plain_http_where_tls_was_expected_is_a_tls_failure(server: HostileServer) -> None:
    source = opened(server.address.replace("http:", "https:"))
    assert failure(await source.answer(ask())).reason == "tls"
    await source.close()


async def test_a_name_that_cannot_be_looked_up_is_not_the_endpoints_failure() -> None:
    source = opened("http://nobody.invalid")
    answer = unanswered(await source.answer(ask(seconds=0.5)))
    assert answer.whole_source
    assert "name" in answer.reason
    await source.close()


async def test_connections_are_kept_between_checks(desk: Source, server: HostileServer) -> None:
    for _ in range(5):
        assert reply(await desk.answer(ask())).status == 200
    assert server.connections == 1


async def test_a_kept_connection_that_was_closed_meanwhile_is_not_a_failure(
    desk: Source, server: HostileServer
) -> None:
    server.hang_up_after_answer = True
    for _ in range(5):
        assert reply(await desk.answer(ask())).status == 200
    assert server.connections == 5


async def test_what_must_not_be_asked_twice_gets_a_new_connection(
    desk: Source, server: HostileServer
) -> None:
    for _ in range(2):
        answer = await desk.answer(ask(method="POST", body='{"a": 1}'))
        assert reply(answer).status == 200
    assert server.bodies == [b'{"a": 1}'] * 2
    assert server.connections == 2


async def test_headers_of_the_source_and_of_the_question_are_sent(server: HostileServer) -> None:
    headers = (("Authorization", SecretStr("Bearer s3cret")), ("X-From", SecretStr("source")))
    source = opened(server.address, headers=headers)
    await source.answer(ask(headers=(("X-From", "question"),)))
    assert "Authorization: Bearer s3cret" in server.heads[0]
    assert "X-From: question" in server.heads[0]
    assert "X-From: source" not in server.heads[0]
    await source.close()


async def test_a_header_cannot_smuggle_another_one(desk: Source, server: HostileServer) -> None:
    answer = await desk.answer(ask(headers=(("X-One", "1\r\nX-Two: 2"),)))
    unanswered(answer)
    assert not server.heads


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/health",
        "http://[::1]/",
        "https://example.com/",
        "http://user:secret@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "HTTP://0x7f.1/",
        "http://2130706433/",
        "http://127.0.0.1:99999/",
        "http://",
    ],
)
async def test_an_address_of_another_origin_is_refused(
    desk: Source, server: HostileServer, url: str
) -> None:
    answer = unanswered(await desk.answer(ask(url)))
    assert not answer.whole_source
    assert "secret" not in answer.reason
    assert not server.heads


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/ok", "/base/ok"),
        ("ok", "/base/ok"),
        ("", "/base"),
        ("?a=1", "/base?a=1"),
        ("//other.example/ok", "/base/other.example/ok"),
        ("/a b", "/base/a%20b"),
        ("file:/etc/passwd", "/base/file:/etc/passwd"),
    ],
)
async def test_a_path_lies_below_the_address_of_the_source(
    server: HostileServer, url: str, path: str
) -> None:
    source = opened(server.address + "/base")
    await source.answer(ask(url))
    assert server.heads[0].split()[1] == path
    await source.close()


async def test_an_absolute_address_of_the_sources_own_origin_is_asked(
    desk: Source, server: HostileServer
) -> None:
    assert reply(await desk.answer(ask(server.address + "/ok"))).status == 200


@pytest.mark.parametrize("address", ["http://u:pw@127.0.0.1", "ftp://127.0.0.1", "no address"])
async def test_a_source_with_a_wrong_address_says_so(address: str) -> None:
    source = opened(address)
    assert "pw" not in unanswered(await source.answer(ask())).reason
    await source.close()


async def test_a_batch_is_answered_in_order(desk: Source) -> None:
    paths = ["/ok", "/down", "/short", "/ok", "/redirect"] * 4
    answers = await desk.answer_all([ask(path) for path in paths])
    seen = [one.status if isinstance(one, HttpReply) else 0 for one in answers]
    assert seen == [200, 503, 0, 200, 302] * 4


async def test_no_more_are_under_way_than_the_source_allows(
    desk: Source, server: HostileServer
) -> None:
    answers = await asyncio.gather(*(desk.answer(ask("/silent", 0.2)) for _ in range(8)))
    timed_out = [one for one in answers if isinstance(one, HttpFailure)]
    waited = [one for one in answers if isinstance(one, Unanswered)]
    assert len(timed_out) + len(waited) == 8
    assert waited
    assert all("turn" in one.reason for one in waited)
    assert server.connections <= 2 * AT_ONCE


async def test_a_request_that_is_cancelled_leaves_nothing_behind(desk: Source) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await desk.answer_all([ask("/silent")] * AT_ONCE)
    assert reply(await desk.answer(ask())).status == 200


async def test_sources_share_connections_until_the_last_one_closes(server: HostileServer) -> None:
    one, other = opened(server.address), opened(server.address)
    await one.answer(ask())
    await other.answer(ask())
    assert server.connections == 1
    await one.close()
    assert reply(await other.answer(ask())).status == 200
    assert server.connections == 1
    await other.close()


async def test_an_endpoint_is_not_asked_in_sql(desk: Source) -> None:
    assert "URL" in unanswered(await desk.answer(SqlQuestion("desk", "select 1"))).reason


async def test_the_endpoint_of_the_demo_is_found_by_its_name(server: HostileServer) -> None:
    spec = SourceSpec("desk", "http", SecretStr("demo://desk/base"), "ops")
    source = open_source(spec, {"desk": server.address + "/"})
    await source.answer(ask("/ok"))
    assert server.heads[0].startswith("GET /base/ok ")
    await source.close()
