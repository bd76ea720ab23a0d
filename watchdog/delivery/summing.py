"""What is told once a channel is back: by one message what has waited there for too long."""

import logging
from datetime import datetime

import asyncpg

from watchdog.domain.digest import digests
from watchdog.domain.people import Directory
from watchdog.store import digests as backlog
from watchdog.store.pool import together

logger = logging.getLogger(__name__)


async def sum_up(
    conn: asyncpg.Connection, channel: str, directory: Directory, now: datetime
) -> int:
    """Write the digests of a channel, and return how many messages they replace.

    Where that fails nothing is written, and all that waits is sent as it is: no digest is worth that
    nobody is told anything.
    """
    try:
        async with together(conn):
            found = digests(await backlog.waiting_in(conn, channel, now), directory, now)
            return await backlog.write(conn, found, now)
    except Exception:  # whatever it was, pages wait behind it
        logger.exception("no digest of what waits in %s; it is sent as it is", channel)
        return 0
