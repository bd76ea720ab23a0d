"""Many rows at once, into a real table."""

import asyncpg

from watchdog.store.copying import copy
from watchdog.store.pool import transaction
from watchdog.store.text import JsonText, json_text

COLUMNS = ("incident_id", "receiver", "remote")


async def _places(store: asyncpg.Pool, *rows: tuple[object, ...]) -> list[tuple[str, object]]:
    """Copy rows into a table like `thread`, without its references; return what it holds."""
    async with transaction(store) as conn:
        await conn.execute("create table watchdog.place (like watchdog.thread)")
        await copy(conn, "place", COLUMNS, rows)
        found = await conn.fetch("select receiver, remote from place order by ctid")
    return [(row["receiver"], row["remote"]) for row in found]


async def test_rows_come_in_their_order(store: asyncpg.Pool) -> None:
    rows: list[tuple[object, ...]] = [
        (number, f"email:{number}@example.com", {}) for number in range(2000)
    ]
    assert await _places(store, *rows) == [(str(row[1]), {}) for row in rows]


async def test_a_text_that_is_json_already_is_taken_as_it_is(store: asyncpg.Pool) -> None:
    remote = JsonText(json_text({"ts": "1\0", "é": [1, None]}))
    assert await _places(store, (1, "slack:#ops", remote)) == [
        ("slack:#ops", {"ts": "1", "é": [1, None]})
    ]


async def test_any_other_text_is_a_json_text(store: asyncpg.Pool) -> None:
    assert await _places(store, (1, "slack:#ops", "{}")) == [("slack:#ops", "{}")]


async def test_no_rows_are_no_trouble(store: asyncpg.Pool) -> None:
    assert await _places(store) == []
