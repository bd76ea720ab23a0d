"""A yard to act in: jobs in a real database, an endpoint that may be hostile, and a taken incident."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import asyncpg
from pydantic import SecretStr

from tests.hostile_http import HostileServer, hostile_server
from tests.page import open_incident, stored
from tests.postgres import Database
from tests.watching import config_of, stuck_rule
from watchdog import recovery_actions, verbs
from watchdog.clock import MovedClock
from watchdog.config.model import Config, Source
from watchdog.config.recovery import Action, HttpCall, SqlChange
from watchdog.domain.acting import Run, Terms
from watchdog.domain.incident import Incident
from watchdog.domain.people import Directory, Person, Role, Team
from watchdog.moving import Deed
from watchdog.recovery_actions import Hands
from watchdog.store import runs
from watchdog.store.pool import transaction

DIRECTORY = Directory(
    {
        "ana": Person("ana", "ana@example.com", "U01ANA"),
        "raj": Person("raj", "raj@example.com", "U02RAJ"),
        "mei": Person("mei", "mei@example.com", role=Role.VIEWER),
    },
    {"data": Team("data", lead="ana", slack="data-alerts")},
)
ENTITY = (("queue", "mail"),)
WHY = "The worker died"
IDLE = (
    "update job set status = 'idle' where queue = {{ entity.queue }} and status = 'running' "
    "and started_at < {{ now }}"
)


def change(statement: str = IDLE, max_rows: int = 1, source: str = "writer") -> SqlChange:
    """Return what sets a job back."""
    return SqlChange(source, statement, Source("", "postgres", SecretStr(""), "").dialect, max_rows)


@dataclass
class Yard:
    """What there is to act on, and how.

    Attributes:
        actions: Those of the incident's rule, by name.
    """

    store: asyncpg.Pool
    db: "asyncpg.Connection[Any]"
    dsn: str
    server: HostileServer
    clock: MovedClock
    actions: dict[str, Action] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)

    def add(self, does: HttpCall | SqlChange, name: str = "unstick", **terms: Any) -> None:
        """Give the rule an action."""
        self.actions[name] = Action(Terms(name, "Set it back", **terms), does)

    def call(self, path: str, **more: Any) -> HttpCall:
        """Return a request to the endpoint; it soon gives up where no answer ever comes."""
        given: dict[str, Any] = {
            "body": {"queue": "{{ entity.queue }}"},
            "ok": (200, 202),
            "busy": (409,),
            "within": timedelta(seconds=0.2 if path == "/silent" else 10),
        }
        return HttpCall("", "POST", f"{self.server.address}{path}", **(given | more))

    @property
    def config(self) -> Config:
        rule = replace(stuck_rule("orders-stale"), actions=self.actions)
        writer = Source("writer", "postgres", SecretStr(self.dsn), "data", writes=True)
        config = config_of(self.dsn, [rule])
        sources = {**config.sources, "writer": writer, **self.sources}
        return replace(config, sources=sources, directory=DIRECTORY)

    @property
    def hands(self) -> Hands:
        return Hands(self.store, self.config, {}, self.clock.now)

    async def act(
        self, name: str = "unstick", person: str = "ana", why: str = WHY, mitigation: str = ""
    ) -> Run:
        """Run an action as a person does."""
        return await recovery_actions.act(self.hands, 1042, name, person, why, mitigation)

    async def approve(self, person: str = "raj", name: str = "unstick") -> Run:
        return await recovery_actions.approve(self.hands, 1042, name, person)

    async def runs(self) -> list[Run]:
        """Return what the store says was run."""
        async with transaction(self.store) as conn:
            return await runs.of_incident(conn, 1042)

    async def incident(self) -> Incident:
        return await stored(self.store)

    async def statuses(self) -> list[str]:
        """Return the status of each job."""
        return [row["status"] for row in await self.db.fetch("select status from job order by id")]

    async def entries(self) -> list[tuple[str, str, str]]:
        """Return event, actor and words of what happened since the incident was taken."""
        rows = await self.store.fetch(
            "select event, actor, words from event where version > 2 order by version"
        )
        return [tuple(row.values()) for row in rows]

    async def add_jobs(self, count: int) -> None:
        """Let so many jobs of the queue hang."""
        await self.db.execute(
            "insert into job (queue, status, started_at) "
            "select 'mail', 'running', $1::timestamptz - interval '1 hour' from generate_series(1, $2)",
            self.clock.now(),
            count,
        )


@contextlib.asynccontextmanager
async def a_yard(
    store: asyncpg.Pool, database: Database, clock: MovedClock, *, jobs: int = 1
) -> AsyncIterator[Yard]:
    """Give a yard with an incident that ana has taken."""
    db = await asyncpg.connect(database.dsn, timeout=10)
    await db.execute(
        "create table job (id int generated always as identity, queue text, status text, "
        "started_at timestamptz, check (status <> 'never'))"
    )
    async with hostile_server() as server:
        yard = Yard(store, db, database.dsn, server, clock)
        await yard.add_jobs(jobs)
        await open_incident(store, clock, entity=ENTITY)
        await verbs.take(store, DIRECTORY, Deed(1042, "ana", clock.now()))
        yield yard
    await db.close(timeout=5)
