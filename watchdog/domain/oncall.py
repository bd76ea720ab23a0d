"""Who is on call at an instant."""

from datetime import datetime, timedelta

from watchdog.domain.people import Directory, Team
from watchdog.domain.rotation import turn_at

HORIZON = timedelta(weeks=52)
"""How far ahead hand-overs are looked for: no turn is longer than half of it."""


def on_call(team: Team, at: datetime) -> str:
    """Return the name of the person on call for `team` at `at`; its lead if there is no rotation."""
    return turn_at(team.oncall, at, team.zone)[0] if team.oncall else team.lead


def next_handover(team: Team, at: datetime) -> datetime | None:
    """Return when the person on call changes next, after `at`; None if not within `HORIZON`."""
    rotation = team.oncall
    if rotation is None or len(set(rotation.order)) < 2:
        return None
    person, ends_at = turn_at(rotation, at, team.zone)
    while ends_at < at + HORIZON:
        other, later = turn_at(rotation, ends_at, team.zone)
        if other != person:
            return ends_at
        ends_at = later
    return None


def owner_for(directory: Directory, team_name: str, at: datetime) -> str:
    """Return who owns a new incident of a team: the person on call, else the lead."""
    team = directory.teams[team_name]
    person = on_call(team, at)
    return person if person in directory.people else team.lead
