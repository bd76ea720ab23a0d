"""Gates before and after everything that leaves the process, at which a process can die."""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

Passage = Callable[[str], Awaitable[None]]
"""What is awaited at each gate, with its name."""


class Died(BaseException):
    """The process is gone: nothing runs any more, clean-up included."""


class Gate:
    """Counts what passes; from the passage `dies_at` on, nothing does.

    Attributes:
        passed: Names of the passages, in order.
    """

    def __init__(self, dies_at: int | None = None) -> None:
        self.passed: list[str] = []
        self._dies_at = dies_at

    async def __call__(self, name: str) -> None:
        """Pass, or die."""
        if self._dies_at is not None and len(self.passed) >= self._dies_at:
            raise Died(name)
        self.passed.append(name)

    @property
    def has_died(self) -> bool:
        """Whether somebody died here."""
        return self._dies_at is not None and len(self.passed) >= self._dies_at


class GatedConnection:
    """A connection with a gate before and after each statement, and around commits."""

    def __init__(self, conn: Any, gate: Passage) -> None:
        self._conn = conn
        self._gate = gate
        self._work: GatedTransaction | None = None

    async def _through(self, method: str, sql: str, *args: Any) -> Any:
        code = [line for line in sql.splitlines() if not line.startswith("--")]
        name = " ".join(" ".join(code).split())[:40]
        await self._gate(f"before {name}")
        answer = await getattr(self._conn, method)(sql, *args)
        await self._gate(f"after {name}")
        return answer

    async def fetch(self, sql: str, *args: Any) -> Any:
        """Pass through the gates."""
        return await self._through("fetch", sql, *args)

    async def execute(self, sql: str, *args: Any) -> Any:
        """Pass through the gates."""
        return await self._through("execute", sql, *args)

    def transaction(self) -> "GatedTransaction":
        """Return a transaction with gates around its commit."""
        self._work = GatedTransaction(self._conn.transaction(), self._gate)
        return self._work

    def is_closed(self) -> bool:
        """Say that there is nothing to hang up: a new connection a death would cost most of the time."""
        return True

    async def back_to(self, pool: asyncpg.Pool) -> None:
        """Give the connection back, without what it has begun: the server sees to that for who is gone."""
        if self._work is not None and self._work.is_open:
            await self._work.rollback()
        await pool.release(self._conn)


class GatedTransaction:
    """A transaction with gates around its commit."""

    def __init__(self, work: Any, gate: Passage) -> None:
        self._work = work
        self._gate = gate
        self.is_open = False

    async def start(self) -> None:
        """Begin."""
        await self._work.start()
        self.is_open = True

    async def rollback(self) -> None:
        """Roll back."""
        self.is_open = False
        await self._work.rollback()

    async def commit(self) -> None:
        """Commit between two gates."""
        await self._gate("before commit")
        self.is_open = False
        await self._work.commit()
        await self._gate("after commit")


class GatedPool:
    """A pool whose connections have gates."""

    def __init__(self, pool: asyncpg.Pool, gate: Passage) -> None:
        self._pool = pool
        self._gate = gate

    async def acquire(self, *, timeout: float) -> GatedConnection:  # noqa: ASYNC109 (asyncpg's own)
        """Give a connection with gates."""
        return GatedConnection(await self._pool.acquire(timeout=timeout), self._gate)

    async def release(self, conn: GatedConnection) -> None:
        """Take it back."""
        await conn.back_to(self._pool)
