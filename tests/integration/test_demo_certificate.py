"""The desk is asked over TLS, under a certificate whose dates follow the demo's clock."""

import ssl
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from rules.base import HttpQuestion, HttpReply
from tests.demo_world import World, drop, living
from tests.postgres import NIGHT, Server
from watchdog.clock import MovedClock
from watchdog.demo.certificate import LASTS, RENEWED_BEFORE
from watchdog.sources.base import ROOTS

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = timedelta(days=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    dsn, clock = postgres_server.dsn("postgres"), MovedClock(NIGHT)
    async with living(dsn, tmp_path_factory.mktemp("demo"), clock, "certified") as world:
        yield world
    await drop(dsn, "certified")


async def ends_at(world: World) -> datetime:
    answer = await world.sources["desk"].answer(HttpQuestion("desk", "/healthz", is_alone=True))
    assert isinstance(answer, HttpReply), answer
    assert answer.certificate_ends_at
    return answer.certificate_ends_at


@pytest.mark.parametrize("days", [0, 59, 2, 400])
async def test_it_is_renewed_a_month_before_it_ends(world: World, days: int) -> None:
    await world.live(days * DAY)
    assert RENEWED_BEFORE <= await ends_at(world) - world.clock.now() <= LASTS


async def test_one_that_nobody_renews_has_fewer_days_every_day_until_it_is_mended(
    world: World,
) -> None:
    await world.switch("E13-certificate", True)
    last_day = world.clock.now() + 13 * DAY
    assert await ends_at(world) == last_day
    await world.live(2 * DAY)
    assert await ends_at(world) == last_day
    await world.switch("E13-certificate", False)
    assert await ends_at(world) == world.clock.now() + LASTS


async def test_nobody_else_vouches_for_it(world: World) -> None:
    address = f"{world.demo.addresses['desk']}/healthz"
    async with aiohttp.ClientSession() as stranger:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await stranger.get(address)


async def test_who_is_given_its_authority_can_check_it_with_all_strictness(world: World) -> None:
    strict = ssl.create_default_context(cafile=world.demo.addresses[ROOTS])
    strict.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VerifyFlags(0x200000)  # but for the time
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=strict)) as session,
        session.get(f"{world.demo.addresses['desk']}/healthz") as answer,
    ):
        assert answer.status == 200


async def test_only_the_service_can_read_its_key(world: World) -> None:
    folder = Path(world.demo.addresses[ROOTS]).parent
    secret = [one for one in folder.iterdir() if b"PRIVATE KEY" in one.read_bytes()]
    assert [one.stat().st_mode & 0o777 for one in secret] == [0o600]
