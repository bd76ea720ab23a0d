"""The one place that reads the time.

Everything else is given `now`. Loops sleep on a `Clock`, so that tests can move time without waiting,
and mark their work with `working()`, so that whoever moves time knows when the service has come to rest.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

_APART_S = 0.1
"""How far two clocks of a machine may be apart that nobody has put back."""


class Clock(Protocol):
    """Tells the time and wakes sleepers."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    async def sleep_until(self, at: datetime) -> None:
        """Return when `now()` has reached `at`, or as much time has passed; at once if it is past."""
        ...

    async def wait(self, event: asyncio.Event, until: datetime) -> bool:
        """Return True when `event` is set before `until`, else False at `until`. Does not clear it."""
        ...

    def working(self) -> contextlib.AbstractContextManager[None]:
        """Mark a piece of work: time that is moved by hand stands still until it is left."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)  # noqa: TID251 (the one place)

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until `at`, but not for longer than it is away now: a clock may be put back.

        That it jumped forward, as where a machine has slept, is noticed within a minute.
        """
        left_s = (at - self.now()).total_seconds()
        ends_s = time.monotonic() + left_s + _APART_S
        while left_s > 0:
            await asyncio.sleep(min(left_s, 60))
            left_s = min((at - self.now()).total_seconds(), ends_s - time.monotonic())

    async def wait(self, event: asyncio.Event, until: datetime) -> bool:
        """Wait for `event`, at most until `until`."""
        try:
            async with asyncio.timeout(max(0, (until - self.now()).total_seconds())):
                await event.wait()
        except TimeoutError:
            return False
        return True

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Do nothing: real time never stands still."""
        yield


class MovedClock:
    """A clock that stands still until it is told to advance: for tests, in this process or another one.

    `advance` goes from one wake-up to the next in order of time. After each it waits until the woken
    loops have come to rest again (nobody is inside `working()`), so every slot is looked at and every
    message is sent at its own instant, however fast the test runs.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._sleepers: dict[asyncio.Future[None], datetime] = {}
        self._at_work = 0
        self._watched_events: dict[asyncio.Event, int] = {}

    def now(self) -> datetime:
        """Return the instant the clock was moved to."""
        return self._now

    async def sleep_until(self, at: datetime) -> None:
        """Sleep until the clock is moved to `at` or past it."""
        if at <= self._now:
            return
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers[sleeper] = at
        try:
            await sleeper
        finally:
            self._sleepers.pop(sleeper, None)

    async def wait(self, event: asyncio.Event, until: datetime) -> bool:
        """Wait for `event`, at most until the clock is moved to `until`."""
        self._watched_events[event] = self._watched_events.get(event, 0) + 1
        waits = [
            asyncio.ensure_future(event.wait()),
            asyncio.ensure_future(self.sleep_until(until)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
            self._watched_events[event] -= 1
            if not self._watched_events[event]:
                del self._watched_events[event]
        return event.is_set()

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Hold the time while this piece of work is under way."""
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    async def advance(self, span: timedelta) -> None:
        """Move time forward by `span`, stopping at every wake-up on the way."""
        end = self._now + span
        await self.rest()
        while due := [at for at in self._sleepers.values() if at <= end]:
            self._now = max(self._now, min(due))
            for sleeper, at in list(self._sleepers.items()):
                if at <= self._now and not sleeper.done():
                    sleeper.set_result(None)
            await self.rest()
        self._now = end
        await self.rest()

    async def jump(self, span: timedelta) -> None:
        """Move time forward by `span` at once, as for a machine that slept: one wake-up for all."""
        await self.rest()
        self._now += span
        await self.advance(timedelta())

    async def rest(self) -> None:
        """Return when nobody is at work and no awaited event is set.

        Real I/O goes on meanwhile. A woken loop needs a few turns of the event loop before it says
        that it works, so rest must be seen several turns in a row.
        """
        calm = 0
        while calm < 10:
            busy = self._at_work or any(event.is_set() for event in self._watched_events)
            calm = 0 if busy else calm + 1
            await asyncio.sleep(0.001 if busy else 0)


@contextlib.asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Bound an await on the outside world by real seconds, whatever clock the service runs on."""
    async with asyncio.timeout(seconds):
        yield


def going_on_from(begun: datetime) -> Callable[[], datetime]:
    """Return a clock that goes on from an instant, for a command that lasts while people look at it."""
    started_s = time.monotonic()
    return lambda: begun + timedelta(seconds=time.monotonic() - started_s)
