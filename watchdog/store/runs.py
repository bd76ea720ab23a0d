"""Runs of recovery actions: the intent before the call, and what came of it."""

from datetime import datetime

import asyncpg

from watchdog.domain.acting import DAY, History, Run, Standing
from watchdog.domain.incident import Incident
from watchdog.domain.stopping import Stop
from watchdog.store.sql import load
from watchdog.store.text import clean

_SQL = load("runs")
RULE_LOCK = 0x5744_0002
"""First number of the advisory locks under which an action is asked for, one a rule."""


async def history(
    conn: asyncpg.Connection, incident: Incident, action: str, now: datetime
) -> History:
    """Return what was run on an incident, and how often its rule's action was tried within a day."""
    runs = await of_incident(conn, incident.id)
    within_day = await tries_within_day(conn, incident.rule, action, now)
    return History(runs, within_day, await stopped(conn))


async def tries_within_day(conn: asyncpg.Connection, rule: str, action: str, now: datetime) -> int:
    """Return how often a rule's action was tried within a day, on any incident."""
    count: int = await conn.fetchval(_SQL["count_tries"], rule, action, now - DAY)
    return count


async def of_incident(conn: asyncpg.Connection, number: int) -> list[Run]:
    """Return every run on an incident, the oldest first."""
    return [_run(row) for row in await conn.fetch(_SQL["list_runs"], number)]


async def lock_rule(conn: asyncpg.Connection, rule: str) -> None:
    """Wait until nobody else asks for an action of this rule; lasts to the end of the transaction."""
    await conn.execute(_SQL["lock_rule"], RULE_LOCK, rule)


async def insert(conn: asyncpg.Connection, incident: Incident, run: Run) -> None:
    """Write the intent, inside the caller's transaction."""
    await conn.execute(
        _SQL["insert_run"],
        incident.id,
        run.number,
        incident.rule,
        run.action,
        clean(run.label),
        run.person,
        run.standing.value,
        run.key,
        clean(run.hypothesis),
        clean(run.mitigation),
        run.two_people,
        run.asked_at,
        run.started_at,
        run.ends_by,
        run.what,
    )


async def update(conn: asyncpg.Connection, number: int, run: Run) -> bool:
    """Write what became of a run; return False if it had ended before: then it stays as it is."""
    written = await conn.fetchval(
        _SQL["update_run"],
        number,
        run.number,
        run.standing.value,
        run.approved_by,
        run.started_at,
        run.ends_by,
        run.ended_at,
        clean(run.words),
        run.rows,
    )
    return written is not None


async def overdue(conn: asyncpg.Connection, now: datetime, limit: int) -> list[int]:
    """Return the numbers of incidents with a run that waits or runs for longer than it may."""
    return [row["incident_id"] for row in await conn.fetch(_SQL["list_overdue"], now, limit)]


async def stopped(conn: asyncpg.Connection) -> Stop | None:
    """Return who has stopped all actions; None: nobody has."""
    row = await conn.fetchrow(_SQL["find_stop"])
    return Stop(row["person"], row["words"], row["stopped_at"]) if row else None


async def stop(conn: asyncpg.Connection, stop: Stop) -> bool:
    """Stop all actions; return False if they are stopped already."""
    given = (stop.person, clean(stop.words), stop.stopped_at)
    return await conn.fetchval(_SQL["insert_stop"], *given) is not None


async def lift_stop(conn: asyncpg.Connection, person: str, now: datetime) -> None:
    """Let actions run again."""
    await conn.execute(_SQL["lift_stop"], person, now)


def _run(row: asyncpg.Record) -> Run:
    return Run(
        number=row["number"],
        action=row["action"],
        label=row["label"],
        person=row["person"],
        standing=Standing(row["state"]),
        key=row["key"],
        asked_at=row["asked_at"],
        ends_by=row["ends_by"],
        hypothesis=row["hypothesis"],
        mitigation=row["mitigation"],
        two_people=row["two_people"],
        approved_by=row["approved_by"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        words=row["words"],
        rows=row["rows"],
        what=row["what"],
    )
