"""What becomes of an incident when nobody acts: it is passed on, open again, or ends without a cause."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from rules.base import Severity
from rules.hours import span_at
from rules.spans import short_span
from rules.values import dataclass
from watchdog.domain import life, silences
from watchdog.domain.closing import ANSWER_WITHIN
from watchdog.domain.deadline import LONG_AGO, Deadline
from watchdog.domain.incident import WATCHDOG, Happened, Incident, Refused, State, Transition
from watchdog.domain.oncall import on_call
from watchdog.domain.people import LEAD, ONCALL_NEXT, Directory, Team
from watchdog.domain.reminders import reminders
from watchdog.domain.routing import person_receivers

OFFER_LASTS = timedelta(minutes=30)
"""How long an offer waits for its answer."""


def next_deadline(
    incident: Incident, directory: Directory, now: datetime = LONG_AGO
) -> Deadline | None:
    """Return what comes first if nobody acts; None: nothing.

    Args:
        now: The present: reminders that should have come before wait for the next working hour.
    """
    found = (*_deadlines(incident, directory), *reminders(incident, directory, now))
    return min(found, key=lambda one: one.at, default=None)


def _deadlines(incident: Incident, directory: Directory) -> Iterator[Deadline]:
    team = directory.teams.get(incident.team)
    acted_at = incident.acted_at
    if incident.offered_to and acted_at:
        yield Deadline(acted_at + OFFER_LASTS, lambda now: life.lapsed(incident, now))
    if incident.state is State.RECOVERED and incident.recovered_at:
        yield Deadline(
            incident.recovered_at + ANSWER_WITHIN, lambda now: life.unanswered(incident, now)
        )
    if incident.silenced_until and incident.is_live:
        # Nobody is escalated to meanwhile: whoever would be, was not told.
        yield Deadline(incident.silenced_until, lambda now: silences.released(incident, now))
        return
    if team is None:
        return
    if incident.state is State.OPEN and incident.paged_at and incident.rung <= len(team.escalate):
        wait = timedelta() if out_of_reach(incident, directory) else _wait(team, incident.rung)
        if wait is not None:
            yield Deadline(
                incident.paged_at + wait, lambda now: passed_on(incident, directory, now)
            )
    if incident.state is State.TAKEN and incident.severity is Severity.CRITICAL:
        since = life.silent_since(incident)
        at = max(since + team.take_lasts, incident.snoozed_until or since)
        yield Deadline(at, lambda now: life.expired(incident, now))


def _wait(team: Team, rung: int) -> timedelta | None:
    """Return how long its owner has before it is passed on; the last as long as the one before."""
    rungs = team.escalate
    if not rungs:
        return None
    above = min(rung, len(rungs) - 1)
    return rungs[above].after - (rungs[above - 1].after if above else timedelta())


def out_of_reach(incident: Incident, directory: Directory) -> str:
    """Return why its owner cannot be paged, as what follows their name; empty: they can be."""
    if incident.missed:
        return incident.missed
    if incident.owner not in directory.people:
        return "has left"
    reachable = person_receivers(directory, incident.owner, ())
    return "" if reachable else "has neither Slack nor mail"


@dataclass(frozen=True, slots=True)
class NextUp:
    """Who is paged next for an open incident, and when; nobody: the channel is told that nobody took it."""

    at: datetime
    person: str


def next_up(incident: Incident, directory: Directory) -> NextUp | None:
    """Return what comes if nobody takes an open incident; None: it stays with its owner for now."""
    if incident.state is not State.OPEN or incident.silenced_until:
        return None
    deadline = next_deadline(replace(incident, offered_to=""), directory)
    if deadline is None:
        return None
    owner = deadline.act(deadline.at).after.owner
    return NextUp(deadline.at, owner if owner != incident.owner else "")


def passed_on(
    incident: Incident, directory: Directory, now: datetime, asked_by: str = ""
) -> Transition:
    """Return an open incident's next owner: whoever cannot be reached, or has it, is left out.

    Args:
        asked_by: The person who does not want to wait; empty: its time has come.
    """
    team = directory.teams[incident.team]
    missed = "" if asked_by else out_of_reach(incident, directory)
    for number, rung in enumerate(team.escalate[incident.rung :], start=incident.rung + 1):
        person = _person_of(rung.to, incident, directory, team, now)
        if person != incident.owner and person_receivers(directory, person, ()):
            if missed:
                words = f"{incident.owner} {missed}, now {person}"
                return life.missed(incident, person, number, words, now)
            turn = f"{number + 1}/{len(team.escalate) + 1}"  # the first was whoever was on call
            words = f"{_why(incident, now, asked_by)}, now {person} ({turn})"
            actor = asked_by or WATCHDOG
            return life.escalated(incident, person, number, words, now, actor)
    words = f"{incident.owner} {missed}, and nobody is left" if missed else ""
    return life.exhausted(incident, len(team.escalate) + 1, now, words)


def _why(incident: Incident, now: datetime, asked_by: str) -> str:
    if asked_by:
        return f"{asked_by} asks for help"
    return f"{incident.owner} silent {short_span(now - (incident.paged_at or incident.opened_at))}"


def _person_of(to: str, incident: Incident, directory: Directory, team: Team, now: datetime) -> str:
    if to == LEAD:
        return team.lead
    return next_on_call(directory, team, now, besides=incident.owner) if to == ONCALL_NEXT else to


def next_on_call(directory: Directory, team: Team, at: datetime, *, besides: str) -> str:
    """Return who follows the person on call in the rotations of now; the lead if there is nobody else."""
    person = on_call(directory, team.name, at)
    for rotation in team.oncall:
        if rotation.hours and span_at(at, rotation.hours, team.zone.key) is None:
            continue
        order = rotation.order
        first = order.index(person) + 1 if person in order else 0
        for one in (*order[first:], *order[:first]):
            if one not in {person, besides} and one in directory.people:
                return one
    return team.lead


def escalate_now(
    incident: Incident,
    directory: Directory,
    person: str,
    now: datetime,
    passed: Happened | None = None,
) -> Transition:
    """Return its passing on at once, because somebody asks for it.

    Args:
        passed: What gave it its owner after that person looked; None: they know its owner.

    Raises:
        Refused: It is not open, somebody was faster, its team has no escalation, or nobody is left.
    """
    team = directory.teams.get(incident.team)
    if incident.state is State.TAKEN:
        raise Refused(
            f"{incident.owner} has taken #{incident.id}; "
            "give it back or hand it over instead of escalating it"
        )
    if incident.state is not State.OPEN:
        raise Refused(f"#{incident.id} is {incident.state}; only what is open can be escalated")
    if passed:
        raise Refused(
            f"#{incident.id} was passed on {short_span(now - passed.at)} ago: {passed.words}. "
            f"Escalate it again only if {incident.owner} cannot help either"
        )
    if team is None or not team.escalate:
        raise Refused(f"team {incident.team} has no `escalate:`; hand #{incident.id} over instead")
    escalated = passed_on(incident, directory, now, person)
    if escalated.after.owner == incident.owner:
        raise Refused(f"nobody is left to escalate #{incident.id} to; hand it over instead")
    return escalated


def receiver_of_given_back(incident: Incident, directory: Directory, now: datetime) -> str:
    """Return who is to take what its owner gives back: who is on call, or who follows."""
    team = directory.teams.get(incident.team)
    if team is None:
        return incident.owner
    person = on_call(directory, team.name, now)
    return (
        next_on_call(directory, team, now, besides=person) if person == incident.owner else person
    )
