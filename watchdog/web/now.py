"""The first page: what needs a person, whether everything is watched, and what was said to whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from notifiers.base import Message
from rules.base import Outcome, Severity
from watchdog import silencing
from watchdog.config.problems import visible
from watchdog.domain.escalation import next_up
from watchdog.domain.incident import Incident, State
from watchdog.domain.oncall import duties
from watchdog.domain.people import Directory
from watchdog.status import Status, describe
from watchdog.store import covers, incidents, outbox, pages, tracks
from watchdog.store.facts import decode_told
from watchdog.store.looks import RuleLook
from watchdog.store.outbox import Entry
from watchdog.store.pool import transaction
from watchdog.web.gate import Visitor, visitor_of
from watchdog.web.pages import render
from watchdog.web.room import Room, room_of

PARTS = ("incidents", "rules", "outbox")
"""Pieces of the page that are fetched again by themselves."""

_FIRST_MAX = {"incidents": 30, "rules": 40, "outbox": 8}
_ALL_MAX = {"incidents": 1000, "rules": 10_000, "outbox": 100}

_OUTCOME_WORDS = {
    Outcome.OK: "fine",
    Outcome.BAD: "bad",
    Outcome.NO_DATA: "no data",
    Outcome.ERROR: "could not look",
}
_GROUPS = (
    (State.OPEN, "Not taken"),
    (State.TAKEN, "Taken"),
    (State.RECOVERED, "Recovered, cause missing"),
)


async def show_now(request: Request) -> Response:
    """Show the whole page."""
    return render("now.html", **await _facts(request, PARTS))


async def show_part(request: Request) -> Response:
    """Show one piece of it."""
    part = request.path_params["part"]
    if part not in PARTS:
        raise HTTPException(404, "There is no such part of a page.")
    return render(f"part_{part}.html", **await _facts(request, (part,)))


async def _facts(request: Request, parts: Sequence[str]) -> dict[str, Any]:
    room, visitor = room_of(request), visitor_of(request)
    everything = "all" in request.query_params
    most = _ALL_MAX if everything else _FIRST_MAX
    facts: dict[str, Any] = {"visitor": visitor, "now": room.now(), "everything": everything}
    async with transaction(room.service.pool) as conn:
        directory = await covers.with_covers(conn, room.service.directory(), room.now())
        if "incidents" in parts:
            facts |= await _incidents(conn, visitor, directory, most["incidents"])
            facts |= {"silences": await silencing.in_force(conn, room.now())}
        if "rules" in parts:
            why = await tracks.reasons(conn)
            facts |= _rules(room, await room.looks(conn), why, most["rules"])
            facts |= {"duties": duties(directory, room.now())}
        if "outbox" in parts:
            facts |= await _outbox(conn, room, most["outbox"])
    return facts


@dataclass(frozen=True, slots=True)
class Group:
    """Incidents in the same state; `total` counts those that are not shown, too."""

    heading: str
    incidents: Sequence[Incident]
    total: int


async def _incidents(
    conn: asyncpg.Connection, visitor: Visitor, directory: Directory, most: int
) -> dict[str, Any]:
    counts = await pages.count_incidents(conn)
    shown = await incidents.unresolved(conn, most)
    # The database has sorted by state and severity; what is mine comes first among equals.
    shown.sort(key=lambda one: one.owner != visitor.name and one.state is not State.OPEN)
    groups = [
        Group(
            heading,
            [one for one in shown if one.state is state],
            sum(number for (_, of), number in counts.items() if of == state.value),
        )
        for state, heading in _GROUPS
    ]
    total = sum(counts.values())
    pressing = {of: n for of, n in counts.items() if of[0] != Severity.INFO.value}
    return {
        "waiting": sum(n for (_, of), n in pressing.items() if of == State.OPEN.value),
        "is_pressing": bool(pressing),
        "groups": groups,
        "total": total,
        "left_out": total - len(shown),
        "next_ups": {one.id: next_up(one, directory) for one in shown},
    }


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule, in one line; `why` nothing is open though it is bad."""

    name: str
    word: str
    why: str
    looked_at: datetime | None
    reason: str
    missed: int

    @property
    def is_worth_a_look(self) -> bool:
        """Return whether it is more than one of many that are fine."""
        return bool(self.reason) or self.word != "fine"


def _rules(
    room: Room, looks: Mapping[str, RuleLook], why: Mapping[str, str], most: int
) -> dict[str, Any]:
    service, now = room.service, room.now()
    status = describe(service.config, looks, now)
    names = [*service.config.rules, *(one.name for one in service.config.broken)]
    rows = [_row(name, looks.get(name), why.get(name, ""), status) for name in names]
    rows.sort(key=lambda row: (not row.reason, not row.is_worth_a_look, row.name))
    return {
        "status": status,
        "rules": rows[:most],
        "rules_total": len(rows),
        "problems": service.loaded.problems[:50],
        "is_refused": bool(service.loaded.errors),
        "visible": visible,
    }


def _row(name: str, look: RuleLook | None, why: str, status: Status) -> RuleRow:
    look = look or RuleLook(name)
    word = (
        _OUTCOME_WORDS.get(look.outcome, "not looked at yet")
        if look.outcome
        else "not looked at yet"
    )
    why = why if look.outcome is Outcome.BAD else ""
    return RuleRow(name, word, why, look.looked_at, status.reasons.get(name, ""), look.missed)


async def _outbox(conn: asyncpg.Connection, room: Room, most: int) -> dict[str, Any]:
    entries = await outbox.recent(conn, most)
    return {"messages": await as_read(conn, room, entries)}


@dataclass(frozen=True, slots=True)
class Read:
    """A message, and what its reader sees: `body` is what is, was or would be sent."""

    entry: Entry
    line: str
    body: Mapping[str, Any]


async def as_read(conn: asyncpg.Connection, room: Room, entries: Sequence[Entry]) -> list[Read]:
    """Return the messages with their bodies: the stored one, else rendered as it would be now."""
    missing = [one.id for one in entries if one.rendered is None]
    encoded = await pages.facts_of(conn, missing)
    return [_read(room, one, encoded.get(one.id)) for one in entries]


def _read(room: Room, entry: Entry, encoded: Mapping[str, Any] | None) -> Read:
    if entry.rendered is not None:
        return Read(entry, entry.line, entry.rendered)
    channel, _, address = entry.receiver.partition(":")
    notifier = room.service.notifiers.get(channel)
    if notifier is None or encoded is None:
        return Read(entry, entry.line, {})
    try:
        said = decode_told(encoded)
    except ValueError:  # written by another release
        return Read(entry, entry.line, {})
    message = Message(str(entry.id), address, entry.part, entry.version, said)
    rendered = notifier.render(message)
    return Read(entry, entry.line or rendered.line, rendered.body)
