"""Which of two replicas leads, from the first moment to the last."""

from datetime import timedelta

import asyncpg
import pytest

from tests.postgres import NIGHT
from watchdog.domain.people import Directory
from watchdog.engine.leader import Leader
from watchdog.engine.reconcile import LEASE, withdraw
from watchdog.engine.unwatched import Unwatched
from watchdog.store import leases
from watchdog.store.pool import transaction

SPAN = timedelta(seconds=10)


async def acquire(store: asyncpg.Pool, replica: str, *, anew: bool = False) -> int | None:
    async with transaction(store) as conn:
        return await leases.acquire(conn, LEASE, replica, SPAN, anew=anew)


async def require(store: asyncpg.Pool, token: int) -> None:
    async with transaction(store) as conn:
        await leases.require(conn, LEASE, token)


async def end(store: asyncpg.Pool) -> None:
    """Let the lease be over: what ten seconds of silence would do."""
    await store.execute("update lease set until = clock_timestamp() - interval '1 s'")


async def test_of_two_replicas_the_first_leads_and_the_second_waits(store: asyncpg.Pool) -> None:
    assert await acquire(store, "one", anew=True) == 1
    assert await acquire(store, "two", anew=True) is None
    assert await acquire(store, "one") == 1
    await require(store, 1)


async def test_a_process_that_starts_anew_fences_off_the_one_before(store: asyncpg.Pool) -> None:
    assert await acquire(store, "one", anew=True) == 1
    assert await acquire(store, "one", anew=True) == 2
    with pytest.raises(leases.LeaseLost):
        await require(store, 1)
    await require(store, 2)


async def test_a_lease_that_is_over_is_taken_and_the_late_holder_is_fenced_off(
    store: asyncpg.Pool,
) -> None:
    await acquire(store, "one", anew=True)
    await end(store)
    with pytest.raises(leases.LeaseLost):
        await require(store, 1)
    assert await acquire(store, "two", anew=True) == 2
    assert await acquire(store, "one") is None
    with pytest.raises(leases.LeaseLost):
        await require(store, 1)


async def test_a_lease_that_is_over_and_free_is_taken_again_by_the_same(
    store: asyncpg.Pool,
) -> None:
    await acquire(store, "one", anew=True)
    await end(store)
    assert await acquire(store, "one") == 1


async def test_a_lease_given_back_is_free_at_once_and_only_its_holder_gives_it(
    store: asyncpg.Pool,
) -> None:
    await acquire(store, "one", anew=True)
    async with transaction(store) as conn:
        await leases.release(conn, LEASE, "two")
    assert await acquire(store, "two", anew=True) is None
    async with transaction(store) as conn:
        await leases.release(conn, LEASE, "one")
    assert await acquire(store, "two", anew=True) == 2


async def test_leases_of_different_names_have_nothing_to_do_with_each_other(
    store: asyncpg.Pool,
) -> None:
    await acquire(store, "one", anew=True)
    async with transaction(store) as conn:
        assert await leases.acquire(conn, "reports", "two", SPAN, anew=True) == 1
    with pytest.raises(leases.LeaseLost):
        async with transaction(store) as conn:
            await leases.require(conn, "unheard of", 1)


async def test_without_the_lease_nothing_is_withdrawn(store: asyncpg.Pool) -> None:
    await acquire(store, "one", anew=True)
    await acquire(store, "one", anew=True)
    with pytest.raises(leases.LeaseLost):
        async with transaction(store) as conn:
            await withdraw(conn, 1, Unwatched({}, (), {}), Directory(), NIGHT)


async def test_a_leader_knows_its_token_until_it_gives_the_lease_back(
    store: asyncpg.Pool,
) -> None:
    one, two = Leader(store, "one"), Leader(store, "two")
    await one._renew()
    await two._renew()
    tokens = [one.token, two.token]
    assert tokens == [1, None]
    assert one.changed.is_set()
    assert not two.changed.is_set()
    await one.give_back()
    await two._renew()
    assert [one.token, two.token] == [None, 2]
    assert two.changed.is_set()


async def test_a_leader_that_was_replaced_notices_at_its_next_renewal(
    store: asyncpg.Pool,
) -> None:
    one, two = Leader(store, "one"), Leader(store, "two")
    await one._renew()
    one.changed.clear()
    await end(store)
    await two._renew()
    await one._renew()
    assert [one.token, two.token] == [None, 2]
    assert one.changed.is_set()
