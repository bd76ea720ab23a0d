"""Time that is moved by hand, and the machine's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from watchdog.clock import MovedClock, SystemClock, deadline

START = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock(START)


@asynccontextmanager
async def many(*work: object) -> AsyncIterator[None]:
    """Run coroutines while the context lasts; what is left of them is cancelled."""
    tasks = [asyncio.ensure_future(one) for one in work]  # type: ignore[call-overload]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_time_stands_still_until_it_is_moved(clock: MovedClock) -> None:
    await clock.rest()
    assert clock.now() == START
    await clock.advance(3 * MINUTE)
    assert clock.now() == START + 3 * MINUTE


async def test_sleepers_wake_in_order_of_time_each_at_its_own_instant(clock: MovedClock) -> None:
    woken: list[tuple[str, datetime]] = []

    async def sleep(name: str, minutes: int) -> None:
        await clock.sleep_until(START + minutes * MINUTE)
        woken.append((name, clock.now()))

    async with many(sleep("late", 7), sleep("early", 2), sleep("never", 60)):
        await clock.advance(10 * MINUTE)
    assert woken == [("early", START + 2 * MINUTE), ("late", START + 7 * MINUTE)]


async def test_a_loop_sees_every_slot_of_a_long_advance(clock: MovedClock) -> None:
    seen: list[datetime] = []

    async def loop() -> None:
        while True:
            await clock.sleep_until(clock.now() + MINUTE)
            seen.append(clock.now())

    async with many(loop()):
        await clock.advance(60 * MINUTE)
    assert seen == [START + number * MINUTE for number in range(1, 61)]


async def test_sleeping_until_the_past_returns_at_once(clock: MovedClock) -> None:
    async with asyncio.timeout(1):
        await clock.sleep_until(START)
        await clock.sleep_until(START - MINUTE)


async def test_work_holds_the_time_until_it_is_done(clock: MovedClock) -> None:
    answer, seen = asyncio.Event(), []

    async def work() -> None:
        await clock.sleep_until(START + MINUTE)
        with clock.working():
            await answer.wait()
            seen.append(clock.now())

    async with many(work()):
        moving = asyncio.ensure_future(clock.advance(5 * MINUTE))
        await asyncio.wait([moving], timeout=0.05)
        assert (clock.now(), moving.done()) == (START + MINUTE, False)
        answer.set()
        await moving
    assert (seen, clock.now()) == ([START + MINUTE], START + 5 * MINUTE)


async def test_work_that_fails_holds_the_time_no_longer(clock: MovedClock) -> None:
    with pytest.raises(ValueError, match="odd"), clock.working():
        raise ValueError("odd")
    async with asyncio.timeout(1):
        await clock.advance(MINUTE)


async def test_time_rests_only_when_an_awaited_event_has_been_taken_note_of(
    clock: MovedClock,
) -> None:
    event, taken = asyncio.Event(), []

    async def loop() -> None:
        while await clock.wait(event, START + 60 * MINUTE):
            event.clear()
            taken.append(clock.now())

    async with many(loop()):
        await clock.rest()
        event.set()
        await clock.advance(MINUTE)
    assert taken == [START]


async def test_waiting_ends_with_the_event_or_with_the_time(clock: MovedClock) -> None:
    event = asyncio.Event()
    waiting = asyncio.ensure_future(clock.wait(event, START + MINUTE))
    await clock.advance(2 * MINUTE)
    assert await waiting is False
    event.set()
    assert await clock.wait(event, START + 60 * MINUTE) is True
    assert event.is_set()


async def test_a_cancelled_wait_leaves_nothing_behind(clock: MovedClock) -> None:
    event = asyncio.Event()
    waiting = asyncio.ensure_future(clock.wait(event, START + MINUTE))
    sleeping = asyncio.ensure_future(clock.sleep_until(START + MINUTE))
    await clock.rest()
    for one in (waiting, sleeping):
        one.cancel()
    results = await asyncio.gather(waiting, sleeping, return_exceptions=True)
    assert [type(one) for one in results] == [asyncio.CancelledError] * 2
    event.set()
    async with asyncio.timeout(1):
        await clock.advance(2 * MINUTE)
    assert len(asyncio.all_tasks()) == 1


async def test_a_jump_is_one_wake_up_for_all(clock: MovedClock) -> None:
    seen: list[datetime] = []

    async def loop() -> None:
        while True:
            await clock.sleep_until(clock.now() + MINUTE)
            seen.append(clock.now())

    async with many(loop(), loop()):
        await clock.jump(60 * MINUTE)
    assert seen == [START + 60 * MINUTE] * 2


async def test_the_machines_clock_tells_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


async def test_the_machines_clock_waits_for_the_event_at_most_until_then() -> None:
    clock, event = SystemClock(), asyncio.Event()
    begun = clock.now()
    assert await clock.wait(event, begun + timedelta(milliseconds=20)) is False
    assert clock.now() - begun >= timedelta(milliseconds=19)
    event.set()
    assert await clock.wait(event, begun + timedelta(hours=1)) is True
    assert await clock.wait(event, begun) is True


async def test_the_machines_clock_sleeps_and_never_holds_time() -> None:
    clock = SystemClock()
    until = clock.now() + timedelta(milliseconds=20)
    with clock.working():
        await clock.sleep_until(until)
    assert clock.now() >= until
    await clock.sleep_until(until)


class PutBack(SystemClock):
    """The machine's clock as it is when somebody has put it back by an hour."""

    def __init__(self) -> None:
        self.is_put_back = False

    def now(self) -> datetime:
        return super().now() - timedelta(hours=self.is_put_back)


async def test_a_clock_that_is_put_back_lets_nobody_sleep_for_longer() -> None:
    clock = PutBack()
    sleeping = asyncio.ensure_future(clock.sleep_until(clock.now() + timedelta(milliseconds=20)))
    await asyncio.sleep(0)
    clock.is_put_back = True
    async with asyncio.timeout(5):
        await sleeping


async def test_a_deadline_ends_what_takes_too_long() -> None:
    with pytest.raises(TimeoutError):
        async with deadline(0.01):
            await asyncio.Event().wait()
