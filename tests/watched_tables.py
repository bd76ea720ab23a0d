"""Real tables of both kinds of database, asked through the real sources."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
from pydantic import SecretStr

from rules.base import (
    Answer,
    Answers,
    Classifier,
    Context,
    Dialect,
    Entity,
    Judgement,
    Kind,
    Past,
    Rows,
    Severity,
    SqlQuestion,
)
from rules.hours import ActiveHours
from rules.registry import KINDS
from tests.postgres import Server
from watchdog.config.model import Source as SourceSpec
from watchdog.sources.base import Source
from watchdog.sources.open import open_source

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DATABASE = "watched_tables"


@dataclass(frozen=True)
class Storage:
    """How a table holds instants.

    Attributes:
        type: Of a column with an instant.
    """

    name: str
    type: str
    time: str
    zone: str = "UTC"
    mark: str = "Z"

    @property
    def dialect(self) -> Dialect:
        return Dialect(self.name, self.time, self.zone)

    def stored(self, at: datetime | None) -> Any:
        """Return an instant as this table holds it."""
        if at is None:
            return None
        if self.time.startswith("epoch"):
            return int(at.timestamp() * (1000 if self.time == "epoch_ms" else 1))
        if self.type == "timestamptz":
            return at
        local = at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        return local if self.type == "timestamp" else f"{local.isoformat()}{self.mark}"


STORAGES = {
    "postgres": Storage("postgres", "timestamptz", "native"),
    "postgres without zone": Storage("postgres", "timestamp", "native", "America/New_York"),
    "postgres epoch_ms": Storage("postgres", "bigint", "epoch_ms"),
    "postgres text": Storage("postgres", "text", "iso"),
    "sqlite": Storage("sqlite", "text", "iso"),
    "sqlite without zone": Storage("sqlite", "datetime", "iso", "America/New_York", ""),
    "sqlite epoch_s": Storage("sqlite", "integer", "epoch_s"),
    "sqlite epoch_ms": Storage("sqlite", "integer", "epoch_ms"),
}
NATIVE = {name: STORAGES[name] for name in ("postgres", "sqlite")}


def kind_of(name: str, **settings: Any) -> Kind:
    """Return a kind as a rule file would declare it."""
    kind: Any = KINDS[name].model_validate({"source": "db"} | settings)
    return kind  # type: ignore[no-any-return]


@dataclass
class Tables:
    """A database to write into and to ask."""

    storage: Storage
    source: Source
    address: str
    postgres: asyncpg.Connection | None = None
    classifier: Classifier | None = None
    severity: Severity = Severity.WARNING
    asked: list[SqlQuestion] = field(default_factory=list)
    remembered: dict[str, str] = field(default_factory=dict)
    past: tuple[Past, ...] = ()
    active: ActiveHours | None = None

    async def run(self, text: str, *rows: Sequence[Any]) -> None:
        """Run a statement, once for each of `rows` if there are any; `$at` is the time type."""
        text = text.replace("$at", self.storage.type)
        if self.postgres is not None:
            await (self.postgres.executemany(text, rows) if rows else self.postgres.execute(text))
            return
        with closing(sqlite3.connect(self.address)) as file, file:
            named = [{str(i): v for i, v in enumerate(row, start=1)} for row in rows]
            _ = file.executemany(text, named) if rows else file.execute(text)

    def ago(self, **span: float) -> Any:
        """Return a while ago as the table holds it."""
        return self.storage.stored(NOW - timedelta(**span))

    def context(self, watched: Sequence[Entity] = (), now: datetime = NOW) -> Context:
        return Context(
            now,
            tuple(watched),
            self.storage.dialect,
            self.severity,
            self.classifier,
            dict(self.remembered),
            self.past,
            self.active,
        )

    async def answer(self, kind: Kind, context: Context) -> Answer:
        """Return what the source says to the kind's one question."""
        (question,) = kind.ask(context, ())
        assert isinstance(question, SqlQuestion)
        self.asked.append(question)
        return await self.source.answer(question)

    async def judge(
        self, kind: Kind, watched: Sequence[Entity] = (), now: datetime = NOW
    ) -> Judgement:
        """Ask, which must succeed, judge, and keep what is to be remembered."""
        context = self.context(watched, now)
        answers: Answers = ()
        while questions := kind.ask(context, answers):
            (question,) = questions
            assert isinstance(question, SqlQuestion)
            self.asked.append(question)
            answer = await self.source.answer(question)
            assert isinstance(answer, Rows), answer
            answers = (*answers, (answer,))
        judgement = kind.judge(context, answers)
        for key, text in judgement.remember.items():
            self.remembered.pop(key, None)
            if text is not None:
                self.remembered[key] = text
        return judgement


@asynccontextmanager
async def tables(storage: Storage, server: Server, folder: Path) -> AsyncIterator[Tables]:
    """Give an empty database of a storage's kind."""
    async with AsyncExitStack() as stack:
        address, connection = str(folder / "watched.db"), None
        if storage.name == "postgres":
            address = server.dsn(DATABASE, "reader")
            connection = await _emptied(server)
            stack.push_async_callback(connection.close)
        spec = SourceSpec("db", storage.name, SecretStr(address), "ops", dialect=storage.dialect)
        source = open_source(spec, {})
        stack.push_async_callback(source.close)
        yield Tables(storage, source, address, connection)


async def _emptied(server: Server) -> asyncpg.Connection:
    """Return a connection to the database that all tests of kinds share, one after the other."""
    maker = await asyncpg.connect(server.dsn("postgres"), timeout=10)
    if not await maker.fetchval("select 1 from pg_database where datname = $1", DATABASE):
        await maker.execute(f"create database {DATABASE} template template0")
    await maker.close()
    connection = await asyncpg.connect(server.dsn(DATABASE), timeout=10)
    await connection.execute("drop schema public cascade; create schema public")
    return connection


def entity(**values: str) -> Entity:
    """Return an entity."""
    return tuple(values.items())
