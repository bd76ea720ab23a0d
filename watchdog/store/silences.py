"""Silences, as people have made them, and which incidents they hide."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg

from watchdog.domain.incident import Incident
from watchdog.domain.silences import REMIND_BEFORE, Silence
from watchdog.store.incident_rows import entity_of
from watchdog.store.sql import load
from watchdog.store.text import JsonText, clean, json_text

_SQL = load("silences")
_AT_ONCE = 20
_SAME_WITHIN = timedelta(minutes=1)


async def hold_still(conn: asyncpg.Connection) -> None:
    """Let nobody make or end a silence until the transaction ends; before any incident is locked."""
    await conn.execute(_SQL["hold_still"])


async def let_nobody_open(conn: asyncpg.Connection) -> None:
    """Let nothing open until the transaction ends, what is about to first; before any incident is locked."""
    await conn.execute(_SQL["begin_changing"])


async def in_force(conn: asyncpg.Connection, now: datetime) -> list[Silence]:
    """Return the silences that hide something now, the first that ends first."""
    return [_silence(row) for row in await conn.fetch(_SQL["list_in_force"], now)]


async def of(conn: asyncpg.Connection, incident: Incident) -> Silence | None:
    """Return the silence that an open or taken incident is, or was until now, hidden by; or None."""
    if incident.silence is None or not incident.is_live:
        return None
    row = await conn.fetchrow(_SQL["by_id"], incident.silence)
    return _silence(row) if row else None


async def in_force_for(
    conn: asyncpg.Connection, incident: Incident, now: datetime
) -> Silence | None:
    """Return the silence that hides an incident now; None: it is told, or about to be."""
    silence = await of(conn, incident)
    return silence if silence and silence.ends_at > now else None


async def add(conn: asyncpg.Connection, silence: Silence, action_id: str = "") -> Silence:
    """Keep a silence; return it with its number. Before any incident is locked.

    Asked for again by the same action, or in the same words within a minute, it is the same one.

    Args:
        action_id: Empty: it is an action of its own.
    """
    row = (
        clean(silence.pattern),
        silence.team,
        JsonText(json_text(silence.entity)),
        clean(silence.reason),
        silence.made_by,
        silence.of_critical,
        silence.made_at,
        silence.ends_at,
        action_id or None,
    )
    await conn.execute(_SQL["begin_adding"])
    if same := await conn.fetchrow(_SQL["find_same"], *row, _SAME_WITHIN):
        return _silence(same)
    number: int = await conn.fetchval(_SQL["insert_silence"], *row)
    return replace(silence, number=number)


async def end(conn: asyncpg.Connection, number: int, by: str, now: datetime) -> Silence | None:
    """End a silence now; None if there is none to end. Before any incident is locked."""
    row = await conn.fetchrow(_SQL["end_silence"], number, now, by)
    return _silence(row) if row else None


async def hidden(conn: asyncpg.Connection, silences: Iterable[Silence]) -> dict[int, list[int]]:
    """Return by number of silence which open or taken incidents it hides, the worst first."""
    found: dict[int, list[int]] = {one.number: [] for one in silences}
    for row in await conn.fetch(_SQL["list_hidden"], list(found)):
        found[row["silence"]].append(row["id"])
    return found


async def let_go(conn: asyncpg.Connection, number: int, now: datetime) -> list[int]:
    """Let be told what only a silence has hidden that has ended; return that, the worst first.

    Whoever does what is due tells it. What has recovered is hidden no more, and not told.
    """
    await conn.execute(_SQL["forget_silence"], number)
    rows = await conn.fetch(_SQL["let_go"], number, now)
    return [row["id"] for row in rows]


async def lock_ending(conn: asyncpg.Connection, now: datetime) -> list[Silence]:
    """Return silences of whose end somebody is to be reminded, locked; at most 20. Before any incident is."""
    await conn.execute(_SQL["begin_changing"])
    rows = await conn.fetch(_SQL["list_ending"], now, REMIND_BEFORE, _AT_ONCE)
    return [_silence(row) for row in rows]


async def bad(conn: asyncpg.Connection, silence: Silence) -> Sequence[int]:
    """Return which incidents it hides that are bad now, the worst first."""
    return [row["id"] for row in await conn.fetch(_SQL["list_bad"], silence.number)]


async def note_reminded(
    conn: asyncpg.Connection, silences: Iterable[Silence], now: datetime
) -> None:
    """Write that whoever made these silences has been reminded of their ends."""
    await conn.execute(_SQL["note_reminded"], [one.number for one in silences], now)


def _silence(row: asyncpg.Record) -> Silence:
    return Silence(
        pattern=row["pattern"],
        reason=row["reason"],
        made_by=row["made_by"],
        made_at=row["made_at"],
        ends_at=row["ends_at"],
        of_critical=row["of_critical"],
        team=row["team"],
        entity=entity_of(row["entity"]),
        number=row["id"],
        ended_by=row["ended_by"],
    )
