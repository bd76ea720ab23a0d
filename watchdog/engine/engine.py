"""The engine: looks at every rule in its slots and turns what it sees into incidents."""

import asyncio
import heapq
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import asyncpg

from rules.base import Entity, Judgement, Outcome
from watchdog.clock import Clock
from watchdog.config.model import Config, Rule
from watchdog.domain.track import Held
from watchdog.engine import blind, evidence, reconcile, slots
from watchdog.engine.leader import Leader
from watchdog.engine.look import Looked, look
from watchdog.engine.memory import Memory
from watchdog.engine.plan import Plan, plan
from watchdog.sources.base import Source
from watchdog.store import incidents, leases, looks, tracks
from watchdog.store.pool import TROUBLE, transaction

logger = logging.getLogger(__name__)

FLUSH_EVERY = timedelta(seconds=5)


class Engine:
    """Evaluates the rules of a configuration while this replica leads.

    Attributes:
        wake: Set after every commit that delivery must know of.
        memory: Tracks and looks; None while another replica leads.
        lag: By how much the latest look was later than its slot.
    """

    def __init__(
        self, pool: asyncpg.Pool, clock: Clock, leader: Leader, wake: asyncio.Event
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._leader = leader
        self.wake = wake
        self.memory: Memory | None = None
        self.lag = timedelta()
        self._config: Config | None = None
        self._sources: Mapping[str, Source] = {}
        self._depths: dict[str, int] = {}
        self._due: list[tuple[datetime, str]] = []
        self._running: set[str] = set()
        self._changed = asyncio.Event()
        self._settled: dict[str, asyncio.Event] = {}

    async def apply(self, config: Config, sources: Mapping[str, Source]) -> None:
        """Watch by a new configuration from now on; state stays where a rule's identity stays."""
        self._config, self._sources = config, sources
        self._depths = depths(config.rules)
        now = self._clock.now()
        self._due = [
            (slots.next_slot(self._slot_name(rule), rule.every, now), name)
            for name, rule in config.rules.items()
        ]
        heapq.heapify(self._due)
        if self.memory is not None:
            await self._withdraw_unwatched(self.memory)
            await self._report_broken(self.memory)
        self._changed.set()

    async def run(self) -> None:
        """Lead whenever the lease allows, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._leader.run(), name="engine lease")
            group.create_task(self._flush_for_ever(), name="engine flush")
            while True:
                await self._leader.changed.wait()
                if self._config is None:
                    await self._changed.wait()
                self._leader.changed.clear()
                if self._leader.token is None:
                    self.memory = None
                elif not await self._begin_to_lead():
                    self._leader.changed.set()
                    await asyncio.sleep(1)
                    continue
                while self.memory is not None and not self._leader.changed.is_set():
                    await self._next_slots(group)

    async def _begin_to_lead(self) -> bool:
        """Read what the store knows; return False if it could not be read."""
        try:
            async with transaction(self._pool) as conn:
                memory = Memory(await tracks.every(conn), await looks.every(conn))
            self._count_slots_nobody_saw(memory)
            await self._withdraw_unwatched(memory)
            await self._report_broken(memory)
        except (*TROUBLE, leases.LeaseLost) as error:
            logger.warning("cannot begin to lead", extra={"reason": str(error)})
            return False
        self.memory = memory
        return True

    def _count_slots_nobody_saw(self, memory: Memory) -> None:
        assert self._config is not None
        now = self._clock.now()
        for name, rule in self._config.rules.items():
            seen_at = memory.look_of(name).looked_at
            if seen_at is not None:
                missed = slots.slots_between(self._slot_name(rule), rule.every, seen_at, now)
                memory.count_missed(name, missed)

    def _slot_name(self, rule: Rule) -> str:
        """Return the name whose hash spreads the rule: its topmost parent's, so it is seen first."""
        assert self._config is not None
        seen = {rule.name}
        while parents := [name for name in rule.depends_on if name in self._config.rules]:
            rule = self._config.rules[parents[0]]
            if rule.name in seen:
                break
            seen.add(rule.name)
        return rule.name

    async def _next_slots(self, group: asyncio.TaskGroup) -> None:
        """Wait for the next slot, and start looking at every rule that is due."""
        due_at = self._due[0][0] if self._due else self._clock.now() + FLUSH_EVERY
        if await self._clock.wait(self._changed, min(due_at, self._clock.now() + FLUSH_EVERY)):
            self._changed.clear()
            return
        with self._clock.working():
            batch = self._take_due(self._clock.now())
            if batch:
                group.create_task(self.evaluate(batch, self._clock.now()), name="evaluate")
                await asyncio.sleep(0)

    def _take_due(self, now: datetime) -> list[Rule]:
        """Return the rules whose slot has come and that are not being looked at already."""
        assert self._config is not None
        assert self.memory is not None
        batch = []
        while self._due and self._due[0][0] <= now:
            due_at, name = heapq.heappop(self._due)
            rule = self._config.rules[name]
            self.lag = now - due_at
            slot_name = self._slot_name(rule)
            skipped = slots.slots_between(slot_name, rule.every, due_at, now)
            if name in self._running:
                self.memory.count_missed(name, skipped + 1)
            else:
                self.memory.count_missed(name, skipped)
                batch.append(rule)
            heapq.heappush(self._due, (slots.next_slot(slot_name, rule.every, now), name))
        return batch

    async def evaluate(self, batch: Sequence[Rule], now: datetime) -> None:
        """Look at rules and write what that changes; trouble is logged, and ends nothing."""
        names = {rule.name for rule in batch}
        with self._clock.working():
            self._running |= names
            self._settled |= {name: asyncio.Event() for name in names}
            try:
                by_source: dict[str, list[Rule]] = {}
                for rule in batch:
                    by_source.setdefault(rule.kind.source, []).append(rule)
                async with asyncio.TaskGroup() as group:
                    for source, rules in by_source.items():
                        group.create_task(
                            self._evaluate_source(rules, now), name=f"evaluate {source}"
                        )
            finally:
                self._running -= names

    async def _evaluate_source(self, rules: Sequence[Rule], now: datetime) -> None:
        try:
            await self.settle(await self.look(rules, now), now)
        except (*TROUBLE, leases.LeaseLost) as error:
            logger.warning("look not stored", extra={"reason": str(error), "rules": len(rules)})
        except Exception:
            logger.exception("look not stored", extra={"rules": [rule.name for rule in rules]})
        finally:
            for rule in rules:
                self._settled[rule.name].set()

    async def look(self, rules: Sequence[Rule], now: datetime) -> list[Looked]:
        """Return what the rules of one source see now; nothing is written."""
        if self.memory is None:
            return []
        looked = await look(rules, now, self._sources, self.memory.watched(rules))
        return await evidence.excuse(looked, self._sources)

    async def settle(self, looked: Sequence[Looked], now: datetime) -> None:
        """Write what looks at the rules of one source have changed, parents before children."""
        memory = self.memory
        if memory is None:
            return
        for depth in sorted({self._depths[one.rule.name] for one in looked}):
            level = [one for one in looked if self._depths[one.rule.name] == depth]
            await self._wait_for_parents(level)
            await self._reconcile(memory, level, now)
            for one in level:
                if one.rule.name in self._running:
                    self._settled[one.rule.name].set()
        await self._reconcile_blindness(memory, {one.rule.kind.source for one in looked}, now)

    async def _wait_for_parents(self, level: Sequence[Looked]) -> None:
        for one in level:
            for parent in one.rule.depends_on:
                if parent in self._running:
                    await self._settled[parent].wait()

    async def _reconcile(self, memory: Memory, level: Sequence[Looked], now: datetime) -> None:
        """Count the looks and write what they changed; healthy ones write nothing."""
        plans = []
        for one in level:
            memory.count(one)
            if one.judgement is not None:
                one_plan = self._plan(memory, one, now)
                memory.note_figures(one_plan)
                plans.append(one_plan)
        await self._write(memory, [one for one in plans if not one.is_empty or one.changes])

    def _plan(self, memory: Memory, one: Looked, now: datetime) -> Plan:
        assert self._config is not None
        assert one.judgement is not None
        parents = {
            name: self._config.rules[name].kind.entity
            for name in one.rule.depends_on
            if name in self._config.rules
        }

        def held(entity: Entity) -> Held:
            under = memory.held(one.rule, parents, entity).under
            return Held(under=under, excused=entity in one.excused)

        return plan(one.rule, one.judgement, memory.tracks.get(one.rule.name, {}), held, now)

    async def _write(self, memory: Memory, plans: Sequence[Plan]) -> None:
        if not plans or self._config is None:
            return
        token = self._leader.token
        if token is None:
            raise leases.LeaseLost(reconcile.LEASE)
        stored = await evidence.collect(plans, self._sources)
        async with transaction(self._pool) as conn:
            committed = await reconcile.commit_plans(
                conn, token, plans, self._config.directory, stored
            )
        memory.remember(plans, committed.tracks)
        if committed.transitions:
            self.wake.set()

    async def _reconcile_blindness(self, memory: Memory, sources: set[str], now: datetime) -> None:
        """Open or end the incidents that say what cannot be looked at."""
        assert self._config is not None
        plans = []
        for rule, judgement in blind.judge_blindness(
            self._config, sources, memory.looks, memory.suspects(), memory.tracks
        ):
            known = memory.tracks.get(rule.name, {})
            if judgement.outcome is Outcome.BAD or known:
                plans.append(plan(rule, judgement, known, _never_held, now))
        await self._write(memory, [one for one in plans if not one.is_empty])

    async def _report_broken(self, memory: Memory) -> None:
        """Open an incident for each declared rule that could not be loaded."""
        assert self._config is not None
        plans = []
        for one, rule in blind.broken_rules(self._config):
            if rule.name not in memory.tracks:
                judgement = Judgement(findings=(blind.broken_finding(one),))
                plans.append(plan(rule, judgement, {}, _never_held, self._clock.now()))
        await self._write(memory, plans)

    async def _withdraw_unwatched(self, memory: Memory) -> None:
        """End incidents, and forget tracks, of rules that are gone or watch something else now."""
        assert self._config is not None
        token = self._leader.token
        if token is None:
            raise leases.LeaseLost(reconcile.LEASE)
        memory.keep_only(self._config.rules)
        identities = blind.identities(self._config)
        forgotten = {
            name: list(entities)
            for name, entities in memory.tracks.items()
            if identities.get(name) != memory.identities.get(name)
        }
        async with transaction(self._pool) as conn:
            reasons = {
                one.id: _withdrawal(one.rule, identities)
                for one in await incidents.live(conn)
                if identities.get(one.rule) != one.identity
            }
            if reasons or forgotten:
                await reconcile.withdraw(
                    conn, token, reasons, forgotten, self._config.directory, self._clock.now()
                )
                self.wake.set()
            await looks.keep(conn, list(self._config.rules))
        for name in forgotten:
            del memory.tracks[name]

    async def _flush_for_ever(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + FLUSH_EVERY)
            with self._clock.working():
                await self.flush()

    async def flush(self) -> None:
        """Write counts and figures that have come since the last flush, in two statements."""
        memory = self.memory
        if memory is None:
            return
        fresh, figures = memory.unflushed()
        if not fresh and not figures:
            return
        try:
            async with transaction(self._pool) as conn:
                await looks.add(conn, fresh)
                await incidents.update_figures(conn, figures)
        except TROUBLE as error:
            logger.warning("counts not flushed", extra={"reason": str(error)})
            return
        memory.flushed(fresh, figures)


def _never_held(_: Entity) -> Held:
    return Held()


def _withdrawal(rule: str, identities: Mapping[str, str]) -> str:
    if rule in identities:
        return f"rule {rule} watches something else now"
    return f"rule {rule} was removed from the configuration"


def depths(rules: Mapping[str, Rule]) -> dict[str, int]:
    """Return for each rule how many rules lie above it; cycles were refused by the configuration."""
    known: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in known:
            parents = [one for one in rules[name].depends_on if one in rules]
            known[name] = 1 + max((depth(one) for one in parents), default=-1)
        return known[name]

    return {name: depth(name) for name in rules}
