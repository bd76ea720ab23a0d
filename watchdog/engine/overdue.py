"""Ends runs of recovery actions whose time is over: nobody approved them, or whoever ran them is gone."""

from datetime import datetime

import asyncpg

from watchdog.domain import acting
from watchdog.domain.acting import UNDER_WAY
from watchdog.domain.incident import Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory
from watchdog.engine.reconcile import LEASE
from watchdog.store import incidents, leases, runs
from watchdog.store.pool import transaction

AT_ONCE = 100


async def end_overdue(
    pool: asyncpg.Pool, token: int, directory: Directory, now: datetime
) -> list[Transition]:
    """End what waits or runs for longer than it may; nothing is ever run again.

    Raises:
        LeaseLost: Another replica leads now.
    """
    async with transaction(pool) as conn:
        await leases.require(conn, LEASE, token)
        held = await incidents.lock(conn, await runs.overdue(conn, now, AT_ONCE))
        # Whoever ran one may have ended it until the incident was ours.
        steps = []
        for number in held:
            for run in await runs.of_incident(conn, number):
                if run.standing in UNDER_WAY and run.ends_by <= now:
                    moved = acting.ended(held[number], run, acting.overdue(run), now)
                    await runs.update(conn, number, moved.run)
                    steps.append(with_notices(moved.transition, directory))
        await incidents.commit(conn, steps)
    return [step.transition for step in steps]
