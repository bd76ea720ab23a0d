"""Hand-overs of on-call: which were told, and by which messages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from notifiers.base import Report
from watchdog.domain.fallback import first_part
from watchdog.domain.handovers import LISTED_MAX, Handover, Live
from watchdog.domain.notices import Notice
from watchdog.store import outbox
from watchdog.store.facts import encode_report
from watchdog.store.sql import load
from watchdog.store.text import json_text

_SQL = {**load("reports"), **load("handovers")}


@dataclass(frozen=True, slots=True)
class Unbriefed:
    """A hand-over whose person waits for what comes of tests.

    Attributes:
        run: That of the tests, made at `tested_at`. `is_tested`: none is on its way any more.
    """

    handover: Handover
    run: int
    tested_at: datetime
    is_tested: bool


@dataclass(frozen=True, slots=True)
class Test:
    """What came of a message to one of somebody's ways; `is_kept`: it stays in the built-in outbox."""

    receiver: str
    state: str
    error: str
    is_kept: bool


async def latest(conn: asyncpg.Connection, teams: Sequence[str]) -> dict[str, Handover]:
    """Return by team the latest hand-over that was told or noted."""
    rows = await conn.fetch(_SQL["list_latest"], teams)
    return {row["team"]: Handover(**dict(row)) for row in rows}


async def unbriefed(conn: asyncpg.Connection, since: datetime) -> list[Unbriefed]:
    """Return whose people wait for what comes of tests that were made after an instant."""
    return [
        Unbriefed(
            Handover(row["team"], row["person"], row["at"]),
            row["tested_by"],
            row["tested_at"],
            row["is_tested"],
        )
        for row in await conn.fetch(_SQL["list_unbriefed"], since)
    ]


async def note(conn: asyncpg.Connection, handover: Handover) -> bool:
    """Write that a hand-over is told, or is not to be; return False if that was done before."""
    row = (handover.team, handover.at, handover.person)
    return bool(await conn.fetchval(_SQL["insert_handover"], *row))


async def tell(
    conn: asyncpg.Connection,
    handover: Handover,
    told: Report,
    channel: Iterable[str],
    tests: Iterable[str],
    now: datetime,
) -> None:
    """Write the messages to a team's channel, and to the ways that are tested; it was noted just now."""
    told_by = await _write(conn, handover, "channel", told, channel, now)
    tested_by = await _write(conn, handover, "test", told, tests, now)
    await conn.execute(_SQL["set_told"], handover.team, handover.at, told_by, tested_by)


async def brief(
    conn: asyncpg.Connection, handover: Handover, told: Report, receiver: str, now: datetime
) -> bool:
    """Write the message to whoever is on call now; return False if that was done before."""
    run = await _write(conn, handover, "person", told, [receiver], now)
    if run is None:
        return False
    return bool(await conn.fetchval(_SQL["set_briefed"], handover.team, handover.at, run))


async def tests(conn: asyncpg.Connection, run: int) -> list[Test]:
    """Return what has come of the messages of a run so far."""
    rows = await conn.fetch(_SQL["show_tests"], run)
    return [Test(row["receiver"], row["state"], row["last_error"], row["is_kept"]) for row in rows]


async def live(conn: asyncpg.Connection, team: str) -> tuple[list[Live], int]:
    """Return what is open or taken of a team, the worst first, and how much of it there is."""
    rows = await conn.fetch(_SQL["list_live_of_team"], team, LISTED_MAX)
    found = [
        Live(**{name: value for name, value in row.items() if name != "total"}) for row in rows
    ]
    return found, rows[0]["total"] if rows else 0


async def _write(
    conn: asyncpg.Connection,
    handover: Handover,
    whom: str,
    told: Report,
    receivers: Iterable[str],
    now: datetime,
) -> int | None:
    """Write a message to each; None: there are no receivers, or it was written before."""
    notices = [Notice(one, first_part(one), now) for one in receivers]
    if not notices:
        return None
    at = handover.at.astimezone(UTC)
    name = f"shift {handover.team} {at.isoformat()} {whom}"
    row = (name, at.date(), at, now, handover.team, json_text(encode_report(told)))
    run: int | None = await conn.fetchval(_SQL["insert_run"], *row)
    if run is not None:
        await outbox.insert_report(conn, run, notices, now)
    return run
