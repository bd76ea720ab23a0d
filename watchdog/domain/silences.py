"""Silences: what people ask not to hear of for a while. They always end, and nothing is lost in them.

An incident opens, has its owner and its timeline all the same. Whether one of its messages is
withheld is decided when it is about to be sent; at the end, what is still bad is told anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from notifiers.base import Event, Part
from notifiers.times import time_of_day, zone_word
from rules.base import Entity, Severity
from rules.spans import short_span
from rules.values import dataclass
from watchdog.domain.incident import WATCHDOG, Happened, Incident, State, Transition
from watchdog.domain.moves import LEADS_TO

LONGEST = timedelta(days=7)
REMIND_BEFORE = timedelta(minutes=15)
"""So long before its end whoever made it is reminded of what is still bad."""

_ASKED = {Event.OFFERED, Event.HANDED_OVER, Event.ESCALATED, Event.GIVEN_BACK}
"""When a person passes an incident on, its receiver hears of it in a silence, too."""

_BEGINNINGS = {Event.OPENED, Event.STORM, Event.BACK_AGAIN}
"""What begins in a silence is hidden by it."""

_ENDS = {Event.RECOVERED, Event.WITHDRAWN, Event.RESOLVED}
"""Whoever was told before hears how it ended."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What is not told until it ends.

    Attributes:
        pattern: Shell-style, of names of rules.
        team: Only its incidents; empty for those of all.
        entity: Columns with the values that an incident's entity must have.
        of_critical: It hides what is critical, too: an admin made it.
        ends_at: The first instant at which it hides nothing any more.
        number: 0 until it is kept.
        ended_by: Who ended it before its time.
    """

    pattern: str
    reason: str
    made_by: str
    made_at: datetime
    ends_at: datetime
    of_critical: bool = False
    team: str = ""
    entity: Entity = ()
    number: int = 0
    ended_by: str = ""

    def hides(self, incident: Incident, at: datetime) -> bool:
        """Return whether it hides an incident at an instant."""
        return self.fits(incident.rule, incident.team, incident.entity, incident.severity, at)

    def fits(self, rule: str, team: str, entity: Entity, severity: Severity, at: datetime) -> bool:
        """Return whether it hides what has all this at an instant."""
        return (
            at < self.ends_at
            and fnmatchcase(rule, self.pattern)
            and self.team in {"", team}
            and set(self.entity) <= set(entity)
            and (self.of_critical or severity is not Severity.CRITICAL)
        )

    @property
    def scope(self) -> str:
        """Return what it is for: `orders-*, team data, workspace acme`."""
        named = [f"{column} {value}" for column, value in self.entity]
        team = [f"team {self.team}"] if self.team else []
        return ", ".join([self.pattern, *team, *named])


def problem_of(silence: Silence) -> str:
    """Return what is wrong with a new silence, and what to do; empty for nothing."""
    lasts = silence.ends_at - silence.made_at
    if not silence.reason.strip():
        return "a silence needs a reason that others understand"
    if lasts <= timedelta():
        return f"a silence ends later than now, not at {silence.ends_at:%Y-%m-%d %H:%M} UTC"
    if lasts > LONGEST:
        return (
            f"a silence lasts at most {short_span(LONGEST)}, not {short_span(lasts)}; "
            "what is to stay quiet for longer needs another rule or route"
        )
    return ""


def covering(silences: Iterable[Silence], incident: Incident, at: datetime) -> Silence | None:
    """Return the silence that hides an incident for longest; None: it is told."""
    hiding = (one for one in silences if one.hides(incident, at))
    return max(hiding, key=lambda one: (one.ends_at, one.number), default=None)


def under(incident: Incident, silence: Silence | None) -> Incident:
    """Return the incident as it is hidden by a silence, or by none."""
    return replace(
        incident,
        silence=silence.number if silence else None,
        silenced_until=silence.ends_at if silence else None,
        waits_for=None,
    )


def under_level(incident: Incident, before: Incident, silence: Silence | None) -> Incident:
    """Return an incident of another level as hidden by what covers it now.

    What gets worse and is hidden by nothing is told by that very change. What does not waits for the
    end of the silence that it is in, which is told by itself; and so does what one above it explains.
    """
    if before.waits_for is not None:
        return incident
    is_worse = incident.severity.rank > before.severity.rank
    return under(incident, silence) if silence or is_worse else incident


def as_hidden(transition: Transition, silences: Sequence[Silence]) -> Transition:
    """Return a transition to what is hidden, by its level and its beginning, or by nothing."""
    before, after, happened = transition.before, transition.after, transition.happened
    if happened.event is Event.LEVEL and before is not None:
        after = under_level(after, before, covering(silences, after, happened.at))
    elif happened.event in _BEGINNINGS:
        after = under(after, covering(silences, after, happened.at))
    return replace(transition, after=after) if after is not transition.after else transition


def said(silence: Silence, zone: str, now: datetime) -> str:
    """Return who silences until when and why: `by raj until 18:00 Berlin: deploy`."""
    until = f"{time_of_day(silence.ends_at, zone, now)} {zone_word(zone)}"
    return f"by {silence.made_by} until {until}: {silence.reason}"


def silenced(incident: Incident, silence: Silence, zone: str, now: datetime) -> Transition:
    """Return that a silence hides an incident from now on."""
    words = said(silence, zone, now)
    return _moved(
        incident, under(incident, silence), Happened(Event.SILENCED, now, silence.made_by, words)
    )


def released(incident: Incident, now: datetime, by: str = WATCHDOG) -> Transition:
    """Return that nothing hides an incident any more, though it is still bad: it is told anew.

    Args:
        by: Who ended the silence; the service, when its time has come.
    """
    assert incident.state in {State.OPEN, State.TAKEN}
    words = "its silence has ended" if by == WATCHDOG else f"{by} ended its silence"
    if incident.waits_for is not None:
        words = f"#{incident.waits_for}, which explained it, is over"
    return _moved(incident, under(incident, None), Happened(Event.RELEASED, now, by, words))


def ends_soon(incident: Incident, silence: Silence, bad: int, now: datetime) -> Transition:
    """Return the reminder that a silence ends although something that it hides is bad.

    Args:
        bad: How many incidents it hides that are bad, this one among them.
    """
    words = f"ends in {short_span(silence.ends_at - now)}, {bad} still bad"
    return _moved(incident, incident, Happened(Event.SILENCE_ENDS, now, WATCHDOG, words))


def _moved(before: Incident, after: Incident, happened: Happened) -> Transition:
    assert LEADS_TO.get((before.state, happened.event)) is after.state
    return Transition(before, replace(after, version=before.version + 1), happened)


def is_hideable(event: str, actor: str, part: Part, receiver: str, *, was_told: bool) -> bool:
    """Return whether a silence withholds a message of this event.

    What pushes somebody's phone is withheld, and so is everything for whoever has not been told
    before. Edits and lines in a channel go on for those who have, and so does how it ended.

    Args:
        event: As stored; none of this release for a report.
        was_told: The receiver has had a first message about the incident.
    """
    if event == Event.SILENCE_ENDS or (event in _ASKED and actor != WATCHDOG):
        return False
    if not was_told:
        return True
    if event in _ENDS:
        return False
    return part is Part.PAGE or (part is Part.THREAD and receiver.startswith("slack:@"))
