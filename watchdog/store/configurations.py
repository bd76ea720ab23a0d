"""Configurations that were good, so that a start with broken files still watches."""

from collections.abc import Mapping
from datetime import datetime

import asyncpg

from watchdog.store.sql import load

_SQL = load("configurations")

KEPT = 20
"""How many are kept: the newest is used, the others are for people who look for what was in force."""


async def keep(
    conn: asyncpg.Connection, digest: bytes, files: Mapping[str, str], now: datetime
) -> None:
    """Remember the text of a good configuration, of `KEPT`. Secrets are references in it, never values."""
    # As pairs: jsonb forgets the order of keys, and the first file is the one that includes the others.
    await conn.execute(_SQL["keep"], digest, list(files.items()), now, KEPT - 1)


async def newest(conn: asyncpg.Connection) -> dict[str, str] | None:
    """Return the files of the last good configuration, in the order they were read; None if none."""
    row = await conn.fetchrow(_SQL["newest"])
    return dict(row["files"]) if row else None
