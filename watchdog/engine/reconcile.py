"""From plans to one commit: incidents, their events, notices and tracks."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg

from rules.base import Entity, Finding
from watchdog.config import titles
from watchdog.domain.fingerprint import fingerprint
from watchdog.domain.incident import Incident, State, Transition
from watchdog.domain.life import (
    back_again,
    level_changed,
    opened,
    recovered,
    repeats,
    withdrawn,
    within_reopen_window,
)
from watchdog.domain.notices import with_notices
from watchdog.domain.oncall import on_call
from watchdog.domain.people import Directory, Repeat
from watchdog.domain.track import Track
from watchdog.engine.plan import Change, Opening, Plan, Recovery
from watchdog.store import covers, incidents, leases, tracks

logger = logging.getLogger(__name__)

LEASE = "engine"
LOGGED_MAX = 20
"""Changes of one commit that are logged line by line."""

Evidence = dict[str, list[dict[str, object]]]


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit left: every rule's tracks, and the transitions that were written."""

    tracks: Mapping[str, Mapping[Entity, Track]]
    transitions: Sequence[Transition]


async def commit_plans(
    conn: asyncpg.Connection,
    token: int,
    plans: Sequence[Plan],
    directory: Directory,
    evidence: Mapping[tuple[str, Entity], Evidence],
) -> Committed:
    """Write plans inside the caller's transaction: all of them or nothing.

    Raises:
        LeaseLost: Another replica evaluates now.
    """
    await leases.require(conn, LEASE, token)
    moved = await _moved(conn, plans)
    opening = [(plan, one) for plan in plans for one in plan.openings]
    begun = await _begun(conn, opening, directory, evidence)
    steps = [with_notices(one, directory) for one in (*moved, *begun)]
    await incidents.commit(conn, steps)
    left = _tracks_left(plans, opening, begun)
    for plan in plans:
        fresh = [left[plan.rule.name][one.track.entity] for one in plan.openings]
        await tracks.write(conn, [*plan.written, *fresh], plan.rule.identity)
        await tracks.forget(conn, plan.rule.name, plan.forgotten)
    return Committed(left, [step.transition for step in steps])


def _tracks_left(
    plans: Sequence[Plan], opening: Sequence[tuple[Plan, Opening]], begun: Sequence[Transition]
) -> dict[str, dict[Entity, Track]]:
    left = {plan.rule.name: dict(plan.tracks) for plan in plans}
    for (plan, one), transition in zip(opening, begun, strict=True):
        track = replace(one.track, incident_id=transition.after.id)
        left[plan.rule.name][track.entity] = track
    return left


async def _moved(conn: asyncpg.Connection, plans: Sequence[Plan]) -> list[Transition]:
    """Return changes of level and recoveries of the incidents as they are now, locked."""
    wanted: list[tuple[Plan, Change | Recovery]] = []
    for plan in plans:
        wanted += [(plan, change) for change in plan.changes]
        wanted += [(plan, recovery) for recovery in plan.recoveries]
    held = await incidents.lock(conn, sorted(one.incident_id for _, one in wanted))
    return [
        _moved_one(held[one.incident_id], plan, one)
        for plan, one in wanted
        if one.incident_id in held and held[one.incident_id].state in {State.OPEN, State.TAKEN}
    ]


def _moved_one(incident: Incident, plan: Plan, one: Change | Recovery) -> Transition:
    if isinstance(one, Recovery):
        reading = one.reading
        newest = replace(incident, value=reading.value, fact=reading.fact, detail=reading.detail)
        return replace(
            recovered(newest, plan.now, one.first_good_at, reading.detail or reading.fact),
            before=incident,
        )
    finding = one.finding
    newest = _with_figures(incident, finding)
    changed = level_changed(newest, finding.severity, finding.failure_class or "", plan.now)
    return replace(changed, before=incident)


def _with_figures(incident: Incident, finding: Finding) -> Incident:
    return replace(
        incident,
        value=finding.value,
        limit=finding.limit,
        fact=finding.fact,
        detail=detail_of(finding),
    )


def detail_of(finding: Finding) -> str:
    """Return the finding's sentence, followed by what the failing thing said about itself."""
    said = finding.error_text.strip()
    return (
        f"{finding.detail} It says: {said}"
        if said and said not in finding.detail
        else finding.detail
    )


async def _begun(
    conn: asyncpg.Connection,
    opening: Sequence[tuple[Plan, Opening]],
    directory: Directory,
    evidence: Mapping[tuple[str, Entity], Evidence],
) -> list[Transition]:
    """Return the openings: new incidents, or recovered ones that came back."""
    if not opening:
        return []
    prints = [fingerprint(plan.rule.name, one.track.entity) for plan, one in opening]
    window = max((plan.rule.policy.reopen_within for plan, _ in opening), default=timedelta())
    now = opening[0][0].now
    before = await incidents.lock_recovered(conn, prints, now - window)
    earlier = await _repeated(conn, opening, prints, now)
    directory = await covers.with_covers(conn, directory, now)
    numbers = iter(await incidents.next_numbers(conn, len(opening)))
    marks = {
        plan.rule.name: (plan.rule.identity, on_call(directory, plan.rule.team, plan.now))
        for plan in {id(plan): plan for plan, _ in opening}.values()
    }
    begun = []
    for (plan, one), print_ in zip(opening, prints, strict=True):
        number = next(numbers)
        past = before.get(print_)
        policy, failure_class = plan.rule.policy, one.finding.failure_class or ""
        if past and within_reopen_window(past, plan.now, policy.reopen_within, failure_class):
            owner = past.owner if past.owner in directory.people else _heir(plan, past, directory)
            newest = _with_figures(past, one.finding)
            again = back_again(newest, plan.now, one.finding.severity, owner, one.remark)
            begun.append(replace(again, before=past))
            continue
        fresh = _new_incident(number, print_, plan, one, *marks[plan.rule.name])
        if (team := plan.rule.team_of(one.track.entity)) != fresh.team:
            fresh = replace(fresh, team=team, owner=on_call(directory, team, plan.now))
        fresh, remark = _escalated(fresh, earlier.get(print_), policy.repeat, directory)
        remark = " ".join(filter(None, (one.remark, remark)))
        begun.append(opened(fresh, evidence.get((plan.rule.name, one.track.entity), {}), remark))
    return begun


def _heir(plan: Plan, past: Incident, directory: Directory) -> str:
    """Return who owns what comes back after its owner has left: somebody of the incident's own team."""
    team = past.team if past.team in directory.teams else plan.rule.team_of(past.entity)
    return on_call(directory, team, plan.now)


async def _repeated(
    conn: asyncpg.Connection,
    opening: Sequence[tuple[Plan, Opening]],
    prints: Sequence[bytes],
    now: datetime,
) -> Mapping[bytes, Incident]:
    """Return the latest incident about each thing that may be repeated now."""
    wanted = {
        print_: repeat
        for (plan, _), print_ in zip(opening, prints, strict=True)
        if (repeat := plan.rule.policy.repeat)
    }
    if not wanted:
        return {}
    since = now - max(repeat.within for repeat in wanted.values())
    return await incidents.ended(conn, list(wanted), since)


def _escalated(
    fresh: Incident, earlier: Incident | None, repeat: Repeat | None, directory: Directory
) -> tuple[Incident, str]:
    """Return what is to open, of another team if it repeats an earlier incident, and a remark."""
    if earlier is None or repeat is None:
        return fresh, ""
    how = repeats(earlier, fresh.opened_at, repeat.within, fresh.failure_class)
    if not how:
        return fresh, ""
    linked = replace(fresh, repeat_of=earlier.id)
    team = repeat.escalate_to
    if not team:
        return linked, how
    owner = on_call(directory, team, fresh.opened_at)
    return replace(linked, team=team, owner=owner), f"{how} Escalated to {team}."


def _new_incident(
    number: int, print_: bytes, plan: Plan, opening: Opening, identity: str, owner: str
) -> Incident:
    """Return the incident that an opening begins."""
    rule = plan.rule
    finding, track = opening.finding, opening.track
    return Incident(
        id=number,
        fingerprint=print_,
        rule=rule.name,
        identity=identity,
        source=rule.kind.source,
        kind=rule.kind_name,
        team=rule.team,
        entity=track.entity,
        title=titles.render(rule.title, track.entity, finding.value, finding.limit),
        severity=finding.severity,
        state=State.OPEN,
        owner=owner,
        version=1,
        opened_at=plan.now,
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
    conn: asyncpg.Connection,
    token: int,
    reasons: Mapping[int, str],
    forgotten: Mapping[str, Sequence[Entity]],
    directory: Directory,
    now: datetime,
) -> int:
    """End incidents that no rule watches any more, each with its reason; return how many.

    Inside the caller's transaction.

    Args:
        forgotten: Tracks to forget with them, by rule.
    """
    await leases.require(conn, LEASE, token)
    held = await incidents.lock(conn, sorted(reasons))
    steps = [
        with_notices(withdrawn(incident, now, reasons[number]), directory)
        for number, incident in held.items()
        if incident.state in {State.OPEN, State.TAKEN}
    ]
    for rule, entities in forgotten.items():
        await tracks.forget(conn, rule, entities)
    await incidents.commit(conn, steps)
    return len(steps)
