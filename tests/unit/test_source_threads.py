"""Threads for what may hang: used again, never waited for, and gone when they are closed."""

import asyncio
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from watchdog.sources.threads import Threads


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads()
    yield made
    made.close()


async def test_a_thread_that_is_done_does_the_next_piece_of_work(threads: Threads) -> None:
    ran_in = [await threads.run(threading.get_ident) for _ in range(20)]
    assert len(set(ran_in)) == 1
    assert ran_in[0] != threading.get_ident()


async def test_what_hangs_keeps_nothing_else_waiting(threads: Threads) -> None:
    lets_go = threading.Event()
    hanging = threads.run(lets_go.wait)
    assert await threads.run(lambda: "done") == "done"
    lets_go.set()
    assert await hanging


async def test_what_the_work_raises_is_raised_where_it_is_awaited(threads: Threads) -> None:
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)
    assert await threads.run(lambda: 2) == 2


async def test_work_that_nobody_waits_for_any_more_does_no_harm(threads: Threads) -> None:
    lets_go = threading.Event()
    given_up = threads.run(lets_go.wait)
    given_up.cancel()
    lets_go.set()
    assert await threads.run(lambda: "done") == "done"


async def test_an_idle_thread_keeps_nothing_of_what_it_has_done(threads: Threads) -> None:
    answered, is_gone = await threads.run(_Answer), threading.Event()
    weakref.finalize(answered, is_gone.set)
    del answered
    assert await asyncio.to_thread(is_gone.wait, 10)


async def test_closed_ones_end_when_they_are_done(threads: Threads) -> None:
    lets_go = threading.Event()
    idle, busy = await threads.run(threading.current_thread), threads.run(_told_by(lets_go))
    threads.close()
    lets_go.set()
    for one in (idle, await busy):
        await asyncio.to_thread(one.join, 10)
        assert not one.is_alive()


class _Answer:
    """What a look has found."""


def _told_by(event: threading.Event) -> Callable[[], threading.Thread]:
    def work() -> threading.Thread:
        event.wait()
        return threading.current_thread()

    return work
