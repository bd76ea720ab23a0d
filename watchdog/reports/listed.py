"""What a report lists beside its questions: what is open and was worth no message."""

from datetime import datetime
from fnmatch import fnmatchcase

import asyncpg

from notifiers.base import ReportPart
from watchdog.config.model import Config, Report
from watchdog.reports.make import ROWS_MAX, said
from watchdog.store import reports

TITLE = "Open, for information"


async def open_info(
    conn: asyncpg.Connection, config: Config, report: Report, now: datetime
) -> tuple[ReportPart, ...]:
    """Return the part with the open incidents of severity info that a report lists; none without any."""
    rules = [
        name
        for name in config.rules
        if any(fnmatchcase(name, pattern) for pattern in report.open_info)
    ]
    found = await reports.open_info(conn, rules, ROWS_MAX + 1)
    if not found:
        return ()
    rows = tuple(
        (title, fact, said(opened_at, report.zone.key, now)) for title, fact, opened_at in found
    )
    columns = ("What", "Now", "Since")
    return (ReportPart(TITLE, columns=columns, rows=rows[:ROWS_MAX], is_cut=len(rows) > ROWS_MAX),)
