"""What jobs say of themselves, and the source that answers for it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from rules.base import Answer, PingQuestion, Question, Rows, Unanswered
from watchdog.store.pool import StoreDown, transaction
from watchdog.store.sql import load
from watchdog.store.text import clean

_SQL = load("pings")

KEPT = 200
"""Pings of one job that are kept; the newest success, failure and start are kept beside them."""


@dataclass(frozen=True, slots=True)
class Ping:
    """What a job said.

    Attributes:
        what: `success`, `start`, `fail` or `log`.
        exit_status: 0 to 255, where it said one.
        run: Its own name of the run, where it told one.
        is_cut: The body was longer than what is kept of it.
    """

    at: datetime
    what: str
    exit_status: int | None = None
    run: str = ""
    body: str = ""
    is_cut: bool = False


def beat_of(key: str) -> bytes:
    """Return under what the pings of a key are kept; nobody can tell the key from it."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


async def add(conn: asyncpg.Connection, beat: bytes, ping: Ping) -> None:
    """Keep a ping, and forget the oldest of its job."""
    body, run = clean(ping.body), clean(ping.run)
    await conn.execute(
        _SQL["insert_ping"], beat, ping.at, ping.what, ping.exit_status, run, body, ping.is_cut
    )
    await conn.execute(_SQL["forget_pings"], beat, KEPT)


class Pings:
    """Answers, from our own store, what jobs have said. A source as any other."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def answer(self, question: Question) -> Answer:
        """Return the pings of one job, the newest first."""
        [answer] = await self.answer_all([question])
        return answer

    async def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the pings of each job, asked for together."""
        beats = [beat_of(one.key) for one in questions if isinstance(one, PingQuestion)]
        assert len(beats) == len(questions), questions
        try:
            async with transaction(self._pool) as conn:
                found = await conn.fetch(_SQL["list_pings"], beats)
        except StoreDown as error:
            return [Unanswered(f"our own store cannot be asked: {error}") for _ in questions]
        rows: dict[str, list[dict[str, object]]] = {}
        for row in found:
            rows.setdefault(row["beat"], []).append(dict(row))
        return [Rows(rows.get(beat.hex(), [])) for beat in beats]

    async def close(self) -> None:
        """Do nothing: the store is not ours to close."""
