"""Who is on call at an instant: exactly one person, whatever the clocks of the world do.

The rotations of a team are layers. The upper one whose hours an instant lies in decides; where none
does, the lead answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from rules.hours import begins_after, span_at
from watchdog.domain.people import Directory, Rotation, Team
from watchdog.domain.rotation import NEVER, turn_at

HORIZON = timedelta(weeks=52)
"""How far ahead hand-overs and gaps are looked for; no turn is longer than half of it."""


class By(StrEnum):
    """What put somebody on call."""

    ROTATION = "rotation"
    LEAD = "lead"


@dataclass(frozen=True, slots=True)
class Shift:
    """A person on call for a team from one instant to another, the latter excluded."""

    team: str
    person: str
    by: By
    starts_at: datetime
    ends_at: datetime


def on_call(directory: Directory, team: str, at: datetime) -> str:
    """Return who owns what opens at an instant: the name of exactly one person."""
    return _shift_at(directory, directory.teams[team], at).person


def shifts(directory: Directory, team: str, since: datetime, until: datetime) -> Iterator[Shift]:
    """Yield who is on call from `since` to `until`: each shift begins where the one before ends."""
    at, held = since, None
    while at < until:
        one = _shift_at(directory, directory.teams[team], at)
        at = min(one.ends_at, until)
        if held and (held.person, held.by) == (one.person, one.by):
            held = replace(held, ends_at=at)
            continue
        if held:
            yield held
        held = replace(one, ends_at=at)
    if held:
        yield held


def next_handover(directory: Directory, team: str, at: datetime) -> Shift | None:
    """Return the first shift of somebody else after `at`; None if there is none within `HORIZON`."""
    person = on_call(directory, team, at)
    ahead = shifts(directory, team, at, at + HORIZON)
    return next((one for one in ahead if one.person != person), None)


def gaps(directory: Directory, team: str, since: datetime, until: datetime) -> Iterator[Shift]:
    """Yield when only the lead answers although the team has rotations."""
    if directory.teams[team].oncall:
        yield from (one for one in shifts(directory, team, since, until) if one.by is By.LEAD)


def _shift_at(directory: Directory, team: Team, at: datetime) -> Shift:
    """Return who is on call, and an instant up to which nothing can change that."""
    ends_at = NEVER
    for rotation in team.oncall:
        is_covered, changes_at = _hours_at(rotation, team, at)
        ends_at = min(ends_at, changes_at)
        if is_covered:
            person, turn_ends_at = turn_at(rotation, at, team.zone)
            ends_at = min(ends_at, turn_ends_at)
            if person in directory.people:
                return Shift(team.name, person, By.ROTATION, at, ends_at)
    return Shift(team.name, team.lead, By.LEAD, at, ends_at)


def _hours_at(rotation: Rotation, team: Team, at: datetime) -> tuple[bool, datetime]:
    """Return whether an instant lies in the hours of a layer, and when that changes."""
    if rotation.hours is None:
        return True, NEVER
    span = span_at(at, rotation.hours, team.zone.key)
    return (True, span[1]) if span else (False, begins_after(at, rotation.hours, team.zone.key))
