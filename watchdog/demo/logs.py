"""The log files of the demo: JSON lines of the desk's API, of its mail worker and of the issue sync."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from watchdog.demo.failure import Burst, Switches

LINE_EVERY = timedelta(seconds=20)
FILE_BYTES_MAX = 4_000_000
ERROR_EVERY = 15
"""Of so many requests to the API one fails: an error in five minutes is usual."""

_REQUESTS = 600
"""After so many all is as it was: who asks, for which thread, how long it takes, which ones fail."""

_KEPT_MAX = 1024
"""Lines that differ in nothing but their time are made once: a leap leaves hundreds of them."""

API, WORKER, SYNC = "desk-api.log", "email-worker.log", "issue-sync.log"
REACH: Final[Mapping[str, timedelta]] = {
    API: timedelta(minutes=90),
    WORKER: timedelta(minutes=15),
    SYNC: timedelta(minutes=45),
}
"""How far back each new file reaches, and what a leap leaves: half as much again as is looked at.

The API's errors are compared with those of the hour before: only what is usual can be exceeded.
"""

Line = Mapping[str, object]

BURSTS: Final[Mapping[str, tuple[str, Line]]] = {
    "unhandled_exception": (
        API,
        {
            "level": "ERROR",
            "logger": "desk.api",
            "message": "unhandled_exception",
            "path": "/threads/2981/messages",
            "method": "POST",
            "component": "api",
            "route": "/threads/:id/messages",
            "extra": {"error": "KeyError: 'assignee'"},
        },
    ),
    "client_error": (
        API,
        {
            "level": "WARNING",
            "logger": "desk.client",
            "message": "client_error",
            "component": "thread_view",
            "route": "/threads/:id",
            "extra": {"error": "TypeError: thread.messages is undefined"},
        },
    ),
    "token_verification_failed": (
        API,
        {
            "level": "WARNING",
            "logger": "desk.tokens",
            "message": "token_verification_failed",
            "path": "/t/9f31c2",
            "method": "GET",
            "component": "tokens",
            "route": "/t/:token",
            "extra": {"reason": "bad signature"},
        },
    ),
    "email_delivery_failed": (
        WORKER,
        {
            "level": "WARNING",
            "logger": "desk.email_worker",
            "message": "email_delivery_failed",
            "component": "email_worker",
            "extra": {"error": "SMTP 421: too many connections"},
        },
    ),
    "quick_sync": (
        SYNC,
        {
            "level": "INFO",
            "logger": "issues.sync",
            "message": "synced",
            "execution_time": 860,
        },
    ),
    "slow_sync": (
        SYNC,
        {
            "level": "INFO",
            "logger": "issues.sync",
            "message": "synced",
            "execution_time": 9400,
        },
    ),
}
"""Lines of which many come at once when something is wrong: their file, and what they say."""


class LogFiles:
    """Writes a line to each file every 20 s; a file that has grown large makes room for a new one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._next_at: dict[str, datetime] = {}
        self._burst_at: dict[Burst, datetime] = {}

    def tick(self, now: datetime, mails_pending: int, switches: Switches) -> None:
        """Write what the systems have done since the last tick, or as much of it as anybody reads."""
        self._burst(now, switches.bursts)
        if switches.worker_dead:
            self._next_at.pop(WORKER, None)  # when it lives again it says so at once
        for name in (API, SYNC) if switches.worker_dead else (API, WORKER, SYNC):
            instants = self._due(name, now)
            if instants:
                self._next_at[name] = instants[-1] + LINE_EVERY
                lines = (_line(name, at, mails_pending) for at in instants)
                _append(self._folder / name, lines)

    def _due(self, name: str, now: datetime) -> list[datetime]:
        """Return when there should have been a line; a new file begins with what was before."""
        earliest = now - REACH[name]
        begin = now if (self._folder / name).exists() else earliest
        first = max(self._next_at.get(name, begin), earliest)
        return [first + n * LINE_EVERY for n in range((now - first) // LINE_EVERY + 1)]

    def _burst(self, now: datetime, bursts: tuple[Burst, ...]) -> None:
        self._burst_at = {one: at for one, at in self._burst_at.items() if one in bursts}
        for one in bursts:
            last_at = self._burst_at.get(one)
            if last_at is None or now - last_at >= one.every:
                name, line = BURSTS[one.what]
                _append(self._folder / name, [_stamped(now, json.dumps(line))] * one.lines)
                self._burst_at[one] = now


def _line(name: str, at: datetime, mails_pending: int) -> str:
    if name == WORKER:
        return _stamped(at, _worker_line(mails_pending))
    if name == SYNC:
        return _stamped(at, _sync_line(_took_ms(at)))
    number = _number(at)
    return _stamped(at, f'{{"request_id": "{number:x}", {_api_line(number % _REQUESTS)[1:]}')


def _number(at: datetime) -> int:
    return int(at.timestamp()) // int(LINE_EVERY.total_seconds())


def _took_ms(at: datetime) -> int:
    return 700 + int(at.timestamp()) * 37 % 600


@lru_cache(_KEPT_MAX)
def _worker_line(mails_pending: int) -> str:
    return json.dumps(
        {
            "level": "INFO",
            "logger": "desk.email_worker",
            "message": "processing" if mails_pending else "idle",
            "component": "email_worker",
            "extra": {"pending": mails_pending},
        }
    )


@lru_cache(_KEPT_MAX)
def _api_line(number: int) -> str:
    """Return one of the requests that come again and again, without its own id."""
    fails = number % ERROR_EVERY == 0
    return json.dumps(
        {
            "level": "ERROR" if fails else "INFO",
            "logger": "desk.api",
            "message": "request_failed" if fails else "request",
            "user_id": number % 40,
            "path": f"/threads/{2900 + number % 100}",
            "method": "GET",
            "component": "api",
            "route": "/threads/:id",
            "extra": {"status": 500 if fails else 200, "took_ms": 20 + number * 37 % 60},
        }
    )


@lru_cache(_KEPT_MAX)
def _sync_line(took_ms: int) -> str:
    return json.dumps(
        {
            "level": "INFO",
            "logger": "issues.sync",
            "message": "synced",
            "execution_time": took_ms,
        }
    )


def _stamped(at: datetime, line: str) -> str:
    """Return a line of JSON with the time in front of what it says."""
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return f'{{"timestamp": "{stamp}", {line[1:]}\n'


def _append(path: Path, lines: Iterable[str]) -> None:
    if path.exists() and path.stat().st_size > FILE_BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(lines))
