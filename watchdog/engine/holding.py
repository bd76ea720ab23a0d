"""What holds findings back: trouble above them, or an excuse."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import asyncpg

from rules.base import Entity, Past
from watchdog.config.model import Rule, UnlessOpen
from watchdog.domain.track import Held
from watchdog.engine.look import Looked
from watchdog.engine.memory import Memory, explains, related
from watchdog.store import remembered
from watchdog.store.pool import transaction


class Holding:
    """Why findings of some rules do not count now."""

    def __init__(
        self,
        rules: Mapping[str, Rule],
        memory: Memory,
        ended: Mapping[str, Sequence[Past]],
        now: datetime,
    ) -> None:
        self._rules = rules
        self._memory = memory
        self._ended = ended
        self._now = now

    def of(self, one: Looked) -> Callable[[Entity], Held]:
        """Return what holds each entity of a look back."""
        rule = one.rule
        columns = {
            name: self._rules[name].kind.entity for name in rule.parents if name in self._rules
        }
        muting = self._muting(rule.unless_open) if rule.unless_open else {}
        muted_by = columns.get(rule.unless_open.rule, ()) if rule.unless_open else ()

        def held(entity: Entity) -> Held:
            under = self._memory.held(rule, columns, entity).under
            is_muted = bool(muting) and any(related(muting, muted_by, entity))
            return Held(under=under, excused=is_muted or entity in one.excused)

        return held

    def _muting(self, unless: UnlessOpen) -> Mapping[Entity, bool]:
        """Return the entities about which the other rule has, or just had, an incident."""
        bad = self._memory.tracks.get(unless.rule, {})
        since = self._now - unless.or_within
        past = self._ended.get(unless.rule, ())
        return {entity: True for entity, track in bad.items() if explains(track)} | {
            one.entity: True for one in past if one.until and one.until >= since
        }


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
