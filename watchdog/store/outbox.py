"""The outbox: messages that must reach somebody, from the commit that asks for them to their end.

A row is claimed by one worker for a lease. Every later change must carry the token of that claim, so
a worker that was too slow changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import asyncpg

from notifiers.base import Facts, Part
from notifiers.pushing import is_broadcast
from rules.base import Severity
from watchdog.domain.notices import Notice
from watchdog.domain.urgency import urgency
from watchdog.store.columns import in_columns
from watchdog.store.copying import copy
from watchdog.store.sql import load
from watchdog.store.text import clean, json_text

_SQL = load("outbox")
_ERROR_CHARACTERS_MAX = 500
_NEAR_FACTOR = 4
_NEW_COLUMNS = (
    *("incident_id", "version", "receiver", "part", "priority", "due_at", "created_at"),
)
_REPORT_COLUMNS = ("report_run", "receiver", "part", "priority", "due_at", "created_at")
_FAR = 1_000_000
_WENT_AWAY = "whoever sent it went away meanwhile"


class Settled(StrEnum):
    """How a claimed message goes on."""

    SENT = "sent"
    DEAD = "dead"
    AGAIN = "pending"


class Tried(StrEnum):
    """What came of one attempt."""

    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this worker holds.

    Attributes:
        due_since: When it was first due; `due_at` is when it is due this time.
        attempts: Earlier ones. `unknowns`: those of them whose outcome nobody knows; `unsaid`: those of
            them after which their worker was gone.
        incident_id: None for a report.
        remote: Where the receiver's first message about the incident is, if it is known.
        lane: What it goes through one after the other with others, where its channel is paced.
        is_headless: It belongs to a first message that was given up.
        was_told, was_withheld: Whether the receiver has had a first message; whether one was hidden.
        stop: By this token its receiver stops what is sent to them like it; empty: they cannot.
        is_stopped: They have stopped it.
        is_silenced: The incident is, `silenced_by` whom, until when, what for; or it `waits_for` another.
    """

    id: int
    token: int
    incident_id: int | None
    version: int
    receiver: str
    part: Part
    due_at: datetime
    created_at: datetime
    attempts: int
    facts: Mapping[str, Any]
    remote: Mapping[str, str]
    first_tried_at: datetime | None
    unknowns: int
    is_headless: bool
    was_told: bool = False
    was_withheld: bool = False
    is_silenced: bool = False
    silenced_by: str = ""
    silenced_for: str = ""
    silenced_until: datetime | None = None
    waits_for: int | None = None
    lane: str = ""
    stop: str = ""
    due_since: datetime | None = None
    unsaid: int = 0
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a claimed message.

    Attributes:
        outcome: None withdraws the intent: nothing was sent, and the attempt does not count.
        due_at: When to try again, for `Settled.AGAIN`.
        remote: Where the message is, for later ones that belong to it; empty for nowhere.
        body: What the receiver sees, if it is to be kept.
        unheard_at: Its receiver, if it has arrived where no phone rings now.
        stopped_lane: The lane that is left alone until `due_at`, as the receiver asks; empty for none.
    """

    id: int
    token: int
    state: Settled
    outcome: Tried | None
    error: str = ""
    due_at: datetime | None = None
    line: str = ""
    remote: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None
    unheard_at: str = ""
    stopped_lane: str = ""


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt, for people. `outcome` is empty while it is under way."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    error: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A message, for people.

    Attributes:
        incident_id: None for a message of a `report`, which else is empty.
        due_at: Not before; `attempts` tells whether it is held or waits for another try.
        line: The push line; empty until the first attempt.
        rendered: What its reader sees, if the notifier keeps it.
        superseded_by, fallback_of: Numbers of other messages.
    """

    id: int
    incident_id: int | None
    report: str
    version: int
    event: str
    title: str
    receiver: str
    part: Part
    state: str
    due_at: datetime
    created_at: datetime
    settled_at: datetime | None
    attempts: int
    last_error: str
    line: str
    rendered: Mapping[str, Any] | None
    superseded_by: int | None
    fallback_of: int | None
    tries: tuple[Try, ...]


async def insert(conn: asyncpg.Connection, told: Sequence[tuple[Facts, int, Notice]]) -> None:
    """Write messages as (facts, version, notice), inside the transaction of their events.

    The events must have been written first, so that nobody else can be adding to the same
    incidents: a receiver gets messages in the order in which they were written.
    """
    if told:
        await copy(conn, "notification", _NEW_COLUMNS, map(_row, told))


async def insert_report(
    conn: asyncpg.Connection, run: int, notices: Iterable[Notice], now: datetime
) -> None:
    """Write the messages of a report, inside the transaction of its run."""
    rows = [
        (
            run,
            clean(one.receiver),
            one.part.value,
            urgency(one.part, Severity.INFO.value),
            one.due_at,
            now,
        )
        for one in notices
    ]
    await copy(conn, "notification", _REPORT_COLUMNS, rows)
    await conn.execute(_SQL["announce"])


def _row(told: tuple[Facts, int, Notice]) -> tuple[Any, ...]:
    facts, version, notice = told
    return (
        facts.id,
        version,
        clean(notice.receiver),
        notice.part.value,
        urgency(notice.part, facts.severity, is_broadcast=_is_broadcast(facts, notice)),
        notice.due_at,
        facts.at,
    )


def _is_broadcast(facts: Facts, notice: Notice) -> bool:
    address = notice.receiver.partition(":")[2]
    return notice.part is Part.THREAD and is_broadcast(facts, address)


async def claim(
    conn: asyncpg.Connection,
    now: datetime,
    *,
    limit: int,
    lease: timedelta,
    but_channels: Sequence[str] = (),
    paced_channels: Sequence[str] = (),
    to_one_place: Sequence[str] = (),
    look_far: bool = False,
) -> list[Claimed]:
    """Take at most `3 * limit` messages whose turn it is, the most urgent first.

    Args:
        lease: Counted by the database's clock, from the moment of the claim.
        but_channels: Left alone. `paced_channels`: One message of each free lane is taken.
        to_one_place: Channels whose receivers share one lane.
        look_far: Look at everything that is due, which costs more the fuller the outbox is. Without,
            only the most urgent messages are looked at, and all of them may be waiting behind others.
    """
    rows = await conn.fetch(
        _SQL["claim_heads"],
        now,
        limit,
        lease,
        list(but_channels),
        list(paced_channels),
        _FAR if look_far else _NEAR_FACTOR * limit,
        _WENT_AWAY,
        list(to_one_place),
    )
    return [_claimed(row) for row in rows]


def _claimed(row: asyncpg.Record) -> Claimed:
    typed = {"part": Part(row["part"]), "remote": row["remote"] or {}}
    return Claimed(**dict(row) | typed)


async def supersede_edits(
    conn: asyncpg.Connection, claimed: Iterable[Claimed], now: datetime
) -> set[int]:
    """Drop edits for which a newer one is due, those of `claimed` and all between; return numbers."""
    edits = [one for one in claimed if one.part is Part.EDIT]
    if not edits:
        return set()
    rows = await conn.fetch(_SQL["supersede_edits"], *_held(edits), now)
    return {row["id"] for row in rows}


async def renew(conn: asyncpg.Connection, claimed: Sequence[Claimed], lease: timedelta) -> set[int]:
    """Begin the leases anew; return the numbers of those that were still this worker's."""
    rows = await conn.fetch(_SQL["renew_leases"], *_held(claimed), lease)
    return {row["id"] for row in rows}


def _held(claimed: Iterable[Claimed]) -> tuple[list[int], list[int]]:
    held = list(claimed)
    return [one.id for one in held], [one.token for one in held]


async def settle(conn: asyncpg.Connection, results: Sequence[Result], now: datetime) -> set[int]:
    """Write what came of messages; return the numbers of those that were still this worker's."""
    rows = [
        (
            one.id,
            one.token,
            one.state.value,
            one.outcome.value if one.outcome else None,
            clean(one.error)[:_ERROR_CHARACTERS_MAX],
            one.due_at,
            clean(one.line),
            None if one.body is None else json_text(one.body),
            json_text(one.remote) if one.remote else None,
            one.stopped_lane or None,
        )
        for one in results
    ]
    settled = await conn.fetch(_SQL["settle"], *in_columns(rows), now)
    return {row["id"] for row in settled}


async def hurry_retries(conn: asyncpg.Connection, now: datetime) -> None:
    """Let nothing wait for another try that was tried before the clock was put back."""
    await conn.execute(_SQL["hurry_retries"], now)


async def recent(conn: asyncpg.Connection, limit: int = 100) -> list[Entry]:
    """Return the newest messages, newest first."""
    return await _entries(conn, await conn.fetch(_SQL["list_newest"], limit))


async def by_number(conn: asyncpg.Connection, number: int) -> Entry | None:
    """Return a message; None if there is none with this number."""
    rows = await conn.fetch(_SQL["show_messages"], [number])
    return _entry(rows[0]) if rows else None


async def for_incident(
    conn: asyncpg.Connection, incident_id: int, limit: int = 1000
) -> list[Entry]:
    """Return an incident's messages in the order in which they were written."""
    return await _entries(conn, await conn.fetch(_SQL["list_of_incident"], incident_id, limit))


async def _entries(conn: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> list[Entry]:
    shown = await conn.fetch(_SQL["show_messages"], [row["id"] for row in rows])
    return [_entry(row) for row in shown]


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(
        id=row["id"],
        incident_id=row["incident_id"],
        report=row["report"],
        version=row["version"] or 1,
        event=row["event"],
        title=row["title"] or "",
        receiver=row["receiver"],
        part=Part(row["part"]),
        state=row["state"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        settled_at=row["settled_at"],
        attempts=row["attempts"],
        last_error=row["last_error"],
        line=row["line"],
        rendered=row["rendered"],
        superseded_by=row["superseded_by"],
        fallback_of=row["fallback_of"],
        tries=tuple(map(_try, row["tries"])),
    )


def _try(stored: Mapping[str, Any]) -> Try:
    ended_at = stored["ended_at"]
    return Try(
        number=stored["number"],
        started_at=datetime.fromisoformat(stored["started_at"]),
        ended_at=datetime.fromisoformat(ended_at) if ended_at else None,
        outcome=stored["outcome"] or "",
        error=stored["error"],
    )


async def resend(conn: asyncpg.Connection, number: int, now: datetime) -> int:
    """Send a message again, or a waiting one at once; return the number to watch.

    What was sent or given up stays as it was; a new message with the same words is written, and after a
    first message an edit that shows how the incident stands now.

    Raises:
        LookupError: There is no such message, or it is being sent or withheld, or another one replaced it.
    """
    for step in ("hurry", "send_again"):
        written: int | None = await conn.fetchval(_SQL[step], number, now)
        if written is not None:
            await conn.execute(_SQL["announce"])
            return written
    row = await conn.fetchrow(_SQL["state_of"], number)
    if row is None:
        raise LookupError(f"there is no message {number}")
    if row["superseded_by"]:
        raise LookupError(f"message {number} was replaced by {row['superseded_by']}; send that one")
    if row["state"] == "withheld":
        raise LookupError(f"message {number} is withheld: {row['last_error']}")
    raise LookupError(f"message {number} is being sent now")
