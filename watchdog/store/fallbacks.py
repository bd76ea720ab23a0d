"""Who is told instead when a message is given up: what decides it, and the messages to them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from notifiers.base import Part
from watchdog.domain.fallback import Unreached
from watchdog.store.columns import in_columns
from watchdog.store.sql import load

_SQL = load("outbox")


@dataclass(frozen=True, slots=True)
class Road:
    """Another receiver for message `id`: as what it gets that message, and later news."""

    id: int
    receiver: str
    first_part: Part
    later_part: Part


async def lock_incidents(conn: asyncpg.Connection, ids: Iterable[int]) -> None:
    """Keep others from the incidents of these messages until the transaction ends."""
    await conn.execute(_SQL["lock_incidents_of"], sorted(ids))


async def unreached(
    conn: asyncpg.Connection, ids: Iterable[int], stuck_since: datetime
) -> dict[int, Unreached]:
    """Return by number what decides who is told instead of the receivers of these messages.

    Those for which somebody is told instead already are left out. The caller has locked their
    incidents (`lock_incidents`), so that what it decides by this stays true.

    Args:
        stuck_since: Who has waited for a message since then is not told by it.
    """
    return {
        row["id"]: Unreached(
            subject=(row["incident_id"], row["report_run"]),
            receiver=row["receiver"],
            team=row["team"],
            owner=row["owner"],
            is_personal=row["is_personal"],
            told=frozenset(row["told"]),
            tried=frozenset(row["tried"]),
        )
        for row in await conn.fetch(_SQL["list_unreached"], sorted(ids), stuck_since)
    }


async def overdue(
    conn: asyncpg.Connection,
    now: datetime,
    page_waits: timedelta,
    all_wait: timedelta,
    out: Collection[str],
) -> dict[int, datetime]:
    """Return first messages of incidents that are still on their way, with since when they are due.

    Left out is what went by another road already, what is silenced, and what only waits for its turn.

    Args:
        page_waits, all_wait: How long pages may have been due; how long all may.
        out: Channels that nothing gets through.
    """
    since = (now - all_wait, now - page_waits)
    rows = await conn.fetch(_SQL["list_overdue"], *since, now, list(out))
    return {row["id"]: row["due_since"] for row in rows}


async def next_overdue_at(
    conn: asyncpg.Connection, now: datetime, page_waits: timedelta, all_wait: timedelta
) -> datetime | None:
    """Return when the next of the messages that are on their way is overdue; None if there is none."""
    [row] = await conn.fetch(_SQL["next_overdue_at"], now, page_waits, all_wait)
    at: datetime | None = row["at"]
    return at


async def insert_fallbacks(
    conn: asyncpg.Connection, roads: Sequence[Road], now: datetime
) -> list[int]:
    """Write the same messages to others, who from now on hear of these incidents; return numbers."""
    rows = [(one.id, one.receiver, one.first_part.value, one.later_part.value) for one in roads]
    if not rows:
        return []
    written = await conn.fetch(_SQL["insert_fallbacks"], *in_columns(rows), now)
    await conn.execute(_SQL["announce"])
    return [row["id"] for row in written]
