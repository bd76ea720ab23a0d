"""Who is told of a transition, by which message. Pure: the store writes what is returned here."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from notifiers.base import Event, Facts, Part
from watchdog.domain.incident import Incident, State, Transition
from watchdog.domain.people import Directory, Team
from watchdog.domain.routing import (
    is_silent,
    person_receivers,
    route_for,
    send_at,
    team_receivers,
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One message that must reach one receiver.

    Attributes:
        receiver: `slack:#channel`, `slack:@U01ANA` or `email:ana@example.com`.
        due_at: Not to be sent before.
    """

    receiver: str
    part: Part
    due_at: datetime
    facts: Facts


@dataclass(frozen=True, slots=True)
class Step:
    """A transition with its messages: what one commit writes."""

    transition: Transition
    notices: tuple[Notice, ...]


_PUSHES = {Event.OPENED, Event.BACK_AGAIN, Event.OFFERED, Event.HANDED_OVER}
_MAILS = {*_PUSHES, Event.RECOVERED, Event.WITHDRAWN}


def with_notices(transition: Transition, directory: Directory) -> Step:
    """Return the step: the transition, its audience brought up to date, and its notices.

    Whoever was told of an incident hears how it goes on, whatever the configuration says by then.
    """
    after, event = transition.after, transition.happened.event
    team = directory.teams.get(after.team)
    if team is None:
        newly, due_at = (), transition.happened.at
    else:
        newly, due_at = _newly_told(transition, directory, team)
    old = tuple(one for one in after.audience if one not in newly)
    facts = facts_of(transition, directory)
    notices = tuple(
        [
            *(Notice(one, _first_part(one), due_at, facts) for one in newly),
            *(
                notice
                for one in old
                for notice in _follow_ups(one, event, due_at, facts, transition)
            ),
        ]
    )
    told = replace(after, audience=after.audience + newly_added(after, newly))
    return Step(replace(transition, after=told), notices)


def newly_added(incident: Incident, newly: tuple[str, ...]) -> tuple[str, ...]:
    """Return the receivers that are not in the audience yet."""
    return tuple(one for one in newly if one not in incident.audience)


def _newly_told(
    transition: Transition, directory: Directory, team: Team
) -> tuple[tuple[str, ...], datetime]:
    """Return who gets a first message by this transition, and when it is due."""
    after, happened = transition.after, transition.happened
    route = route_for(directory, after.severity, after.team, after.rule)
    if is_silent(route):
        return (), happened.at
    if happened.event is Event.OPENED or (happened.event is Event.LEVEL and _is_worse(transition)):
        receivers = (
            *team_receivers(team, route.send),
            *person_receivers(directory, after.owner, route.send),
        )
        told = () if happened.event is Event.OPENED else after.audience
        return tuple(one for one in receivers if one not in told), send_at(route, team, happened.at)
    if happened.event is Event.OFFERED:
        receivers = person_receivers(directory, after.offered_to, route.send)
        return tuple(one for one in receivers if one not in after.audience), happened.at
    return (), happened.at


def _is_worse(transition: Transition) -> bool:
    before = transition.before
    return before is not None and transition.after.severity.rank > before.severity.rank


def _first_part(receiver: str) -> Part:
    return Part.ROOT if receiver.startswith("slack:#") else Part.PAGE


def _follow_ups(
    receiver: str, event: Event, due_at: datetime, facts: Facts, transition: Transition
) -> Iterator[Notice]:
    """Yield what a receiver that was told before gets: its message edited, a line below it, a mail."""
    now = transition.happened.at
    worse = event is Event.LEVEL and _is_worse(transition)
    if receiver.startswith("email:"):
        if event in _MAILS or worse:
            yield Notice(receiver, Part.PAGE, due_at if worse else now, facts)
        return
    if event is not Event.NOTED:
        yield Notice(receiver, Part.EDIT, now, facts)
    if receiver.startswith("slack:#"):
        if event is not Event.LEVEL or worse:
            yield Notice(receiver, Part.THREAD, now, facts)
    elif event in _PUSHES or worse:
        yield Notice(receiver, Part.THREAD, due_at if worse else now, facts)


def facts_of(transition: Transition, directory: Directory) -> Facts:
    """Return what messages may say about a transition, frozen as it was then."""
    after, happened = transition.after, transition.happened
    team = directory.teams.get(after.team)
    return Facts(
        id=after.id,
        event=happened.event,
        at=happened.at,
        state=after.state.value,
        severity=after.severity.value,
        title=after.title,
        fact=after.fact,
        detail=after.detail,
        rule=after.rule,
        team=after.team,
        owner=after.owner,
        owner_took_it=after.state is State.TAKEN or after.taken_at is not None,
        opened_at=after.opened_at,
        actor=happened.actor,
        words=happened.words,
        failure_class=after.failure_class,
        entity=dict(after.entity),
        impact=after.impact,
        do_first=after.do_first,
        runbook=after.runbook,
        taken_at=after.taken_at,
        recovered_at=after.recovered_at,
        first_bad_at=after.first_bad_at,
        first_good_at=after.first_good_at,
        cause=after.cause,
        cause_kind=after.cause_kind,
        previous_severity=happened.previous_severity,
        zone=team.zone.key if team else "UTC",
        url=directory.url,
    )
