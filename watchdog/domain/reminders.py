"""Who is reminded of what, and when: in working hours only, and of each thing seldom.

A reminder is due by itself, as everything that happens when nobody acts. One whose hours have gone by,
because the service was down, waits for the next; so none are held, and none pile up.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from notifiers.base import Event, Part
from rules.hours import WeeklyHours, begins_after, first_instant, span_at
from rules.spans import short_span
from watchdog.domain.closing import ANSWER_WITHIN
from watchdog.domain.deadline import LONG_AGO, Deadline
from watchdog.domain.incident import WATCHDOG, Happened, Incident, Refused, State, Transition
from watchdog.domain.life import silent_since
from watchdog.domain.people import Directory, Team
from watchdog.domain.routing import is_silent, person_receivers, route_for
from watchdog.domain.step import step

STILL_OPEN_EVERY = timedelta(hours=3)
"""How long after the last sign of life, or reminder, the owner of a taken incident hears of it in Slack."""

SNOOZE_MAX = timedelta(hours=24)
"""How long an incident rests at most."""

MAIL_EVERY = timedelta(days=1)
LATE_EVERY = timedelta(days=7)
_LATENESS_MAX = timedelta(hours=1)
"""By how much we may be late without a weekly reminder moving to another day."""

_USUAL_HOURS = WeeklyHours(frozenset(range(5)), time(9), time(18))

REMINDERS = frozenset({Event.STILL_OPEN, Event.CAUSE_ASKED, Event.ACTION_LATE})


def reminders(incident: Incident, directory: Directory, now: datetime) -> Iterator[Deadline]:
    """Yield when somebody is to be reminded of an incident; nobody of what is silent or silenced.

    Args:
        now: The present: what should have been said before it waits for the next working hour.
    """
    team = directory.teams.get(incident.team)
    if team is None:
        return
    hours = _Hours(team)
    route = route_for(directory, incident.severity, incident.team, incident.rule)
    if (at := _late_at(incident, hours)) is not None:
        yield Deadline(hours.at_work(at, now), lambda at: _action_late(incident, at))
    if is_silent(route) or incident.silenced_until:
        return
    if incident.state is State.TAKEN:
        at = _still_open_at(incident, person_receivers(directory, incident.owner, route.send))
        yield Deadline(hours.at_work(at, now), lambda at: _still_open(incident, at))
    if incident.state is State.RECOVERED and incident.recovered_at and not incident.unneeded:
        since = max(incident.recovered_at, incident.reminded_at or LONG_AGO)
        at = hours.at_work(hours.begin_after(since), now)
        if at < incident.recovered_at + ANSWER_WITHIN:
            yield Deadline(at, lambda at: _cause_asked(incident, at))


def snooze(incident: Incident, person: str, span: timedelta, now: datetime) -> Transition:
    """Return its rest: for a while its owner is not reminded of it, nor does it expire.

    Whatever is worse, or gives it to somebody else, ends that.

    Raises:
        Refused: It is not taken, or somebody else has it, or that is too long.
    """
    if incident.state is State.OPEN:
        raise Refused(f"#{incident.id} is open; take it first, then snooze it")
    if incident.state is not State.TAKEN:
        raise Refused(f"#{incident.id} is {incident.state}; there is nothing to snooze")
    if incident.owner != person:
        raise Refused(f"#{incident.id} belongs to {incident.owner}; only the owner snoozes it")
    if not timedelta() < span <= SNOOZE_MAX:
        raise Refused(
            f"#{incident.id} can be snoozed for at most {short_span(SNOOZE_MAX)}, "
            f"not for {short_span(span)}; hand it over if that is too short"
        )
    happened = Happened(Event.SNOOZED, now, person, f"no reminder for {short_span(span)}")
    return step(incident, happened, snoozed_until=now + span)


def hours_of(team: Team) -> WeeklyHours:
    """Return when a team works: its own hours, or the usual ones where it has none."""
    own = team.working_hours
    return own if own and own.days else _USUAL_HOURS


class _Hours:
    """When a team works."""

    def __init__(self, team: Team) -> None:
        self._hours = hours_of(team)
        self._zone = team.zone

    def begin_after(self, at: datetime) -> datetime:
        """Return when working hours begin, after an instant."""
        return begins_after(at, self._hours, self._zone.key)

    def at_work(self, at: datetime, now: datetime) -> datetime:
        """Return an instant, or the first working one after it that is not over yet."""
        at = max(at, now)
        return at if span_at(at, self._hours, self._zone.key) else self.begin_after(at)

    def begin_on(self, day: date) -> datetime:
        """Return when working hours begin, on a day or after it."""
        midnight = first_instant(datetime.combine(day, time()), self._zone)
        return self.begin_after(midnight - timedelta(seconds=1))


def _still_open_at(incident: Incident, receivers: tuple[str, ...]) -> datetime:
    has_slack = any(one.startswith("slack:") for one in receivers)
    every = STILL_OPEN_EVERY if has_slack else MAIL_EVERY
    last = max(silent_since(incident), incident.reminded_at or LONG_AGO)
    return max(last + every, incident.snoozed_until or LONG_AGO)


def _late_at(incident: Incident, hours: _Hours) -> datetime | None:
    """Return when the owner of a preventive action is reminded that it is late; None: never."""
    answer = incident.answer
    if answer is None or answer.due_on is None or answer.is_done:
        return None
    first = hours.begin_on(answer.due_on + timedelta(days=1))
    last = incident.reminded_at
    if last is None or last < first:
        return first
    return hours.begin_after(last + LATE_EVERY - _LATENESS_MAX)


def _still_open(incident: Incident, now: datetime) -> Transition:
    noted = incident.noted_at
    note = f"note {short_span(now - noted)} ago" if noted else "no note yet"
    words = f"{short_span(now - incident.opened_at)}, {note}"
    return _reminded(incident, Event.STILL_OPEN, words, now)


def _cause_asked(incident: Incident, now: datetime) -> Transition:
    return _reminded(incident, Event.CAUSE_ASKED, "what stops it next time?", now)


def _action_late(incident: Incident, now: datetime) -> Transition:
    answer = incident.answer
    assert answer is not None
    words = f"{answer.owner}, due {answer.due_on}: {answer.words}"
    return _reminded(incident, Event.ACTION_LATE, words, now)


def _reminded(incident: Incident, event: Event, words: str, now: datetime) -> Transition:
    return step(incident, Happened(event, now, WATCHDOG, words), reminded_at=now)


def told_of_reminder(transition: Transition, directory: Directory) -> dict[str, tuple[Part, ...]]:
    """Return who gets what of a reminder: whoever is to act, and the channel of what is still open."""
    after, event = transition.after, transition.happened.event
    person = after.owner
    if event is Event.ACTION_LATE and after.answer:
        person = after.answer.owner
    team = directory.teams.get(after.team)
    if team and person not in directory.people:
        person = team.lead
    route = route_for(directory, after.severity, after.team, after.rule)
    told: dict[str, tuple[Part, ...]] = {}
    for one in person_receivers(directory, person, route.send):
        if one.startswith("slack:") and one in after.audience:
            told[one] = (Part.EDIT, Part.THREAD)
        elif one.startswith("slack:") or _is_mail_due(transition):
            told[one] = (Part.PAGE,)
    if event is Event.STILL_OPEN:
        channels = (one for one in after.audience if one.startswith("slack:#"))
        told |= dict.fromkeys(channels, (Part.EDIT, Part.THREAD))
    return told


def _is_mail_due(transition: Transition) -> bool:
    """Return whether a mail may go out: of what is still open at most one a day."""
    before, happened = transition.before, transition.happened
    last = before.reminded_at if before else None
    is_other = happened.event is not Event.STILL_OPEN
    return is_other or last is None or happened.at - last >= MAIL_EVERY - _LATENESS_MAX
