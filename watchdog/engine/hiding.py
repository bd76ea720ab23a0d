"""Which openings and changes are hidden by silences: decided in the commit that writes them."""

from collections.abc import Sequence

import asyncpg

from watchdog.domain.silences import Silence
from watchdog.engine.candidates import Candidate
from watchdog.engine.plan import Plan
from watchdog.store import silences


async def silences_for(conn: asyncpg.Connection, plans: Sequence[Plan]) -> list[Silence]:
    """Return the silences that hold until the end of the transaction, if it decides anything by them.

    Before any incident is locked.
    """
    deciding = [one.now for one in plans if one.openings or one.changes or one.recoveries]
    if not deciding:
        return []
    await silences.hold_still(conn)
    return await silences.in_force(conn, min(deciding))


def told_and_hidden(
    opening: Sequence[Candidate], silences: Sequence[Silence]
) -> tuple[list[Candidate], list[Candidate]]:
    """Return what is told when it opens, and what is not: that joins no storm."""
    told: list[Candidate] = []
    hidden: list[Candidate] = []
    for one in opening:
        (hidden if any(_hides(silence, one) for silence in silences) else told).append(one)
    return told, hidden


def _hides(silence: Silence, one: Candidate) -> bool:
    plan, finding = one.plan, one.opening.finding
    entity = one.opening.track.entity
    return silence.fits(plan.rule.name, one.team, entity, finding.severity, plan.now)
