"""Which openings and changes are hidden by silences: decided in the commit that writes them."""

from collections.abc import Sequence
from dataclasses import replace

import asyncpg

from notifiers.base import Event
from watchdog.domain.incident import Transition
from watchdog.domain.silences import Silence, covering, under, under_level
from watchdog.engine.candidates import Candidate
from watchdog.engine.plan import Plan
from watchdog.store import silences

_BEGINNINGS = {Event.OPENED, Event.STORM, Event.BACK_AGAIN}


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


def as_hidden(transition: Transition, silences: Sequence[Silence]) -> Transition:
    """Return a transition to what is hidden, by its level and its beginning, or by nothing."""
    before, after, happened = transition.before, transition.after, transition.happened
    if happened.event is Event.LEVEL and before is not None:
        after = under_level(after, before, covering(silences, after, happened.at))
    elif happened.event in _BEGINNINGS:
        after = under(after, covering(silences, after, happened.at))
    return replace(transition, after=after) if after is not transition.after else transition
