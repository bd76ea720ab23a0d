"""What kinds remember, as the store keeps it."""

import asyncpg

from watchdog.store import remembered
from watchdog.store.pool import transaction

MARKS = {"jobs": "stuck x", "mails": "queue y"}


async def write(store: asyncpg.Pool, changes: remembered.Changes) -> None:
    async with transaction(store) as conn:
        await remembered.write(conn, changes, MARKS)


async def recalled(store: asyncpg.Pool, marks: dict[str, str]) -> remembered.Remembered:
    async with transaction(store) as conn:
        return await remembered.every(conn, marks)


async def test_what_was_written_comes_back_by_rule_and_key(store: asyncpg.Pool) -> None:
    await write(store, {"jobs": {"a": "1", "b": "2"}, "mails": {"a": "3"}})
    await write(store, {"jobs": {"a": "4", "b": None, "never": None}})
    assert await recalled(store, MARKS) == {"jobs": {"a": "4"}, "mails": {"a": "3"}}


async def test_nothing_comes_back_of_what_a_rule_watched_before(store: asyncpg.Pool) -> None:
    await write(store, {"jobs": {"a": "1"}, "mails": {"a": "3"}})
    assert await recalled(store, {**MARKS, "jobs": "stuck z"}) == {"mails": {"a": "3"}}


async def test_a_text_that_postgresql_cannot_hold_is_cleaned(store: asyncpg.Pool) -> None:
    await write(store, {"jobs": {"a\0": "1\0"}})
    assert await recalled(store, MARKS) == {"jobs": {"a": "1"}}


async def test_rules_that_are_gone_are_forgotten_and_broken_ones_kept(store: asyncpg.Pool) -> None:
    await write(store, {"jobs": {"a": "1"}, "mails": {"a": "3"}})
    async with transaction(store) as conn:
        await remembered.keep(conn, {}, ["mails"])
    assert await recalled(store, MARKS) == {"mails": {"a": "3"}}
