"""Gates before and after everything that leaves the process, at which a process can die."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
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

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Begin and commit; to die inside rolls back, as the server does when a client is gone."""
        async with self._conn.transaction():
            yield
            await self._gate("before commit")
        await self._gate("after commit")


class GatedPool:
    """A pool whose connections have gates."""

    def __init__(self, pool: asyncpg.Pool, gate: Passage) -> None:
        self._pool = pool
        self._gate = gate

    @contextlib.asynccontextmanager
    async def acquire(self, *, timeout: float) -> AsyncIterator[GatedConnection]:  # noqa: ASYNC109
        """Give a connection with gates."""
        async with self._pool.acquire(timeout=timeout) as conn:
            yield GatedConnection(conn, self._gate)
