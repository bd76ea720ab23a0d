"""One connection to a monitored PostgreSQL: opened carefully, asked read-only, thrown away when in doubt."""

import asyncio
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from rules.base import Rows, SqlQuestion, Unanswered
from watchdog.sources.postgres_values import (
    Adapt,
    UnfitError,
    adapt_all,
    adapter,
    instant_columns,
    rows_of,
)

HELD_STATEMENTS_MAX: Final = 1000
"""Most statements one connection keeps prepared; beyond that they are prepared anew each time."""

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
"""Most bytes of one answer. The row cap does not help against cells of a gigabyte."""

_ZONE: Final = re.compile(r"[A-Za-z0-9_+/:-]{1,64}")


class TooLargeError(Exception):
    """The answer had more than `ANSWER_BYTES_MAX` bytes; the connection is gone."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take on the server, in milliseconds.

    The server stops a statement a little before our own deadline, so that a slow statement and a
    silent server can be told apart.
    """

    timeout_s: float

    @property
    def statement_ms(self) -> int:
        """Return when the server stops a statement."""
        return max(1, int(1000 * max(self.timeout_s * 0.8, self.timeout_s - 0.5)))

    @property
    def lock_ms(self) -> int:
        """Return how long a statement may queue for a lock: short, others queue behind it."""
        return max(1, min(1000, self.statement_ms // 2))

    def begin(self, zone: str) -> str:
        """Return what starts a transaction that can only read; one round trip."""
        return (
            "begin isolation level read committed read only;"
            f"set local statement_timeout = {self.statement_ms};"
            f"set local lock_timeout = {self.lock_ms};"
            f"set local timezone = '{zone}'"
        )


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement that the server has parsed, and what is known of it since."""

    statement: "PreparedStatement[Any]"
    adapters: Sequence[Adapt]
    instants: Sequence[str]
    has_columns: bool


class _Meter(asyncio.Protocol):
    """Stands between the socket and asyncpg, and cuts an answer that grows beyond all bounds."""

    def __init__(self, transport: asyncio.Transport, inner: Any) -> None:
        self._transport = transport
        self._inner = inner
        self._left = ANSWER_BYTES_MAX
        self.is_exceeded = False

    def refill(self) -> None:
        """Allow the next answer its bytes."""
        self._left = ANSWER_BYTES_MAX

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left >= 0:
            self._inner.data_received(data)
        elif not self.is_exceeded:
            self.is_exceeded = True
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def eof_received(self) -> bool | None:
        return None


class Connection:
    """A held connection. Everything may raise asyncpg's errors, `OSError` and `TimeoutError`.

    The caller bounds the time and calls `kill` after any of these except a refused statement.
    """

    def __init__(self, connection: "asyncpg.Connection[Any]", meter: _Meter) -> None:
        self._connection = connection
        self._meter = meter
        self._held: dict[str, _Prepared] = {}
        self._is_direct = False
        self.opened_at_s = time.monotonic()

    @classmethod
    async def open(cls, address: str, limits: Limits, direct: bool | None) -> "Connection":
        """Connect; the time it may take is the caller's to bound.

        Args:
            direct: There is no pooler in between, so statements may stay prepared; None: find out.
        """
        connection = await asyncpg.connect(
            address,
            timeout=limits.timeout_s,
            statement_cache_size=0,
            server_settings={"application_name": "incident-watchdog"},
        )
        # asyncpg shows its transport to nobody, but the socket must learn when to give up.
        transport = connection._transport  # type: ignore[attr-defined]
        _never_wait_for_ever(transport.get_extra_info("socket"), limits.timeout_s)
        meter = _Meter(transport, transport.get_protocol())
        transport.set_protocol(meter)
        opened = cls(connection, meter)
        try:
            opened._is_direct = await opened._find_out() if direct is None else direct
        except BaseException:
            opened.kill()
            raise
        return opened

    async def _find_out(self) -> bool:
        """Return whether the server process is the one that greeted us; behind a pooler it is not."""
        pid = await self._connection.fetchval("select pg_backend_pid()")
        return bool(pid == self._connection.get_server_pid())

    @property
    def is_closed(self) -> bool:
        """Return whether the other side has hung up."""
        return self._connection.is_closed()

    async def begin(self, limits: Limits, zone: str) -> None:
        """Start a read-only transaction in `zone`; an unfinished one is rolled back first."""
        if not _ZONE.fullmatch(zone):
            raise UnfitError("the zone is not the name of one")
        rollback = "rollback;" if self._connection.is_in_transaction() else ""
        self._meter.refill()
        await self._connection.execute(rollback + limits.begin(zone))

    async def ask(self, question: SqlQuestion) -> Rows | Unanswered:
        """Return what one statement says inside the transaction that was begun.

        Raises:
            UnfitError: A parameter cannot have the type of its place.
            TooLargeError: The answer has too many bytes.
        """
        started_s = time.monotonic()
        self._meter.refill()
        if "\x00" in question.text:
            return Unanswered("it holds a zero byte")  # for which the server would hang up
        prepared = await self._prepared(question.text)
        if not prepared.has_columns:
            # Also keeps out `commit`, `set` and `lock table`, which are one statement as well.
            return Unanswered("it is not a query: it returns no columns")
        params = adapt_all(question.params, prepared.adapters, question.zone)
        records = await self._fetch(prepared.statement, params, question.rows_max + 1)
        if not self._connection.is_in_transaction():
            self.kill()
            return Unanswered("it ends its own transaction")
        return Rows(
            rows_of(records[: question.rows_max], prepared.instants),
            truncated=len(records) > question.rows_max,
            took=timedelta(seconds=time.monotonic() - started_s),
        )

    async def _prepared(self, text: str) -> _Prepared:
        held = self._held.get(text)
        if held is not None:
            return held
        keep = self._is_direct and len(self._held) < HELD_STATEMENTS_MAX
        # Named after the text: should there be a pooler after all, which hands server processes
        # around, then an equal name at least stands for an equal statement.
        name = f"watchdog_{sha256(text.encode()).hexdigest()[:32]}" if keep else ""
        statement = await self._connection.prepare(text, name=name)
        attributes = statement.get_attributes()
        prepared = _Prepared(
            statement,
            [adapter(parameter) for parameter in statement.get_parameters()],
            instant_columns(attributes),
            bool(attributes),
        )
        if keep:
            self._held[text] = prepared
        return prepared

    async def _fetch(
        self, statement: "PreparedStatement[Any]", params: Sequence[Any], rows_max: int
    ) -> list[Any]:
        """Return at most `rows_max` records in one round trip.

        asyncpg offers a row limit only through cursors, which take a third longer; this is the call
        that its own cursors make, with the unnamed portal.
        """
        try:
            protocol = self._connection._protocol  # type: ignore[attr-defined]
            records: list[Any] = await protocol.bind_execute(
                statement._state,  # type: ignore[attr-defined]
                params,
                "",
                rows_max,
                False,
                None,
            )
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if self._meter.is_exceeded:
                raise TooLargeError from error
            raise
        return records

    async def end(self) -> None:
        """Roll back, and drop the only thing that outlives a transaction which can only read."""
        self._meter.refill()
        await self._connection.execute("rollback; select pg_advisory_unlock_all()")

    def kill(self) -> None:
        """Hang up without waiting for anybody; the server notices by itself."""
        self._held.clear()
        self._connection.terminate()


def _never_wait_for_ever(sock: Any, timeout_s: float) -> None:
    """Let the kernel give up on a silent network; its own patience is a quarter of an hour."""
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wanted = {
        "TCP_USER_TIMEOUT": max(1, int(timeout_s * 1000)),
        "TCP_KEEPIDLE": 30,
        "TCP_KEEPINTVL": 10,
        "TCP_KEEPCNT": 3,
    }
    for name, value in wanted.items():
        option = getattr(socket, name, None)  # not every system has all of them
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
