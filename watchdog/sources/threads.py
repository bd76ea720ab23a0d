"""Threads for what may hang for ever: they keep neither the loop nor the exit waiting."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from typing import Any, Final, TypeAlias, TypeVar

T = TypeVar("T")
_Settle: TypeAlias = Callable[[], object]
_Jobs: TypeAlias = "SimpleQueue[Callable[[], _Settle] | None]"

_NAME: Final = "look at files"


class Threads:
    """Runs each piece of work in a thread that has nothing else to do, and keeps that for the next.

    One that hangs in a dead file system is left to itself. A pool would be full of those, and
    joined at the exit; a new thread each time takes longer than most looks.
    """

    def __init__(self) -> None:
        self._idle: list[_Jobs] = []
        self._changing = threading.Lock()
        self._is_closed = False

    def run(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Start `work`; the future gets what it returns or raises, though nobody may wait for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        future.add_done_callback(_seen)

        def job() -> _Settle:
            result: Any = None
            failure: BaseException | None = None
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 (it is raised where it is awaited)
                failure = error
            return partial(loop.call_soon_threadsafe, _settle, future, result, failure)

        self._one_that_is_idle().put(job)
        return future

    def close(self) -> None:
        """Let every thread end that has nothing to do, and each other one when it is done."""
        with self._changing:
            self._is_closed = True
            while self._idle:
                self._idle.pop().put(None)

    def _one_that_is_idle(self) -> _Jobs:
        with self._changing:
            if self._idle:
                return self._idle.pop()
        jobs: _Jobs = SimpleQueue()
        threading.Thread(target=self._work, args=(jobs,), name=_NAME, daemon=True).start()
        return jobs

    def _work(self, jobs: _Jobs) -> None:
        while self._has_more_to_do(jobs):
            pass  # what was done and found is gone by now: an idle thread keeps nothing alive

    def _has_more_to_do(self, jobs: _Jobs) -> bool:
        """Do the next piece of work; return whether another one may come."""
        job = jobs.get()
        if job is None:
            return False
        settle = job()
        with self._changing:
            is_last = self._is_closed
            if not is_last:
                self._idle.append(jobs)  # before anybody knows that it is done
        with contextlib.suppress(RuntimeError):  # the loop is gone, and so is who waited
            settle()
        return not is_last


def _settle(future: "asyncio.Future[Any]", result: Any, failure: BaseException | None) -> None:
    if future.cancelled():
        return
    if failure is not None:
        future.set_exception(failure)
    else:
        future.set_result(result)


def _seen(future: "asyncio.Future[Any]") -> None:
    """Look at what a thread raised after nobody waited for it any more."""
    if not future.cancelled():
        future.exception()
