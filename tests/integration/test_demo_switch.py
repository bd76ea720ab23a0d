"""The connection by which commands break and mend the demo."""

import asyncio

from tests.integration.test_source_postgres_trouble import over_tcp, proxy_to
from tests.postgres import Database
from watchdog.demo.switch import connected


async def test_nobody_waits_for_the_farewell_of_a_server_that_fell_silent(
    database: Database,
) -> None:
    async with proxy_to(database.dsn) as proxy, asyncio.timeout(8):
        async with connected(over_tcp(database, proxy.port)) as db:
            proxy.fall_silent()
            asking = asyncio.ensure_future(db.fetch("select 1"))
            await asyncio.wait([asking], timeout=0.2)
            asking.cancel()
        assert db.is_closed()
