"""background_sync, alive: every organisation syncs at its own slots, in an SQLite file."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiosqlite

from watchdog.demo.failure import Step, Switches
from watchdog.demo.places import ORGANISATIONS
from watchdog.demo.scripts import load, read
from watchdog.demo.slots import (
    FOUR_HOURLY,
    HOURLY,
    OFFICE_HOURS,
    QUARTER_HOUR,
    QUARTERLY,
    latest_slot,
    slots_between,
)

HISTORY = timedelta(days=29)
CATCH_UP = timedelta(days=2)
INACTIVE_EVERY = 23
_BUSY_SECONDS = 5.0

EVEN = {
    QUARTERLY: QUARTER_HOUR,
    HOURLY: timedelta(hours=1),
    FOUR_HOURLY: timedelta(hours=4),
}
"""Schedules whose history SQL can write by itself, in a fifth of the time."""

LogRow = tuple[str, str, str, int, str | None, int, str]


@dataclass(slots=True)
class Organisation:
    """One organisation's schedule.

    Attributes:
        spread: How long after its slot it syncs, so that not all do at once.
        last_at: Its last sync.
        due_at: Before this instant there is nothing to do for it.
    """

    id: str
    number: int
    cron: str
    zone: ZoneInfo
    is_active: bool
    last_at: datetime
    due_at: datetime

    @property
    def spread(self) -> timedelta:
        """Return a delay of its own, under five minutes."""
        return timedelta(seconds=self.number * 7 % 290)

    def latest_due(self, now: datetime) -> datetime:
        """Return when it should have synced last."""
        return latest_slot(self.cron, self.zone, now - self.spread) + self.spread


def organisations(now: datetime) -> list[Organisation]:
    """Return all organisations as if each had just had its last slot."""
    found = []
    for number, place in enumerate(ORGANISATIONS):
        pace = (QUARTERLY if number % 24 == 0 else FOUR_HOURLY, HOURLY, FOUR_HOURLY, OFFICE_HOURS)
        one = Organisation(
            place.id, number, pace[number % 4], ZoneInfo(place.zone),
            (number + 1) % INACTIVE_EVERY != 0, now, now,
        )  # fmt: skip
        one.last_at = one.latest_due(now)
        found.append(one)
    return found


def iso(at: datetime) -> str:
    """Write an instant as the system does: `2026-05-04T09:15:00Z`."""
    return f"{at.astimezone(UTC).isoformat()[:19]}Z"


def log_row(
    one: Organisation, at: datetime, error: str | None = None, *, is_slow: bool = False
) -> LogRow:
    """Return a sync's line in the log; counts and times differ from one to the next."""
    seed = int(at.timestamp()) // 60 + one.number * 31
    records = 0 if error else 3 + seed % 11
    took_ms = (600 + seed * 37 % 900) * (5 if is_slow else 1)
    return (one.id, "zendesk", "failed" if error else "success", records, error, took_ms, iso(at))


def office_history(everybody: Iterable[Organisation], now: datetime) -> Iterator[LogRow]:
    """Yield four weeks of syncs, up to `now`, of those that keep office hours."""
    for one in everybody:
        if one.cron == OFFICE_HOURS:
            spread = one.spread
            for slot in slots_between(one.cron, one.zone, now - HISTORY, now):
                if slot + spread <= now:
                    yield log_row(one, slot + spread)


def even_paces(everybody: Iterable[Organisation]) -> str:
    """Return, as JSON, who syncs around the clock: name, number, last sync, seconds between two."""
    return json.dumps(
        [
            (one.id, one.number, int(one.last_at.timestamp()), int(EVEN[one.cron].total_seconds()))
            for one in everybody
            if one.cron in EVEN
        ]
    )


class Background:
    """The system itself. One connection; its statements run one after the other."""

    def __init__(self, db: aiosqlite.Connection, now: datetime) -> None:
        self._db = db
        self._everybody = organisations(now)
        # Everybody is probed all day long, and most change once in hours.
        self._told: dict[str, tuple[str, Mapping[str, Any]]] = {}

    @classmethod
    async def open(cls, path: Path, now: datetime) -> "Background":
        """Open the file. Every one that is opened must be closed: it has a thread of its own."""
        db = await aiosqlite.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        return cls(db, now)

    async def fill(self, now: datetime) -> None:
        """Make tables and a history up to `now` when the file is new; remember what is there."""
        await self._db.execute("pragma journal_mode = wal")
        await self._db.execute("pragma synchronous = normal")
        found = await _all(self._db, "select 1 from sqlite_master where name = 'sync_logs'")
        if not found:
            await _fill(self._db, self._everybody, now)
        self._everybody = await _remember(self._db, self._everybody)

    async def close(self) -> None:
        """Close the file."""
        await self._db.close()

    async def tick(self, now: datetime, switches: Switches) -> None:
        """Sync every organisation that is due; what cannot be written is due again at the next tick."""
        before = [(one.last_at, one.due_at) for one in self._everybody]
        rows = [row for one in self._everybody for row in _due(one, now, switches)]
        if not rows:
            return
        try:
            await self._write(rows, now)
        except BaseException:
            for one, (last_at, due_at) in zip(self._everybody, before, strict=True):
                one.last_at, one.due_at = last_at, due_at
            raise

    async def _write(self, rows: list[LogRow], now: datetime) -> None:
        statements = load("web_sync")
        await self._db.execute("begin immediate")
        try:
            await self._db.executemany(statements["add_log"], rows)
            await self._db.executemany(statements["note_sync"], [_note(row) for row in rows])
            await self._db.execute(statements["forget_logs"], (iso(now - HISTORY),))
        except BaseException:
            await self._db.execute("rollback")
            raise
        await self._db.execute("commit")
        for organisation_id, *_ in rows:
            self._told.pop(organisation_id, None)

    async def take_steps(self, steps: Iterable[Step], now: datetime) -> None:
        """Run a failure's statements in their order; who seems not to have synced will catch up."""
        taken = 0
        for name, *given in steps:
            statement = load("failures_web_sync")[name]
            await self._db.execute(statement, (iso(now), *given) if "?" in statement else ())
            taken += 1
        if taken:
            self._told.clear()
            self._everybody = await _remember(self._db, self._everybody)

    async def trigger(self, organisation_id: str, now: datetime, switches: Switches) -> bool:
        """Sync one organisation now; return False when there is none of that name."""
        for one in self._everybody:
            if one.id == organisation_id:
                row = _run(one, now, switches)
                await self._db.execute(load("web_sync")["add_log"], row)
                await self._db.execute(load("web_sync")["note_sync"], _note(row))
                self._told.pop(one.id, None)
                return True
        return False

    async def status(self, organisation_id: str, now: datetime) -> Mapping[str, Any] | None:
        """Return what the status endpoint says about an organisation; None when it is unknown."""
        today = iso(now)[:10]
        day, told = self._told.get(organisation_id, ("", None))
        if day != today:
            told = await self._status(organisation_id, today)
            if told is not None:
                self._told[organisation_id] = today, told
        return told

    async def _status(self, organisation_id: str, day: str) -> Mapping[str, Any] | None:
        found = await _all(self._db, load("web_sync")["read_status"], organisation_id, day)
        if not found:
            return None
        active, last_sync, errors, total, today, last = found[0]
        return {
            "active": bool(active),
            "lastSync": last_sync,
            "totals": {"syncs": total},
            "today": {"syncs": today},
            "errors": errors,
            "lastOperations": json.loads(last),
        }


def _due(one: Organisation, now: datetime, switches: Switches) -> list[LogRow]:
    """Return what an organisation has to catch up with: its slots of the last two days at most."""
    if not one.is_active or now < one.due_at:
        return []
    if switches.scheduler_dead or one.id in switches.organisations_left_alone:
        return []
    latest = one.latest_due(now)
    # No line has two slots closer than a quarter of an hour, so nothing is missed until then.
    one.due_at = latest + QUARTER_HOUR
    if latest <= one.last_at:
        return []
    since = max(one.last_at, latest - CATCH_UP) - one.spread + timedelta(seconds=1)
    missed = [
        slot + one.spread for slot in slots_between(one.cron, one.zone, since, latest - one.spread)
    ]
    one.last_at = latest
    return [_run(one, at, switches) for at in (*missed, latest)]


def _run(one: Organisation, at: datetime, switches: Switches) -> LogRow:
    error = switches.organisations_failing.get(one.id)
    return log_row(one, at, error, is_slow=one.id in switches.organisations_slow)


def _note(row: LogRow) -> tuple[str, str, str]:
    organisation_id, _, status, *_, synced_at = row
    return synced_at, status, organisation_id


async def _all(db: aiosqlite.Connection, text: str, *given: object) -> list[sqlite3.Row]:
    return list(await db.execute_fetchall(text, given))


async def _fill(db: aiosqlite.Connection, everybody: list[Organisation], now: datetime) -> None:
    statements = load("web_sync")
    rows = [
        (one.id, int(one.is_active), one.cron, one.zone.key, iso(one.last_at)) for one in everybody
    ]
    # `executescript` would commit: the tables are made one by one to be in the transaction.
    await db.execute("begin immediate")
    for statement in read("web_sync_tables").split(";"):
        await db.execute(statement)
    await db.executemany(statements["add_integration"], rows)
    await db.execute(statements["add_even_logs"], (even_paces(everybody), HISTORY.total_seconds()))
    await db.executemany(statements["add_log"], office_history(everybody, now))
    await db.execute(statements["add_flow_records"], (iso(now),))
    for statement in read("web_sync_indexes").split(";"):
        await db.execute(statement)
    await db.execute("commit")


async def _remember(db: aiosqlite.Connection, everybody: list[Organisation]) -> list[Organisation]:
    """Return who has a row, each with its last sync: without a row nobody knows when to sync."""
    rows = await db.execute_fetchall("select organization_id, last_sync_at from integrations")
    last: dict[str, str | None] = {row[0]: row[1] for row in rows}
    found = [one for one in everybody if one.id in last]
    for one in found:
        text = last[one.id]
        if text:
            one.last_at = datetime.fromisoformat(text)
        one.due_at = one.last_at
    return found
