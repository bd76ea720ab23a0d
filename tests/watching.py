"""A small world to watch: jobs in a table, a team, and an engine on a moved clock."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import asyncpg
from pydantic import SecretStr

from rules.base import Severity
from rules.stuck import Stuck
from watchdog.clock import MovedClock
from watchdog.config.model import Config, EmailChannel, Rule, Service, SlackChannel, Source
from watchdog.domain.incident import Incident
from watchdog.domain.people import Directory, Person, Policy, Team
from watchdog.engine.engine import Engine
from watchdog.engine.leader import Leader
from watchdog.sources.open import open_source
from watchdog.store import incidents, tracks
from watchdog.store.pool import transaction

EVERY = timedelta(minutes=1)

DIRECTORY = Directory(
    people={
        "ana": Person("ana", "ana@example.com", "U01ANA"),
        "raj": Person("raj", "raj@example.com", "U02RAJ"),
    },
    teams={"ops": Team("ops", lead="ana", slack="ops-alerts")},
)


def stuck_rule(name: str = "jobs-stuck", **changes: Any) -> Rule:
    model: type[Stuck] = changes.pop("model", Stuck)
    kind = model.model_validate(
        {
            "source": "jobs",
            "table": "job",
            "column": "status",
            "is": "running",
            "since": "started_at",
            "max_age": "30m",
            "entity": ["queue"],
        }
        | changes.pop("settings", {})
    )
    rule = Rule(
        name=name,
        kind_name="stuck",
        kind=kind,
        team="ops",
        title="Jobs of {{ entity.queue }} hang",
        severity=Severity.WARNING,
        every=EVERY,
        policy=Policy(),
    )
    return replace(rule, **changes)


def config_of(dsn: str, rules: Sequence[Rule]) -> Config:
    sources = {
        name: Source(name, "postgres", SecretStr(dsn), "ops", timeout=timedelta(seconds=2))
        for name in {rule.kind.source for rule in rules}
    }
    return Config(
        Service(), SlackChannel(), EmailChannel(), sources, DIRECTORY,
        {rule.name: rule for rule in rules},
    )  # fmt: skip


@dataclass
class World:
    """The store, the watched database and the engine between them."""

    store: asyncpg.Pool
    db: asyncpg.Connection
    dsn: str
    clock: MovedClock
    engines: contextlib.AsyncExitStack
    engine: Engine = field(init=False)
    sources: dict[str, Any] = field(default_factory=dict)

    async def begin(self, *rules: Rule) -> None:
        """Start an engine that watches by these rules."""
        self.engine = await self.engines.enter_async_context(running_engine(self.store, self.clock))
        await self.watch(*rules)
        await leads(self.engine)

    async def begin_again(self, *rules: Rule, after: timedelta = timedelta()) -> None:
        """Stop the engine, let time pass, and start another one."""
        await self.engines.aclose()
        await self.clock.advance(after)
        await self.begin(*rules)

    async def watch(self, *rules: Rule) -> None:
        """Put rules in force."""
        await self.close_sources()
        config = config_of(self.dsn, rules)
        self.sources = {name: open_source(one, {}) for name, one in config.sources.items()}
        await self.engine.apply(config, self.sources)

    async def close_sources(self) -> None:
        for source in self.sources.values():
            await source.close()

    async def hang(self, queue: str, minutes: int = 31) -> None:
        """Let the job of a queue have been running for some minutes."""
        started_at = self.clock.now() - timedelta(minutes=minutes)
        await self.db.execute(
            "update job set status = 'running', started_at = $2 where queue = $1", queue, started_at
        )

    async def mend(self, queue: str) -> None:
        await self.db.execute("update job set status = 'idle' where queue = $1", queue)

    async def pass_minutes(self, minutes: int) -> None:
        await self.clock.advance(minutes * EVERY)

    async def incidents(self) -> list[Incident]:
        async with transaction(self.store) as conn:
            return sorted(await incidents.listed(conn, with_resolved=True), key=lambda one: one.id)

    async def tracks(self) -> Mapping[tuple[str, str], str]:
        """Return the reason of each track by rule and first value of its entity."""
        async with transaction(self.store) as conn:
            return {
                (
                    one.track.rule,
                    one.track.entity[0][1] if one.track.entity else "",
                ): one.track.reason
                for one in await tracks.every(conn)
            }

    async def receivers(self) -> list[tuple[str, str, str]]:
        """Return receiver, part and event of every message in the outbox, in order."""
        rows = await self.store.fetch(
            "select n.receiver, n.part, e.event from notification n"
            " join event e using (incident_id, version) order by n.id"
        )
        return [(row["receiver"], row["part"], row["event"]) for row in rows]


async def make_table(db: asyncpg.Connection, queues: Sequence[str]) -> None:
    await db.execute(
        "create table job (queue text primary key, status text not null, started_at timestamptz)"
    )
    await db.executemany(
        "insert into job values ($1, 'idle', null)", [(queue,) for queue in queues]
    )
    await db.execute("grant select on all tables in schema public to public")


@contextlib.asynccontextmanager
async def running_engine(
    store: asyncpg.Pool, clock: MovedClock, replica: str = "one"
) -> AsyncIterator[Engine]:
    """Run an engine until the context ends; it leads when the context begins."""
    leader = Leader(store, replica)
    engine = Engine(store, clock, leader, asyncio.Event())
    task = asyncio.ensure_future(engine.run())
    try:
        yield engine
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await leader.give_back()


async def leads(engine: Engine) -> None:
    """Return once the engine has read what the store knows."""
    async with asyncio.timeout(15):
        while engine.memory is None:  # noqa: ASYNC110 (nothing to wait on from outside)
            await asyncio.sleep(0.005)
