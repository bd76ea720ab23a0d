"""Who is on call at an instant."""

from datetime import date, datetime, timedelta

from watchdog.domain.people import Directory, Rotate, Rotation, Team

_FIRST_MONDAY = date(1970, 1, 5)
"""Rotations count from here, so that everybody computes the same person without stored state."""


def on_call(team: Team, at: datetime) -> str:
    """Return the name of the person on call for `team` at `at`; its lead if there is no rotation.

    A hand-over at an hour that DST skips happens at the first instant after the gap; at one that
    it repeats, at the first of the two.
    """
    rotation = team.oncall
    if rotation is None:
        return team.lead
    return rotation.order[_turns(rotation, at.astimezone(team.zone)) % len(rotation.order)]


def _turns(rotation: Rotation, local: datetime) -> int:
    """Return how many hand-overs lie between the first Monday of 1970 and `local`, wall time."""
    days = (local.date() - _FIRST_MONDAY).days
    if rotation.rotate is Rotate.DAILY:
        return days if _is_past(rotation, local) else days - 1
    days -= rotation.weekday
    weeks, day_of_turn = divmod(days, 7)
    return weeks - 1 if day_of_turn == 0 and not _is_past(rotation, local) else weeks


def _is_past(rotation: Rotation, local: datetime) -> bool:
    """Return True once today's hand-over hour was reached, and stay True when the hour repeats."""
    handover = datetime.combine(local.date(), rotation.at, tzinfo=local.tzinfo)
    return local.timestamp() >= handover.timestamp()


def next_handover(team: Team, at: datetime) -> datetime | None:
    """Return when the person on call changes next, after `at`; None without a rotation of several."""
    rotation = team.oncall
    if rotation is None or len(set(rotation.order)) < 2:
        return None
    local = at.astimezone(team.zone)
    for day in range(15 * len(rotation.order)):
        handover = datetime.combine(
            local.date() + timedelta(days=day), rotation.at, tzinfo=team.zone
        )
        changed = on_call(team, handover) != on_call(team, handover - timedelta(seconds=1))
        if handover > at and changed:
            return handover
    return None


def owner_for(directory: Directory, team_name: str, at: datetime) -> str:
    """Return who owns a new incident of a team: the person on call, else the lead."""
    team = directory.teams[team_name]
    person = on_call(team, at)
    return person if person in directory.people else team.lead
