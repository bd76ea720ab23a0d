"""Messages that are not sent: their incident is silenced by then, or their reader has stopped them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from watchdog.store.columns import in_columns
from watchdog.store.outbox import Claimed
from watchdog.store.sql import load
from watchdog.store.text import clean

_SQL = load("outbox")


@dataclass(frozen=True, slots=True)
class Withheld:
    """A claimed message that is not to be sent.

    Attributes:
        reason: Such as who has silenced it, until when and why.
        is_certain: It is not sent whether or not a silence holds.
        leaves: It would have been the receiver's first.
    """

    row: Claimed
    reason: str
    is_certain: bool
    leaves: bool


async def withhold(conn: asyncpg.Connection, wanted: Sequence[Withheld], now: datetime) -> set[int]:
    """End messages as withheld; return the numbers of those that are, the others may be sent by now.

    The caller has locked their incidents, so that the end of a silence, which tells whoever was not
    told, knows of all that it has withheld.
    """
    if not wanted:
        return set()
    rows = [
        (one.row.id, one.row.token, clean(one.reason), one.is_certain, one.leaves) for one in wanted
    ]
    ended = await conn.fetch(_SQL["withhold"], *in_columns(rows), now)
    return {row["id"] for row in ended}
