"""What happens to a storm and to what joins it or leaves it: the transitions that only storms know."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from notifiers.base import Event
from rules.base import Severity
from rules.values import dataclass
from watchdog.domain.closing import JOINED
from watchdog.domain.incident import (
    STORM,
    WATCHDOG,
    Happened,
    Incident,
    Refused,
    State,
    Transition,
)
from watchdog.domain.life import back_again, level_changed, recovered, withdrawn
from watchdog.domain.step import step
from watchdog.domain.storms import (
    Member,
    MemberState,
    Tally,
    detail_of,
    fact_of,
    storm_fingerprint,
    storm_title,
)

NUMBERS_MAX = 10
"""Incidents that a storm's first message names at most as part of it."""

Evidence = Mapping[str, list[dict[str, object]]]


@dataclass(frozen=True, slots=True)
class Guide:
    """What a storm says to do: the words of the first of its worst members."""

    severity: Severity
    impact: str
    do_first: str
    steps: tuple[str, ...]
    runbook: str


def storm_of(
    number: int, team: str, source: str, owner: str, guide: Guide, now: datetime
) -> Incident:
    """Return the incident that a storm is, before its members are counted."""
    return Incident(
        id=number,
        fingerprint=storm_fingerprint(team, source),
        rule=f"storm:{source}",
        identity=STORM,
        source=source,
        kind=STORM,
        team=team,
        entity=(),
        title=storm_title(source),
        severity=guide.severity,
        state=State.OPEN,
        owner=owner,
        version=1,
        opened_at=now,
        impact=guide.impact,
        do_first=guide.do_first,
        steps=guide.steps,
        runbook=guide.runbook,
    )


def begun(
    storm: Incident,
    tally: Tally,
    zone: str,
    evidence: Evidence,
    joining: Sequence[Incident] = (),
) -> Transition:
    """Return the beginning of a storm, its owner to be paged once for all of it.

    Args:
        zone: The team's, for instants in plain text.
        joining: What was told by itself until now: mails cannot be edited, so the storm's name it.
    """
    now = storm.opened_at
    counted = replace(
        _with_tally(storm, tally, zone, now),
        severity=tally.worst,
        fact=fact_of(tally, begins=True),
        first_bad_at=tally.first_bad_at,
    )
    words = f"{counted.detail} {_joining(joining)}".rstrip()
    return Transition(None, counted, Happened(Event.STORM, now, WATCHDOG, words), dict(evidence))


def _joining(incidents: Sequence[Incident]) -> str:
    named = [f"#{one.id}" for one in incidents[:NUMBERS_MAX]]
    more = len(incidents) - len(named)
    listed = ", ".join(named) + (f" and {more:,} more" if more else "")
    return f"{listed} {'is' if len(incidents) == 1 else 'are'} part of it." if named else ""


def mailed(incidents: Sequence[Incident]) -> tuple[str, ...]:
    """Return who has mails about incidents that join a storm: they hear how that goes on."""
    told = (each for one in incidents for each in one.audience if each.startswith("email:"))
    return tuple(dict.fromkeys(told))


def came_back(storm: Incident, tally: Tally, zone: str, owner: str, now: datetime) -> Transition:
    """Return a recovered storm's coming back, with another burst soon after."""
    counted = _with_tally(storm, tally, zone, now)
    return replace(back_again(counted, now, tally.worst, owner), before=storm)


def counted_anew(storm: Incident, tally: Tally, zone: str, now: datetime) -> Transition | None:
    """Return what has happened to a storm whose members have changed; None: nothing to tell.

    It has recovered once none is bad any more; where none is left that could be good, it is withdrawn.
    """
    newest = _with_tally(storm, tally, zone, now)
    if not tally.bad_count and tally.good:
        return replace(recovered(newest, now, tally.first_good_at, newest.detail), before=storm)
    if not tally.bad_count:
        reason = tally.reason or "all its members were split out"
        return replace(withdrawn(storm, now, reason), before=storm)
    if tally.worst is not storm.severity:
        return replace(level_changed(newest, tally.worst, "", now), before=storm)
    if (newest.fact, newest.detail) == (storm.fact, storm.detail):
        return None
    return replace(step(newest, Happened(Event.MEMBERS, now, WATCHDOG, newest.fact)), before=storm)


def _with_tally(storm: Incident, tally: Tally, zone: str, now: datetime) -> Incident:
    return replace(
        storm,
        value=float(tally.bad_count),
        fact=fact_of(tally),
        detail=detail_of(tally, storm.source, zone, now),
    )


def joined(incident: Incident, storm: int, now: datetime) -> Transition:
    """Return the end of an incident of its own: it is a member of a storm from now on."""
    assert incident.state is State.OPEN
    words = f"part of storm #{storm}"
    return step(
        incident,
        Happened(Event.JOINED, now, WATCHDOG, words),
        State.RESOLVED,
        resolved_at=now,
        cause=words,
        cause_kind=JOINED,
        offered_to="",
        storm=storm,
    )


def require_splittable(storm: Incident, member: Member) -> None:
    """Raise `Refused` unless a member is one that can become an incident of its own."""
    which = _which(storm, member)
    if not storm.is_live:
        raise Refused(f"storm #{storm.id} is {storm.state}; nothing is split out of it any more")
    if member.state is MemberState.SPLIT:
        raise Refused(f"{which} was split out already: it is #{member.split}")
    if member.state is not MemberState.BAD:
        raise Refused(f"{which} is {member.state}; only what is bad can be split out")


def require_others(storm: Incident, member: Member, left: Tally) -> None:
    """Raise `Refused` unless others are bad without a member: a storm is not emptied by hand."""
    if not left.bad_count:
        raise Refused(
            f"{_which(storm, member)} is the only one that is bad: the storm is its incident"
        )


def _which(storm: Incident, member: Member) -> str:
    return f"member {member.number} of storm #{storm.id}"


def split_off(
    storm: Incident,
    tally: Tally,
    zone: str,
    member: Member,
    number: int,
    person: str,
    now: datetime,
) -> Transition:
    """Return what a storm is once a person has made a member an incident of its own.

    Args:
        tally: Without that member.
        number: Of its incident.
    """
    newest = replace(_with_tally(storm, tally, zone, now), severity=tally.worst)
    words = f"{member.title} is #{number} now"
    return replace(step(newest, Happened(Event.SPLIT, now, person, words)), before=storm)


def split_out(own: Incident, storm: int, person: str) -> Transition:
    """Return the opening of what a person has split out of a storm; it is paged like any other."""
    words = f"{person} split it out of storm #{storm}. {own.detail or own.fact}".strip()
    return Transition(None, own, Happened(Event.OPENED, own.opened_at, person, words))
