"""Reports: which days are done, and the figures that are kept once a day."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import asyncpg

from notifiers.base import Report
from watchdog.domain.due import Due
from watchdog.domain.notices import Notice
from watchdog.domain.samples import Figures, Sample
from watchdog.store import outbox
from watchdog.store.facts import encode_report
from watchdog.store.sql import load
from watchdog.store.text import clean, json_text

_SQL = load("reports")


async def last_days(conn: asyncpg.Connection) -> dict[str, date]:
    """Return by report the latest day that is done, whether or not it was sent."""
    return {row["report"]: row["due_on"] for row in await conn.fetch(_SQL["list_last_days"])}


async def sampled_days(conn: asyncpg.Connection) -> dict[str, date]:
    """Return by report the latest day of which figures are kept."""
    return {row["report"]: row["day"] for row in await conn.fetch(_SQL["list_sampled_days"])}


async def skip(conn: asyncpg.Connection, report: str, team: str, due: Due, now: datetime) -> None:
    """Write that nothing is sent for a day: the report was declared after its time."""
    await conn.fetchval(_SQL["insert_run"], report, due.day, due.at, now, team, None)


async def write(
    conn: asyncpg.Connection, report: Report, due: Due, notices: Sequence[Notice]
) -> bool:
    """Write a report of a day with its messages; return False if that was done before."""
    told = json_text(encode_report(report))
    row = (report.name, due.day, due.at, report.at, report.team, told)
    run: int | None = await conn.fetchval(_SQL["insert_run"], *row)
    if run is None:
        return False
    await outbox.insert_report(conn, run, notices, report.at)
    return True


async def open_info(
    conn: asyncpg.Connection, rules: Sequence[str], limit: int
) -> list[tuple[str, str, datetime]]:
    """Return title, fact and opening of what is open of these rules with severity info, oldest first."""
    rows = await conn.fetch(_SQL["list_open_info"], list(rules), limit)
    return [(row["title"], row["fact"], row["opened_at"]) for row in rows]


async def keep(
    conn: asyncpg.Connection,
    report: str,
    day: date,
    asked_at: datetime,
    kept: Mapping[str, Figures],
) -> None:
    """Keep a day's figures by the name of their sample; those of a day that is kept stay."""
    for name, figures in kept.items():
        row = (report, clean(name), day, asked_at, json_text(dict(figures)))
        await conn.execute(_SQL["insert_sample"], *row)


async def samples(
    conn: asyncpg.Connection, report: str, name: str, first: date, last: date
) -> list[Sample]:
    """Return what was kept from `first` to `last`, both included, in order; days may be missing."""
    rows = await conn.fetch(_SQL["list_samples"], report, name, first, last)
    return [Sample(row["day"], json.loads(row["figures"])) for row in rows]
