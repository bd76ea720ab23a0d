"""Plays a simulated year: the living demo, and the real engine on a store, from moment to moment."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import yaml

from tests.demo_world import RULES, drop, opened
from tests.page import Page, running_page
from tests.postgres import Server
from tests.simulation.businesses import dwellers, keep_only
from tests.simulation.year import EPOCH, Planted, plantable
from tests.watching import leads, running_engine
from watchdog.app import collect_rarely
from watchdog.clock import MovedClock
from watchdog.config.load import load
from watchdog.config.model import Config
from watchdog.demo.failure import Failure
from watchdog.demo.failures import FAILURES, contacts
from watchdog.demo.switch import set_broken
from watchdog.demo.world import Demo
from watchdog.domain.incident import Incident
from watchdog.engine.engine import Engine
from watchdog.store import incidents
from watchdog.store.pool import open_pool, transaction

EVERY = "5m"
HURRIED = ("failing_within", "slow_within", "usual_over")
"""What the demo reads less of because it looks so often."""

ONE_BY_ONE = ("crm", "desk_db")
"""Databases that are asked through one connection: so many beginnings and ends fewer a look."""

TIDIED_EVERY, ANALYZED_EVERY = timedelta(days=1), timedelta(days=7)
"""Rows come and go at the same pace all year, so plans stay right for a week."""

OFTEN_UPDATED = (
    "contacts",
    "servicetitan_sync_state",
    "workspace_issues_cache",
    "workspace_tracked_repositories",
    "zendesk_tickets",
)


def as_teams_look(folder: Path) -> Config:
    """Return the repository's configuration with intervals of teams instead of those of the demo.

    Rules are looked at every five minutes, what a pack looks at slowly in the pack's own interval.
    """
    written = yaml.safe_load(RULES.read_text())
    written["defaults"]["every"] = EVERY
    for pack in written["packs"].values():
        for key in (*HURRIED, *[key for key in pack if key.startswith("every")]):
            pack.pop(key, None)
    written["packs"]["servicetitan_sync"]["every_probe"] = EVERY
    for name in ONE_BY_ONE:
        written["sources"][name]["connections"] = 1
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump(written, sort_keys=False))
    loaded = load(path, {})
    assert loaded.config is not None, loaded.problems
    return loaded.config


@dataclass(frozen=True, slots=True, order=True)
class Switched:
    """A failure is broken or mended."""

    at: datetime
    failure_id: str
    broken: bool


@dataclass
class Player:
    """The demo on a clock that is moved, and an engine that is told when to look.

    Attributes:
        broken: How many failures are broken now.
        looks: How often a rule was looked at.
    """

    demo: Demo
    clock: MovedClock
    config: Config
    crm: asyncpg.Connection
    store: asyncpg.Pool
    engine: Engine
    page: Page
    broken: int = 0
    moments: int = 0
    looks: int = 0

    async def play(self, moments: Sequence[datetime], planted: Sequence[Planted]) -> None:
        """Look at every moment, and break and mend on the way what is planted."""
        switched = sorted(
            Switched(at, one.failure.id, broken)
            for one in planted
            for at, broken in ((one.broken_at, True), (one.mended_at, False))
        )
        for at in moments:
            while switched and switched[0].at < at:
                await self._switch(switched.pop(0))
            await self._look(at)

    async def _switch(self, one: Switched) -> None:
        await self._live_until(one.at)
        await set_broken(self.demo.crm_dsn, one.failure_id, one.broken)
        self.broken += 1 if one.broken else -1
        await self.demo.tick(self.page.url)

    async def _look(self, at: datetime) -> None:
        await self._live_until(at)
        if self.broken:
            await self.demo.tick(
                self.page.url
            )  # a failure is kept up before the systems live on, not after it
        batch = [one for one in self.config.rules.values() if not (at - EPOCH) % one.every]
        await self.engine.evaluate(batch, at)
        self.moments += 1
        self.looks += len(batch)
        if not (at - EPOCH) % TIDIED_EVERY:
            await self._tidy(at)

    async def _live_until(self, at: datetime) -> None:
        if at > self.clock.now():
            await self.clock.jump(at - self.clock.now())
            await self.demo.tick(self.page.url)

    async def _tidy(self, at: datetime) -> None:
        """Write what has been counted, and clean the tables: the tests' server does it for nobody."""
        await self.engine.flush()
        wanted = "vacuum" if (at - EPOCH) % ANALYZED_EVERY else "vacuum analyze"
        await self.crm.execute(f"{wanted} {', '.join(OFTEN_UPDATED)}")

    async def incidents(self) -> list[Incident]:
        """Return everything that has opened, the earliest first."""
        async with transaction(self.store) as conn:
            return sorted(await incidents.listed(conn, with_resolved=True), key=lambda one: one.id)

    @property
    def blind(self) -> list[str]:
        """Return the rules that could not be evaluated at some moment."""
        assert self.engine.memory is not None
        return [one.rule for one in self.engine.memory.looks.values() if one.error]


async def _settle(demo: Demo, failures: Iterable[Failure]) -> None:
    """Let only those stay in a demo that does not run whom something is about that can break."""
    able = list(failures)
    with_contacts = dwellers(one for one in able if one in contacts.FAILURES)
    web_sync = Path(demo.addresses["web_sync"])
    await keep_only(dwellers(able), with_contacts, demo.crm_dsn, web_sync)


@contextlib.asynccontextmanager
async def player(server: Server, folder: Path, start: datetime) -> AsyncIterator[Player]:
    """Give a world that begins at an instant, with a past that is healthy."""
    config, clock = as_teams_look(folder), MovedClock(start)
    prefix = f"year_{start:%Y_%m_%d}"
    dsn = server.dsn("postgres")
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(drop, dsn, prefix)
        demo = await Demo.start(dsn, folder, clock, prefix)
        await demo.close()
        await _settle(demo, plantable(FAILURES.values(), config.rules))
        demo = await Demo.start(dsn, folder, clock, prefix)
        stack.push_async_callback(demo.close)
        crm = await asyncpg.connect(demo.crm_dsn, timeout=10)
        stack.push_async_callback(crm.close)
        store = await open_pool((await stack.enter_async_context(server.database("migrated"))).dsn)
        stack.push_async_callback(store.close)
        page = await stack.enter_async_context(running_page(store, clock, config))
        sources = opened(config, demo, store)
        for source in sources.values():
            stack.push_async_callback(source.close)
        # Its own clock stands still, so that it looks when it is told to and never by itself.
        engine = await stack.enter_async_context(running_engine(store, MovedClock(start)))
        await engine.apply(config, sources)
        await leads(engine)
        collect_rarely()  # as the service does
        yield Player(demo, clock, config, crm, store, engine, page)
