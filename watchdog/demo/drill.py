"""The restore drill of the desk: who has done it calls the service, as people and jobs do."""

import logging
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import aiohttp

from rules.cron import parse_cron, previous_slots

KEY: Final = "desk-restore-drill"
"""What the address ends in that is called; the repository's `rules.yaml` says the same."""

DONE_AFTER: Final = timedelta(days=6, hours=23)
"""How long after it was due it is done: an hour before nobody would wait any more."""

_DUE: Final = parse_cron("0 9 31 * *")
_UTC: Final = ZoneInfo("UTC")
_SECONDS: Final = 5

logger = logging.getLogger(__name__)


class RestoreDrill:
    """Reports each drill once; the first after a start is that of the past."""

    def __init__(self) -> None:
        self._reported: datetime | None = None

    async def tick(self, now: datetime, stopped: bool, service: str) -> None:
        """Report the latest drill that is done by now, if it was not yet.

        Args:
            stopped: Nobody does it.
            service: Where the service listens, without a slash at the end; empty while it does not.
        """
        due_at = next(previous_slots(_DUE, _UTC, now - DONE_AFTER))
        if stopped or not service or self._reported == due_at:
            return
        try:
            status = await _call(f"{service}/ping/{KEY}", f"drill of {due_at:%d %B %Y}: restored")
        except (OSError, aiohttp.ClientError):
            logger.warning("the restore drill could not be reported", exc_info=True)
            return  # the next tick tries again
        if status != 200:
            logger.warning("the report of the restore drill was refused", extra={"status": status})
        self._reported = due_at


async def _call(address: str, words: str) -> int:
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(address, data=words) as answer,
    ):
        return answer.status
