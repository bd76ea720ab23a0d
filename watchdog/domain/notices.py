"""Who is told of a transition, by which message. Pure: the store writes what is returned here."""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from notifiers.base import Event, Facts, Part
from rules.values import dataclass
from watchdog.domain.escalation import next_deadline, next_up
from watchdog.domain.fallback import first_part
from watchdog.domain.incident import WATCHDOG, Happened, Incident, State, Transition, told
from watchdog.domain.oncall import shift_ends_at
from watchdog.domain.people import Directory, Route, Team
from watchdog.domain.reminders import REMINDERS, told_of_reminder
from watchdog.domain.routing import (
    BESIDE,
    WEBHOOK,
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
        receiver: `slack:#channel`, `slack:@U01ANA`, `email:ana@example.com` or `webhook:events`.
        due_at: Not to be sent before.
    """

    receiver: str
    part: Part
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A transition with its messages and what they say: what one commit writes.

    Attributes:
        due_at: When the service does something with the incident if nobody does before.
    """

    transition: Transition
    facts: Facts
    notices: tuple[Notice, ...]
    due_at: datetime | None = None


_BEGINNINGS = {Event.OPENED, Event.STORM, Event.BACK_AGAIN, Event.RELEASED}
"""What comes back may be worse than before, or its owner may have left: others must hear of it, too."""

_PUSHES = {Event.OPENED, Event.STORM, Event.BACK_AGAIN, Event.OFFERED, Event.HANDED_OVER}
_PAGES_ANEW = {Event.ESCALATED, Event.MISSED, Event.EXPIRED, Event.GIVEN_BACK}
_PUSHES_OWNER = {*_PAGES_ANEW, Event.LAPSED, Event.DECLINED, Event.EXHAUSTED, Event.RELEASED}
_MAILS = {Event.RECOVERED, Event.REOPENED, Event.WITHDRAWN}
_PERSONAL = {Event.OFFERED, Event.HANDED_OVER}
"""By mail only one person hears of these: a mail to all of what is settled between two is noise."""

_ASKS = {Event.OFFERED, Event.ESCALATED, Event.GIVEN_BACK}
"""By these a person asks another one, who hears of it at any hour."""

_STANDS = {
    State.OPEN: Event.OPENED,
    State.TAKEN: Event.TAKEN,
    State.RECOVERED: Event.RECOVERED,
    State.RESOLVED: Event.RESOLVED,
}
_ONLY_BELOW = {Event.NOTED, Event.ACTION_ASKED, Event.ACTION_RAN}
"""What is news for the thread and leaves the message above it as it is."""

_UNTOLD = {Event.ACTION_BEGUN}
"""What the timeline keeps; what comes of it is told."""

_QUIET = {Event.LEVEL, Event.MEMBERS, Event.JOINED}
"""Of these, unless it is worse, only the first message is brought up to date."""

_STARTS_CLOCK = {*_BEGINNINGS, *_PAGES_ANEW}
"""Its owner is paged, and has the time of a rung to take it."""


def with_notices(transition: Transition, directory: Directory) -> Step:
    """Return the step: the transition, its audience brought up to date, and its notices.

    Whoever was told of an incident hears how it goes on, whatever the configuration says by then.
    """
    after = transition.after
    team = directory.teams.get(after.team)
    route = route_for(directory, after.severity, after.team, after.rule)
    due = _due(transition, route, team)
    notices, newly = _notices(transition, directory, route, team, due)
    joined = tuple(one for one in newly if one not in after.audience)
    audience = after.audience + joined
    is_told = bool(audience) or not is_silent(route)
    paged_at = _paged_at(transition, due) if is_told else after.paged_at
    known = told(after, audience, paged_at)
    deadline = next_deadline(known, directory, transition.happened.at)
    made = Transition(transition.before, known, transition.happened, transition.evidence)
    return Step(
        made,
        facts_of(made, directory),
        notices,
        deadline.at if deadline else None,
    )


def _notices(
    transition: Transition, directory: Directory, route: Route, team: Team | None, due: "_Due"
) -> tuple[tuple[Notice, ...], tuple[str, ...]]:
    """Return a transition's messages, and who is told of the incident for the first time."""
    if transition.happened.event in REMINDERS:
        reminded = told_of_reminder(transition, directory)
        at = transition.happened.at
        return tuple(
            Notice(one, part, at) for one, parts in reminded.items() for part in parts
        ), tuple(reminded)
    newly = _newly_told(transition, directory, route, team) if team else ()
    first = _first_notices(newly, due.push_at)
    known = transition.after.audience
    further = _further_notices(transition, directory, route, due, newly) if known else ()
    # What they did themselves is no news to them.
    own = _mail_of(transition.happened.actor, directory)
    return tuple(one for one in (*first, *further) if one.receiver not in own), newly


def _mail_of(person: str, directory: Directory) -> tuple[str, ...]:
    """Return the mail address of a person as a receiver, if they have one."""
    known = directory.people.get(person)
    return (f"email:{known.email}",) if known and known.email else ()


@dataclass(frozen=True, slots=True)
class _Due:
    """When a transition's messages are due.

    Attributes:
        push_at: Those that push somebody's phone.
        quiet_at: Edits and thread lines: never before the message they belong to is released.
    """

    push_at: datetime
    quiet_at: datetime


def _due(transition: Transition, route: Route, team: Team | None) -> _Due:
    after, happened = transition.after, transition.happened
    if team is None:
        return _Due(happened.at, happened.at)
    released_at = send_at(route, team, after.opened_at)
    by_a_person = happened.event in _ASKS and happened.actor != WATCHDOG
    return _Due(
        push_at=happened.at if by_a_person else send_at(route, team, happened.at),
        quiet_at=max(happened.at, released_at),
    )


def _paged_at(transition: Transition, due: _Due) -> datetime | None:
    """Return when the owner is paged: the clock of the escalation begins with what is released.

    It begins, too, where nobody can be told: the next person may be.
    """
    event = transition.happened.event
    is_worse = event is Event.LEVEL and _is_worse(transition)
    if event in _STARTS_CLOCK or is_worse:
        return due.push_at
    return transition.after.paged_at


def _newly_told(
    transition: Transition, directory: Directory, route: Route, team: Team
) -> tuple[str, ...]:
    """Return who gets a first message by this transition."""
    after, event = transition.after, transition.happened.event
    if is_silent(route) and event is not Event.OFFERED:  # nobody can accept what they do not know
        return ()
    if event in _BEGINNINGS or (event is Event.LEVEL and _is_worse(transition)):
        receivers = (
            *team_receivers(team, route.send),
            *person_receivers(directory, after.owner, route.send),
        )
    elif event is Event.OFFERED:
        receivers = person_receivers(directory, after.offered_to, route.send)
    elif event is Event.EXHAUSTED:
        receivers = person_receivers(directory, team.lead, route.send)
    elif event in {Event.TAKEN, Event.HANDED_OVER, Event.REOPENED} | _PUSHES_OWNER:
        receivers = person_receivers(directory, after.owner, route.send)
    else:
        receivers = ()
    return tuple(one for one in receivers if one not in after.audience)


def _is_worse(transition: Transition) -> bool:
    before = transition.before
    return before is not None and transition.after.severity.rank > before.severity.rank


@lru_cache
def _first_notices(receivers: tuple[str, ...], due_at: datetime) -> tuple[Notice, ...]:
    """Return the first message to each; all incidents of a storm have the same."""
    return tuple(Notice(one, first_part(one), due_at) for one in receivers)


def report_notices(
    directory: Directory, team: Team, send: tuple[str, ...], now: datetime
) -> tuple[Notice, ...]:
    """Return the messages of a report: to the team's channel and address, as `send` says, or its lead."""
    mail = (f"email:{team.email}",) if "email" in send and team.email else ()
    receivers = (*team_receivers(team, send), *mail)
    return _first_notices(receivers or person_receivers(directory, team.lead, ("email",)), now)


def for_one_person(transition: Transition, directory: Directory, person: str) -> Step:
    """Return the step of what only one person is told, at once: nobody else hears of it.

    Who was told of the incident before reads it below that; anybody else as a message of its own.
    """
    after, happened = transition.after, transition.happened
    route = route_for(directory, after.severity, after.team, after.rule)
    deadline = next_deadline(after, directory)
    notices = tuple(
        Notice(
            one,
            Part.THREAD if one in after.audience and one.startswith("slack:") else Part.PAGE,
            happened.at,
        )
        for one in person_receivers(directory, person, route.send)
    )
    facts = facts_of(transition, directory)
    return Step(transition, facts, notices, deadline.at if deadline else None)


def _further_notices(
    transition: Transition, directory: Directory, route: Route, due: _Due, newly: tuple[str, ...]
) -> Iterator[Notice]:
    """Yield what those get who were told before."""
    after = transition.after
    owners = person_receivers(directory, after.owner, route.send)
    mailed = _mailed(transition, directory)
    for one in after.audience:
        if one not in newly and (one in mailed or not one.startswith("email:")):
            yield from _follow_ups(one, transition, due, is_owners=one in owners)


def _mailed(transition: Transition, directory: Directory) -> tuple[str, ...]:
    """Return which of those who know of it may hear by mail how it goes on."""
    before, after, event = transition.before, transition.after, transition.happened.event
    if event not in _PERSONAL or before is None:
        return after.audience
    return _mail_of(after.offered_to if event is Event.OFFERED else before.owner, directory)


def _follow_ups(
    receiver: str, transition: Transition, due: _Due, *, is_owners: bool
) -> Iterator[Notice]:
    """Yield what a receiver that was told before gets: an edit, a line below, a mail, or an event."""
    event = transition.happened.event
    if event in _UNTOLD:
        return
    pushes = event in _PUSHES or (event is Event.LEVEL and _is_worse(transition))
    pushes = pushes or (event in _PUSHES_OWNER and is_owners)
    if receiver.startswith("email:"):
        if pushes or event in _MAILS or _ends_by_hand(transition):
            yield Notice(receiver, Part.PAGE, due.push_at if pushes else due.quiet_at)
        return
    if receiver in BESIDE:
        if receiver == WEBHOOK or pushes or event not in _QUIET:
            yield Notice(receiver, Part.THREAD, due.quiet_at)
        return
    if event not in _ONLY_BELOW:
        yield Notice(receiver, Part.EDIT, due.push_at if pushes else due.quiet_at)
    if receiver.startswith("slack:#") and (pushes or event not in _QUIET):
        yield Notice(receiver, Part.THREAD, due.quiet_at)
    elif pushes:
        yield Notice(receiver, Part.THREAD, due.push_at)


def _ends_by_hand(transition: Transition) -> bool:
    """Return whether it ends without a recovery of its own that was told."""
    before = transition.before
    is_end = transition.happened.event is Event.RESOLVED
    return is_end and before is not None and before.ends_by_hand


def standing(incident: Incident, directory: Directory, now: datetime) -> Facts:
    """Return what may be said of how an incident stands now, as of its latest event of that state."""
    event = _STANDS[incident.state]
    return facts_of(Transition(None, incident, Happened(event, now, WATCHDOG, "")), directory)


def facts_of(transition: Transition, directory: Directory) -> Facts:
    """Return what messages may say about a transition, frozen as it was then."""
    after, happened = transition.after, transition.happened
    following = next_up(after, directory)
    on_call_until = None
    if happened.event in _BEGINNINGS and after.team in directory.teams:
        on_call_until = shift_ends_at(directory, after.team, after.owner, happened.at)
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
        steps=after.steps,
        runbook=after.runbook,
        taken_at=after.taken_at,
        recovered_at=after.recovered_at,
        first_bad_at=after.first_bad_at,
        first_good_at=after.first_good_at,
        cause=after.cause,
        cause_kind=after.cause_kind,
        risk=after.risk,
        prevention=str(after.answer) if after.answer else "",
        previous_severity=happened.previous_severity,
        ends_by_hand=after.ends_by_hand,
        bad_members=int(after.value or 0) if after.is_storm else 0,
        zone=directory.zone_of(after.team),
        url=f"{directory.url}/i/{after.id}" if directory.url else "",
        next_person=following.person if following else "",
        next_at=following.at if following else None,
        on_call_until=on_call_until,
    )
