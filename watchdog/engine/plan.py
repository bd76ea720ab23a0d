"""What one look at a rule changes. Pure: the judgement and the tracks so far go in, a plan comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from rules.base import Entity, Finding, Judgement, Reading
from rules.spans import short_span
from watchdog.config.model import Rule
from watchdog.domain.flapping import ENTITIES_MAX, GOOD, Results, level_of
from watchdog.domain.track import (
    GONE_FOR,
    Held,
    Move,
    Track,
    first_good_at,
    look_bad,
    look_gone,
    look_good,
)

_WEEK = timedelta(days=7)

NO_RESULTS: Mapping[Entity, Results] = MappingProxyType({})

Evidence = dict[str, list[dict[str, object]]]
"""Rows of named queries, stored with what opens."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An entity that has been bad for long enough.

    Attributes:
        remark: A sentence that must be said besides.
    """

    track: Track
    finding: Finding
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """An incident whose severity or failure class changed, or that is bad or good without a change."""

    incident_id: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Recovery:
    """An incident whose entity has been good for long enough.

    Attributes:
        track: What is remembered again should the recovery not be proven.
    """

    incident_id: int
    entity: Entity
    first_good_at: datetime
    reading: Reading
    track: Track


@dataclass(frozen=True, slots=True)
class Flap:
    """An incident of which people are to be told that it flaps: how often it has changed."""

    incident_id: int
    words: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An incident whose entity has been gone from the data for so long that nobody can ever tell.

    Attributes:
        reason: What its timeline says.
        track: What was known of it.
    """

    incident_id: int
    entity: Entity
    reason: str
    track: Track


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written for one rule, and the tracks it leaves in memory.

    Attributes:
        tracks: All tracks of the rule after the look.
        written: Those that differ from what is stored.
        forgotten: Entities that need no track any more.
        still_bad, still_good: Incidents whose figures are new, though nothing happened.
        flapping: Incidents that have begun to flap.
        results: The latest results of entities that are, or lately were, bad; never stored.
    """

    rule: Rule
    now: datetime
    tracks: Mapping[Entity, Track]
    written: tuple[Track, ...] = ()
    forgotten: tuple[Entity, ...] = ()
    openings: tuple[Opening, ...] = ()
    changes: tuple[Change, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    still_bad: tuple[Change, ...] = ()
    still_good: tuple[tuple[int, Reading], ...] = ()
    flapping: tuple[Flap, ...] = ()
    results: Mapping[Entity, Results] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Return True when nothing needs to be written."""
        return not (self.written or self.forgotten or self.openings or self.flapping)

    def unproven(self, readings: Mapping[Entity, Reading]) -> "Plan":
        """Return the plan without the recoveries of these entities: their incidents stay open.

        Args:
            readings: What is to be said of each instead.
        """
        kept = [one for one in self.recoveries if one.entity not in readings]
        back = [one for one in self.recoveries if one.entity in readings]
        said = [(one.incident_id, readings[one.entity]) for one in back]
        return replace(
            self,
            tracks={**self.tracks, **{one.entity: one.track for one in back}},
            forgotten=tuple(one for one in self.forgotten if one not in readings),
            recoveries=tuple(kept),
            still_good=(*self.still_good, *said),
        )


def detail_of(finding: Finding) -> str:
    """Return the finding's sentence, followed by what the failing thing said about itself."""
    said = finding.error_text.strip()
    return (
        f"{finding.detail} It says: {said}"
        if said and said not in finding.detail
        else finding.detail
    )


def plan(
    rule: Rule,
    judgement: Judgement,
    tracks: Mapping[Entity, Track],
    held: Callable[[Entity], Held],
    now: datetime,
    results: Mapping[Entity, Results] = NO_RESULTS,
    unseen_since: datetime | None = None,
) -> Plan:
    """Return what a judgement changes.

    An entity that is unknown keeps its track, but is not gone. One that is gone from the data keeps it,
    too, until it has been for long: missing data never reads as recovered.

    Args:
        results: Earlier results of the rule's entities that are, or lately were, bad.
        unseen_since: Since when no look before this one could be judged; None: the last one was.
    """
    made = _Making(rule, now, dict(tracks), dict(results), unseen_since or now)
    if not rule.is_active(now):
        made.forget_pending()
    for finding in judgement.findings:
        made.see_bad(finding, held(finding.entity))
    for reading in judgement.readings:
        made.see_good(reading)
    for entity in tuple(made.tracks) if judgement.truncated else judgement.unknown:
        made.see_unknown(entity)
    if rule.is_active(now) and not judgement.truncated:
        for entity in _gone(judgement, made.tracks):
            made.see_gone(entity)
    if rule.is_active(now) and judgement.has_data and not judgement.truncated:
        made.see_others_good(judgement)
    return made.plan(tracks)


def _gone(judgement: Judgement, tracks: Mapping[Entity, Track]) -> list[Entity]:
    """Return the named things with an incident of which the data says nothing."""
    watched = [entity for entity, one in tracks.items() if one.incident_id is not None and entity]
    if not watched:
        return []
    told = {one.entity for one in judgement.findings}
    told.update(one.entity for one in judgement.readings)
    told.update(judgement.unknown)
    return [one for one in watched if one not in told]


def _wait_for_gone(rule: Rule) -> timedelta:
    """Return how long the data may say nothing of something before its incident ends.

    Where each row has hours of its own, the data says nothing outside of them; a week has them all.
    """
    has_own_hours = rule.active is not None and bool(rule.active.column)
    return GONE_FOR + (_WEEK if has_own_hours else timedelta())


@dataclass(slots=True)
class _Making:
    """A plan that is being made, finding by finding and reading by reading."""

    rule: Rule
    now: datetime
    tracks: dict[Entity, Track]
    results: dict[Entity, Results]
    unseen_since: datetime
    flapping: list[Flap] = field(default_factory=list)
    forgotten: list[Entity] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    still_bad: list[Change] = field(default_factory=list)
    still_good: list[tuple[int, Reading]] = field(default_factory=list)

    def forget_pending(self) -> None:
        """Begin to count anew when the rule's hours begin: in between nobody looked."""
        for entity in [one for one, track in self.tracks.items() if track.incident_id is None]:
            del self.tracks[entity]
            self.forgotten.append(entity)

    def see_bad(self, finding: Finding, held: Held) -> None:
        before, policy = self.tracks.get(finding.entity), self.rule.policy
        flaps = self._note(finding.entity, level_of(finding.severity))
        look = look_bad(before, self.rule.name, finding, policy, held, self.now, is_flapping=flaps)
        assert look.track is not None
        self.tracks[finding.entity] = look.track
        incident_id = look.track.incident_id
        if look.move is Move.OPEN:
            self.openings.append(Opening(look.track, finding, held.outlasted))
        elif incident_id is not None:
            change = Change(incident_id, finding)
            if look.move is Move.LEVEL:
                self.changes.append(change)
            else:
                self.still_bad.append(change)
                self._tell_that_it_flaps(finding.entity, incident_id)

    def see_good(self, reading: Reading) -> None:
        before = self.tracks.get(reading.entity)
        if before is None:
            return
        flaps = self._note(reading.entity, GOOD)
        look = look_good(before, self.rule.policy, is_flapping=flaps)
        if look.track is not None:
            self.tracks[reading.entity] = look.track
            self.still_good.append((look.track.incident_id or 0, reading))
            self._tell_that_it_flaps(reading.entity, look.track.incident_id)
            return
        del self.tracks[reading.entity]
        self.forgotten.append(reading.entity)
        if look.move is Move.RECOVER and before.incident_id is not None:
            good_at = first_good_at(reading, self.now)
            recovery = Recovery(before.incident_id, reading.entity, good_at, reading, before)
            self.recoveries.append(recovery)

    def see_others_good(self, judgement: Judgement) -> None:
        """Note a good result of what was lately bad, is watched no more and is in no finding."""
        seen = {one.entity for one in judgement.findings} | set(judgement.unknown)
        for entity in [one for one in self.results if one not in seen]:
            if entity not in self.tracks and self.results[entity].at[-1] != self.now:
                self._note(entity, GOOD)

    def _note(self, entity: Entity, level: int) -> bool:
        """Note the result of a check; return whether the entity flaps."""
        known = self.results.get(entity)
        if known is None and (level == GOOD or len(self.results) >= ENTITIES_MAX):
            return False
        newest = (known or Results()).and_then(level, self.now)
        if newest.is_forgotten:
            del self.results[entity]
        else:
            self.results[entity] = newest
        return newest.is_flapping

    def _tell_that_it_flaps(self, entity: Entity, incident_id: int | None) -> None:
        known = self.results.get(entity)
        if known and known.is_flapping and not known.is_told and incident_id is not None:
            self.results[entity] = replace(known, is_told=True)
            self.flapping.append(Flap(incident_id, known.said()))

    def see_unknown(self, entity: Entity) -> None:
        """Begin to wait anew for what the data may say something of."""
        track = self.tracks.get(entity)
        if track and track.gone_since:
            self.tracks[entity] = replace(track, gone_since=None)

    def see_gone(self, entity: Entity) -> None:
        before = self.tracks[entity]
        wait = _wait_for_gone(self.rule)
        look = look_gone(before, self.now, wait, self.now - self.unseen_since)
        if look.track is not None:
            self.tracks[entity] = look.track
            return
        assert before.incident_id is not None
        del self.tracks[entity]
        self.forgotten.append(entity)
        named = ", ".join(f"{column} {value}" for column, value in entity)
        reason = f"the data has said nothing of {named} for {short_span(wait)}"
        self.withdrawals.append(Withdrawal(before.incident_id, entity, reason, before))

    def plan(self, before: Mapping[Entity, Track]) -> Plan:
        opening = {one.track.entity for one in self.openings}
        written = tuple(
            track
            for entity, track in self.tracks.items()
            if entity not in opening and track != before.get(entity)
        )
        return Plan(
            rule=self.rule,
            now=self.now,
            tracks=self.tracks,
            written=written,
            forgotten=tuple(self.forgotten),
            openings=tuple(self.openings),
            changes=tuple(self.changes),
            recoveries=tuple(self.recoveries),
            withdrawals=tuple(self.withdrawals),
            still_bad=tuple(self.still_bad),
            still_good=tuple(self.still_good),
            flapping=tuple(self.flapping),
            results=self.results,
        )
