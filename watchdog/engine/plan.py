"""What one look at a rule changes. Pure: the judgement and the tracks so far go in, a plan comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rules.base import Entity, Finding, Judgement, Reading
from watchdog.config.model import Rule
from watchdog.domain.track import Held, Move, Track, first_good_at, look_bad, look_good


@dataclass(frozen=True, slots=True)
class Opening:
    """An entity that has been bad for long enough."""

    track: Track
    finding: Finding


@dataclass(frozen=True, slots=True)
class Change:
    """An incident whose severity or failure class changed, or that is bad or good without a change."""

    incident_id: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Recovery:
    """An incident whose entity has been good for long enough."""

    incident_id: int
    entity: Entity
    first_good_at: datetime
    reading: Reading


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written for one rule, and the tracks it leaves in memory.

    Attributes:
        tracks: All tracks of the rule after the look.
        written: Those that differ from what is stored.
        forgotten: Entities that need no track any more.
        still_bad, still_good: Incidents whose figures are new, though nothing happened.
    """

    rule: Rule
    now: datetime
    tracks: Mapping[Entity, Track]
    written: tuple[Track, ...] = ()
    forgotten: tuple[Entity, ...] = ()
    openings: tuple[Opening, ...] = ()
    changes: tuple[Change, ...] = ()
    recoveries: tuple[Recovery, ...] = ()
    still_bad: tuple[Change, ...] = ()
    still_good: tuple[tuple[int, Reading], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return True when nothing needs to be written."""
        return not (self.written or self.forgotten or self.openings)


def plan(
    rule: Rule,
    judgement: Judgement,
    tracks: Mapping[Entity, Track],
    held: Callable[[Entity], Held],
    now: datetime,
) -> Plan:
    """Return what a judgement changes.

    An entity that is unknown, or gone from the data, keeps its track as it is: missing data never
    reads as recovered.
    """
    after = dict(tracks)
    forgotten: list[Entity] = []
    openings: list[Opening] = []
    changes: list[Change] = []
    recoveries: list[Recovery] = []
    still_bad: list[Change] = []
    still_good: list[tuple[int, Reading]] = []
    for finding in judgement.findings:
        before = tracks.get(finding.entity)
        look = look_bad(before, rule.name, finding, rule.policy, held(finding.entity), now)
        assert look.track is not None
        after[finding.entity] = look.track
        incident_id = look.track.incident_id
        if look.move is Move.OPEN:
            openings.append(Opening(look.track, finding))
        elif look.move is Move.LEVEL and incident_id is not None:
            changes.append(Change(incident_id, finding))
        elif incident_id is not None:
            still_bad.append(Change(incident_id, finding))
    for reading in judgement.readings:
        before = tracks.get(reading.entity)
        if before is None:
            continue
        look = look_good(before, rule.policy)
        if look.track is not None:
            after[reading.entity] = look.track
            still_good.append((look.track.incident_id or 0, reading))
            continue
        del after[reading.entity]
        forgotten.append(reading.entity)
        if look.move is Move.RECOVER and before.incident_id is not None:
            good_at = first_good_at(reading, now)
            recoveries.append(Recovery(before.incident_id, reading.entity, good_at, reading))
    opening = {one.track.entity for one in openings}
    written = tuple(
        track
        for entity, track in after.items()
        if entity not in opening and track != tracks.get(entity)
    )
    return Plan(
        rule=rule,
        now=now,
        tracks=after,
        written=written,
        forgotten=tuple(forgotten),
        openings=tuple(openings),
        changes=tuple(changes),
        recoveries=tuple(recoveries),
        still_bad=tuple(still_bad),
        still_good=tuple(still_good),
    )
