"""Incidents and their timelines: read, and moved by committed steps."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from notifiers.base import Event
from rules.base import Entity
from watchdog.domain.incident import Happened, Incident, State
from watchdog.domain.notices import Step
from watchdog.store import history, outbox, waiting
from watchdog.store.copying import copy
from watchdog.store.incident_rows import (
    EVENT_COLUMNS,
    NEW_COLUMNS,
    event_row,
    incident_of,
    incident_row,
    moved_row,
)
from watchdog.store.sql import load
from watchdog.store.text import clean

_SQL = load("incidents")


_ONE_OPEN, _OPEN_TWICE = "incident_one_open", "WD001"
"""What the schema says when a second incident, or a member of a storm, is open about one thing."""


class AlreadyOpen(Exception):  # noqa: N818 (an outcome)
    """Another incident about the same thing is open; the transaction can only be rolled back."""


class Conflict(Exception):  # noqa: N818 (an outcome to try again after, not an error)
    """Somebody else moved one of the incidents first; nothing was written. Read again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an incident's timeline, an event or an attempt to tell somebody."""

    at: datetime
    what: str
    actor: str
    words: str
    state: str
    owner: str
    receiver: str


async def commit(conn: asyncpg.Connection, steps: Sequence[Step]) -> None:
    """Write transitions with their events and notices, inside the caller's transaction.

    Raises:
        AlreadyOpen: See its text.
        Conflict: An incident is no longer as `transition.before` says.
    """
    if not steps:
        return
    steps = await history.with_earlier(conn, steps)
    new = [step for step in steps if step.transition.before is None]
    moved = [step for step in steps if step.transition.before is not None]
    if new:
        await _insert(conn, new)
    if moved:
        await _update(conn, moved)
        await waiting.let_go(conn, [step.transition for step in moved])
    await copy(conn, "event", EVENT_COLUMNS, map(event_row, steps))
    await outbox.insert(
        conn,
        [
            (step.facts, step.transition.after.version, notice)
            for step in steps
            for notice in step.notices
        ],
    )
    await conn.execute(_SQL["announce"])


async def next_numbers(conn: asyncpg.Connection, count: int) -> list[int]:
    """Return `count` fresh incident numbers."""
    return [row["id"] for row in await conn.fetch(_SQL["next_numbers"], count)]


async def _insert(conn: asyncpg.Connection, steps: Sequence[Step]) -> None:
    # rows are made while the server works on those before
    await copy(conn, "incident", NEW_COLUMNS, map(incident_row, steps))


async def _update(conn: asyncpg.Connection, steps: Sequence[Step]) -> None:
    rows = map(moved_row, steps)
    try:
        written = await conn.fetch(_SQL["update_incidents"], *_columns(rows, 40))
    except asyncpg.PostgresError as error:
        if error.sqlstate == _OPEN_TWICE or getattr(error, "constraint_name", "") == _ONE_OPEN:
            raise AlreadyOpen from error
        raise
    if len(written) != len(steps):
        raise Conflict


def _columns(rows: Iterable[Sequence[Any]], count: int) -> list[list[Any]]:
    """Return rows turned into one list a column, as `unnest` wants them; texts fit for PostgreSQL."""
    columns = [
        [clean(value) if isinstance(value, str) else value for value in column]
        for column in zip(*rows, strict=True)
    ]
    assert len(columns) == count
    return columns


@dataclass(frozen=True, slots=True)
class Missed:
    """A page that did not reach the owner of its incident, and why: what follows their name."""

    notification: int
    owner: str
    reason: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The latest value of an incident that was looked at; of a storm, of its member about an entity."""

    incident_id: int
    value: float | None
    limit: float | None
    fact: str
    detail: str
    bad_now: bool
    looked_at: datetime
    rule: str = ""
    entity: Entity = ()


async def update_figures(conn: asyncpg.Connection, figures: Sequence[Figures]) -> None:
    """Write latest values; nothing is told and no event is made."""
    if not figures:
        return
    rows = (
        (one.incident_id, one.value, one.limit, one.fact, one.detail, one.bad_now, one.looked_at)
        for one in figures
    )
    await conn.execute(_SQL["update_figures"], *_columns(rows, 7))


async def lock(conn: asyncpg.Connection, ids: Sequence[int]) -> dict[int, Incident]:
    """Return incidents by number, locked until the transaction ends."""
    if not ids:
        return {}
    return {row["id"]: incident_of(row) for row in await conn.fetch(_SQL["lock_by_id"], list(ids))}


async def due_ids(conn: asyncpg.Connection, now: datetime, limit: int) -> list[int]:
    """Return the numbers of incidents with which something is to be done by now, the first due first."""
    return [row["id"] for row in await conn.fetch(_SQL["due_ids"], now, limit)]


async def lock_due(conn: asyncpg.Connection, now: datetime, limit: int) -> list[Incident]:
    """Return incidents with which something is to be done by now, locked; none that others hold."""
    return [incident_of(row) for row in await conn.fetch(_SQL["lock_due"], now, limit)]


async def awaiting_ids(conn: asyncpg.Connection) -> list[int]:
    """Return the numbers of everything that is not over, or has an action to be done; oldest first."""
    return [row["id"] for row in await conn.fetch(_SQL["awaiting_ids"])]


async def set_due(conn: asyncpg.Connection, due: Mapping[int, datetime | None]) -> None:
    """Write when something is to be done with incidents, unless somebody acts before."""
    if due:
        await conn.execute(_SQL["set_due"], list(due), list(due.values()))


async def lock_recovered(
    conn: asyncpg.Connection, fingerprints: Sequence[bytes], since: datetime
) -> dict[bytes, Incident]:
    """Return the latest incident of each fingerprint that recovered after `since`, locked.

    Or the one that somebody has reopened though its checks were good.
    """
    rows = await conn.fetch(_SQL["lock_recovered"], list(fingerprints), since)
    return {row["fingerprint"]: incident_of(row) for row in rows}


async def ended(
    conn: asyncpg.Connection, fingerprints: Sequence[bytes], since: datetime
) -> dict[bytes, Incident]:
    """Return the latest incident of each fingerprint that recovered after `since`, resolved or not."""
    rows = await conn.fetch(_SQL["list_ended"], list(fingerprints), since)
    return {row["fingerprint"]: incident_of(row) for row in rows}


async def mark_missed(conn: asyncpg.Connection, missed: Sequence[Missed], now: datetime) -> None:
    """Write whose pages do not reach them, where the incident is still theirs and open.

    It is passed on at the next look at what is due. Nothing is told and no event is made.
    """
    if missed:
        rows = [(one.notification, one.owner, one.reason) for one in missed]
        await conn.execute(_SQL["mark_missed"], *_columns(rows, 3), now)


async def bad_since(conn: asyncpg.Connection, ids: Sequence[int]) -> dict[int, datetime]:
    """Return when each incident opened, or came back for the last time."""
    rows = await conn.fetch(_SQL["list_bad_since"], list(ids))
    return {row["incident_id"]: row["at"] for row in rows}


async def by_id(conn: asyncpg.Connection, number: int) -> Incident | None:
    """Return one incident, or None if there is none of that number."""
    row = await conn.fetchrow(_SQL["by_id"], number)
    return incident_of(row) if row else None


async def unresolved(conn: asyncpg.Connection, limit: int = 1000) -> list[Incident]:
    """Return what still needs somebody: not taken first, worst first."""
    return [incident_of(row) for row in await conn.fetch(_SQL["list_unresolved"], limit)]


async def live(conn: asyncpg.Connection) -> list[Incident]:
    """Return every open or taken incident."""
    return [incident_of(row) for row in await conn.fetch(_SQL["list_live_of_rules"])]


async def listed(
    conn: asyncpg.Connection,
    *,
    since: datetime | None = None,
    rule: str | None = None,
    owner: str | None = None,
    with_resolved: bool = False,
    limit: int = 1000,
) -> list[Incident]:
    """Return incidents, newest first."""
    rows = await conn.fetch(_SQL["list_all"], since, rule, owner, with_resolved, limit)
    return [incident_of(row) for row in rows]


async def actions(
    conn: asyncpg.Connection, *, with_done: bool, limit: int = 1000
) -> list[Incident]:
    """Return incidents that have a preventive action, the first due first."""
    rows = await conn.fetch(_SQL["list_actions"], with_done, limit)
    return [incident_of(row) for row in rows]


async def timeline(conn: asyncpg.Connection, number: int) -> list[Entry]:
    """Return an incident's events and delivery attempts in order of time, at most 1,000."""
    return [Entry(**dict(row)) for row in await conn.fetch(_SQL["timeline"], number)]


async def passed_since(conn: asyncpg.Connection, number: int, version: int) -> Happened | None:
    """Return what gave an incident its owner after a version of it; None: the owner is the same."""
    row = await conn.fetchrow(_SQL["passed_since"], number, version)
    return Happened(Event(row["event"]), row["at"], row["actor"], row["words"]) if row else None


async def state_at(conn: asyncpg.Connection, number: int, version: int) -> State | None:
    """Return the state that an incident had at a version of it; None: there is no such version."""
    state = await conn.fetchval(_SQL["state_at"], number, version)
    return State(state) if state else None


async def evidence(conn: asyncpg.Connection, number: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that were stored with an incident when it opened, by name of their query."""
    stored = await conn.fetchval(_SQL["evidence"], number)
    return json.loads(stored) if stored else {}
