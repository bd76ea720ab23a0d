"""The outbox's worker: claims messages, says what it is about to do, sends, and writes what came of it."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

import asyncpg

from notifiers.base import Notifier
from watchdog.clock import Clock
from watchdog.delivery.figures import Figures
from watchdog.delivery.flights import Flight, Limits
from watchdog.delivery.hiding import may_be_hidden, withheld
from watchdog.delivery.outages import Outages
from watchdog.delivery.overdue import Overdue
from watchdog.delivery.retries import Patience, next_try_at
from watchdog.delivery.roads import fall_back, missed_by
from watchdog.delivery.sending import Answer, send_one
from watchdog.delivery.summing import sum_up
from watchdog.domain.fallback import channel_of, reader_at
from watchdog.domain.people import Directory
from watchdog.store import fallbacks, incidents, intents, outbox, withholding
from watchdog.store.outbox import Claimed, Result, Settled, Tried
from watchdog.store.pool import TROUBLE, connection, together, transaction

logger = logging.getLogger(__name__)

_STORE_BACK_OFF = (timedelta(seconds=0.5), timedelta(seconds=4))
_FAR_LOOK_EVERY = 5


class Delivery:
    """Sends what is in the outbox; any number of them may run against one store.

    Attributes:
        figures: What it has counted.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        notifiers: Mapping[str, Notifier],
        directory: Callable[[], Directory],
        clock: Clock,
        wake: asyncio.Event,
        random: Random,
        *,
        limits: Limits | None = None,
        patience: Patience | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what it needs; nothing happens until `run` or `drain`.

        Args:
            notifiers: By channel: the part of a receiver before its colon. They may change; what
                is on its way keeps the one it began with.
            directory: Returns the people and teams of now, for fallbacks.
            wake: Set it after a commit that wrote messages; the worker clears it.
        """
        self.figures = Figures()
        self._pool = pool
        self._notifiers = notifiers
        self._directory = directory
        self._clock = clock
        self._wake = wake
        self._random = random
        self._limits = limits or Limits()
        self._patience = patience or Patience()
        self._monotonic = monotonic
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._flights: set[Flight] = set()
        self._lanes: dict[str, datetime] = {}
        self._overdue = Overdue()
        self._looked_at: datetime | None = None
        self._outages = Outages()

    async def run(self) -> None:
        """Send until cancelled; then finish or give back what is held, within the grace."""
        async with asyncio.TaskGroup() as sends:
            sends.create_task(self._keep_leases(), name="keep leases")
            try:
                await self._work(sends)
            except asyncio.CancelledError:
                await self._stop()
                raise

    async def drain(self) -> Counter[str]:
        """Send everything that is due now and return how many attempts ended how.

        Raises:
            ExceptionGroup: Of `StoreDown`, when the store does not answer.
        """
        before = self.figures.attempts.copy()
        async with asyncio.TaskGroup() as sends:
            keeper = sends.create_task(self._keep_leases(), name="keep leases")
            while await self._pass(sends, look_far=True) or self._flights:
                if self._flights and all(one.result is None for one in self._flights):
                    await self._wake.wait()
                self._wake.clear()
            keeper.cancel()
        return self.figures.attempts - before

    async def _work(self, sends: asyncio.TaskGroup) -> None:
        troubles = idle = 0
        while True:
            self._wake.clear()
            try:
                with self._clock.working():
                    is_busy = await self._pass(sends, look_far=idle % _FAR_LOOK_EVERY == 1)
            except TROUBLE as error:
                troubles += 1
                await self._wait_for_store(error, troubles)
                continue
            troubles, idle = 0, 0 if is_busy else idle + 1
            if not is_busy:
                await self._clock.wait(self._wake, self._next_look_at())

    def _next_look_at(self) -> datetime:
        """Return when a lane is free or a page overdue, or when to look anyway if that is sooner."""
        at = [self._clock.now() + self._limits.poll_every, *self._lanes.values()]
        return min([*at, self._overdue.look_at] if self._overdue.look_at else at)

    async def _keep_leases(self) -> None:
        while True:
            # Leases run in real time, whatever clock the service is on.
            await asyncio.sleep(self._limits.renew_every.total_seconds())
            held = [one for one in self._flights if one.result is None]
            if held:
                with contextlib.suppress(*TROUBLE):  # they end; nothing is begun any more
                    await self._renew(held)

    async def _renew(self, held: Sequence[Flight]) -> None:
        lease_ends = self._monotonic() + self._limits.lease.total_seconds()
        async with connection(self._pool) as conn:
            kept = await outbox.renew(conn, [one.row for one in held], self._limits.lease)
        for flight in held:
            if flight.row.id in kept:
                flight.lease_ends = lease_ends

    async def _wait_for_store(self, error: Exception, troubles: int) -> None:
        self.figures.store_troubles += 1
        if troubles == 1:
            logger.warning("the outbox cannot be read; trying again", exc_info=error)
        first, longest = _STORE_BACK_OFF
        span = min(longest, first * 2 ** min(troubles - 1, 10))
        await self._clock.sleep_until(self._clock.now() + span * (0.5 + self._random.random() / 2))

    async def _pass(self, sends: asyncio.TaskGroup, *, look_far: bool) -> bool:
        """Write what has ended, begin what is due; return False when there was neither."""
        settled = await self._settle()
        await self._look_at_clock()
        await self._hurry()
        await self._sum_up()
        claimed = await self._claim(look_far)
        await self._begin(sends, claimed)
        return bool(settled or claimed)

    async def _look_at_clock(self) -> None:
        """Where the clock was put back, or may have been before the start, hurry what waits by it."""
        now = self._clock.now()
        if self._looked_at is None or now < self._looked_at:
            async with connection(self._pool) as conn:
                await outbox.hurry_retries(conn, now)
        self._looked_at = now

    async def _hurry(self) -> None:
        """Send by other roads what has been on its way for too long."""
        now = self._clock.now()
        if not self._overdue.is_due(now):
            return
        try:
            async with transaction(self._pool) as conn:
                self.figures.fallbacks += await self._overdue.look(
                    conn, self._directory(), self._notifiers, self._outages.out, now
                )
        except BaseException:
            self._overdue.forget(now)
            raise

    async def _sum_up(self) -> None:
        """Where a channel is back: tell by one message what has waited there for too long."""
        for channel in list(self._outages.returned):
            if (how := self._notifiers.get(channel)) and how.paces:
                async with connection(self._pool) as conn:
                    replaced = await sum_up(conn, channel, self._directory(), self._clock.now())
                    self.figures.superseded += replaced
            self._outages.returned.discard(channel)

    async def _claim(self, look_far: bool) -> list[Flight]:
        now = self._clock.now()
        self._lanes = {one: until for one, until in self._lanes.items() if until > now}
        held = Counter(channel_of(one.row.receiver) for one in self._flights)
        full = [one for one, count in held.items() if count >= self._limits.batch]
        lease_ends = self._monotonic() + self._limits.lease.total_seconds()
        async with connection(self._pool) as conn:
            rows = await outbox.claim(
                conn,
                now,
                limit=self._limits.batch,
                lease=self._limits.lease,
                but_channels=[*full, *self._outages.closed(now)],
                paced_channels=[one for one, how in self._notifiers.items() if how.paces],
                to_one_place=[one for one, how in self._notifiers.items() if how.is_one_place],
                look_far=look_far,
            )
        claimed = [
            Flight(row, lease_ends, self._notifiers.get(channel_of(row.receiver))) for row in rows
        ]
        self._flights.update(claimed)
        return claimed

    async def _begin(self, sends: asyncio.TaskGroup, claimed: Sequence[Flight]) -> None:
        """Send those of the claimed that may be sent, once their intents are written.

        What has to wait for an incident that somebody holds comes last: no other waits or fails with it.
        """
        if not claimed:
            return
        try:
            async with connection(self._pool) as conn:
                self._launch(sends, await self._write_intents(conn, claimed))
                left = [one for one in claimed if one in self._flights and one.is_left]
                self._launch(sends, await self._write_late(conn, left))
        except BaseException:
            for flight in claimed:
                if flight.is_left:
                    flight.end(Settled.AGAIN)
            raise

    def _launch(self, sends: asyncio.TaskGroup, begun: Iterable[Flight]) -> None:
        for flight in begun:
            assert flight.notifier is not None
            flying = self._fly(flight, flight.notifier)
            flight.task = sends.create_task(flying, name=f"send {flight.row.id}")

    async def _write_intents(
        self, conn: asyncpg.Connection, claimed: Sequence[Flight]
    ) -> list[Flight]:
        """Return those that may be sent now, without a look at what a silence may hide."""
        now = self._clock.now()
        replaced = await outbox.supersede_edits(conn, [one.row for one in claimed], now)
        self._drop(claimed, replaced)
        self.figures.superseded += len(replaced)
        hiding = {one.row.id for one in withheld(one.row for one in claimed)}
        at_once = [one for one in claimed if one.row.id not in replaced | hiding]
        return await self._write_hopeful(conn, at_once, now)

    async def _write_late(self, conn: asyncpg.Connection, left: Sequence[Flight]) -> list[Flight]:
        """Return which of the others may be sent, now that nobody else holds their incidents."""
        if not left:
            return []
        now = self._clock.now()
        async with together(conn):
            await fallbacks.lock_incidents(conn, [one.row.id for one in left])
            hidden = await withholding.withhold(conn, withheld(one.row for one in left), now)
            shown = [one for one in left if one.row.id not in hidden]
            begun = await self._write_hopeful(conn, shown, now)
        self._drop(left, hidden)
        self.figures.withheld += len(hidden)
        for flight in shown:
            if flight not in begun and flight.is_left:
                flight.end(Settled.AGAIN)
        return begun

    def _drop(self, flights: Iterable[Flight], settled: Collection[int]) -> None:
        self._flights.difference_update(one for one in flights if one.row.id in settled)

    async def _write_hopeful(
        self, conn: asyncpg.Connection, flights: Sequence[Flight], now: datetime
    ) -> list[Flight]:
        hopeful = []
        for flight in flights:
            if reason := flight.why_hopeless(self._patience.tries):
                flight.end(Settled.DEAD, error=reason)
            else:
                hopeful.append(flight)
        rows = [one.row for one in hopeful]
        hideable = {one.id for one in rows if may_be_hidden(one)}
        paces = {one.row.id: pace for one in hopeful if (pace := one.pace)}
        begun = await intents.write_intents(conn, rows, now, hideable, paces)
        for flight in hopeful:
            if free_at := begun.get(flight.row.id):
                self._lanes[flight.row.lane] = free_at
                self._overdue.note(now)
        return [one for one in hopeful if one.row.id in begun]

    async def _fly(self, flight: Flight, notifier: Notifier) -> None:
        with self._clock.working():
            async with self._gate(channel_of(flight.row.receiver), notifier):
                left = flight.lease_ends - self._monotonic()
                if left < self._limits.renew_every.total_seconds():
                    flight.end(Settled.AGAIN)
                else:
                    flight.has_begun = True
                    started_at = self._clock.now()
                    answer = await self._send(flight.row, notifier)
                    flight.result = self._judge(flight.row, notifier, answer, started_at)
            self._wake.set()

    def _gate(self, channel: str, notifier: Notifier) -> asyncio.Semaphore:
        if channel not in self._gates:
            at_once = min(notifier.at_once, self._limits.at_once)
            self._gates[channel] = asyncio.Semaphore(at_once)
        return self._gates[channel]

    async def _send(self, row: Claimed, notifier: Notifier) -> Answer:
        reader = reader_at(row.receiver, self._directory())
        return await send_one(row, notifier, self._limits.send_within, reader)

    def _judge(
        self, row: Claimed, notifier: Notifier, answer: Answer, started_at: datetime
    ) -> Result:
        self._outages.note(channel_of(row.receiver), answer.error, self._clock.now())
        if answer.error is None:
            return answer.sent(row, self._clock.now(), keeps_rendered=notifier.keeps_rendered)
        due_at = next_try_at(
            answer.error,
            row.attempts + 1,
            row.first_tried_at or started_at,
            self._clock.now(),
            self._patience,
            self._random,
        )
        self._overdue.note(started_at)
        is_stopped = due_at is not None and answer.error.retry_after is not None
        if due_at and is_stopped:
            self._lanes[row.lane] = due_at
        return Result(
            row.id,
            row.token,
            Settled.AGAIN if due_at else Settled.DEAD,
            answer.outcome,
            error=str(answer.error),
            due_at=due_at,
            line=answer.line,
            stopped_lane=row.lane if is_stopped else "",
        )

    async def _settle(self) -> int:
        """Write the results there are; return how many. They are kept until that has succeeded."""
        ended = {one: one.result for one in self._flights if one.result is not None}
        if not ended:
            return 0
        now = self._clock.now()
        results = list(ended.values())
        async with connection(self._pool) as conn:
            settled = await self._write_results(conn, results, now)
        self._flights.difference_update(ended)
        self.figures.fenced += len(ended) - len(settled)
        self.figures.count(((one.row, end) for one, end in ended.items() if end.id in settled), now)
        return len(ended)

    async def _write_results(
        self, conn: asyncpg.Connection, results: Sequence[Result], now: datetime
    ) -> set[int]:
        dead = {one.id for one in results if one.state is Settled.DEAD}
        if not dead and not any(one.unheard_at for one in results):
            return await outbox.settle(conn, results, now)
        async with together(conn):
            # Before the lanes, in the order in which intents take both.
            await fallbacks.lock_incidents(
                conn, [*dead, *(one.id for one in results if one.unheard_at)]
            )
            settled = await outbox.settle(conn, results, now)
            sent = await self._fall_back(conn, dead & settled, now)
            self.figures.fallbacks += sent
            silent = [one for one in results if one.unheard_at and one.id in settled]
            await incidents.mark_missed(conn, missed_by(silent, self._directory()), now)
        return settled

    async def _fall_back(
        self, conn: asyncpg.Connection, dead: Collection[int], now: datetime
    ) -> int:
        """Send what was given up by other roads; return how many were sent."""
        return await fall_back(conn, dead, self._directory(), self._notifiers, now)

    async def _stop(self) -> None:
        """Wait for what is on its way, give back the rest. Its outcome is unknown if it has begun."""
        sending = {one.task for one in self._flights if one.task and not one.task.done()}
        if sending:
            _, late = await asyncio.wait(sending, timeout=self._limits.grace.total_seconds())
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        for flight in self._flights:
            if flight.result is None and flight.has_begun:
                flight.end(Settled.AGAIN, Tried.UNKNOWN, "stopped while it was being sent")
            elif flight.result is None:
                flight.end(Settled.AGAIN)
        try:
            await self._settle()
        except TROUBLE as error:
            logger.warning("leases could not be given back; they will end", exc_info=error)
