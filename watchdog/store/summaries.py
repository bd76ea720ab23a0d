"""What the weekly summary is made of beside the figures: what is open, late, unheard and unseen."""

from collections.abc import Mapping
from datetime import datetime

import asyncpg

from watchdog.domain.incident import Incident
from watchdog.domain.samples import Figures
from watchdog.domain.summary import LISTED_MAX, SILENT_AFTER, WEEK
from watchdog.domain.weeks import Week
from watchdog.store import looks, reports
from watchdog.store.incident_rows import incident_of
from watchdog.store.sql import load

_SQL = load("summaries")

UNLOOKED = "unlooked"
"""Under this name a weekly summary keeps how many checks of each rule had no answer so far."""


async def live(conn: asyncpg.Connection, before: datetime) -> tuple[list[Incident], int]:
    """Return what is open or taken and opened before an instant, and how much of it there is."""
    rows = await conn.fetch(_SQL["list_live"], before, LISTED_MAX)
    return [incident_of(row) for row in rows], await conn.fetchval(_SQL["count_live"], before)


async def undelivered(conn: asyncpg.Connection, since: datetime, until: datetime) -> dict[str, int]:
    """Return how many pages were given up in a span, by receiver."""
    rows = await conn.fetch(_SQL["count_undelivered"], since, until)
    return {row["receiver"]: row["pages"] for row in rows}


async def counts(conn: asyncpg.Connection) -> dict[str, float]:
    """Return by rule how many of its checks were not made or gave no answer, ever since it is watched."""
    return {one.rule: float(one.error + one.missed) for one in await looks.every(conn)}


async def keep_counts(conn: asyncpg.Connection, report: str, week: Week, now: datetime) -> None:
    """Keep those counts for a week that has just begun; the first ones of a week stay."""
    await reports.keep(conn, report, week.monday, now, {UNLOOKED: await counts(conn)})


async def counts_around(
    conn: asyncpg.Connection, report: str, week: Week, now: datetime
) -> tuple[Figures | None, Figures | None]:
    """Return those counts as they were at a week's beginning and at its end, where they are known.

    They are kept while a week begins, and then only. The end of a week that is not over is now.
    """
    kept = {
        one.day: one.figures
        for one in await reports.samples(conn, report, UNLOOKED, week.monday, week.monday + WEEK)
    }
    end = kept.get(week.monday + WEEK)
    if now < week.until:
        end = await counts(conn)
    return kept.get(week.monday), end


async def silent_rules(
    conn: asyncpg.Connection, report: str, rules: Mapping[str, object], week: Week
) -> list[str]:
    """Return the rules that have been watched for `SILENT_AFTER` at a week's end and not fired in it."""
    first = (week.until - SILENT_AFTER).date()
    kept = await reports.samples(conn, report, UNLOOKED, first - WEEK, first)
    known = [name for name in (kept[-1].figures if kept else {}) if name in rules]
    if not known:
        return []
    rows = await conn.fetch(_SQL["list_fired"], known, week.until - SILENT_AFTER, week.until)
    return sorted(set(known) - {row["rule"] for row in rows})
