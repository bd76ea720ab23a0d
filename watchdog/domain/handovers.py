"""What is told when on-call passes from one person to another. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from notifiers.base import Report, ReportPart
from notifiers.report import ON_CALL
from notifiers.times import day_and_clock, time_of_day
from rules.values import dataclass
from watchdog.domain.oncall import next_handover, shifts
from watchdog.domain.people import Directory
from watchdog.domain.routing import person_receivers

LATE_MAX = timedelta(hours=1)
"""What has passed on for longer is not told any more: whoever is on call knows by then."""

LISTED_MAX = 15
_NAMED_MAX = 3
_WEEKDAY_IS_ENOUGH = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Handover:
    """From `at` on `person` is on call for a team, and somebody else was before."""

    team: str
    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Live:
    """An incident that is open or taken, as whoever comes on call wants to know of it."""

    id: int
    title: str
    severity: str
    state: str
    owner: str
    opened_at: datetime


def latest_handover(directory: Directory, team: str, now: datetime) -> Handover | None:
    """Return since when whoever is on call is it; None if that is longer ago than `LATE_MAX`.

    Of several hand-overs within that span it is the last one.
    """
    found, person = None, ""
    for one in shifts(directory, team, now - LATE_MAX, now + timedelta.resolution):
        if person and one.person != person:
            found = Handover(team, one.person, one.starts_at)
        person = one.person
    return found


def is_news(found: Handover, last: Handover) -> bool:
    """Return whether a hand-over is to be told, after the last one that was told or noted.

    An edited rotation may move an instant that has been told: then the same person follows again.
    """
    is_same = found.person == last.person and found.at - last.at <= LATE_MAX
    return found.at > last.at and not is_same


def next_change(directory: Directory, team: str, now: datetime, until: datetime) -> datetime:
    """Return when something passes on next, if that is before `until`; else `until`."""
    [first, *_] = shifts(directory, team, now, until)
    return first.ends_at


def announcement(
    directory: Directory, handover: Handover, live: Sequence[Live], total: int
) -> Report:
    """Return what the team's channel is told, in a line.

    Args:
        live: What is open or taken of the team, the worst first. `total`: how much of it there is.
    """
    zone = directory.zone_of(handover.team)
    return Report(
        name="hand-over",
        title=handover.team,
        team=handover.team,
        at=handover.at,
        due_at=handover.at,
        parts=(),
        zone=zone,
        url=directory.url,
        word=ON_CALL,
        fact=f"{_who(directory, handover, zone)} · {_open(live, total)}",
    )


def briefing(
    told: Report, live: Sequence[Live], total: int, tests: Sequence[tuple[str, str]]
) -> Report:
    """Return what whoever comes on call is told: the announcement, what is open, and how tests went.

    Args:
        tests: A way to reach them, and what came of a message there.
    """
    rows = tuple(_row(one, told.zone, told.at) for one in live[:LISTED_MAX])
    columns = ("incident", "level", "owner", "since")
    parts = [ReportPart("Open now", columns=columns, rows=rows, is_cut=total > len(rows))]
    if tests:
        parts.append(ReportPart("Delivery test", columns=("way", "result"), rows=tuple(tests)))
    return replace(told, parts=tuple(parts))


def ways_to(directory: Directory, person: str) -> tuple[str, ...]:
    """Return every way to somebody: the briefing goes by the first, the others are tested."""
    return person_receivers(directory, person, ("slack", "email"))


def _who(directory: Directory, handover: Handover, zone: str) -> str:
    following = next_handover(directory, handover.team, handover.at)
    if following is None:
        return handover.person
    until = following.starts_at
    is_soon = until - handover.at < _WEEKDAY_IS_ENOUGH
    said = time_of_day(until, zone, handover.at) if is_soon else day_and_clock(until, zone)
    return f"{handover.person} until {said} (then {following.person})"


def _open(live: Sequence[Live], total: int) -> str:
    if not total:
        return "none open"
    named = ", ".join(f"#{one.id}" for one in live[:_NAMED_MAX])
    return f"{total} open: {named}{', …' if total > _NAMED_MAX else ''}"


def _row(one: Live, zone: str, at: datetime) -> tuple[str, ...]:
    owner = one.owner if one.state == "taken" else f"{one.owner}, not taken"
    since = time_of_day(one.opened_at, zone, at)
    return f"#{one.id} {one.title}", one.severity, owner, since
