"""From plans to one commit: incidents, their events, notices and tracks."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

import asyncpg

from rules.base import Entity, Finding
from watchdog.config import titles
from watchdog.domain.incident import Incident, State, Transition
from watchdog.domain.life import back_again, level_changed, opened, recovered, withdrawn
from watchdog.domain.notices import with_notices
from watchdog.domain.oncall import on_call
from watchdog.domain.opinions import bad_after_all
from watchdog.domain.people import Directory, Storms
from watchdog.domain.silences import Silence, as_hidden
from watchdog.domain.track import Track
from watchdog.engine.candidates import Candidate, candidates
from watchdog.engine.crowds import Gathering, joined_by
from watchdog.engine.flaps import flapped
from watchdog.engine.gathering import (
    Followed,
    counted_anew,
    follow,
    gather,
    members_of,
    sort,
)
from watchdog.engine.hiding import silences_for, told_and_hidden
from watchdog.engine.plan import Change, Evidence, Plan, Recovery, Withdrawal, detail_of
from watchdog.engine.unwatched import Unwatched
from watchdog.store import covers, incidents, leases, members, tracks, waiting

logger = logging.getLogger(__name__)

LEASE = "engine"
NOTHING_BELOW: Mapping[int, tuple[str, Entity]] = MappingProxyType({})
_LOOK_LASTS_MAX = timedelta(minutes=5)
LOGGED_MAX = 20
"""Changes of one commit that are logged line by line."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit left: every rule's tracks, and the transitions that were written.

    Attributes:
        joined: Incidents that are part of a storm now, with its number.
        members: What has joined a storm without having been an incident: storm, rule and entity.
    """

    tracks: Mapping[str, Mapping[Entity, Track]]
    transitions: Sequence[Transition]
    joined: Mapping[int, int] = field(default_factory=dict)
    members: Sequence[tuple[int, str, Entity]] = ()


async def commit_plans(
    conn: asyncpg.Connection,
    token: int,
    plans: Sequence[Plan],
    directory: Directory,
    evidence: Mapping[tuple[str, Entity], Evidence],
    storms: Storms | None = None,
    below: Mapping[int, tuple[str, Entity]] = NOTHING_BELOW,
) -> Committed:
    """Write plans inside the caller's transaction: all of them or nothing.

    Args:
        storms: How many openings are too many to be told one by one; None: never.
        below: Incidents that something explains which is about to open, by rule and entity.

    Raises:
        LeaseLost: Another replica evaluates now.
    """
    await leases.require(conn, LEASE, token)
    if not plans:
        return Committed({}, ())
    now = plans[0].now
    found = await _found(conn, plans, directory, storms)
    begun = await _begun(conn, found.apart, found.directory, evidence)
    happened = await _happened(conn, plans, found, begun, evidence)
    steps = [with_notices(one, found.directory) for one in happened]
    await incidents.commit(conn, steps)
    left = _tracks_left(plans, found, begun)
    await _write_tracks(conn, plans, left)
    await members.take_over(conn, found.joined, now)
    await _hold_back(conn, below, left, now)
    transitions = [step.transition for step in steps]
    return Committed(left, transitions, found.joined, members_of(found.gatherings))


@dataclass(frozen=True, slots=True)
class _Found:
    """What plans are about, as the store knows it until the commit: everything in it is locked.

    Attributes:
        directory: With who covers for whom, where something opens.
        followed: What has an incident, or is a member, already.
        gatherings: Storms that take in what opens; `apart`: what opens by itself.
        joined: Incidents that become part of a storm, with its number.
    """

    silences: Sequence[Silence]
    directory: Directory
    followed: Followed
    gatherings: Sequence[Gathering]
    apart: Sequence[Candidate]
    joined: Mapping[int, int]


async def _found(
    conn: asyncpg.Connection, plans: Sequence[Plan], directory: Directory, storms: Storms | None
) -> _Found:
    silences = await silences_for(conn, plans)
    followed = await follow(conn, plans)
    opening = await candidates(conn, plans)
    if opening:
        directory = await covers.with_covers(conn, directory, plans[0].now)
    told, hidden = told_and_hidden(opening, silences)
    found = await sort(conn, told, followed, directory, storms)
    joined = joined_by(found.gatherings)
    return _Found(
        silences,
        directory,
        followed.into(joined),
        found.gatherings,
        [*found.apart, *hidden],
        joined,
    )


async def _happened(
    conn: asyncpg.Connection,
    plans: Sequence[Plan],
    found: _Found,
    begun: Sequence[Transition],
    evidence: Mapping[tuple[str, Entity], Evidence],
) -> list[Transition]:
    """Return everything that happens by plans, as silences hide it."""
    now = plans[0].now
    moved = await _moved(conn, found.followed)
    stormy = await gather(conn, found.followed, found.gatherings, found.directory, evidence, now)
    flaps = await flapped(conn, plans, found.joined)
    return [as_hidden(one, found.silences) for one in (*moved, *begun, *stormy, *flaps)]


async def _moved(conn: asyncpg.Connection, followed: Followed) -> list[Transition]:
    """Return what happens to incidents of their own, dated after what happened while we looked."""
    own = [
        (followed.held[number], plan.now, one)
        for plan, one, number in followed.own
        if number in followed.held and followed.held[number].is_live
    ]
    if not own:
        return []
    latest = await members.latest_at(conn, [incident.id for incident, _, _ in own])
    return [
        _moved_one(incident, one, _not_before(latest[incident.id], now))
        for incident, now, one in own
    ]


def _not_before(latest: datetime, now: datetime) -> datetime:
    """Return an instant that is not before the latest event's, unless the clock was put back since."""
    return latest if timedelta() < latest - now <= _LOOK_LASTS_MAX else now


async def _write_tracks(
    conn: asyncpg.Connection, plans: Sequence[Plan], left: Mapping[str, Mapping[Entity, Track]]
) -> None:
    for plan in plans:
        fresh = [left[plan.rule.name][one.track.entity] for one in plan.openings]
        await tracks.write(conn, [*plan.written, *fresh], plan.rule.identity)
        await tracks.forget(conn, plan.rule.name, plan.forgotten)


async def _hold_back(
    conn: asyncpg.Connection,
    below: Mapping[int, tuple[str, Entity]],
    left: Mapping[str, Mapping[Entity, Track]],
    now: datetime,
) -> None:
    """Hide what nobody was told of yet behind the incident that explains it."""
    above = {one: left[rule][entity].incident_id for one, (rule, entity) in below.items()}
    await waiting.hold_back(conn, {one: number for one, number in above.items() if number}, now)


def _tracks_left(
    plans: Sequence[Plan], found: _Found, begun: Sequence[Transition]
) -> dict[str, dict[Entity, Track]]:
    left = {plan.rule.name: dict(plan.tracks) for plan in plans}
    numbers = [
        *((one, transition.after.id) for one, transition in zip(found.apart, begun, strict=True)),
        *((one, storm.number) for storm in found.gatherings for one in storm.openings),
    ]
    for one, number in numbers:
        track = replace(one.opening.track, incident_id=number)
        left[one.plan.rule.name][track.entity] = track
    return left


def _moved_one(incident: Incident, one: Change | Recovery | Withdrawal, at: datetime) -> Transition:
    if isinstance(one, Withdrawal):
        return withdrawn(incident, at, one.reason)
    if isinstance(one, Recovery):
        reading = one.reading
        newest = replace(incident, value=reading.value, fact=reading.fact, detail=reading.detail)
        return replace(
            recovered(newest, at, one.first_good_at, reading.detail or reading.fact),
            before=incident,
        )
    finding = one.finding
    newest = _with_figures(incident, finding)
    changed = level_changed(newest, finding.severity, finding.failure_class or "", at)
    return replace(changed, before=incident)


def _with_figures(incident: Incident, finding: Finding) -> Incident:
    return replace(
        incident,
        value=finding.value,
        limit=finding.limit,
        fact=finding.fact,
        detail=detail_of(finding),
    )


async def _begun(
    conn: asyncpg.Connection,
    opening: Sequence[Candidate],
    directory: Directory,
    evidence: Mapping[tuple[str, Entity], Evidence],
) -> list[Transition]:
    """Return the openings: new incidents, or recovered ones that came back."""
    if not opening:
        return []
    numbers = iter(await incidents.next_numbers(conn, len(opening)))
    rules = {one.plan.rule.name: one.plan.rule for one in opening}
    identities = {name: rule.identity for name, rule in rules.items()}
    owners: dict[str, str] = {}
    begun = []
    for one in opening:
        number = next(numbers)
        plan, finding = one.plan, one.opening.finding
        if (past := one.before) is not None:
            if past.reopened_at:
                newest = _with_figures(past, finding)
                bad_too = bad_after_all(newest, plan.now, finding.severity)
                begun.append(replace(bad_too, before=past))
                continue
            owner = past.owner if past.owner in directory.people else _heir(plan, past, directory)
            newest = _with_figures(past, finding)
            again = back_again(newest, plan.now, finding.severity, owner, one.remark)
            begun.append(replace(again, before=past))
            continue
        if one.team not in owners:
            owners[one.team] = on_call(directory, one.team, plan.now)
        fresh = _new_incident(number, one, identities[plan.rule.name], owners[one.team])
        rows = evidence.get((plan.rule.name, one.opening.track.entity), {})
        begun.append(opened(fresh, rows, one.remark))
    return begun


def _heir(plan: Plan, past: Incident, directory: Directory) -> str:
    """Return who owns what comes back after its owner has left: somebody of the incident's own team."""
    team = past.team if past.team in directory.teams else plan.rule.team_of(past.entity)
    return on_call(directory, team, plan.now)


def _new_incident(number: int, one: Candidate, identity: str, owner: str) -> Incident:
    """Return the incident that an opening begins."""
    rule = one.plan.rule
    finding, track = one.opening.finding, one.opening.track
    return Incident(
        id=number,
        fingerprint=one.fingerprint,
        rule=rule.name,
        identity=identity,
        source=rule.kind.source,
        kind=rule.kind_name,
        team=one.team,
        entity=track.entity,
        title=titles.render(rule.title, track.entity, finding.value, finding.limit),
        severity=finding.severity,
        state=State.OPEN,
        owner=owner,
        version=1,
        opened_at=one.plan.now,
        failure_class=finding.failure_class or "",
        value=finding.value,
        limit=finding.limit,
        fact=finding.fact,
        detail=detail_of(finding),
        impact=rule.impact,
        do_first=rule.do_first,
        steps=rule.steps,
        runbook=rule.runbook,
        first_bad_at=track.first_bad_at,
        repeat_of=one.repeat_of,
    )


def log_transitions(transitions: Sequence[Transition]) -> None:
    """Log a line for each change of an incident, and one for all that a storm has beyond that."""
    for one in transitions[:LOGGED_MAX]:
        after = one.after
        logger.info(
            "incident %s",
            one.happened.event.value,
            extra={
                "incident": after.id,
                "rule": after.rule,
                "owner": after.owner,
                "fact": after.fact,
            },
        )
    if len(transitions) > LOGGED_MAX:
        logger.info("incidents changed", extra={"more": len(transitions) - LOGGED_MAX})


async def withdraw(
    conn: asyncpg.Connection, token: int, gone: Unwatched, directory: Directory, now: datetime
) -> list[Transition]:
    """End what no rule watches any more, and forget its tracks; return what has happened.

    Inside the caller's transaction.

    Raises:
        LeaseLost: Another replica evaluates now.
    """
    await leases.require(conn, LEASE, token)
    storms = {one.storm for one in gone.members}
    held = await incidents.lock(conn, sorted(gone.reasons.keys() | storms))
    await members.settle(conn, gone.members)
    ends = [
        withdrawn(incident, now, gone.reasons[number])
        for number, incident in held.items()
        if incident.is_live and number not in storms
    ]
    counted = [
        await counted_anew(conn, held[number], directory, now)
        for number in sorted(storms)
        if number in held and held[number].is_live
    ]
    steps = [with_notices(one, directory) for one in (*ends, *counted) if one is not None]
    for rule, entities in gone.forgotten.items():
        await tracks.forget(conn, rule, entities)
    await incidents.commit(conn, steps)
    return [step.transition for step in steps]
