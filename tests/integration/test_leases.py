"""The lease under which one replica evaluates."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from tests.lock_waits import held_up, wait_for_nobody
from watchdog.engine.leader import Leader
from watchdog.engine.reconcile import LEASE
from watchdog.store import leases
from watchdog.store.pool import transaction

SPAN = timedelta(seconds=10)


async def _acquired(store: asyncpg.Pool, replica: str, *, anew: bool = False) -> int | None:
    async with transaction(store) as conn:
        return await leases.acquire(conn, LEASE, replica, SPAN, anew=anew)


async def test_a_lease_is_prolonged_while_a_long_transaction_writes_under_it(
    store: asyncpg.Pool,
) -> None:
    token = await _acquired(store, "one")
    assert token is not None
    async with transaction(store) as writing:
        await leases.require(writing, LEASE, token)
        async with transaction(store) as conn:
            await wait_for_nobody(conn)
            assert await leases.prolong(conn, LEASE, "one", token, SPAN)


async def test_nobody_takes_a_lease_over_while_a_transaction_writes_under_it(
    store: asyncpg.Pool,
) -> None:
    token = await _acquired(store, "one")
    assert token is not None
    async with transaction(store) as writing:
        await leases.require(writing, LEASE, token)
        async with transaction(store) as conn:
            await leases.release(conn, LEASE, "one")
        taking = asyncio.ensure_future(_acquired(store, "two"))
        assert await held_up(store, taking)
    assert await taking == token + 1


async def test_what_was_taken_over_is_not_prolonged(store: asyncpg.Pool) -> None:
    token = await _acquired(store, "one")
    assert token is not None
    async with transaction(store) as conn:
        await leases.release(conn, LEASE, "one")
    await _acquired(store, "two")
    async with transaction(store) as conn:
        assert not await leases.prolong(conn, LEASE, "one", token, SPAN)
        with pytest.raises(leases.LeaseLost):
            await leases.require(conn, LEASE, token)


async def test_a_leader_lives_on_when_the_lease_is_locked_for_longer_than_it_waits(
    store: asyncpg.Pool,
) -> None:
    await _acquired(store, "one")
    leader = Leader(store, "two")
    async with transaction(store) as conn:
        await conn.execute("select from lease for update")
        await leader._renew()
    assert leader.token is None
