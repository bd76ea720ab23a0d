"""One message in place of many that are out of date by the time they can be sent. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from notifiers.base import Part, Report, ReportPart
from notifiers.times import time_of_day, zone_word
from rules.base import Severity
from rules.values import dataclass
from watchdog.domain.fallback import people_at
from watchdog.domain.people import Directory

INCIDENTS_MIN = 10
WAITED_MIN = timedelta(minutes=15)
"""So many incidents at least, of which the first has waited so long, are told by a digest."""

_ROWS_MAX = 15
_WORST_FIRST = [one.value for one in reversed(Severity)]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits, with the incident that it tells of as it stands now.

    Attributes:
        due_since: When it was first due.
        is_told: Its receiver has the first message about the incident, and it can be edited.
        heard_at: Other receivers where a page of the same event has arrived.
    """

    id: int
    receiver: str
    incident_id: int
    part: Part
    due_since: datetime
    is_told: bool
    heard_at: Sequence[str]
    state: str
    severity: str
    title: str
    owner: str
    opened_at: datetime
    team: str
    zone: str
    url: str


@dataclass(frozen=True, slots=True)
class Digest:
    """What one receiver is told, and the numbers of the messages that it stands for."""

    receiver: str
    report: Report
    stands_for: tuple[int, ...]


def digests(waiting: Iterable[Waiting], directory: Directory, now: datetime) -> list[Digest]:
    """Return the digests of the receivers for whom too much has waited for too long.

    What keeps going by itself: pages of which their reader has not heard by another road, edits of
    messages that are there, and all that is held until later.
    """
    by_receiver: dict[str, dict[int, list[Waiting]]] = {}
    for one in waiting:
        queues = by_receiver.setdefault(one.receiver, {})
        queues.setdefault(one.incident_id, []).append(one)
    found = []
    for receiver, queues in by_receiver.items():
        folded = [one for queue in queues.values() for one in _out_of_date(queue, directory, now)]
        if _is_too_much(folded, now):
            numbers = tuple(one.id for one in folded)
            found.append(Digest(receiver, _report(folded, now), numbers))
    return found


def _out_of_date(
    queue: Sequence[Waiting], directory: Directory, now: datetime
) -> Iterator[Waiting]:
    is_held = any(one.due_since > now for one in queue)
    is_unheard = any(one.part is Part.PAGE and not _is_heard(one, directory) for one in queue)
    if not (is_held or is_unheard):
        yield from (one for one in queue if not one.is_told or one.part is Part.THREAD)


def _is_heard(page: Waiting, directory: Directory) -> bool:
    """Return whether whoever should have got the page has got it by another road."""
    readers = set(people_at(page.receiver, directory))
    return any(readers.intersection(people_at(one, directory)) for one in page.heard_at)


def _is_too_much(folded: Sequence[Waiting], now: datetime) -> bool:
    incidents = {one.incident_id for one in folded}
    return (
        len(incidents) >= INCIDENTS_MIN and min(one.due_since for one in folded) <= now - WAITED_MIN
    )


def _report(folded: Sequence[Waiting], now: datetime) -> Report:
    incidents = {one.incident_id: one for one in folded}
    open_now = sorted(
        (one for one in incidents.values() if one.state in {"open", "taken"}), key=_worst_first
    )
    newest = folded[-1]
    since = min(one.due_since for one in folded)
    told_at = f"{time_of_day(since, newest.zone, now)} {zone_word(newest.zone)}"
    return Report(
        name="digest",
        title=f"Missed here since {told_at}",
        team=newest.team,
        at=now,
        due_at=now,
        parts=(_figures(incidents, len(open_now)), _still_open(open_now, now)),
        zone=newest.zone,
        url=newest.url.partition("/i/")[0],
    )


def _figures(incidents: Mapping[int, Waiting], open_now: int) -> ReportPart:
    return ReportPart(
        "While no message arrived here",
        figures=(("incidents", f"{len(incidents)}"), ("still open", f"{open_now}")),
    )


def _still_open(open_now: Sequence[Waiting], now: datetime) -> ReportPart:
    return ReportPart(
        "Still open",
        columns=("incident", "level", "owner", "since"),
        rows=tuple(
            (
                f"#{one.incident_id} {one.title}",
                one.severity,
                one.owner if one.state == "taken" else f"{one.owner}, not taken",
                time_of_day(one.opened_at, one.zone, now),
            )
            for one in open_now[:_ROWS_MAX]
        ),
        is_cut=len(open_now) > _ROWS_MAX,
    )


def _worst_first(one: Waiting) -> tuple[int, datetime]:
    known = one.severity in _WORST_FIRST
    return _WORST_FIRST.index(one.severity) if known else len(_WORST_FIRST), one.opened_at
