"""Looks in the store: counts add up, the latest outcome replaces the one before."""

from datetime import timedelta

import asyncpg

from rules.base import Outcome
from tests.postgres import NIGHT
from watchdog.store import looks
from watchdog.store.looks import RuleLook
from watchdog.store.pool import transaction

MINUTE = timedelta(minutes=1)


async def add(store: asyncpg.Pool, *fresh: RuleLook) -> None:
    async with transaction(store) as conn:
        await looks.add(conn, fresh)


async def stored(store: asyncpg.Pool) -> list[RuleLook]:
    async with transaction(store) as conn:
        return await looks.every(conn)


async def test_a_new_rule_comes_back_as_it_was_written(store: asyncpg.Pool) -> None:
    one = RuleLook("orders", NIGHT, Outcome.ERROR, "table gone", 1, 2, 3, 4, 5, 3, True)
    never = RuleLook("never", missed=7)
    await add(store, one, never)
    assert await stored(store) == [never, one]


async def test_counts_add_up_and_the_latest_outcome_replaces_the_one_before(
    store: asyncpg.Pool,
) -> None:
    await add(store, RuleLook("orders", NIGHT, Outcome.ERROR, "gone", error=3, errors_in_a_row=3))
    await add(store, RuleLook("orders", NIGHT + MINUTE, Outcome.OK, ok=2, missed=1))
    assert await stored(store) == [
        RuleLook("orders", NIGHT + MINUTE, Outcome.OK, ok=2, error=3, missed=1)
    ]


async def test_missed_slots_alone_do_not_make_a_rule_unseen(store: asyncpg.Pool) -> None:
    await add(store, RuleLook("orders", NIGHT, Outcome.OK, ok=1))
    await add(store, RuleLook("orders", None, Outcome.OK, missed=4))
    assert await stored(store) == [RuleLook("orders", NIGHT, Outcome.OK, ok=1, missed=4)]


async def test_a_reason_that_postgresql_cannot_hold_is_cleaned(store: asyncpg.Pool) -> None:
    await add(store, RuleLook("orders", NIGHT, Outcome.ERROR, "no column a\0b \ud800", error=1))
    [one] = await stored(store)
    assert one.reason == "no column ab ?"


async def test_nothing_to_add_asks_nothing(store: asyncpg.Pool) -> None:
    await add(store)
    assert await stored(store) == []


async def test_rules_that_are_gone_are_forgotten(store: asyncpg.Pool) -> None:
    await add(store, *(RuleLook(name, NIGHT, Outcome.OK, ok=1) for name in ("a", "b", "c")))
    async with transaction(store) as conn:
        await looks.keep(conn, ["b", "new"])
    assert [one.rule for one in await stored(store)] == ["b"]
