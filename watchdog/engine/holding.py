"""What holds findings back: trouble above them, an excuse, or a maintenance."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import asyncpg

from rules.base import Entity, Judgement, Past
from watchdog.config.model import Config, Rule, UnlessOpen
from watchdog.domain.maintenance import expected, outlasted
from watchdog.domain.track import NOT_HELD, Held, Track
from watchdog.engine.look import Looked, our_bug
from watchdog.engine.memory import Memory, explains, related
from watchdog.engine.plan import Plan, plan
from watchdog.store import remembered
from watchdog.store.pool import transaction


class Holding:
    """Why findings of some rules do not count now."""

    def __init__(
        self,
        config: Config,
        memory: Memory,
        ended: Mapping[str, Sequence[Past]],
        now: datetime,
    ) -> None:
        self._config = config
        self._memory = memory
        self._ended = ended
        self._now = now

    def of(self, one: Looked) -> Callable[[Entity], Held]:
        """Return what holds each entity of a look back."""
        rule = one.rule
        columns = {
            name: self._config.rules[name].kind.entity
            for name in rule.parents
            if name in self._config.rules
        }
        announced = in_maintenance(self._config, rule, self._memory.tracks_of(rule), self._now)
        muting = self._muting(rule.unless_open) if rule.unless_open else {}
        muted_by = columns.get(rule.unless_open.rule, ()) if rule.unless_open else ()

        def held(entity: Entity) -> Held:
            under = self._memory.held(rule, columns, entity).under
            is_muted = bool(muting) and any(related(muting, muted_by, entity))
            is_excused = is_muted or entity in one.excused
            said = announced(entity)
            return Held(under, is_excused, said.expected, said.outlasted)

        return held

    def _muting(self, unless: UnlessOpen) -> Mapping[Entity, bool]:
        """Return the entities about which the other rule has, or just had, an incident."""
        bad = self._memory.tracks.get(unless.rule, {})
        since = self._now - unless.or_within
        past = self._ended.get(unless.rule, ())
        return {entity: True for entity, track in bad.items() if explains(track)} | {
            one.entity: True for one in past if one.until and one.until >= since
        }


Children = Mapping[str, Sequence[Rule]]
"""The rules that depend on a rule or a source, by its name."""


def children_of(rules: Mapping[str, Rule]) -> Children:
    """Return which rules depend on what."""
    found: dict[str, list[Rule]] = {}
    for rule in rules.values():
        for name in rule.depends_on:
            found.setdefault(name, []).append(rule)
    return found


def below(
    config: Config, children: Children, memory: Memory, plans: Sequence[Plan]
) -> dict[int, tuple[str, Entity]]:
    """Return the incidents that openings explain, each with the rule and entity that does.

    Those are of rules that depend on the rule that opens, about the same where both name the same
    columns. Each is looked up once, whatever the number of openings.
    """
    found: dict[int, tuple[str, Entity]] = {}
    for one in plans:
        name = one.rule.name
        opened = {each.track.entity: each.track.entity for each in one.openings}
        columns = one.rule.kind.entity if name in config.rules else ()
        for child in _below(name, children) if opened else ():
            for track in memory.tracks_of(child).values():
                explained_by = next(iter(related(opened, columns, track.entity)), None)
                if track.incident_id is not None and explained_by is not None:
                    found[track.incident_id] = name, explained_by
    return found


def _below(name: str, children: Children) -> list[Rule]:
    """Return the rules that depend on a rule, or on the source that it says cannot be asked."""
    names = dict.fromkeys((name, name.removeprefix("source:")))
    return [child for one in names for child in children.get(one, ())]


def plans_of(
    level: Sequence[Looked], memory: Memory, holding: Holding, now: datetime
) -> tuple[list[Looked], list[Plan]]:
    """Return looks with what they change, each by what is remembered of its rule and by what holds it back.

    One that a mistake of ours spoils is an error of its rule, and of no other.
    """
    looks, plans = [], []
    for one in level:
        looks.append(one)
        try:
            if one.judgement is not None:
                plans.append(_plan_of(one, one.judgement, memory, holding, now))
        except Exception:  # noqa: BLE001 (the edge, as of a kind)
            looks[-1] = our_bug(one)
    return looks, plans


def _plan_of(
    one: Looked, judgement: Judgement, memory: Memory, holding: Holding, now: datetime
) -> Plan:
    rule, held = one.rule, holding.of(one)
    known, results = memory.tracks_of(rule), memory.results_of(rule)
    return plan(rule, judgement, known, held, now, results, memory.unseen_since(rule))


def in_maintenance(
    config: Config, rule: Rule, known: Mapping[Entity, Track], now: datetime
) -> Callable[[Entity], Held]:
    """Return what a maintenance says of each entity of a rule: expected, or outlasted.

    Args:
        known: The tracks of the rule, which say since when something is bad.
    """
    windows = [
        one for one in config.maintenance if one.is_for(rule.name, rule.kind.source, rule.team)
    ]

    def held(entity: Entity) -> Held:
        if not windows:
            return NOT_HELD
        track = known.get(entity)
        since = track.bad_since if track and track.bad_checks else now
        if said := expected(windows, since, now):
            return Held(expected=said)
        return Held(outlasted=outlasted(windows, since))

    return held


async def recently_ended(
    pool: asyncpg.Pool, looked: Sequence[Looked], memory: Memory, now: datetime
) -> Mapping[str, Sequence[Past]]:
    """Return the incidents, by rule, that may excuse a finding for some time after their end.

    The store is asked only while something is bad that has no incident yet.
    """
    since: dict[str, datetime] = {}
    for one in looked:
        unless = one.rule.unless_open
        if unless and unless.or_within and _has_news(one, memory):
            since[unless.rule] = min(since.get(unless.rule, now), now - unless.or_within)
    if not since:
        return {}
    async with transaction(pool) as conn:
        return await remembered.past(conn, since)


def _has_news(one: Looked, memory: Memory) -> bool:
    known = memory.tracks_of(one.rule)
    findings = one.judgement.findings if one.judgement else ()
    return any(
        finding.entity not in known or known[finding.entity].incident_id is None
        for finding in findings
    )
