"""Incidents and their timelines: read, and moved by committed steps."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from rules.base import Entity, Severity
from watchdog.domain.closing import Answer, Prevention
from watchdog.domain.incident import Incident, State
from watchdog.domain.notices import Step
from watchdog.store import outbox, waiting
from watchdog.store.copying import copy
from watchdog.store.facts import encode_facts
from watchdog.store.sql import load
from watchdog.store.text import JsonText, clean, json_text

_SQL = load("incidents")
_NEW_COLUMNS = (
    *("id", "fingerprint", "rule", "identity", "source", "kind", "team", "entity", "title"),
    *("severity", "state", "owner", "version", "failure_class", "value", "value_limit", "fact"),
    *("detail", "impact", "do_first", "steps", "runbook", "audience", "opened_at", "first_bad_at"),
    *(
        "last_looked_at",
        "evidence",
        "repeat_of",
        "paged_at",
        "due_at",
        "silence",
        "silenced_until",
        "waits_for",
    ),
)
_AS_STORED = (
    *("taken_at", "recovered_at", "resolved_at", "first_bad_at", "first_good_at", "paged_at"),
    *("acted_at", "silence", "silenced_until", "waits_for", "missed", "snoozed_until"),
    *("reopened_at", "noted_at", "reminded_at", "unneeded", "unneeded_words"),
)
_EVENT_COLUMNS = (
    *("incident_id", "version", "state", "owner", "previous_version", "previous_state"),
    *("previous_owner", "event", "at", "actor", "words", "previous_severity", "facts"),
)


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
        Conflict: An incident is no longer as `transition.before` says.
    """
    if not steps:
        return
    new = [step for step in steps if step.transition.before is None]
    moved = [step for step in steps if step.transition.before is not None]
    if new:
        await _insert(conn, new)
    if moved:
        await _update(conn, moved)
        await waiting.let_go(conn, [step.transition for step in moved])
    await copy(conn, "event", _EVENT_COLUMNS, map(_event_row, steps))
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
    await copy(conn, "incident", _NEW_COLUMNS, map(_incident_row, steps))


def _incident_row(step: Step) -> tuple[Any, ...]:
    one = step.transition.after
    return (
        one.id,
        one.fingerprint,
        one.rule,
        one.identity,
        one.source,
        one.kind,
        one.team,
        JsonText(json_text(one.entity)),
        clean(one.title),
        one.severity.value,
        one.state.value,
        one.owner,
        one.version,
        one.failure_class,
        one.value,
        one.limit,
        clean(one.fact),
        clean(one.detail),
        clean(one.impact),
        clean(one.do_first),
        tuple(map(clean, one.steps)),
        clean(one.runbook),
        one.audience,
        one.opened_at,
        one.first_bad_at,
        one.opened_at,
        json_text(step.transition.evidence) if step.transition.evidence else "{}",
        one.repeat_of,
        one.paged_at,
        step.due_at,
        one.silence,
        one.silenced_until,
        one.waits_for,
    )


async def _update(conn: asyncpg.Connection, steps: Sequence[Step]) -> None:
    rows = []
    for step in steps:
        one = step.transition.after
        rows.append(
            (
                one.id,
                one.version,
                one.state.value,
                one.owner,
                one.severity.value,
                one.failure_class,
                one.offered_to,
                one.bad_now,
                one.fact,
                one.detail,
                one.value,
                one.limit,
                "\n".join(one.audience),
                one.taken_at,
                one.recovered_at,
                one.resolved_at,
                one.first_good_at,
                one.cause,
                one.cause_kind,
                one.rung,
                one.paged_at,
                one.acted_at,
                step.due_at,
                one.risk,
                *_answer_columns(one.answer),
                one.silence,
                one.silenced_until,
                one.waits_for,
                one.missed,
                one.snoozed_until,
                one.reopened_at,
                one.noted_at,
                one.reminded_at,
                one.unneeded,
                one.unneeded_words,
            )
        )
    written = await conn.fetch(_SQL["update_incidents"], *_columns(rows, 39))
    if len(written) != len(steps):
        raise Conflict


def _answer_columns(answer: Answer | None) -> tuple[Any, ...]:
    if answer is None:
        return "", "", "", None, False
    return answer.prevention.value, answer.words, answer.owner, answer.due_on, answer.is_done


def _event_row(step: Step) -> tuple[Any, ...]:
    before, after, happened = (
        step.transition.before,
        step.transition.after,
        step.transition.happened,
    )
    return (
        after.id,
        after.version,
        after.state.value,
        after.owner,
        before.version if before else None,
        before.state.value if before else None,
        before.owner if before else None,
        happened.event.value,
        happened.at,
        clean(happened.actor),
        clean(happened.words),
        happened.previous_severity,
        json_text(encode_facts(step.facts)),
    )


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


async def is_any_due(conn: asyncpg.Connection, now: datetime) -> bool:
    """Return whether something is to be done with an incident by now."""
    found: bool = await conn.fetchval(_SQL["is_any_due"], now)
    return found


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


async def evidence(conn: asyncpg.Connection, number: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that were stored with an incident when it opened, by name of their query."""
    stored = await conn.fetchval(_SQL["evidence"], number)
    return json.loads(stored) if stored else {}


def entity_of(stored: list[list[str]]) -> Entity:
    """Return the entity that a jsonb column holds: pairs, because jsonb forgets the order of keys."""
    return tuple((column, value) for column, value in stored)


def incident_of(row: asyncpg.Record) -> Incident:
    """Return the incident of a row of table `incident`."""
    return Incident(
        id=row["id"],
        fingerprint=row["fingerprint"],
        rule=row["rule"],
        identity=row["identity"],
        source=row["source"],
        kind=row["kind"],
        team=row["team"],
        entity=entity_of(row["entity"]),
        title=row["title"],
        severity=Severity(row["severity"]),
        state=State(row["state"]),
        owner=row["owner"],
        version=row["version"],
        opened_at=row["opened_at"],
        failure_class=row["failure_class"],
        offered_to=row["offered_to"],
        value=row["value"],
        limit=row["value_limit"],
        fact=row["fact"],
        detail=row["detail"],
        impact=row["impact"],
        do_first=row["do_first"],
        steps=tuple(row["steps"]),
        runbook=row["runbook"],
        bad_now=row["bad_now"],
        audience=tuple(row["audience"]),
        cause=row["cause"],
        cause_kind=row["cause_kind"],
        repeat_of=row["repeat_of"],
        storm=row["storm_id"],
        rung=row["rung"],
        risk=row["risk"],
        answer=_answer_of(row) if row["prevention"] else None,
        **{name: row[name] for name in _AS_STORED},
    )


def _answer_of(row: asyncpg.Record) -> Answer:
    return Answer(
        Prevention(row["prevention"]),
        row["prevention_words"],
        row["prevention_owner"],
        row["prevention_due"],
        row["prevention_done"],
    )
