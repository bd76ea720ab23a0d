import asyncio
from pathlib import Path

import asyncpg
import pytest

from tests.postgres import NIGHT, UNSAFE, Database, Server
from watchdog.store.embedded import Embedded
from watchdog.store.migrate import MIGRATION_LOCK, Migration, SchemaRefused, migrate, migrations

FIRST = Migration(1, "first", "create table first (n integer);")
SECOND = Migration(2, "second", "alter table first add m integer;")


async def fetch(dsn: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        return [tuple(row.values()) for row in await connection.fetch(statement)]
    finally:
        await connection.close(timeout=5)


async def test_an_empty_database_gets_every_step_and_a_record_of_it(database: Database) -> None:
    names = tuple(step.name for step in migrations())
    assert await migrate(database.dsn, NIGHT) == names
    recorded = await fetch(
        database.dsn, "select number, name, applied_at from watchdog.migration order by number"
    )
    assert recorded == [(n, name, NIGHT) for n, name in enumerate(names, start=1)]


async def test_a_second_run_does_nothing(store_dsn: str) -> None:
    assert await migrate(store_dsn, NIGHT) == ()


async def test_only_what_is_missing_is_applied(database: Database) -> None:
    await migrate(database.dsn, NIGHT, (FIRST,))
    assert await migrate(database.dsn, NIGHT, (FIRST, SECOND)) == ("second",)
    assert await fetch(database.dsn, "select n, m from watchdog.first") == []


async def test_everything_is_made_in_our_schema(store_dsn: str) -> None:
    schemas = await fetch(
        store_dsn,
        "select distinct n.nspname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.oid >= 16384 and n.nspname not like 'pg_%'",
    )
    assert schemas == [("watchdog",)]


async def test_three_replicas_that_start_at_once_apply_each_step_once(
    postgres_server: Server,
) -> None:
    steps = (FIRST, SECOND)
    for _ in range(5):
        async with postgres_server.database() as database:
            done = await asyncio.gather(*[migrate(database.dsn, NIGHT, steps) for _ in range(3)])
            assert sorted(name for names in done for name in names) == ["first", "second"]


@pytest.mark.long
async def test_replicas_that_start_at_once_apply_each_step_once_a_hundred_times(
    postgres_server: Server,
) -> None:
    names = sorted(step.name for step in migrations())
    for _ in range(100):
        async with postgres_server.database() as database:
            done = await asyncio.gather(*[migrate(database.dsn, NIGHT) for _ in range(3)])
            assert sorted(name for applied in done for name in applied) == names


async def test_who_starts_while_another_migrates_waits_for_it(database: Database) -> None:
    other = await asyncpg.connect(database.dsn, timeout=5)
    async with other.transaction():
        await other.execute("select pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        late = asyncio.ensure_future(migrate(database.dsn, NIGHT, (FIRST,)))
        waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted"
        async with asyncio.timeout(10):
            while not await fetch(database.dsn, waiting):
                assert not late.done()
    assert await late == ("first",)
    await other.close(timeout=5)


async def test_a_step_that_fails_half_way_leaves_no_trace(database: Database) -> None:
    broken = Migration(2, "broken", "create table half (n integer); select 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(database.dsn, NIGHT, (FIRST, broken))
    assert await fetch(database.dsn, "select to_regclass('watchdog.half')") == [(None,)]
    assert await fetch(database.dsn, "select number from watchdog.migration") == [(1,)]
    assert await migrate(database.dsn, NIGHT, (FIRST, SECOND)) == ("second",)


async def test_a_schema_newer_than_the_release_is_refused(database: Database) -> None:
    await migrate(database.dsn, NIGHT, (FIRST, SECOND))
    with pytest.raises(
        SchemaRefused, match=r"it has step 2 \(second\), and this release knows 1; start the newer"
    ):
        await migrate(database.dsn, NIGHT, (FIRST,))


async def test_a_step_whose_text_changed_after_it_was_applied_is_refused(
    database: Database,
) -> None:
    await migrate(database.dsn, NIGHT, (FIRST,))
    changed = Migration(1, "first", "create table first (n bigint);")
    with pytest.raises(SchemaRefused, match=r"step 1 \(first\) .* was applied with another text"):
        await migrate(database.dsn, NIGHT, (changed, SECOND))
    assert await fetch(database.dsn, "select number from watchdog.migration") == [(1,)]


async def test_a_standby_is_refused(tmp_path: Path) -> None:
    settings = {**UNSAFE, "wal_level": "replica", "max_wal_senders": "1"}
    async with Embedded(tmp_path / "data", settings):
        pass
    (tmp_path / "data" / "cluster" / "standby.signal").touch()
    async with Embedded(tmp_path / "data", settings) as standby:
        with pytest.raises(SchemaRefused, match="leads to a standby"):
            await migrate(standby.dsn, NIGHT)


async def test_a_table_that_somebody_keeps_locked_is_given_up(database: Database) -> None:
    await migrate(database.dsn, NIGHT, (FIRST,))
    slow = Migration(2, "slow", "set local lock_timeout = '50ms'; drop table first;")
    other = await asyncpg.connect(database.dsn, timeout=5)
    async with other.transaction():
        await other.execute("lock table watchdog.first")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await migrate(database.dsn, NIGHT, (FIRST, slow))
    await other.close(timeout=5)


def test_steps_are_numbered_from_one_without_gaps() -> None:
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))
