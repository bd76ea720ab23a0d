"""What of a commit is about storms: which openings join one, and what becomes of members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from rules.base import Entity
from watchdog.config import titles
from watchdog.domain import storm_life
from watchdog.domain.closing import JOINED
from watchdog.domain.fingerprint import fingerprint
from watchdog.domain.incident import Incident, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.oncall import on_call
from watchdog.domain.people import Directory, Storms
from watchdog.domain.storm_life import Guide
from watchdog.domain.storms import (
    REOPEN_WITHIN,
    Member,
    MemberState,
    may_join,
    member_of,
)
from watchdog.engine.candidates import Candidate
from watchdog.engine.crowds import Crowd, Gathering, gathered
from watchdog.engine.plan import Change, Evidence, Plan, Recovery, Withdrawal, detail_of
from watchdog.store import incidents, members
from watchdog.store.members import Group, Settled

EVIDENCE_MEMBERS = 3
"""Members whose evidence a storm keeps; of each it has up to 20 rows a query."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Changes, recoveries and withdrawals, with what they are about by now.

    Attributes:
        held: Incidents by number, locked.
        own: Those of incidents, with the incident's number.
        settled: What has become of members.
    """

    held: Mapping[int, Incident]
    own: Sequence[tuple[Plan, Change | Recovery | Withdrawal, int]]
    settled: Sequence[Settled]

    @property
    def recovering(self) -> set[int]:
        """Return the incidents that recover."""
        return {number for _, one, number in self.own if isinstance(one, Recovery)}

    def into(self, joining: Mapping[int, int]) -> "Followed":
        """Return the same, once changes of incidents that join storms are those of members.

        Args:
            joining: The incidents, each with its storm.
        """
        if not joining:
            return self
        own = [each for each in self.own if each[2] not in joining]
        changed = [
            _settled(joining[number], self.held[number].fingerprint, one)
            for _, one, number in self.own
            if number in joining
        ]
        return Followed(self.held, own, [*self.settled, *changed])


async def follow(conn: asyncpg.Connection, plans: Sequence[Plan]) -> Followed:
    """Return what plans move: incidents may have joined a storm, or been split out.

    What the engine has in memory may be older than that: a person has split something out, or another
    look was committed between this one and its commit.
    """
    wanted: list[tuple[Plan, Change | Recovery | Withdrawal]] = []
    for plan in plans:
        wanted += [(plan, change) for change in plan.changes]
        wanted += [(plan, recovery) for recovery in plan.recoveries]
        wanted += [(plan, withdrawal) for withdrawal in plan.withdrawals]
    held = await incidents.lock(conn, sorted({one.incident_id for _, one in wanted}))
    joined = {one.id: one.storm for one in held.values() if one.cause_kind == JOINED}
    held |= await incidents.lock(
        conn, sorted({one for one in joined.values() if one} - held.keys())
    )
    storms = {one.id for one in held.values() if one.is_storm}
    found = await members.splits(conn, storms)
    splits = {(one.storm, one.fingerprint): one.incident for one in found}
    own, settled = [], []
    for plan, one in wanted:
        number = joined.get(one.incident_id) or one.incident_id
        if number not in storms:
            own.append((plan, one, number))
            continue
        print_ = fingerprint(plan.rule.name, entity_of(one))
        if (number, print_) in splits:
            own.append((plan, one, splits[number, print_]))
        else:
            settled.append(_settled(number, print_, one))
    held |= await incidents.lock(conn, sorted({number for _, _, number in own} - held.keys()))
    return Followed(held, own, settled)


def entity_of(one: Change | Recovery | Withdrawal) -> Entity:
    """Return the entity that a change, a recovery or a withdrawal is about."""
    return one.finding.entity if isinstance(one, Change) else one.entity


def _settled(storm: int, print_: bytes, one: Change | Recovery | Withdrawal) -> Settled:
    if isinstance(one, Withdrawal):
        level = one.track.severity, one.track.failure_class
        said = "gone", one.reason
        return Settled(
            storm, print_, MemberState.GONE, *level, None, None, *said, reason=one.reason
        )
    if isinstance(one, Change):
        finding = one.finding
        return Settled(
            storm,
            print_,
            MemberState.BAD,
            finding.severity,
            finding.failure_class or "",
            finding.value,
            finding.limit,
            finding.fact,
            detail_of(finding),
        )
    reading, track = one.reading, one.track
    return Settled(
        storm,
        print_,
        MemberState.GOOD,
        track.severity,
        track.failure_class,
        reading.value,
        None,
        reading.fact,
        reading.detail,
        one.first_good_at,
    )


@dataclass(frozen=True, slots=True)
class Sorted:
    """What is about to open: in storms, and apart."""

    gatherings: Sequence[Gathering]
    apart: Sequence[Candidate]


async def sort(
    conn: asyncpg.Connection,
    opening: Sequence[Candidate],
    followed: Followed,
    directory: Directory,
    storms: Storms | None,
) -> Sorted:
    """Return which of the candidates join storms, and which incidents of before join with them.

    Args:
        followed: What recovers in the same commit joins nothing.
    """
    joining: dict[Group, list[Candidate]] = {}
    for one in opening if storms else ():
        if _may_join(one, directory):
            joining.setdefault(one.group, []).append(one)
    if not joining or storms is None:
        return Sorted((), opening)
    now = opening[0].plan.now
    known = await members.lock_storms(conn, joining, now - REOPEN_WITHIN)
    apart = [group for group in joining if group not in known or not known[group].is_live]
    waiting: dict[Group, list[Incident]] = {}
    for incident in await members.lock_waiting(conn, apart, now - storms.within):
        may = may_join(directory, incident.rule, incident.severity, incident.team)
        if may and incident.id not in followed.recovering:
            waiting.setdefault((incident.team, incident.source), []).append(incident)
    crowds = {group: Crowd(ones, waiting=waiting.get(group, ())) for group, ones in joining.items()}
    made = await gathered(conn, crowds, known, storms, now)
    taken = {one.group for one in made}
    return Sorted(
        made, [one for one in opening if one.group not in taken or not _may_join(one, directory)]
    )


def _may_join(one: Candidate, directory: Directory) -> bool:
    """Return whether it may be part of a storm; not what was split out of one, or is open already."""
    if one.before and (one.before.storm is not None or one.before.reopened_at):
        return False
    return may_join(directory, one.plan.rule.name, one.opening.finding.severity, one.team)


async def gather(
    conn: asyncpg.Connection,
    followed: Followed,
    gatherings: Sequence[Gathering],
    directory: Directory,
    evidence: Mapping[tuple[str, Entity], Evidence],
    now: datetime,
) -> list[Transition]:
    """Write members, end the incidents that join; return what happens to the storms themselves.

    Rules share a storm, and one that was slow to look may come after a later one: what happens to a
    storm is never dated before what has happened to it, or to what joins it.
    """
    growing = {one.number: one for one in gatherings}
    touched = growing.keys() | {one.storm for one in followed.settled}
    shared = [*touched, *(each.id for one in gatherings for each in one.waiting)]
    latest = await members.latest_at(conn, shared) if shared else {}
    for one in gatherings:
        at = max([now, *(latest[each.id] for each in one.waiting)])
        latest[one.number] = max(at, latest.get(one.number, at))
        await _join(conn, one, directory, latest[one.number])
    await members.settle(conn, followed.settled)
    transitions = []
    for number in sorted(touched):
        storm, at = followed.held.get(number), max(now, latest.get(number, now))
        if number in growing:
            transitions.append(await _grown(conn, growing[number], directory, evidence, at))
        elif storm is not None and storm.is_live:
            transitions.append(await counted_anew(conn, storm, directory, at))
    return [one for one in transitions if one is not None]


def members_of(gatherings: Sequence[Gathering]) -> list[tuple[int, str, Entity]]:
    """Return what joins storms without having been an incident: storm, rule and entity."""
    return [
        (one.number, each.plan.rule.name, each.opening.track.entity)
        for one in gatherings
        for each in one.openings
    ]


async def _join(
    conn: asyncpg.Connection, one: Gathering, directory: Directory, at: datetime
) -> None:
    if one.waiting:
        ends = [storm_life.joined(incident, one.number, at) for incident in one.waiting]
        await incidents.commit(conn, [with_notices(end, directory) for end in ends])
    await members.add(conn, one.number, _members(one))


async def counted_anew(
    conn: asyncpg.Connection, storm: Incident, directory: Directory, now: datetime
) -> Transition | None:
    """Return what has happened to a live storm by what has become of its members; None: nothing to tell."""
    tally = await members.tally(conn, storm.id)
    return storm_life.counted_anew(storm, tally, directory.zone_of(storm.team), now)


async def _grown(
    conn: asyncpg.Connection,
    one: Gathering,
    directory: Directory,
    evidence: Mapping[tuple[str, Entity], Evidence],
    now: datetime,
) -> Transition | None:
    tally = await members.tally(conn, one.number)
    team, source = one.group
    zone, before = directory.zone_of(team), one.before
    if before is None:
        owner = on_call(directory, team, now)
        storm = storm_life.storm_of(one.number, team, source, owner, _guide(one), now)
        storm = replace(storm, audience=storm_life.mailed(one.waiting))
        return storm_life.begun(storm, tally, zone, _evidence(one, evidence), one.waiting)
    if before.is_live:
        return storm_life.counted_anew(before, tally, zone, now)
    owner = before.owner if before.owner in directory.people else on_call(directory, team, now)
    told = dict.fromkeys((*before.audience, *storm_life.mailed(one.waiting)))
    again = storm_life.came_back(before, tally, zone, owner, now)
    return replace(again, after=replace(again.after, audience=tuple(told)))


def _members(one: Gathering) -> list[Member]:
    """Return what joins a storm, in the order in which it became bad."""
    waiting = [member_of(one.number, 0, incident) for incident in one.waiting]
    rules = {each.plan.rule.name: each.plan.rule for each in one.openings}
    identities = {name: rule.identity for name, rule in rules.items()}
    opening = [_member(one.number, each, identities[each.plan.rule.name]) for each in one.openings]
    opening.sort(key=lambda member: member.first_bad_at)
    return [*waiting, *opening]


def _member(storm: int, one: Candidate, identity: str) -> Member:
    rule, finding, track = one.plan.rule, one.opening.finding, one.opening.track
    detail = detail_of(finding)
    return Member(
        storm=storm,
        number=0,
        fingerprint=one.fingerprint,
        rule=rule.name,
        identity=identity,
        entity=track.entity,
        title=titles.render(rule.title, track.entity, finding.value, finding.limit),
        severity=finding.severity,
        joined_at=one.plan.now,
        first_bad_at=track.first_bad_at,
        failure_class=finding.failure_class or "",
        value=finding.value,
        limit=finding.limit,
        fact=finding.fact,
        detail=f"{one.remark} {detail}".strip() if one.remark else detail,
    )


def _guide(one: Gathering) -> Guide:
    """Return what to do first: the words of the first of the worst."""
    guides = [
        *(
            Guide(each.severity, each.impact, each.do_first, each.steps, each.runbook)
            for each in one.waiting
        ),
        *(_guide_of(each) for each in one.openings[:1]),
    ]
    if one.openings:
        worst = max(one.openings, key=lambda each: each.opening.finding.severity.rank)
        guides.append(_guide_of(worst))
    return max(guides, key=lambda guide: guide.severity.rank)


def _guide_of(one: Candidate) -> Guide:
    rule = one.plan.rule
    return Guide(one.opening.finding.severity, rule.impact, rule.do_first, rule.steps, rule.runbook)


def _evidence(one: Gathering, stored: Mapping[tuple[str, Entity], Evidence]) -> Evidence:
    """Return the evidence of the first members that have some, by query and member."""
    kept: Evidence = {}
    having = 0
    for each in one.openings:
        rule, entity = each.plan.rule, each.opening.track.entity
        rows = stored.get((rule.name, entity))
        if rows:
            finding = each.opening.finding
            title = titles.render(rule.title, entity, finding.value, finding.limit)
            kept |= {f"{name}: {title}": found for name, found in rows.items()}
            having += 1
        if having == EVIDENCE_MEMBERS:
            break
    return kept
