"""A test clock for the real process, moved from outside through a Unix socket.

With `WATCHDOG_TEST_CLOCK=SOCKET@2025-06-13T02:15:00Z` the service starts at that instant and stands
still; whoever connects to SOCKET may say `now` or `advance SECONDS` and reads back the instant, once
the service has come to rest. Refused as soon as anything beyond this machine is configured, so that
no service that people rely on can be started with it.
"""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from watchdog.clock import Clock, MovedClock, SystemClock

VARIABLE = "WATCHDOG_TEST_CLOCK"
_ADVANCE_SECONDS_MAX = 400 * 86400


class TestClockRefused(Exception):  # noqa: N818 (a refusal)
    """The test clock was asked for where time must be real."""

    __test__ = False


def clock_of(env: Mapping[str, str]) -> tuple[Clock, Path | None]:
    """Return the clock to run on, and the socket on which it is moved (None: the system's clock).

    Raises:
        TestClockRefused: The variable is not `SOCKET@INSTANT`.
    """
    setting = env.get(VARIABLE, "")
    if not setting:
        return SystemClock(), None
    path, _, instant = setting.rpartition("@")
    try:
        start = datetime.fromisoformat(instant)
    except ValueError as error:
        raise TestClockRefused(f"{VARIABLE} must read SOCKET@INSTANT, not {setting}") from error
    if not path or start.tzinfo is None:
        raise TestClockRefused(f"{VARIABLE} must read SOCKET@INSTANT with an offset, not {setting}")
    return MovedClock(start.astimezone(UTC)), Path(path)


def require_local(addresses: Iterable[str]) -> None:
    """Return if every address is on this machine.

    Args:
        addresses: URLs, DSNs or `host:port`; empty ones and Unix sockets count as local.

    Raises:
        TestClockRefused: One is not.
    """
    for address in addresses:
        for host in _hosts(address):
            if not _is_loopback(host):
                raise TestClockRefused(
                    f"{VARIABLE} is set, and {host} is not on this machine: unset it"
                )


def _hosts(address: str) -> list[str]:
    """Return every host that an address names; DSNs may name several, also behind the `?`."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        query = parse_qs(parts.query)
        named = [_host(one) for one in parts.netloc.rpartition("@")[2].split(",")]
    except ValueError:
        return ["an address that cannot be read"]
    for key in ("host", "hostaddr"):
        named += [one for value in query.get(key, ()) for one in value.split(",")]
    return [one for one in named if one]


def _host(place: str) -> str:
    """Return the host of `host:port`; a port alone may be any address of this machine."""
    return urlsplit(f"//{place}").hostname or place


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.asynccontextmanager
async def served(clock: MovedClock, path: Path) -> AsyncIterator[None]:
    """Let others move `clock` through the socket at `path` while the context lasts."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            while line := await reader.readline():
                writer.write(
                    f"{await _obey(clock, line.decode(errors='replace').split())}\n".encode()
                )
                await writer.drain()

    _remove(path)
    server = await asyncio.start_unix_server(talk, path)
    async with server:
        yield
    _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _obey(clock: MovedClock, words: list[str]) -> str:
    match words:
        case ["now"]:
            return clock.now().isoformat()
        case ["advance", seconds] if _is_span(seconds):
            await clock.advance(timedelta(seconds=float(seconds)))
            return clock.now().isoformat()
        case ["jump", seconds] if _is_span(seconds):
            await clock.jump(timedelta(seconds=float(seconds)))
            return clock.now().isoformat()
        case ["rest"]:
            await clock.rest()
            return clock.now().isoformat()
        case _:
            return "say `now`, `rest`, `advance SECONDS` or `jump SECONDS`"


def _is_span(text: str) -> bool:
    try:
        return 0 <= float(text) <= _ADVANCE_SECONDS_MAX
    except ValueError:
        return False


async def asked_now(env: Mapping[str, str]) -> datetime:
    """Return the present instant for a command: the test clock's if there is one, else the system's."""
    clock, path = clock_of(env)
    if path is None:
        return clock.now()
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            writer.write(b"now\n")
            await writer.drain()
            return datetime.fromisoformat((await reader.readline()).decode().strip())
        finally:
            writer.close()
            await writer.wait_closed()
