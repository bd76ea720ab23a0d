"""Does what is due with incidents when nobody acts; only where this replica leads."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import asyncpg

from watchdog.clock import Clock
from watchdog.domain.escalation import next_deadline
from watchdog.domain.incident import Incident
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Storms
from watchdog.engine.apart import kept_apart
from watchdog.engine.leader import Leader
from watchdog.engine.memory import Memory
from watchdog.engine.overdue import end_overdue
from watchdog.engine.reconcile import LEASE, log_transitions
from watchdog.engine.releasing import as_told, together
from watchdog.engine.reminding import remind_of_silences
from watchdog.store import covers, due, incidents, leases, members, silences
from watchdog.store.pool import TROUBLE, transaction

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=5)
AT_ONCE = 100
"""Incidents that one transaction moves at most; people wait for its locks."""

ROUNDS_MAX = 200

_Do = Callable[[int, Directory], Awaitable[None]]
_Find = Callable[[asyncpg.Connection, datetime], Awaitable[Sequence[Incident]]]


class Deadlines:
    """Escalates, reminds, ends what nobody answers or ends, and silences whose time is over."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: Clock,
        leader: Leader,
        directory: Callable[[], Directory],
        wake: asyncio.Event,
        storms: Callable[[], Storms | None] = lambda: None,
        memory: Callable[[], Memory | None] = lambda: None,
    ) -> None:
        """Take what it needs; nothing happens until `run` or `act`.

        Args:
            storms: How many that are told at once are too many to be told one by one.
            memory: What the engine remembers, which must learn what has joined a storm.
        """
        self._storms = storms
        self._memory = memory
        self._pool = pool
        self._clock = clock
        self._leader = leader
        self._directory = directory
        self._wake = wake
        self._known: tuple[int, Directory] | None = None

    async def run(self) -> None:
        """Act every 5 s, until cancelled."""
        while True:
            with self._clock.working():
                await self.act()
            await self._clock.sleep_until(self._clock.now() + LOOK_EVERY)

    async def act(self) -> None:
        """Do everything that is due; trouble is logged, and ends nothing."""
        token, directory = self._leader.token, self._directory()
        if token is None:
            return
        try:
            await _apart(self._set_anew, token, directory)
            for do in await self._due():
                await _apart(do, token, directory)
        except (*TROUBLE, leases.LeaseLost) as error:
            logger.warning("nothing is escalated now", extra={"reason": str(error)})

    async def _due(self) -> list[_Do]:
        """Return what there is to do; mostly nothing, for which the store is asked once."""
        async with transaction(self._pool) as conn:
            found = await due.what(conn, self._clock.now())
        wanted = (
            (found.silences, self._remind),
            (found.runs, self._end_overdue),
            (found.incidents, self._act_on_due),
        )
        return [do for is_due, do in wanted if is_due]

    async def _act_on_due(self, token: int, directory: Directory) -> None:
        """Do what is due with incidents, many together; what the store refuses alone is left out."""
        try:
            for _ in range(ROUNDS_MAX):
                held = await self._act_on_some(token, directory, _all_due)
                if held < AT_ONCE:
                    return
        except (*TROUBLE, leases.LeaseLost):
            raise
        except Exception:
            logger.exception("not done together when it was due")
            await self._act_one_by_one(token, directory)

    async def _act_one_by_one(self, token: int, directory: Directory) -> None:
        async with transaction(self._pool) as conn:
            numbers = await incidents.due_ids(conn, self._clock.now(), AT_ONCE)
        for number in numbers:
            try:
                await self._act_on_some(token, directory, partial(_only, number))
            except (*TROUBLE, leases.LeaseLost):
                raise
            except Exception:
                logger.exception("not done when it was due", extra={"incident": number})

    async def _end_overdue(self, token: int, directory: Directory) -> None:
        if ended := await end_overdue(self._pool, token, directory, self._clock.now()):
            log_transitions(ended)
            self._wake.set()

    async def _set_anew(self, token: int, directory: Directory) -> None:
        """Compute every deadline again if the configuration may say something else than it did."""
        if self._known == (token, directory):
            return
        now = self._clock.now()
        async with transaction(self._pool) as conn:
            numbers = await incidents.awaiting_ids(conn)
        for first in range(0, len(numbers), AT_ONCE):
            async with transaction(self._pool) as conn:
                await leases.require(conn, LEASE, token)
                held = await incidents.lock(conn, numbers[first : first + AT_ONCE])
                deadlines = {one.id: next_deadline(one, directory, now) for one in held.values()}
                at = {number: one.at if one else None for number, one in deadlines.items()}
                await incidents.set_due(conn, at)
        self._known = token, directory

    async def _remind(self, token: int, directory: Directory) -> None:
        async with transaction(self._pool) as conn:
            await leases.require(conn, LEASE, token)
            ending = await silences.lock_ending(conn, self._clock.now())
            reminded = await remind_of_silences(conn, ending, directory, self._clock.now())
        if reminded:
            log_transitions(reminded)
            self._wake.set()

    async def _act_on_some(self, token: int, directory: Directory, find: _Find) -> int:
        """Do what is due with the incidents that are found, in one transaction; return how many they are."""
        now = self._clock.now()
        async with transaction(self._pool) as conn:
            await leases.require(conn, LEASE, token)
            await silences.hold_still(conn)
            held = await silences.in_force(conn, now)
            found = await find(conn, now)
            directory = await covers.with_covers(conn, directory, now)
            deadlines = [(one, next_deadline(one, directory, now)) for one in found]
            acts = [one.act(now) for _, one in deadlines if one and one.at <= now]
            moves = [await as_told(conn, one, held, directory) for one in acts]
            told = await together(conn, moves, held, directory, self._storms(), now)
            steps = [with_notices(one, directory) for one in told.transitions]
            await incidents.commit(conn, steps)
            await members.take_over(conn, told.joined, now)
            moved = {one.after.id for one in moves}
            await incidents.set_due(
                conn,
                {
                    one.id: late.at if late else None
                    for one, late in deadlines
                    if one.id not in moved
                },
            )
        if steps:
            transitions = [step.transition for step in steps]
            if (memory := self._memory()) is not None:
                memory.learn(transitions, told.joined)
            log_transitions(transitions)
            self._wake.set()
        return len(found)


async def _apart(do: _Do, token: int, directory: Directory) -> None:
    what = do.__name__.strip("_")
    await kept_apart(do(token, directory), "not done when it was due", what=what)


async def _all_due(conn: asyncpg.Connection, now: datetime) -> Sequence[Incident]:
    return await incidents.lock_due(conn, now, AT_ONCE)


async def _only(number: int, conn: asyncpg.Connection, _: datetime) -> Sequence[Incident]:
    return list((await incidents.lock(conn, [number])).values())
