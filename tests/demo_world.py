"""The demo as tests see it: its world on a moved clock, looked at with the repository's rules."""

import contextlib
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import aiohttp
import asyncpg

from rules.base import Entity, Known, Rows
from tests.page import Page, running_page
from watchdog.clock import MovedClock
from watchdog.config.load import load
from watchdog.config.model import Config, Rule
from watchdog.demo import databases
from watchdog.demo.failure import Failure
from watchdog.demo.failures import FAILURES
from watchdog.demo.switch import set_broken
from watchdog.demo.world import Demo
from watchdog.domain.track import Held, Track
from watchdog.engine import evidence
from watchdog.engine.holding import in_maintenance
from watchdog.engine.look import Looked, look
from watchdog.engine.plan import Opening, plan
from watchdog.engine.recollection import Recollection
from watchdog.sources.base import ROOTS, Source
from watchdog.sources.http_client import context_of_demo
from watchdog.sources.open import open_source
from watchdog.store.pings import Pings
from watchdog.store.pool import open_pool

RULES = Path(__file__).parent.parent / "rules.yaml"
MINUTE = timedelta(minutes=1)
SLOT = timedelta(seconds=5)
SLOTS = 4
"""The rule that waits longest opens after four checks."""

DAY, MINUTE, LEAP = timedelta(days=1), timedelta(minutes=1), timedelta(hours=2)
Tracks = dict[str, dict[Entity, Track]]
Opened = tuple[str, Entity, str, str]
"""Rule, entity, severity and failure class of an incident."""


def repository_rules() -> Mapping[str, Rule]:
    loaded = load(RULES, {})
    assert loaded.config is not None, loaded.problems
    return loaded.config.rules


def just(broken: Iterable[str]) -> dict[str, timedelta]:
    """Return failures that have broken this very moment."""
    return dict.fromkeys(broken, timedelta())


def bad_rules(looked: Iterable[Looked]) -> set[str]:
    """Return the rules with a finding that is not excused."""
    return {
        one.rule.name
        for one in looked
        if one.judgement
        and any(found.entity not in one.excused for found in one.judgement.findings)
    }


def good_entities(looked: Iterable[Looked]) -> set[tuple[str, Entity]]:
    """Return the entities that are watched and good, each with its rule."""
    return {
        (one.rule.name, reading.entity)
        for one in looked
        if one.judgement
        for reading in one.judgement.readings
    }


@dataclass
class World:
    """A living demo, and everything that is needed to look at it."""

    demo: Demo
    clock: MovedClock
    rules: Mapping[str, Rule]
    sources: Mapping[str, Source]
    config: Config
    page: Page
    recollection: Recollection = field(default_factory=lambda: Recollection({}, {}))

    async def tick(self) -> None:
        """Let every system do what is due, and jobs report to the page."""
        await self.demo.tick(self.page.url)

    async def live(self, span: timedelta) -> None:
        """Let time pass in one leap."""
        await self.clock.advance(span)
        await self.tick()

    async def switch(self, failure_id: str, broken: bool) -> None:
        await set_broken(self.demo.crm_dsn, failure_id, broken)
        await self.tick()

    async def look(
        self,
        without: frozenset[str] = frozenset(),
        watched: Mapping[str, tuple[Entity, ...]] = MappingProxyType({}),
    ) -> list[Looked]:
        """Look at every rule but some; a rule that cannot be evaluated fails the test."""
        rules = [rule for rule in self.rules.values() if rule.name not in without]
        known = {
            rule.name: Known(watched.get(rule.name, ()), self.recollection.of(rule))
            for rule in rules
        }
        looked = await look(rules, self.clock.now(), self.sources, known)
        looked = await evidence.excuse(looked, self.sources)
        assert [one.error for one in looked if one.error] == []
        for one in looked:
            if one.judgement:
                self.recollection.take(one.rule, one.judgement.remember)
        return looked

    async def bad(self, without: frozenset[str] = frozenset()) -> set[str]:
        """Return the rules with a finding that is not excused."""
        return bad_rules(await self.look(without))

    async def story(self, failure: Failure) -> tuple[dict[Opened, Opening], set[str]]:
        """Break the demo when it can be seen; return what opens until all has happened, and what was held."""
        if failure.when:
            at = failure.next_at(self.clock.now() + MINUTE)
            await self.live(at - MINUTE - self.clock.now())
            await self.live(MINUTE)  # what the leap has begun is over
        without = self.idle_probes(failure)
        for _ in range(failure.needs // DAY):
            await self.look(without)
            await self.leap(DAY)
        await self.look(without)  # some rules remember what was before
        await self.switch(failure.id, True)
        tracks: Tracks = {}
        opened, held = await self.openings(tracks, without=without)
        elapsed = (SLOTS - 1) * SLOT
        for moment in sorted({*(act.after for act in failure.acts), failure.takes}):
            if moment > elapsed:
                await self.leap(moment - elapsed)
                told = frozenset(name for name, *_ in opened)
                later, more = await self.openings(tracks, told, without)
                opened, held = later | opened, held | more
                elapsed = moment + (SLOTS - 1) * SLOT
        return opened, held

    def idle_probes(self, failure: Failure) -> frozenset[str]:
        """Return the rules that probe hundreds of entities, but for those that a failure is about."""
        kinds = {name: rule.kind for name, rule in self.rules.items()}
        probes = {name for name, kind in kinds.items() if getattr(kind, "for_each", None)}
        about = FAILURES[re.split("[a-z-]", failure.id)[0]]
        return frozenset(probes - {one.rule for one in about.opens})

    async def leap(self, span: timedelta) -> None:
        """Let time pass; after hours the syncs that begin at once have their minute to end."""
        if span > LEAP:
            await self.live(span - MINUTE)
            span = MINUTE
        await self.live(span)

    async def openings(
        self,
        tracks: Tracks | None = None,
        told: frozenset[str] = frozenset(),
        without: frozenset[str] = frozenset(),
    ) -> tuple[dict[Opened, Opening], set[str]]:
        """Return what opens within four slots, and which rules were held, as the domain decides.

        Args:
            tracks: What earlier looks have left, and these leave.
            told: Rules that have opened before; they excuse whoever waits for them in `unless`.
            without: Rules that are not looked at.
        """
        tracks = {} if tracks is None else tracks
        opened: dict[Opened, Opening] = {}
        held: set[str] = set()
        for slot in range(SLOTS):
            if slot:
                await self.live(SLOT)
            waiting = frozenset(
                name for name, rule in self.rules.items() if slot * SLOT % rule.every
            )
            looked = await self.look(waiting | without)
            bad = {one.rule.name for one in looked if one.judgement and one.judgement.findings}
            for one in looked:
                assert one.judgement is not None
                under = next((name for name in one.rule.depends_on if name in bad), "")
                muting = one.rule.unless_open.rule if one.rule.unless_open else ""
                is_muted = muting in bad | told
                if under and one.judgement.findings:
                    held.add(one.rule.name)
                known = tracks.get(one.rule.name, {})
                said = in_maintenance(self.config, one.rule, known, one.now)
                now = plan(
                    one.rule,
                    one.judgement,
                    known,
                    lambda entity, under=under, is_muted=is_muted, said=said, one=one: Held(  # type: ignore[misc]
                        under, is_muted or entity in one.excused, said(entity).expected
                    ),
                    one.now,
                )
                tracks[one.rule.name] = dict(now.tracks)
                for opening in now.openings:
                    finding = opening.finding
                    key = (
                        one.rule.name,
                        finding.entity,
                        finding.severity.value,
                        finding.failure_class or "",
                    )
                    opened.setdefault(key, opening)
        return opened, held

    async def evidence_rows(self, opening: Opening, rule: Rule) -> dict[str, int]:
        """Return how many rows each of a rule's evidence queries brings."""
        counts = {}
        for name, query in rule.evidence.items():
            question = query.question(
                self.clock.now(), opening.finding.entity, opened_at=self.clock.now()
            )
            answer = await self.sources[question.source].answer(question)
            assert isinstance(answer, Rows), answer
            counts[name] = len(answer.rows)
        return counts

    def browser(self) -> aiohttp.ClientSession:
        """Return a client that trusts the demo's authority."""
        context = context_of_demo(self.demo.addresses[ROOTS])
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))

    async def count(self, text: str) -> int:
        """Return a number from the database `crm`, as its readers see it."""
        db = await asyncpg.connect(self.demo.addresses["crm"], timeout=10)
        try:
            found = await db.fetchval(text)
        finally:
            await db.close()
        assert isinstance(found, int)
        return found


@contextlib.asynccontextmanager
async def living(dsn: str, folder: Path, clock: MovedClock, prefix: str) -> AsyncIterator[World]:
    """Give a demo of its own, and drop its databases afterwards."""
    loaded = load(RULES, {})
    assert loaded.config is not None, loaded.problems
    async with contextlib.AsyncExitStack() as stack:
        store = await open_pool(await store_of(dsn, prefix))
        stack.push_async_callback(store.close)
        page = await stack.enter_async_context(running_page(store, clock, loaded.config))
        demo = await Demo.start(dsn, folder, clock, prefix)
        stack.push_async_callback(demo.close)
        sources = opened(loaded.config, demo, store)
        for source in sources.values():
            stack.push_async_callback(source.close)
        world = World(demo, clock, loaded.config.rules, sources, loaded.config, page)
        await world.tick()
        yield world


def opened(config: Config, demo: Demo, store: asyncpg.Pool) -> dict[str, Source]:
    """Return all that the rules of a configuration ask."""
    return {
        one.name: Pings(store) if one.type == "pings" else open_source(one, demo.addresses)
        for one in config.asked.values()
    }


async def store_of(dsn: str, prefix: str) -> str:
    """Return the address of the store beside a demo; it is made where it is missing."""
    name = f"{prefix}_store"
    admin = await asyncpg.connect(dsn, timeout=10)
    try:
        with contextlib.suppress(asyncpg.DuplicateDatabaseError):
            await admin.execute(f'create database "{name}" template migrated')
    finally:
        await admin.close()
    return databases.place(dsn, name).dsn


async def drop(dsn: str, prefix: str) -> None:
    """Remove the databases of a demo."""
    admin = await asyncpg.connect(dsn, timeout=10)
    try:
        for part in ("crm", "desk", "store"):
            await admin.execute(f'drop database if exists "{prefix}_{part}" with (force)')
    finally:
        await admin.close()
