"""The http kind against real endpoints, with and without TLS, and the databases beside them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from rules.base import HttpQuestion, HttpReply, Known, Outcome, Severity
from tests.hostile_http import EXPIRED, FIXED, SELF_SIGNED, HostileServer, answered, hostile_server
from tests.postgres import Server
from tests.watched_tables import MINUTE, NATIVE, NOW, Tables, kind_of, tables
from watchdog.config.model import Rule
from watchdog.config.model import Source as SourceSpec
from watchdog.domain.people import Policy
from watchdog.engine.look import Looked, look
from watchdog.sources.base import Source
from watchdog.sources.open import open_source

ENDS_AT = datetime(2126, 10, 29, 20, 22, 50, tzinfo=UTC)
"""When the certificate of the test server ends."""

CERTIFICATE: dict[str, Any] = {"certificate": {"warning": "14d", "critical": "3d"}}


def opened(address: str) -> Source:
    return open_source(SourceSpec("desk", "http", SecretStr(address), "ops"), {})


@dataclass
class Desk:
    """An endpoint, and what is beside it."""

    server: HostileServer
    sources: dict[str, Source] = field(default_factory=dict)

    async def look(self, now: datetime = NOW, **settings: Any) -> Looked:
        """Look once, as the engine does."""
        kind = kind_of("http", **{"source": "desk", "url": "/ok"} | settings)
        rule = Rule("up", "http", kind, "ops", "Up", Severity.WARNING, MINUTE, Policy())
        (looked,) = await look([rule], now, self.sources, {"up": Known(watched=((),))})
        return looked

    async def facts(self, now: datetime = NOW, **settings: Any) -> list[str]:
        """Look once and return what was found."""
        judgement = (await self.look(now, **settings)).judgement
        assert judgement is not None
        return [one.fact for one in judgement.findings]


@pytest.fixture
async def secure(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """Give an https endpoint whose certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(SELF_SIGNED))
    async with hostile_server(tls=True) as server:
        source = opened(server.address)
        yield Desk(server, {"desk": source})
        await source.close()


@pytest.fixture
async def plain() -> AsyncIterator[Desk]:
    async with hostile_server() as server:
        source = opened(server.address)
        yield Desk(server, {"desk": source})
        await source.close()


@pytest.mark.parametrize(
    ("before", "facts"),
    [
        (timedelta(days=15), []),
        (timedelta(days=13), ["certificate ends in 13d (min 14d)"]),
        (timedelta(days=2), ["certificate ends in 2d (min 3d)"]),
    ],
)
async def test_the_end_of_a_certificate_comes_near(
    secure: Desk, before: timedelta, facts: list[str]
) -> None:
    assert await secure.facts(ENDS_AT - before, **CERTIFICATE) == facts


@pytest.mark.parametrize("path", ["/ok", "/redirect", "/big"])
async def test_an_answer_of_any_length_knows_its_certificate(secure: Desk, path: str) -> None:
    for is_alone in (False, True):
        answer = await secure.sources["desk"].answer(HttpQuestion("desk", path, is_alone=is_alone))
        assert isinstance(answer, HttpReply)
        assert answer.certificate_ends_at == ENDS_AT


async def test_a_certificate_is_asked_for_on_a_new_connection(secure: Desk) -> None:
    for _ in range(3):
        await secure.facts()
    assert secure.server.connections == 1
    for _ in range(3):
        await secure.facts(**CERTIFICATE)
    assert secure.server.connections == 4


async def test_an_endpoint_without_tls_has_no_certificate(plain: Desk) -> None:
    assert await plain.facts(**CERTIFICATE) == ["no certificate"]
    answer = await plain.sources["desk"].answer(HttpQuestion("desk", "/ok"))
    assert isinstance(answer, HttpReply)
    assert answer.certificate_ends_at is None


async def test_a_certificate_that_has_ended_is_a_failed_handshake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(EXPIRED))
    async with hostile_server(tls=True, certificate=EXPIRED) as server:
        desk = Desk(server, {"desk": opened(server.address)})
        judgement = (await desk.look(**CERTIFICATE)).judgement
        await desk.sources["desk"].close()
    assert judgement is not None
    (finding,) = judgement.findings
    assert finding.fact == "TLS failed"
    assert finding.detail == "TLS failed: certificate has expired."


async def test_an_answer_may_be_slower_than_is_good(plain: Desk) -> None:
    (fact,) = await plain.facts(slow="50ms", url="/late")
    assert fact.endswith("ms (max 50ms)")
    assert await plain.facts(slow="9s", url="/late") == []


async def test_a_budget_is_read_from_the_answer(
    plain: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset = int((NOW + timedelta(minutes=40)).timestamp())
    body = f'{{"core": {{"remaining": 99, "limit": 5000, "reset": {reset}}}}}'
    monkeypatch.setitem(FIXED, "/rate_limit", answered(body.encode()))
    paths = {name: f"body.core.{name}" for name in ("remaining", "limit", "reset")}
    assert await plain.facts(url="/rate_limit", forecast=paths) == ["99 of 5,000 left, 0 in 24s"]
    late = NOW + timedelta(minutes=39, seconds=59)
    assert await plain.facts(late, url="/rate_limit", forecast=paths) == []


@pytest.fixture(params=list(NATIVE))
async def beside(
    request: pytest.FixtureRequest, plain: Desk, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    """Give a database beside the endpoint."""
    async with tables(NATIVE[request.param], postgres_server, tmp_path) as db:
        await db.run("create table versions (org text, version text)")
        plain.sources["db"] = db.source
        yield db


def same(path: str = "body.status", query: str = "select version from versions") -> dict[str, Any]:
    return {"same_as": {path: {"source": "db", "query": query}}}


async def test_an_answer_is_compared_with_a_database(plain: Desk, beside: Tables) -> None:
    assert await plain.facts(**same()) == ["status ok (database nothing)"]
    await beside.run("insert into versions (version) values ('ok')")
    assert await plain.facts(**same()) == []
    await beside.run("update versions set version = 'ab12'")
    assert await plain.facts(**same()) == ["status ok (database ab12)"]


async def test_each_entity_is_compared_with_its_own_row(plain: Desk, beside: Tables) -> None:
    await beside.run("insert into versions values ('down', 'ok'), ('ok', 'ok'), ('packed', 'ok')")
    listing = {"source": "db", "query": "select org from versions where org <> 'packed'"}
    kind = same(query="select org, version from versions") | {"url": "/{{ entity.org }}"}
    looked = await plain.look(entity="org", for_each=listing, **kind)
    assert looked.judgement is not None
    assert [one.entity for one in looked.judgement.findings] == [(("org", "down"),)]


@pytest.mark.parametrize("path", ["/ok", "/down"])
async def test_a_database_that_cannot_be_asked_is_an_error_of_the_rule(
    plain: Desk, beside: Tables, path: str
) -> None:
    del beside
    looked = await plain.look(url=path, **same(query="select version from nowhere"))
    assert (looked.judgement, plain.server.heads) == (None, [])
    assert looked.error is not None
    assert "nowhere" in looked.error.reason
    two = same()["same_as"] | same("body.n", "select n from nowhere")["same_as"]
    looked = await plain.look(url=path, same_as=two)
    assert looked.error is not None
    assert "nowhere" in looked.error.reason


async def test_looks_at_the_same_time_do_not_mix(plain: Desk) -> None:
    paths = ["/ok", "/down"] * 5
    looks = await asyncio.gather(*(plain.look(url=path) for path in paths))
    outcomes = [one.judgement.outcome for one in looks if one.judgement]
    assert outcomes == [Outcome.OK, Outcome.BAD] * 5
