"""Tells each hand-over of on-call once: to the team's channel, and to whoever follows."""

import logging
from collections.abc import Awaitable
from datetime import datetime, timedelta

import asyncpg

from watchdog.domain.handovers import (
    LATE_MAX,
    Handover,
    announcement,
    briefing,
    is_news,
    latest_handover,
    next_change,
    ways_to,
)
from watchdog.domain.oncall import on_call
from watchdog.domain.people import Directory
from watchdog.domain.routing import team_receivers
from watchdog.engine.apart import kept_apart
from watchdog.engine.leader import Leader
from watchdog.engine.reconcile import LEASE
from watchdog.service import Service
from watchdog.store import covers, handovers, leases
from watchdog.store.handovers import Test, Unbriefed
from watchdog.store.pool import TROUBLE, transaction

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(minutes=1)
"""How soon a cover is seen that begins at once, and a hand-over is told that could not be before."""

TEST_LASTS = timedelta(minutes=1)
"""What has not arrived by then is said to be on its way."""


class Handovers:
    """Tells what has passed on: at its instant, or as soon as somebody can, but not an hour later."""

    def __init__(self, service: Service, leader: Leader) -> None:
        self._service = service
        self._leader = leader
        self._directory = Directory()

    async def run(self) -> None:
        """Tell what passes on, until cancelled."""
        clock = self._service.clock
        while True:
            with clock.working():
                await self.tell_due()
            await clock.sleep_until(self._next_at(clock.now()))

    def _next_at(self, now: datetime) -> datetime:
        """Return when on-call passes on next as far as is known, or when to look anyway."""
        until = now + LOOK_EVERY
        known = self._directory
        return min((next_change(known, one, now, until) for one in _telling(known)), default=until)

    async def tell_due(self) -> None:
        """Tell every hand-over that is new; trouble is logged, and ends nothing."""
        token = self._leader.token
        if token is None or not _telling(self._service.config.directory):
            return
        try:
            await self._look(token)
        except (*TROUBLE, leases.LeaseLost) as error:
            logger.warning("hand-over not told", extra={"reason": str(error)})

    async def _look(self, token: int) -> None:
        now = self._service.clock.now()
        async with transaction(self._service.pool) as conn:
            directory = await covers.with_covers(
                conn, self._service.config.directory, now - LATE_MAX
            )
            noted = await handovers.latest(conn, _telling(directory))
            waiting = await handovers.unbriefed(conn, now - LATE_MAX)
        self._directory = directory
        for team in _telling(directory):
            await _apart(team, self._look_at(directory, team, noted.get(team), token, now))
        for one in waiting:
            if one.is_tested or now - one.tested_at >= TEST_LASTS:
                await _apart(one.handover.team, self._brief(directory, one, token, now))

    async def _look_at(
        self, directory: Directory, team: str, last: Handover | None, token: int, now: datetime
    ) -> None:
        if last is None:
            await self._begin(Handover(team, on_call(directory, team, now), now), token)
        elif (found := latest_handover(directory, team, now)) and is_news(found, last):
            await self._tell(directory, found, token, now)

    async def _begin(self, known: Handover, token: int) -> None:
        """Note who is on call for a team that is new: nothing of it was to be told before."""
        async with transaction(self._service.pool) as conn:
            await leases.require(conn, LEASE, token)
            await handovers.note(conn, known)

    async def _tell(self, directory: Directory, found: Handover, token: int, now: datetime) -> None:
        channel = team_receivers(directory.teams[found.team], ("slack",))
        first, *others = ways_to(directory, found.person) or ("",)
        async with transaction(self._service.pool) as conn:
            await leases.require(conn, LEASE, token)
            if not await handovers.note(conn, found):
                return
            live, total = await handovers.live(conn, found.team)
            told = announcement(directory, found, live, total)
            await handovers.tell(conn, found, told, channel, others, now)
            if first and not others:
                await handovers.brief(conn, found, briefing(told, live, total, ()), first, now)
        logger.info("hand-over", extra={"team": found.team, "person": found.person})
        self._service.wake.set()

    async def _brief(self, directory: Directory, one: Unbriefed, token: int, now: datetime) -> None:
        found = one.handover
        ways = ways_to(directory, found.person)
        if found.team not in directory.teams or not ways:
            return
        async with transaction(self._service.pool) as conn:
            await leases.require(conn, LEASE, token)
            live, total = await handovers.live(conn, found.team)
            told = announcement(directory, found, live, total)
            tested = await _results(conn, one.run)
            made = briefing(told, live, total, tested)
            await handovers.brief(conn, found, made, ways[0], now)
        self._service.wake.set()


async def _apart(team: str, telling: Awaitable[None]) -> None:
    await kept_apart(telling, "hand-over not told", team=team)


def _telling(directory: Directory) -> list[str]:
    return sorted(one.name for one in directory.teams.values() if one.tells_shifts)


async def _results(conn: asyncpg.Connection, run: int) -> list[tuple[str, str]]:
    return [(_way(one), _result(one)) for one in await handovers.tests(conn, run)]


def _way(test: Test) -> str:
    channel, _, address = test.receiver.partition(":")
    return f"{channel} to {address}"


def _result(test: Test) -> str:
    if test.state == "dead":
        return f"did not arrive: {test.error}"
    if test.state != "sent":
        return f"still on its way: {test.error}" if test.error else "still on its way"
    return "no credentials, stays in the outbox" if test.is_kept else "delivered"
