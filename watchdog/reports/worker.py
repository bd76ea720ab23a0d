"""Sends each report once a day or week, and keeps figures of each day; only where this replica leads."""

import logging
from collections.abc import Awaitable
from datetime import date, datetime, timedelta

from notifiers.base import ReportPart
from watchdog.config.model import Report, WeeklyReport
from watchdog.domain.due import Due, every_day, latest_due, next_due
from watchdog.domain.notices import report_notices
from watchdog.domain.weeks import Week, week_at
from watchdog.engine.apart import kept_apart
from watchdog.engine.leader import Leader
from watchdog.engine.reconcile import LEASE
from watchdog.reports.listed import open_info
from watchdog.reports.make import make, sample
from watchdog.reports.weekly import Told, due_week, make_week, tell_week, uncounted
from watchdog.service import Service
from watchdog.store import leases, reports, summaries
from watchdog.store.figures import TooMany
from watchdog.store.pool import TROUBLE, transaction

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=30)
"""How soon a report is made that could not be before: the store was down, another replica led."""

_BEGINNING = timedelta(minutes=5)
"""What is counted so soon after a week has begun is taken for what it was then."""


class Reports:
    """Makes what is due: at its time, or as soon as somebody can."""

    def __init__(self, service: Service, leader: Leader) -> None:
        self._service = service
        self._leader = leader
        self._token: int | None = None
        self._done: dict[str, date] = {}
        self._sampled: dict[str, date] = {}

    async def run(self) -> None:
        """Make what is due, until cancelled."""
        clock = self._service.clock
        while True:
            with clock.working():
                await self.make_due()
            await clock.sleep_until(self._next_at(clock.now()))

    def _next_at(self, now: datetime) -> datetime:
        config = self._service.config
        timed: list[Report | WeeklyReport] = [*config.reports.values(), *config.weeklies.values()]
        dues = [next_due(one.cron, one.zone, now) for one in timed]
        return min([now + LOOK_EVERY, *(due.at for due in dues if due)])

    async def make_due(self) -> None:
        """Make every report whose time has come; trouble is logged, and ends nothing."""
        token, config = self._leader.token, self._service.config
        if token is None or not (config.reports or config.weeklies):
            self._token = None
            return
        try:
            if token != self._token:
                await self._begin_to_lead(token)
            for report in tuple(config.reports.values()):
                await _apart(report.name, self._make_one(report, token))
            for weekly in tuple(config.weeklies.values()):
                await _apart(weekly.name, self._count(weekly, token))
                await _apart(weekly.name, self._make_weekly(weekly, token))
        except (*TROUBLE, leases.LeaseLost) as error:
            self._token = None  # whether a commit took place is unknown
            logger.warning("report not written", extra={"reason": str(error)})

    async def _begin_to_lead(self, token: int) -> None:
        async with transaction(self._service.pool) as conn:
            await leases.require(conn, LEASE, token)
            self._done = await reports.last_days(conn)
            self._sampled = await reports.sampled_days(conn)
        self._token = token

    async def _make_one(self, report: Report, token: int) -> None:
        now = self._service.clock.now()
        due = latest_due(report.cron, report.zone, now)
        done = self._done.get(report.name)
        if due is None:
            return
        if done is None:
            await self._skip(report, token, due, now)
        elif due.day > done:
            await self._send(report, token, due, now)
        await self._sample(report, token, now)

    async def _skip(self, report: Report, token: int, due: Due, now: datetime) -> None:
        """Begin with the next day: a report that nobody knew at its time is not late."""
        async with transaction(self._service.pool) as conn:
            await leases.require(conn, LEASE, token)
            await reports.skip(conn, report.name, report.team, due, now)
        self._done[report.name] = due.day

    async def _send(self, report: Report, token: int, due: Due, now: datetime) -> None:
        service = self._service
        directory = service.config.directory  # before it asks: another may be in force then
        listed = await self._open_info(report, now)
        told = await make(report, due.at, now, service.sources, service.config.service.url, listed)
        notices = report_notices(directory, directory.teams[report.team], report.send, now)
        async with transaction(service.pool) as conn:
            await leases.require(conn, LEASE, token)
            is_new = await reports.write(conn, told, due, notices)
        self._done[report.name] = due.day
        if is_new:
            logger.info("report", extra={"report": report.name, "day": due.day.isoformat()})
            service.wake.set()

    async def _open_info(self, report: Report, now: datetime) -> tuple[ReportPart, ...]:
        if not report.open_info:
            return ()
        async with transaction(self._service.pool) as conn:
            return await open_info(conn, self._service.config, report, now)

    async def _count(self, weekly: WeeklyReport, token: int) -> None:
        """Keep what is counted when a week begins; when nobody does it then, nobody knows it later."""
        now = self._service.clock.now()
        week = week_at(now, weekly.zone)
        if now - week.since >= _BEGINNING:
            return
        async with transaction(self._service.pool) as conn:
            await leases.require(conn, LEASE, token)
            await summaries.keep_counts(conn, weekly.name, week, now)

    async def _make_weekly(self, weekly: WeeklyReport, token: int) -> None:
        now = self._service.clock.now()
        due = due_week(weekly, now)
        done = self._done.get(weekly.name)
        if due is None or (done is not None and due.day <= done):
            return
        if done is None:
            await self._skip_weekly(weekly, token, due, now)
        else:
            await self._tell_weekly(weekly, token, due, now)
        self._done[weekly.name] = due.day

    async def _skip_weekly(self, weekly: WeeklyReport, token: int, due: Due, now: datetime) -> None:
        """Begin with the next week."""
        async with transaction(self._service.pool) as conn:
            await leases.require(conn, LEASE, token)
            await reports.skip(conn, weekly.name, "", due, now)

    async def _tell_weekly(self, weekly: WeeklyReport, token: int, due: Due, now: datetime) -> None:
        service = self._service
        week = Week(due.day, weekly.zone)
        try:
            async with transaction(service.pool) as conn:
                made: Told = await make_week(conn, service.config, week, now, weekly.name)
        except TooMany as error:
            logger.error("weekly summary not made", extra={"reason": str(error)})  # noqa: TRY400 (no mistake of ours)
            made = uncounted(week, error, weekly, due, now, service.config.service.url)
        async with transaction(service.pool) as conn:
            await leases.require(conn, LEASE, token)
            readers = await tell_week(conn, made, due, weekly)
        if readers:
            logger.info("weekly summary", extra={"report": weekly.name, "week": str(week)})
            service.wake.set()

    async def _sample(self, report: Report, token: int, now: datetime) -> None:
        """Keep the figures of today, also where no report is sent; a day that is over is lost."""
        due = latest_due(every_day(report.cron), report.zone, now)
        today = now.astimezone(report.zone).date()
        if not report.samples or due is None or due.day != today:
            return
        if self._sampled.get(report.name) == today:
            return
        kept, refused = await sample(report, now, self._service.sources)
        async with transaction(self._service.pool) as conn:
            await leases.require(conn, LEASE, token)
            await reports.keep(conn, report.name, today, now, kept)
        for one in refused:
            logger.warning("figures not kept", extra={"report": report.name, "reason": one.reason})
        if not refused:
            self._sampled[report.name] = today


async def _apart(report: str, making: Awaitable[None]) -> None:
    await kept_apart(making, "report not made", report=report)
