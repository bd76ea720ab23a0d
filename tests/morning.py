"""A small morning check over a PostgreSQL and an SQLite: its worker, and what it wrote."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg

from notifiers.base import Report
from watchdog.clock import MovedClock
from watchdog.config.load import Loaded, load_text
from watchdog.config.model import Config
from watchdog.engine.leader import Leader
from watchdog.reports.worker import Reports
from watchdog.service import Options, Service
from watchdog.sources.open import open_source
from watchdog.store import outbox
from watchdog.store.facts import decode_told
from watchdog.store.outbox import Entry
from watchdog.store.pool import transaction

RULES = """\
version: 1
service: {{ url: "https://watchdog.example.com" }}
people: {{ ana: {{ email: ana@example.com, slack: U01ANA }} }}
teams:
  data: {{ lead: ana, slack: alerts, email: data@example.com, timezone: Europe/Berlin }}
defaults: {{ team: data }}
sources:
  crm: {{ postgres: "{dsn}", timeout: 2s }}
  web_sync: {{ sqlite: "{file}", time: iso }}
reports:
  morning:
    title: Jobs this morning
    at: "08:00"
    days: {days}
    parts:
      jobs:
        source: crm
        figures: >
          select count(*) as total, count(*) filter (where status = 'idle') as successful,
            avg(hours) as average_hours, {{{{ now }}}} as asked from job
      most_overdue:
        source: crm
        table: >
          select name, hours as "Hours overdue" from job order by hours desc
      queue: {{ source: web_sync, figures: select count(*) as waiting from queue }}
    samples:
      jobs:
        source: crm
        query: select count(*) as total, sum(hours) as hours from job
        rising: hours
"""


@dataclass
class Morning:
    """What a test of reports needs."""

    store: asyncpg.Pool
    db: asyncpg.Connection
    clock: MovedClock
    config: Config
    stack: contextlib.AsyncExitStack

    def replica(self, name: str = "one") -> tuple[Reports, Leader]:
        """Return one more process, which does not try to lead yet."""
        loaded = Loaded(self.config, (), {})
        options = Options(Path("rules.yaml"), Path("data"))
        service = Service(options, self.clock, self.store, loaded, self.config, name)
        service.sources = {one.name: open_source(one, {}) for one in self.config.sources.values()}
        for source in service.sources.values():
            self.stack.push_async_callback(source.close)
        leader = Leader(self.store, name)
        return Reports(service, leader), leader

    async def leading(self, name: str = "one") -> tuple[Reports, Leader]:
        """Start a process that leads until it gives the lease back, or the test ends."""
        worker, leader = self.replica(name)
        task = asyncio.ensure_future(leader.run())
        self.stack.callback(task.cancel)
        async with asyncio.timeout(15):
            await leader.changed.wait()
        return worker, leader

    async def entries(self) -> list[Entry]:
        """Return all messages in the order they were written."""
        async with transaction(self.store) as conn:
            return list(reversed(await outbox.recent(conn)))

    async def told(self) -> list[Report]:
        """Return every report that was sent, the oldest first."""
        rows = await self.store.fetch(
            "select facts::jsonb from report_run where facts is not null order by id"
        )
        made = [decode_told(row["facts"]) for row in rows]
        return [one for one in made if isinstance(one, Report)]

    async def pass_days(self, worker: Reports, days: int) -> None:
        """Look at the same time of each day, as the worker does when it is due."""
        for _ in range(days):
            await self.clock.advance(timedelta(days=1))
            await worker.make_due()


@contextlib.asynccontextmanager
async def morning(
    store: asyncpg.Pool, dsn: str, reader_dsn: str, clock: MovedClock, folder: Path, days: str
) -> AsyncIterator[Morning]:
    """Give a morning check over a table of jobs and a queue."""
    db = await asyncpg.connect(dsn)
    await db.execute("create table job (name text, status text, hours double precision)")
    await db.execute("insert into job values ('mail', 'idle', 2), ('sync', 'failed', 30.25)")
    await db.execute("grant select on all tables in schema public to public")
    with contextlib.closing(sqlite3.connect(folder / "web.db")) as file:
        file.execute("create table queue (id integer)")
        file.execute("insert into queue values (1), (2), (3)")
        file.commit()
    text = RULES.format(dsn=reader_dsn, file=folder / "web.db", days=days)
    config = load_text({"rules.yaml": text}, "rules.yaml", {}).config
    assert config is not None
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(db.close)
        yield Morning(store, db, clock, config, stack)
