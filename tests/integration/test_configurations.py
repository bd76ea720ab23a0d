"""Configurations that were good, kept for a start with broken files."""

from datetime import timedelta

import asyncpg

from tests.postgres import NIGHT
from watchdog.config.load import load_text
from watchdog.store import configurations
from watchdog.store.pool import transaction

SECOND = timedelta(seconds=1)


async def keep(store: asyncpg.Pool, digest: bytes, files: dict[str, str], seconds: int) -> None:
    async with transaction(store) as conn:
        await configurations.keep(conn, digest, files, NIGHT + seconds * SECOND)


async def newest(store: asyncpg.Pool) -> dict[str, str] | None:
    async with transaction(store) as conn:
        return await configurations.newest(conn)


async def test_a_new_store_has_none(store: asyncpg.Pool) -> None:
    assert await newest(store) is None


async def test_the_newest_is_given_back_as_it_was_read(store: asyncpg.Pool) -> None:
    await keep(store, b"1", {"rules.yaml": "version: 1\n"}, 0)
    await keep(store, b"2", {"rules.yaml": "version: 1  # Grüße \\0 ü🔴\r\n"}, 1)
    assert await newest(store) == {"rules.yaml": "version: 1  # Grüße \\0 ü🔴\r\n"}


async def test_one_that_is_good_again_is_the_newest_and_kept_once(store: asyncpg.Pool) -> None:
    await keep(store, b"1", {"rules.yaml": "one"}, 0)
    await keep(store, b"2", {"rules.yaml": "two"}, 1)
    await keep(store, b"1", {"rules.yaml": "one"}, 2)
    assert await newest(store) == {"rules.yaml": "one"}
    assert await store.fetchval("select count(*) from configuration") == 2


async def test_files_come_in_the_order_they_were_read_so_the_root_is_first(
    store: asyncpg.Pool,
) -> None:
    files = {"the/longest/path/rules.yaml": "root", "z.yaml": "z", "a.yaml": "a"}
    await keep(store, b"1", files, 0)
    found = await newest(store)
    assert found is not None
    assert list(found.items()) == list(files.items())


async def test_a_configuration_with_includes_can_be_loaded_from_the_store(
    store: asyncpg.Pool,
) -> None:
    files = {
        "rules.yaml": "version: 1\ninclude: [a.yaml]\nteams: { ops: { lead: ana, slack: ops } }\n",
        "a.yaml": "people: { ana: { email: ana@example.com } }\n",
    }
    await keep(store, b"1", files, 0)
    found = await newest(store)
    assert found is not None
    loaded = load_text(found, next(iter(found)), {})
    assert [one.message for one in loaded.errors] == []
    assert loaded.config is not None
    assert list(loaded.config.directory.people) == ["ana"]


async def test_only_so_many_are_kept_however_often_somebody_changes_them(
    store: asyncpg.Pool,
) -> None:
    for number in range(configurations.KEPT + 3):
        await keep(store, bytes([number]), {"rules.yaml": str(number)}, number)
    rows = await store.fetch("select digest from configuration order by loaded_at")
    assert [row["digest"] for row in rows] == [
        bytes([number]) for number in range(3, configurations.KEPT + 3)
    ]
    assert await newest(store) == {"rules.yaml": str(configurations.KEPT + 2)}
