"""What a press of a button leaves behind beside the incident: a message that was out of date."""

from datetime import datetime

import asyncpg

from notifiers.base import Part
from watchdog.domain.incident import Incident
from watchdog.domain.urgency import urgency
from watchdog.store.sql import load

_SQL = load("pressed")


async def bring_up_to_date(
    conn: asyncpg.Connection, one: Incident, channel: str, ts: str, shown: int, now: datetime
) -> bool:
    """Write an edit of the message at this place of Slack if an earlier one was given up; say so.

    Args:
        shown: Number of the event that the message tells of.
    """
    priority = urgency(Part.EDIT, one.severity.value)
    written = await conn.fetchval(
        _SQL["bring_up_to_date"], one.id, channel, ts, shown, priority, now
    )
    if written is None:
        return False
    await conn.execute(load("outbox")["announce"])
    return True
