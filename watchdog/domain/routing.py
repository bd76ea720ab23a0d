"""Where an incident goes, and when a message that can wait is sent."""

from datetime import datetime
from fnmatch import fnmatchcase

from rules.base import Severity
from rules.hours import begins_after, span_at
from watchdog.domain.people import Directory, Route, Team

EVERYWHERE = Route(send=("slack", "email"))
"""Used when no route matches: an incident that nobody hears of is worse than one too many."""

WEBHOOK = "webhook:events"
"""The receiver for programs: there is one, and it reads of which team an incident is."""

APPRISE = "apprise:room"
"""The room of another service, of which there is one, too."""

BESIDE = frozenset({WEBHOOK, APPRISE})
"""Where nobody is reached who is not told by other ways as well."""

_STORM = "storm:"


def route_for(directory: Directory, severity: Severity, team: str, rule: str) -> Route:
    """Return the first route that matches; a storm, whose members people hear of, is never silent."""
    for route in directory.routes:
        if rule.startswith(_STORM) and is_silent(route):
            continue
        if (
            (not route.severities or severity in route.severities)
            and (not route.teams or team in route.teams)
            and (not route.rules or any(fnmatchcase(rule, pattern) for pattern in route.rules))
        ):
            return route
    return EVERYWHERE


def person_receivers(directory: Directory, person: str, send: tuple[str, ...]) -> tuple[str, ...]:
    """Return how to page a person over the route's channels; every way there is if none of those."""
    known = directory.people.get(person)
    if known is None:
        return ()
    ways = {}
    if known.slack:
        ways["slack"] = f"slack:@{known.slack}"
    if known.email:
        ways["email"] = f"email:{known.email}"
    chosen = tuple(ways[channel] for channel in send if channel in ways)
    return chosen or tuple(ways.values())


def team_receivers(team: Team, send: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is no person: the team's Slack channel, the webhook, the room; if the route goes there."""
    slack = (f"slack:#{team.slack}",) if "slack" in send and team.slack else ()
    others = {"webhook": WEBHOOK, "apprise": APPRISE}
    return (*slack, *(one for way, one in others.items() if way in send))


def is_silent(route: Route) -> bool:
    """Return True when nobody is told now: the incident waits for the weekly summary."""
    return set(route.send) <= {"weekly"}


def send_at(route: Route, team: Team, now: datetime) -> datetime:
    """Return when a first message on `route` is due: now, or when the team's working hours begin."""
    if not route.hold_until_working_hours or team.working_hours is None:
        return now
    return next_working_instant(team, now)


def next_working_instant(team: Team, now: datetime) -> datetime:
    """Return `now` if the team works, else the start of its next working hours."""
    hours, zone = team.working_hours, team.zone.key
    if hours is None or not hours.days or span_at(now, hours, zone):
        return now
    return begins_after(now, hours, zone)
