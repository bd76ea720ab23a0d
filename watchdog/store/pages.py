"""What pages and metrics ask of the store besides incidents, looks and messages themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from watchdog.store.sql import load

_SQL = load("pages")

CHANNEL = "watchdog"
"""Where commits are announced: a hint to look, never the news itself."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Texts without meaning that differ when what they stand for has changed."""

    incidents: str
    rules: str
    outbox: str


async def marks(conn: asyncpg.Connection) -> Marks:
    """Return the present marks."""
    row = await conn.fetchrow(_SQL["mark_changes"])
    assert row is not None
    return Marks(**dict(row))


async def count_incidents(conn: asyncpg.Connection) -> dict[tuple[str, ...], int]:
    """Return how many incidents are unresolved, by (severity, state)."""
    rows = await conn.fetch(_SQL["count_incidents"])
    return {(row["severity"], row["state"]): row["number"] for row in rows}


async def is_led_by_another(conn: asyncpg.Connection, lease: str, replica: str) -> bool:
    """Return whether a replica other than this one does the work of a lease now."""
    return bool(await conn.fetchval(_SQL["is_led_by_another"], lease, replica))


async def facts_of(
    conn: asyncpg.Connection, messages: Sequence[int]
) -> dict[int, Mapping[str, Any]]:
    """Return what messages say, encoded, by their numbers."""
    rows = await conn.fetch(_SQL["list_facts"], list(messages))
    return {row["id"]: row["facts"] for row in rows}
