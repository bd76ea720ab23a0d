"""Checks what the outbox promises (I3 to I6), by its rows and by what receivers say they took."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import asyncpg

from tests.receivers import Delivered

_ROWS = """
select n.*, (
    select count(*) from attempt a where a.notification_id = n.id and a.outcome = 'unknown'
) as unknowns, (
    select count(*) from attempt a where a.notification_id = n.id and a.outcome is null
) as in_flight, exists (
    select from notification f where f.fallback_of = n.id
) as has_fallback
from notification n order by n.id
"""


async def broken_promises(
    pool: asyncpg.Pool, delivered: Sequence[Delivered], *, can_look: bool = True
) -> list[str]:
    """Return a sentence for each promise that was broken; call it once everything has come to rest.

    Args:
        can_look: Receivers find what they took, so that nothing may arrive twice.
    """
    rows = await pool.fetch(_ROWS)
    return [
        *_lost(rows, delivered),
        *_doubled(rows, delivered, can_look),
        *_out_of_order(delivered),
    ]


def _lost(rows: Iterable[asyncpg.Record], delivered: Sequence[Delivered]) -> Iterator[str]:
    taken = {one.notification for one in delivered}
    for row in rows:
        if row["state"] in ("pending", "sending"):
            yield f"{row['id']} has no end: {row['state']}, {row['attempts']} attempts"
        if row["in_flight"] and row["state"] != "sending":
            yield f"{row['id']} has an attempt under way but is {row['state']}"
        if row["state"] == "sent" and row["id"] not in taken:
            yield f"{row['id']} counts as sent, but {row['receiver']} never took it"
        if row["state"] == "withheld" and row["id"] in taken:
            yield f"{row['id']} counts as withheld, but {row['receiver']} took it"
        if row["state"] == "dead" and row["part"] in ("page", "root") and not row["has_fallback"]:
            yield f"{row['id']} to {row['receiver']} died, and nobody else was told"


def _doubled(
    rows: Iterable[asyncpg.Record], delivered: Sequence[Delivered], can_look: bool
) -> Iterator[str]:
    times = Counter(one.notification for one in delivered)
    for row in rows:
        allowed = 1 if can_look else 1 + row["unknowns"]
        if times[row["id"]] > allowed:
            yield (
                f"{row['id']} arrived {times[row['id']]} times at {row['receiver']}, "
                f"with {row['unknowns']} unknown outcomes"
            )


def _out_of_order(delivered: Iterable[Delivered]) -> Iterator[str]:
    latest: dict[tuple[int, str], Delivered] = {}
    seen: set[str] = set()
    for one in delivered:
        if one.key in seen:
            continue
        seen.add(one.key)
        before = latest.get((one.incident, one.address))
        if before and (before.number, before.notification) > (one.number, one.notification):
            yield f"{one.address} heard {one.event} of #{one.incident} after {before.event}"
        latest[one.incident, one.address] = one
