"""What kinds are told of earlier looks: what they asked to remember, and their rules' incidents."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from rules.base import Past
from watchdog.store.columns import in_columns
from watchdog.store.incident_rows import entity_of
from watchdog.store.sql import load
from watchdog.store.text import clean

_SQL = load("remembered")

Remembered = dict[str, dict[str, str]]
"""Text by rule and by the keys of its kind."""

Changes = dict[str, dict[str, str | None]]
"""What is to be remembered from now on; None forgets a key."""


async def every(conn: asyncpg.Connection, identities: Mapping[str, str]) -> Remembered:
    """Return what rules remember that still watch what they watched then."""
    known: Remembered = {}
    for row in await conn.fetch(_SQL["list_remembered"]):
        if identities.get(row["rule"]) == row["identity"]:
            known.setdefault(row["rule"], {})[row["key"]] = row["value"]
    return known


async def write(conn: asyncpg.Connection, changes: Changes, identities: Mapping[str, str]) -> None:
    """Write a batch of changes with what each rule watches."""
    kept, forgotten = [], []
    for rule, values in changes.items():
        for key, value in values.items():
            if value is None:
                forgotten.append((rule, clean(key)))
            else:
                kept.append((rule, clean(key), identities[rule], clean(value)))
    if kept:
        await conn.execute(_SQL["write_remembered"], *in_columns(kept))
    if forgotten:
        await conn.execute(_SQL["forget_keys"], *in_columns(forgotten))


async def keep(
    conn: asyncpg.Connection, identities: Mapping[str, str], broken: Sequence[str]
) -> None:
    """Forget rules that are gone or watch something else now.

    Args:
        broken: Rules of which nobody can tell what they watch; theirs is kept.
    """
    rules, marks = list(identities), list(identities.values())
    await conn.execute(_SQL["keep_remembered"], rules, marks, list(broken))


async def past(
    conn: asyncpg.Connection, since: Mapping[str, datetime]
) -> dict[str, tuple[Past, ...]]:
    """Return the incidents of each rule that had not ended before its instant, oldest first."""
    found: dict[str, list[Past]] = {}
    for row in await conn.fetch(_SQL["list_past"], list(since), list(since.values())):
        one = Past(entity_of(row["entity"]), row["since"], row["until"])
        found.setdefault(row["rule"], []).append(one)
    return {rule: tuple(incidents) for rule, incidents in found.items()}
