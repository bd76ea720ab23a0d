"""The engine: looks at every rule in its slots and turns what it sees into incidents."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg

from rules.base import Entity, Judgement, Outcome, Past, Unanswered
from watchdog.clock import Clock
from watchdog.config.model import Config, Rule
from watchdog.domain.track import Held
from watchdog.engine import blind, evidence, holding, reconcile, unwatched
from watchdog.engine.agenda import Agenda
from watchdog.engine.flushing import flush
from watchdog.engine.leader import Leader
from watchdog.engine.look import Looked, look
from watchdog.engine.memory import Memory
from watchdog.engine.plan import Evidence, Plan, plan
from watchdog.engine.proof import prove
from watchdog.engine.recollection import Recollection
from watchdog.sources.base import Source
from watchdog.store import incidents, leases, looks, members, remembered, tracks
from watchdog.store.pool import TROUBLE, StoreDown, transaction

logger = logging.getLogger(__name__)

FLUSH_EVERY = timedelta(seconds=5)


class Engine:
    """Evaluates the rules of a configuration while this replica leads.

    Attributes:
        wake: Set after every commit that delivery must know of.
        memory: Tracks and looks; None while another replica leads.
    """

    def __init__(
        self, pool: asyncpg.Pool, clock: Clock, leader: Leader, wake: asyncio.Event
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._leader = leader
        self.wake = wake
        self.memory: Memory | None = None
        self._config: Config | None = None
        self._sources: Mapping[str, Source] = {}
        self._agenda = Agenda({}, clock.now())
        self._identities: Mapping[str, str] = {}
        self._children: holding.Children = {}
        self._writing = asyncio.Lock()
        self._running: set[str] = set()
        self._changed = asyncio.Event()
        self._settled: dict[str, asyncio.Event] = {}

    @property
    def lag(self) -> timedelta:
        """Return by how much the latest look was later than its slot."""
        return self._agenda.lag

    async def apply(self, config: Config, sources: Mapping[str, Source]) -> None:
        """Watch by a new configuration from now on; state stays where a rule's identity stays."""
        self._config, self._sources = config, sources
        missing, now = self._agenda.missing, self._clock.now()
        self._agenda = Agenda(config.rules, now)
        self._agenda.make_up(missing, now)
        self._identities = blind.identities(config)
        self._children = holding.children_of(config.rules)
        self._changed.set()
        if self.memory is None:
            return
        try:
            await self._withdraw_unwatched(self.memory)
            await self._report_broken(self.memory)
        except (*TROUBLE, leases.LeaseLost) as error:
            logger.warning("configuration not settled yet", extra={"reason": str(error)})
            self._leader.begin_anew()

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
        token = self._leader.token
        if token is None:
            return False
        if self.memory is not None and self.memory.token == token:
            return True  # under this token nobody else has led meanwhile
        try:
            async with transaction(self._pool) as conn:
                await leases.require(conn, reconcile.LEASE, token)
                known = Recollection(
                    await remembered.every(conn, self._identities), self._identities
                )
                memory = Memory(await tracks.every(conn), await looks.every(conn), token, known)
                memory.storms.live.update(await members.live_storms(conn))
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
            if seen_at is not None and (missed := self._agenda.missed(rule, seen_at, now)):
                memory.count_missed(name, missed)
                self._agenda.make_up([name], now)

    async def _next_slots(self, group: asyncio.TaskGroup) -> None:
        """Wait for the next slot, and start looking at every rule that is due."""
        latest = self._clock.now() + FLUSH_EVERY
        if await self._clock.wait(self._changed, min(self._agenda.next_at() or latest, latest)):
            self._changed.clear()
            return
        with self._clock.working():
            batch = self._take_due(self._clock.now())
            if batch:
                group.create_task(self.evaluate(batch, self._clock.now()), name="evaluate")
                await asyncio.sleep(0)

    def _take_due(self, now: datetime) -> list[Rule]:
        """Return the rules whose slot has come and that are not being looked at already."""
        assert self.memory is not None
        batch = []
        for rule, missed, is_free in self._agenda.take_due(now, self._running):
            self.memory.count_missed(rule.name, missed)
            if is_free:
                batch.append(rule)
        return batch

    async def evaluate(self, batch: Sequence[Rule], now: datetime) -> None:
        """Look at rules and write what that changes; trouble is logged, and ends nothing."""
        names = {rule.name for rule in batch}
        with self._clock.working():
            self._running |= names
            self._settled |= {name: asyncio.Event() for name in names}
            by_source: dict[str, list[Rule]] = {}
            for rule in batch:
                by_source.setdefault(rule.kind.source, []).append(rule)
            async with asyncio.TaskGroup() as group:
                for source, rules in by_source.items():
                    group.create_task(self._evaluate_source(rules, now), name=f"evaluate {source}")

    async def _evaluate_source(self, rules: Sequence[Rule], now: datetime) -> None:
        try:
            looked = await self.look(rules, now)
            await self.settle(looked, now)
            self._make_up([one.rule for one in looked if one.error and one.error.whole_source])
        except (*TROUBLE, leases.LeaseLost) as error:
            logger.warning("look not stored", extra={"reason": str(error), "rules": len(rules)})
            self._make_up(rules)
        except Exception:
            logger.exception("look not stored", extra={"rules": [rule.name for rule in rules]})
        finally:
            for rule in rules:
                self._settled[rule.name].set()
                self._running.discard(rule.name)

    def _make_up(self, rules: Sequence[Rule]) -> None:
        self._agenda.make_up([rule.name for rule in rules], self._clock.now())

    async def look(self, rules: Sequence[Rule], now: datetime) -> list[Looked]:
        """Return what the rules of one source see now; nothing is written."""
        memory = self.memory
        if memory is None:
            return []
        known = memory.known(rules, await self._past(memory, rules, now))
        looked = await look(rules, now, self._sources, known)
        return await evidence.excuse(looked, self._sources)

    async def _past(
        self, memory: Memory, rules: Sequence[Rule], now: datetime
    ) -> dict[str, tuple[Past, ...]]:
        """Return the incidents of the rules whose kind wants to know of them.

        The store is asked again only of what may have some: nearly every look finds none.
        """
        since = {
            rule.name: now - rule.kind.past_within
            for rule in rules
            if rule.kind.past_within and memory.may_have_past(rule)
        }
        if not since:
            return {}
        async with transaction(self._pool) as conn:
            past = await remembered.past(conn, since)
        memory.learn_past(since, past)
        return past

    async def settle(self, looked: Sequence[Looked], now: datetime) -> None:
        """Write what looks at the rules of one source have changed, parents before children."""
        memory = self.memory
        if memory is None:
            return
        levels: dict[int, list[Looked]] = {}
        for one in looked:
            if self._watches(one.rule):
                levels.setdefault(self._agenda.depth(one.rule.name), []).append(one)
        for _, level in sorted(levels.items()):
            await self._wait_for_parents(level)
            await self._reconcile(memory, level, now)
            for one in level:
                if one.rule.name in self._running:
                    self._settled[one.rule.name].set()
        await self._reconcile_blindness(memory, looked, now)

    async def _wait_for_parents(self, level: Sequence[Looked]) -> None:
        for one in level:
            for parent in one.rule.parents:
                if parent in self._running:
                    await self._settled[parent].wait()

    async def _reconcile(self, memory: Memory, level: Sequence[Looked], now: datetime) -> None:
        """Count the looks and write what they changed; healthy ones write nothing."""
        assert self._config is not None
        ended = await holding.recently_ended(self._pool, level, memory, now)
        level, plans = holding.plans_of(
            level, memory, holding.Holding(self._config, memory, ended, now), now
        )
        plans = await prove(plans, self._pool, self._sources)
        for one_plan in plans:
            memory.note_figures(one_plan)
        refused: set[str] = set()
        try:
            refused = await self._write(memory, [one for one in plans if not one.is_empty])
        finally:
            for one in level:
                memory.count(_not_stored(one) if one.rule.name in refused else one)
        for one_plan in plans:
            if one_plan.rule.name not in refused:
                memory.keep_results(one_plan)
        for one in level:
            if one.judgement is not None and one.rule.name not in refused:
                memory.recollection.take(one.rule, one.judgement.remember)

    def _watches(self, rule: Rule) -> bool:
        """Return whether the configuration still has this rule, and it watches the same thing."""
        assert self._config is not None
        is_present = self._config.rules.get(rule.name) is rule  # to compare what it watches is dear
        return is_present or self._identities.get(rule.name) == rule.identity

    async def _write(self, memory: Memory, plans: Sequence[Plan]) -> set[str]:
        """Commit plans together; return the rules whose plan the store refuses even alone."""
        if not plans:
            return set()
        stored = await evidence.collect(plans, self._sources)
        async with self._writing:  # the configuration must not change between look and commit
            wanted = [one for one in plans if self._watches(one.rule)]
            try:
                await self._commit(memory, wanted, stored)
            except (*TROUBLE, leases.LeaseLost):
                raise
            except Exception:
                logger.exception("looks not stored together", extra={"rules": len(wanted)})
                return {one.rule.name for one in wanted if await self._refuses(memory, one, stored)}
        return set()

    async def _refuses(
        self, memory: Memory, one: Plan, stored: Mapping[tuple[str, Entity], Evidence]
    ) -> bool:
        try:
            await self._commit(memory, [one], stored)
        except (*TROUBLE, leases.LeaseLost):
            raise
        except Exception:
            logger.exception("look not stored", extra={"rule": one.rule.name})
            return True
        return False

    async def _commit(
        self,
        memory: Memory,
        plans: Sequence[Plan],
        stored: Mapping[tuple[str, Entity], Evidence],
    ) -> None:
        config = self._config
        assert config is not None
        if not plans:
            return
        if self._leader.token != memory.token:
            raise leases.LeaseLost(reconcile.LEASE)
        explained = holding.below(config, self._children, memory, plans)
        try:
            async with transaction(self._pool) as conn:
                committed = await reconcile.commit_plans(
                    conn, memory.token, plans, config.directory, stored, config.storms, explained
                )
        except StoreDown:
            self._leader.begin_anew()  # it may have taken place all the same
            raise
        memory.storms.learn(committed.transitions, committed.joined, committed.members)
        memory.remember(plans, committed.tracks)
        if committed.joined:
            memory.point_anew()
        reconcile.log_transitions(committed.transitions)
        if committed.transitions:
            self.wake.set()

    async def _reconcile_blindness(
        self, memory: Memory, looked: Sequence[Looked], now: datetime
    ) -> None:
        """Open or end the incidents that say what cannot be looked at."""
        assert self._config is not None
        plans = []
        sources = {one.rule.kind.source for one in looked}
        unseen = blind.judge_blindness(
            self._config, sources, memory.looks, memory.suspects(), memory.tracks
        )
        silent = blind.judge_silence(((one.rule, one.judgement) for one in looked), now)
        for rule, judgement in (*unseen, *silent):
            known = memory.tracks.get(rule.name, {})
            if judgement.outcome is Outcome.BAD or known:
                held = holding.in_maintenance(self._config, rule, known, now)
                plans.append(plan(rule, judgement, known, held, now))
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
        broken = [one.name for one in self._config.broken]
        declared = [*self._config.rules, *broken]
        memory.keep_only(declared)
        memory.recollection.keep_only(self._identities)
        async with self._writing, transaction(self._pool) as conn:
            live, bad = await incidents.live(conn), await members.bad(conn)
            gone = unwatched.found(self._config, memory, self._identities, live, bad)
            directory, now = self._config.directory, self._clock.now()
            ended = await reconcile.withdraw(conn, memory.token, gone, directory, now)
            await looks.keep(conn, declared)
            await remembered.keep(conn, memory.recollection.identities, broken)
        memory.forget(gone.forgotten)
        memory.learn(ended, {})
        reconcile.log_transitions(ended)
        if ended:
            self.wake.set()

    async def _flush_for_ever(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + FLUSH_EVERY)
            with self._clock.working():
                await self.flush()

    async def flush(self) -> None:
        """Write what has come since the last flush: counts, figures, what kinds remember."""
        async with self._writing:  # what a commit has replaced must not come after it
            if self.memory is not None:
                await flush(self._pool, self.memory)


def _never_held(_: Entity) -> Held:
    return Held()


def _not_stored(one: Looked) -> Looked:
    reason = Unanswered("what it found cannot be stored; see the log")
    return replace(one, judgement=None, error=reason)
