"""Digests: what waits in a channel, and the one message that stands for much of it."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from notifiers.base import Part
from watchdog.domain.digest import Digest, Waiting
from watchdog.domain.fallback import first_part
from watchdog.domain.notices import Notice
from watchdog.store import outbox
from watchdog.store.facts import encode_report
from watchdog.store.sql import load
from watchdog.store.text import json_text

_WAITING_MAX = 20_000
_SQL = {**load("outbox"), **load("reports")}


async def waiting_in(conn: asyncpg.Connection, channel: str, now: datetime) -> list[Waiting]:
    """Return the oldest messages of incidents that wait in a channel, locked until the transaction ends.

    At most 20,000: what is beyond them is sent as it is. An incident's messages to a receiver are left
    out where one of them is on its way, or may have arrived, and where a silence hides the incident.
    """
    rows = await conn.fetch(_SQL["lock_backlog"], channel, _WAITING_MAX, now)
    return [Waiting(**dict(row) | {"part": Part(row["part"])}) for row in rows]


async def write(conn: asyncpg.Connection, digests: Sequence[Digest], now: datetime) -> int:
    """Write digests in place of what they stand for, which `waiting_in` has locked; return how many."""
    replaced = 0
    for one in digests:
        told = json_text(encode_report(one.report))
        name = f"digest {one.receiver} {now.isoformat()}"
        row = (name, now.date(), now, now, one.report.team, told)
        run = await conn.fetchval(_SQL["insert_run"], *row)
        await outbox.insert_report(
            conn, run, [Notice(one.receiver, first_part(one.receiver), now)], now
        )
        await conn.execute(_SQL["replace_by_digest"], run, list(one.stands_for), now)
        replaced += len(one.stands_for)
    return replaced
