"""When each rule was looked at and what came of it, written in batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from rules.base import Outcome
from watchdog.store.columns import in_columns
from watchdog.store.sql import load
from watchdog.store.text import clean

_SQL = load("looks")


@dataclass(slots=True)
class RuleLook:
    """The looks at one rule: counts by outcome, and the latest.

    Attributes:
        looked_at: When it was last evaluated; None if never.
        reason: Why the latest outcome was an error.
        errors_in_a_row: Slots in a row that could not be evaluated.
        error_of_source: The latest error was the whole source's.
    """

    rule: str
    looked_at: datetime | None = None
    outcome: Outcome | None = None
    reason: str = ""
    ok: int = 0
    bad: int = 0
    no_data: int = 0
    error: int = 0
    missed: int = 0
    errors_in_a_row: int = 0
    error_of_source: bool = False


async def every(conn: asyncpg.Connection) -> list[RuleLook]:
    """Return what is known of every rule."""
    return [
        RuleLook(**{**dict(row), "outcome": Outcome(row["outcome"]) if row["outcome"] else None})
        for row in await conn.fetch(_SQL["list_looks"])
    ]


async def add(conn: asyncpg.Connection, looks: Sequence[RuleLook]) -> None:
    """Add counts to what is stored and replace the latest outcome."""
    if not looks:
        return
    rows = (
        (
            one.rule,
            one.looked_at,
            one.outcome.value if one.outcome else None,
            clean(one.reason),
            one.ok,
            one.bad,
            one.no_data,
            one.error,
            one.missed,
            one.errors_in_a_row,
            one.error_of_source,
        )
        for one in looks
    )
    await conn.execute(_SQL["add_looks"], *in_columns(rows))


async def keep(conn: asyncpg.Connection, rules: Sequence[str]) -> None:
    """Forget every rule but these."""
    await conn.execute(_SQL["keep_looks"], list(rules))
