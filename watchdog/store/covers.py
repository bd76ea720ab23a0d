"""Who covers for whom, as people have arranged it."""

from dataclasses import replace
from datetime import datetime

import asyncpg

from watchdog.domain.people import Cover, Directory
from watchdog.store.sql import load

_SQL = load("covers")


class Overlaps(Exception):  # noqa: N818 (a refusal)
    """Somebody covers a part of that time already."""


async def with_covers(conn: asyncpg.Connection, directory: Directory, since: datetime) -> Directory:
    """Return the directory with all covers that are not over at an instant."""
    rows = await conn.fetch(_SQL["list_covers"], since)
    return replace(directory, covers=tuple(_cover(row) for row in rows))


async def add(conn: asyncpg.Connection, cover: Cover, now: datetime) -> Cover:
    """Keep a cover; return it with its number.

    Raises:
        Overlaps: The transaction can only be rolled back.
    """
    row = (cover.team, cover.person, cover.starts_at, cover.ends_at, cover.made_by, now)
    try:
        number: int = await conn.fetchval(_SQL["insert_cover"], *row)
    except asyncpg.ExclusionViolationError as error:
        raise Overlaps from error
    return replace(cover, number=number)


async def end(conn: asyncpg.Connection, number: int, now: datetime) -> Cover | None:
    """End a cover now, or take it back before it begins; None if there is none to end."""
    row = await conn.fetchrow(_SQL["end_cover"], number, now)
    return _cover(row) if row else None


def _cover(row: asyncpg.Record) -> Cover:
    return Cover(
        row["team"],
        row["person"],
        row["starts_at"],
        row["ends_at"],
        row["made_by"],
        row["id"],
    )
