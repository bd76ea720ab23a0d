"""What a message says of the past: how often this has been before, and what ended it the last time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import asyncpg

from notifiers.base import EARLIER_DAYS
from watchdog.domain.closing import JOINED, NOT_GIVEN, WITHDRAWN
from watchdog.domain.notices import Step
from watchdog.store.sql import load

_SQL = load("history")

_NO_CAUSES = (WITHDRAWN, NOT_GIVEN, JOINED)


async def with_earlier(conn: asyncpg.Connection, steps: Sequence[Step]) -> list[Step]:
    """Return the steps; while something is bad, its messages tell of the earlier times, too."""
    bad = [one.transition.after for one in steps if _is_bad(one)]
    if not bad:
        return list(steps)
    rows = await conn.fetch(
        _SQL["list_earlier"],
        [one.id for one in bad],
        [one.fingerprint for one in bad],
        [one.opened_at for one in bad],
        timedelta(days=EARLIER_DAYS),
        list(_NO_CAUSES),
    )
    earlier = {row["id"]: row for row in rows}
    return [
        _told(one, earlier[one.facts.id]) if _is_bad(one) and one.facts.id in earlier else one
        for one in steps
    ]


def _is_bad(step: Step) -> bool:
    return bool(step.notices) and step.transition.after.is_live


def _told(step: Step, row: asyncpg.Record) -> Step:
    facts = replace(
        step.facts,
        times=row["times"] + 1,
        last_cause=row["cause"] or "",
        last_owner=row["owner"] or "",
        last_at=row["recovered_at"],
    )
    return replace(step, facts=facts)
