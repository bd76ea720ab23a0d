"""Who is on call at an instant: exactly one person, whatever the clocks of the world do.

Who covers for others comes first. Below, the rotations of a team are layers: the upper one whose
hours an instant lies in decides. Where none does, the lead answers.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from rules.hours import begins_after, span_at
from rules.values import dataclass
from watchdog.domain.people import Cover, Directory, Rotation, Team
from watchdog.domain.rotation import NEVER, turn_at

HORIZON = timedelta(weeks=52)
"""How far ahead hand-overs and gaps are looked for; no turn is longer than half of it."""


SOON = timedelta(days=8)
"""How far ahead whoever is paged wants to know when they are relieved: a weekly turn and a day."""


class By(StrEnum):
    """What put somebody on call."""

    COVER = "cover"
    ROTATION = "rotation"
    LEAD = "lead"


@dataclass(frozen=True, slots=True)
class Shift:
    """A person on call for a team from one instant to another, the latter excluded.

    Attributes:
        cover: Number of the cover that put them there; 0: none.
    """

    team: str
    person: str
    by: By
    starts_at: datetime
    ends_at: datetime
    cover: int = 0


def on_call(directory: Directory, team: str, at: datetime) -> str:
    """Return who owns what opens at an instant: the name of exactly one person."""
    return _shift_at(directory, directory.teams[team], at).person


def shifts(directory: Directory, team: str, since: datetime, until: datetime) -> Iterator[Shift]:
    """Yield who is on call from `since` to `until`: each shift begins where the one before ends."""
    at, held = since, None
    while at < until:
        one = _shift_at(directory, directory.teams[team], at)
        at = min(one.ends_at, until)
        if held and one == replace(held, starts_at=one.starts_at, ends_at=one.ends_at):
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


def shift_ends_at(directory: Directory, team: str, person: str, at: datetime) -> datetime | None:
    """Return when somebody else is on call than `person` is now.

    None if they are not on call, or for so long that nobody asks: `SOON`.
    """
    until = at + SOON
    shift = next(shifts(directory, team, at, until))
    return shift.ends_at if shift.person == person and shift.ends_at < until else None


def gaps(directory: Directory, team: str, since: datetime, until: datetime) -> Iterator[Shift]:
    """Yield when only the lead answers although the team has rotations."""
    if directory.teams[team].oncall:
        yield from (one for one in shifts(directory, team, since, until) if one.by is By.LEAD)


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is on call for a team now.

    Attributes:
        until: When somebody else follows, and `then` who; None if nobody does within `HORIZON`.
        is_gap: Only the lead answers, although the team has rotations.
    """

    team: str
    person: str
    by: By
    until: datetime | None
    then: str
    is_gap: bool


def duties(directory: Directory, now: datetime) -> list[Duty]:
    """Return who is on call now for each team, by its name."""
    return [_duty(directory, directory.teams[name], now) for name in sorted(directory.teams)]


def _duty(directory: Directory, team: Team, now: datetime) -> Duty:
    one, following = _shift_at(directory, team, now), next_handover(directory, team.name, now)
    until, then = (following.starts_at, following.person) if following else (None, "")
    is_gap = one.by is By.LEAD and bool(team.oncall)
    return Duty(team.name, one.person, one.by, until, then, is_gap)


def swapped(
    directory: Directory, team: str, one: str, other: str, after: datetime, by: str
) -> tuple[Cover, Cover] | None:
    """Return covers by which two people swap their next shifts that begin at `after` or later.

    None if one of them has no such shift within `HORIZON`.
    """
    was = on_call(directory, team, after - timedelta(microseconds=1))
    ahead = list(shifts(directory, team, after, after + HORIZON))
    begun = ahead[1:] if ahead[0].person == was else ahead
    theirs = next((shift for shift in begun if shift.person == one), None)
    others = next((shift for shift in begun if shift.person == other), None)
    if theirs is None or others is None:
        return None
    return (
        Cover(team, other, theirs.starts_at, theirs.ends_at, by),
        Cover(team, one, others.starts_at, others.ends_at, by),
    )


def _shift_at(directory: Directory, team: Team, at: datetime) -> Shift:
    """Return who is on call, and an instant up to which nothing can change that."""
    covers = _covers_from(directory, team, at)
    if covers and covers[0].starts_at <= at:
        cover = covers[0]
        return Shift(team.name, cover.person, By.COVER, at, cover.ends_at, cover.number)
    ends_at = covers[0].starts_at if covers else NEVER
    for rotation in team.oncall:
        is_covered, changes_at = _hours_at(rotation, team, at)
        ends_at = min(ends_at, changes_at)
        if is_covered:
            person, turn_ends_at = turn_at(rotation, at, team.zone)
            ends_at = min(ends_at, turn_ends_at)
            if person in directory.people:
                return Shift(team.name, person, By.ROTATION, at, ends_at)
    return Shift(team.name, team.lead, By.LEAD, at, ends_at)


def _covers_from(directory: Directory, team: Team, at: datetime) -> list[Cover]:
    """Return the covers that are not over, in order; those of people who left do not count."""
    found = [
        one
        for one in directory.covers
        if one.team == team.name and one.ends_at > at and one.person in directory.people
    ]
    return sorted(found, key=lambda one: one.starts_at)


def _hours_at(rotation: Rotation, team: Team, at: datetime) -> tuple[bool, datetime]:
    """Return whether an instant lies in the hours of a layer, and when that changes."""
    if rotation.hours is None:
        return True, NEVER
    span = span_at(at, rotation.hours, team.zone.key)
    return (True, span[1]) if span else (False, begins_after(at, rotation.hours, team.zone.key))
