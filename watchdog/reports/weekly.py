"""From the store to the weekly summary."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg

from notifiers.base import Report, ReportPart
from notifiers.summary import StatisticsPart, Summary
from watchdog.config.model import Config, WeeklyReport
from watchdog.domain.due import Due, latest_due
from watchdog.domain.samples import Figures, per_day
from watchdog.domain.summary import LISTED_MAX, Known, Watched, risen, summary_of
from watchdog.domain.weeks import Week, week_of, zone_of_weeks
from watchdog.store import covers, figures, incidents, reports, subscriptions, summaries
from watchdog.store.figures import TooMany

Told = Summary | Report
"""What readers get of a week: its summary, or why there is none."""


async def make_week(
    conn: asyncpg.Connection, config: Config, week: Week, now: datetime, name: str = "weekly"
) -> Summary:
    """Return the summary of a week that has begun, as far as it has gone by `now`.

    Args:
        name: The report under whose name counts are kept.

    Raises:
        TooMany: More has happened than is counted.
    """
    known = await _known(conn, config, week, now, name)
    directory = await covers.with_covers(conn, config.directory, week.before.since)
    waits = {
        name: one.policy.opens_after(one.every) if one.heeds_for else None
        for name, one in config.rules.items()
    }
    every = (one.every for one in config.rules.values())
    watched = Watched(waits, max(every, default=Watched().slowest_every))
    return await asyncio.to_thread(summary_of, week, known, directory, now, watched, name)


async def _known(
    conn: asyncpg.Connection, config: Config, week: Week, now: datetime, name: str
) -> Known:
    live, live_total = await summaries.live(conn, week.until)
    begin, end = await summaries.counts_around(conn, name, week, now)
    return Known(
        record=await figures.record(conn, week, now),
        before=await figures.record(conn, week.before, now),
        live=live,
        live_total=live_total,
        actions=await incidents.actions(conn, with_done=False, limit=LISTED_MAX),
        undelivered=await summaries.undelivered(conn, week.since, week.until),
        silent_rules=await summaries.silent_rules(conn, name, config.rules, week),
        unlooked=None if begin is None or end is None else risen(begin, end),
        statistics=[part async for part in _statistics(conn, config, week)],
    )


async def _statistics(
    conn: asyncpg.Connection, config: Config, week: Week
) -> AsyncIterator[StatisticsPart]:
    """Yield what other reports have kept in a week, each sample with its title."""
    sunday = week.days[-1]
    for report in config.reports.values():
        for sample in report.samples:
            kept = await reports.samples(
                conn, report.name, sample.name, week.monday - timedelta(days=1), sunday
            )
            read = per_day(kept, sample.reading, week.monday, sunday)
            if columns := _columns(read.values()):
                rows = tuple(
                    (day, tuple(one.get(column) for column in columns)) for day, one in read.items()
                )
                yield StatisticsPart(sample.title, columns, rows)


def _columns(days: Iterable[Figures]) -> tuple[str, ...]:
    """Return the columns of all days, in the order in which they are kept."""
    return tuple(dict.fromkeys(name for one in days for name in one))


def uncounted(
    week: Week, why: TooMany, weekly: WeeklyReport, due: Due, now: datetime, url: str
) -> Report:
    """Return what readers get of a week of which there are no figures."""
    part = ReportPart("Figures of the week", trouble=str(why))
    return Report(weekly.name, f"Week {week}", "", now, due.at, (part,), week.zone.key, url)


async def tell_week(
    conn: asyncpg.Connection, told: Told, due: Due, weekly: WeeklyReport
) -> list[str]:
    """Write what is told of a week to its readers who have not had it; return their addresses."""
    return await subscriptions.tell(conn, weekly.name, told, due, weekly.to)


def due_week(weekly: WeeklyReport, now: datetime) -> Due | None:
    """Return the Monday of the latest week that was to be told by now, and when; None if there is none."""
    due = latest_due(weekly.cron, weekly.zone, now)
    return Due(week_of(due.day, weekly.zone).before.monday, due.at) if due else None


def name_and_zone(config: Config) -> tuple[str, ZoneInfo]:
    """Return under which name the weeks of a configuration are kept, and by whose clock they go."""
    weekly = next(iter(config.weeklies.values()), None)
    if weekly is None:
        return "weekly", zone_of_weeks(config.directory)
    return weekly.name, weekly.zone
