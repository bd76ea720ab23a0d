"""Who reads the weekly summary: each reader once a week, and none who has stopped it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from notifiers.base import Part, Report
from notifiers.summary import Summary
from watchdog.domain.due import Due
from watchdog.domain.notices import Notice
from watchdog.store import outbox
from watchdog.store.facts import encode_report
from watchdog.store.sql import load
from watchdog.store.text import json_text

_SQL = load("reports")
READERS_MAX = 1000
_TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who reads a report by mail.

    Attributes:
        receiver: In small letters: one reader however their address is written.
        stopped_at: Since when they do not want it; None: they do.
    """

    report: str
    receiver: str
    stopped_at: datetime | None

    @property
    def address(self) -> str:
        """Return the mail address."""
        return self.receiver.partition(":")[2]


async def tell(
    conn: asyncpg.Connection,
    report: str,
    told: Summary | Report,
    due: Due,
    addresses: Sequence[str],
) -> list[str]:
    """Write what is told of a week to readers who have not had it; return their addresses.

    Whatever was told of the week first is what all of them get.

    Args:
        due: Its day is the Monday of the week that is told.
    """
    row = (report, due.day, due.at, told.at, told.team, json_text(encode_report(told)))
    run: int = await conn.fetchval(_SQL["insert_week"], *row)
    written = {f"email:{one.lower()}": f"email:{one}" for one in reversed(addresses)}
    receivers = list(reversed(written))[:READERS_MAX]
    tokens = [secrets.token_urlsafe(_TOKEN_BYTES) for _ in receivers]
    await conn.execute(_SQL["insert_subscriptions"], report, receivers, tokens)
    rows = await conn.fetch(_SQL["insert_told"], report, due.day, receivers, told.at)
    fresh = {row["receiver"] for row in rows}
    notices = [Notice(written[one], Part.PAGE, told.at) for one in receivers if one in fresh]
    await outbox.insert_report(conn, run, notices, told.at)
    return [one.receiver.partition(":")[2] for one in notices]


async def of_token(conn: asyncpg.Connection, token: str) -> Reader | None:
    """Return whose link it is; None: nobody's."""
    return _reader(await conn.fetchrow(_SQL["show_subscription"], token))


async def stop(conn: asyncpg.Connection, token: str, now: datetime) -> Reader | None:
    """Send no more mails to whose link it is; None: it is nobody's."""
    return _reader(await conn.fetchrow(_SQL["stop_subscription"], token, now))


async def start(conn: asyncpg.Connection, token: str) -> Reader | None:
    """Send mails again to whose link it is; None: it is nobody's."""
    return _reader(await conn.fetchrow(_SQL["start_subscription"], token))


async def readers(conn: asyncpg.Connection, report: str) -> dict[str, tuple[Reader, str]]:
    """Return every known reader of a report with their token, by address."""
    rows = await conn.fetch(_SQL["list_subscriptions"], report, READERS_MAX)
    found = [
        (Reader(row["report"], row["receiver"], row["stopped_at"]), row["token"]) for row in rows
    ]
    return {reader.address: (reader, token) for reader, token in found}


def _reader(row: asyncpg.Record | None) -> Reader | None:
    return Reader(**dict(row)) if row else None
