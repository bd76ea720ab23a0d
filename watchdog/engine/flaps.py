"""Which incidents have begun to flap, as a commit writes it."""

from collections.abc import Collection, Sequence

import asyncpg

from watchdog.domain.flapping import flapping
from watchdog.domain.incident import Transition
from watchdog.engine.plan import Plan
from watchdog.store import incidents


async def flapped(
    conn: asyncpg.Connection, plans: Sequence[Plan], but: Collection[int]
) -> list[Transition]:
    """Return what people are told of incidents that have begun to flap; of a storm's members nothing.

    Args:
        but: Incidents that join a storm in the same commit.
    """
    wanted = {one.incident_id: (one, plan) for plan in plans for one in plan.flapping}
    held = await incidents.lock(conn, sorted(wanted.keys() - set(but)))
    return [
        flapping(incident, wanted[number][0].words, wanted[number][1].now)
        for number, incident in held.items()
        if incident.is_live and not incident.is_storm
    ]
