"""A PostgreSQL, a watched database in it, and the real engine on it: what most benchmarks start from."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from bench.rulefiles import parted, stuck_rule
from watchdog.app import collect_rarely
from watchdog.clock import MovedClock
from watchdog.config.load import load_text
from watchdog.config.model import Config, Rule
from watchdog.engine.engine import Engine
from watchdog.engine.leader import Leader
from watchdog.sources.base import Source
from watchdog.sources.open import open_source
from watchdog.store.embedded import Embedded
from watchdog.store.migrate import migrate
from watchdog.store.pool import close_pool, open_pool

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)

_QUEUES = """
create table job (id bigint primary key, queue text not null, status text not null, started_at timestamptz);
insert into job select n, 'q' || n, 'running', '2026-11-02T09:29:00Z' from generate_series(0, 9999) n;
create index on job (queue);
analyze job;
"""


@dataclass(slots=True)
class World:
    """The engine leads and watches by a configuration; its clock stands still, so no slot comes.

    Attributes:
        dsn: Of the watched database.
        server_pid: The postmaster's number; all databases are in it.
    """

    pool: asyncpg.Pool
    dsn: str
    server_pid: int
    engine: Engine
    config: Config
    sources: Mapping[str, Source]

    @property
    def rules(self) -> list[Rule]:
        """Return all rules."""
        return list(self.config.rules.values())

    async def watch(self, text: str) -> None:
        """Put a file of rules in force."""
        for source in self.sources.values():
            await source.close()
        self.config = configured(text)
        self.sources = {name: open_source(one, {}) for name, one in self.config.sources.items()}
        await self.engine.apply(self.config, self.sources)

    async def execute(self, statement: str) -> None:
        """Run statements in the watched database."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def configured(text: str) -> Config:
    """Return what a file says.

    Raises:
        ValueError: It has a mistake.
    """
    loaded = load_text(parted(text), "rules.yaml", {})
    if loaded.config is None or loaded.errors:
        raise ValueError("\n".join(str(problem) for problem in loaded.errors))
    return loaded.config


@contextlib.asynccontextmanager
async def running_server() -> AsyncIterator[Embedded]:
    """Run a PostgreSQL with the settings of the service's own, which loses nothing."""
    with tempfile.TemporaryDirectory(prefix="watchdog-bench-") as folder:
        async with Embedded(Path(folder) / "data") as embedded:
            yield embedded


@contextlib.asynccontextmanager
async def world() -> AsyncIterator[World]:
    """Run a store, a watched database with 10,000 queues, and an engine that leads."""
    collect_rarely()
    async with running_server() as embedded:
        await migrate(embedded.dsn, NOW)
        pool = await open_pool(embedded.dsn)
        engine = Engine(pool, MovedClock(NOW), Leader(pool, "bench"), asyncio.Event())
        await pool.execute("create database jobs")
        dsn = embedded.dsn.replace("/watchdog?", "/jobs?", 1)
        watched = World(pool, dsn, embedded.pid, engine, configured(stuck_rule(dsn)), {})
        await watched.execute(_QUEUES)
        task = asyncio.ensure_future(engine.run())
        try:
            await watched.watch(stuck_rule(dsn))
            while engine.memory is None:  # noqa: ASYNC110 (nothing to wait on from outside)
                await asyncio.sleep(0.01)
            yield watched
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            for source in watched.sources.values():
                await source.close()
            await close_pool(pool)
