import asyncio
import os
import signal
import socket
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.pooler import transaction_pooler
from tests.postgres import NIGHT, UNSAFE, Server
from watchdog.store import processes
from watchdog.store.embedded import Embedded
from watchdog.store.migrate import migrate
from watchdog.store.pool import (
    AddressRefused,
    PoolerRefused,
    StoreDown,
    close_pool,
    connection,
    limit_silence,
    open_pool,
    store_down,
    together,
    transaction,
)


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Embedded]:
    """Give a server of this test's own, to be mistreated."""
    async with Embedded(tmp_path / "data", UNSAFE) as embedded:
        yield embedded


async def attempt(pool: asyncpg.Pool, *statements: str, then: Exception | None = None) -> object:
    """Run statements in a transaction, the last one for its value, and raise `then` inside it."""
    async with transaction(pool) as connection:
        for statement in statements[:-1]:
            await connection.execute(statement)
        value = await connection.fetchval(statements[-1])
        if then is not None:
            raise then
    return value


async def test_tables_are_found_without_their_schema(store: asyncpg.Pool) -> None:
    assert await store.fetchval("select count(*) from incident") == 0


async def test_a_connection_that_was_given_back_still_finds_the_tables(store_dsn: str) -> None:
    pool = await open_pool(store_dsn, size=1)
    for _ in range(3):
        async with transaction(pool) as connection:
            assert await connection.fetchval("select current_schema()") == "watchdog"
    await close_pool(pool)


async def test_a_connection_gives_up_on_locks_and_idle_transactions(store: asyncpg.Pool) -> None:
    limits = [
        await store.fetchval("select current_setting($1)", f"{name}_timeout")
        for name in ("lock", "statement", "idle_in_transaction_session")
    ]
    assert limits == ["2s", "30s", "30s"]


async def test_json_goes_in_and_comes_out_as_values(store: asyncpg.Pool) -> None:
    value = {"a": [1, None, "é"]}
    assert await store.fetchval("select $1::jsonb", value) == value


async def test_a_transaction_is_committed_at_its_end(store: asyncpg.Pool) -> None:
    await attempt(store, "create table kept (n integer)")
    assert await store.fetchval("select count(*) from kept") == 0


async def test_a_transaction_is_rolled_back_on_an_exception(store: asyncpg.Pool) -> None:
    with pytest.raises(RuntimeError, match="no"):
        await attempt(store, "create table gone (n integer)", then=RuntimeError("no"))
    assert await store.fetchval("select to_regclass('gone')") is None


async def test_a_statement_that_is_wrong_is_not_the_stores_fault(store: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        async with transaction(store) as connection:
            await connection.execute("select * from nowhere")
    assert await store.fetchval("select 1") == 1


async def test_a_wrong_call_is_not_the_stores_fault(store: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.InterfaceError, match="expects 1 argument"):
        async with transaction(store) as connection:
            await connection.fetch("select $1::integer")
    with pytest.raises(asyncpg.DataError):
        async with transaction(store) as connection:
            await connection.fetch("select $1::integer", "one")


async def test_a_connection_that_the_server_ends_means_the_store_is_down(
    store: asyncpg.Pool,
) -> None:
    with pytest.raises(StoreDown):
        await attempt(store, "select pg_terminate_backend(pg_backend_pid())")
    assert await attempt(store, "select 1") == 1


async def test_a_closed_pool_means_the_store_is_down(store_dsn: str) -> None:
    pool = await open_pool(store_dsn)
    await close_pool(pool)
    with pytest.raises(StoreDown):
        async with transaction(pool):
            raise AssertionError


async def test_a_server_that_lets_us_in_no_more_is_down_until_it_does(own: Embedded) -> None:
    pool = await open_pool(own.dsn)
    admin = await asyncpg.connect(own.dsn.replace("/watchdog?", "/postgres?"))
    await admin.execute("alter role watchdog nologin")
    await admin.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = 'watchdog'"
    )
    with pytest.raises(StoreDown, match="the store lets us in no more: "):
        await attempt(pool, "select 1")
    await admin.execute("alter role watchdog login")
    await admin.close()
    assert await attempt(pool, "select 1") == 1
    await close_pool(pool)


async def test_no_server_means_the_store_is_down(tmp_path: Path) -> None:
    with pytest.raises(StoreDown, match="the store does not answer: "):
        await open_pool(f"postgresql://watchdog@/watchdog?host={tmp_path}")


async def test_a_server_that_takes_only_reads_means_the_store_is_down(own: Embedded) -> None:
    pool = await open_pool(own.dsn, size=2)
    with pytest.raises(StoreDown):
        await attempt(pool, "set transaction read only", "create table t (n integer)")
    # As after a failover: whoever connects now must not get the old primary.
    await pool.execute("alter system set default_transaction_read_only = on")
    await pool.execute("select pg_reload_conf()")
    await pool.expire_connections()
    with pytest.raises(StoreDown):
        await open_pool(own.dsn)
    await close_pool(pool)


async def test_a_server_that_stands_still_is_given_up_within_the_patience(own: Embedded) -> None:
    pool = await open_pool(own.dsn, size=2, patience=0.3)
    loop = asyncio.get_running_loop()
    stopped = _stop(own)
    began = loop.time()
    with pytest.raises(StoreDown):
        await attempt(pool, "select 1")
    assert loop.time() - began < 3
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    assert await attempt(pool, "select 1") == 1
    await close_pool(pool)


def _stop(server: Embedded) -> list[int]:
    pids = processes.postgres_processes_in(server.data_dir / "cluster")
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids


async def test_while_the_server_stands_still_nobody_who_is_to_end_waits_for_it(
    own: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchdog.store.pool._CLOSE_SECONDS", 0.2)
    pool = await open_pool(own.dsn, size=2)
    lent_to = asyncio.Queue[asyncpg.Connection]()

    async def alone() -> None:
        async with connection(pool) as lent:
            lent_to.put_nowait(lent)
            await lent.execute("select pg_sleep(60)")

    async def with_others() -> None:
        async with connection(pool) as lent, together(lent):
            lent_to.put_nowait(lent)
            await lent.execute("select pg_sleep(60)")

    loop = asyncio.get_running_loop()
    for work in (alone, with_others):
        task = asyncio.ensure_future(work())
        await lent_to.get()
        stopped = _stop(own)
        task.cancel()
        began = loop.time()
        with pytest.raises(asyncio.CancelledError):  # and not what the server's silence would raise
            await task
        assert loop.time() - began < 2
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    stopped = _stop(own)
    await close_pool(pool)
    assert loop.time() - began < 4
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)


async def test_a_cancelled_transaction_leaves_nothing_and_the_pool_whole(
    store: asyncpg.Pool,
) -> None:
    began = asyncio.Event()

    async def work() -> None:
        async with transaction(store) as connection:
            await connection.execute("create table gone (n integer)")
            began.set()
            await connection.execute("select pg_sleep(60)")

    task = asyncio.ensure_future(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.fetchval("select to_regclass('gone')") is None
    assert store.get_idle_size() == store.get_size()


async def test_a_full_pool_means_the_store_is_down_in_time(
    store_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchdog.store.pool._CONNECT_SECONDS", 0.1)
    pool = await open_pool(store_dsn, size=1)
    async with transaction(pool):
        with pytest.raises(StoreDown):
            async with transaction(pool):
                raise AssertionError
    await close_pool(pool)


async def test_a_pooler_in_transaction_mode_is_refused(
    postgres_server: Server, store_dsn: str
) -> None:
    home = postgres_server.embedded.data_dir / "socket" / ".s.PGSQL.5432"
    name = store_dsn.partition("?")[0].rpartition("/")[2]
    async with transaction_pooler(home) as port:
        with pytest.raises(PoolerRefused, match="a pooler in transaction mode"):
            await open_pool(f"postgresql://watchdog@127.0.0.1:{port}/{name}?sslmode=disable")


async def test_a_silent_network_is_ended_by_the_kernel(
    postgres_server: Server, store_dsn: str
) -> None:
    home = postgres_server.embedded.data_dir / "socket" / ".s.PGSQL.5432"
    name = store_dsn.partition("?")[0].rpartition("/")[2]
    async with transaction_pooler(home) as port:
        dsn = f"postgresql://watchdog@127.0.0.1:{port}/{name}?sslmode=disable"
        connection = await asyncpg.connect(dsn, timeout=5)
        limit_silence(connection)
        line = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 4000
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        await connection.close(timeout=5)


def test_only_what_is_lost_becomes_the_store_being_down() -> None:
    with pytest.raises(StoreDown), store_down():
        raise ConnectionResetError
    with pytest.raises(StoreDown), store_down():
        raise asyncpg.InterfaceError("the pool is closed")
    with pytest.raises(asyncpg.UniqueViolationError), store_down():
        raise asyncpg.UniqueViolationError("twice")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:CAN#ARY@127.0.0.1:1/db",
        "postgresql://u:CANARY/x@127.0.0.1:1/db",
        "postgresql://u@127.0.0.1:CANARY/db",
        "CANARY://127.0.0.1/db",
    ],
)
async def test_an_address_that_cannot_be_read_is_refused_without_showing_it(address: str) -> None:
    for opening in (open_pool(address), migrate(address, NIGHT)):
        with pytest.raises(AddressRefused, match="cannot be read") as refused:
            await opening
        assert "CAN" not in "".join(traceback.format_exception_only(refused.value))
        assert refused.value.__suppress_context__
