"""What is told when nothing hides it any more: each by itself, or, when it is many at once, as one storm."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from notifiers.base import Event
from watchdog.domain.incident import Incident, State, Transition
from watchdog.domain.people import Directory, Storms
from watchdog.domain.silences import Silence, as_hidden, covering, released, silenced
from watchdog.domain.storms import REOPEN_WITHIN, may_join
from watchdog.engine.crowds import Crowd, gathered, joined_by
from watchdog.engine.gathering import Followed, gather
from watchdog.store import members, silences
from watchdog.store.members import Group


@dataclass(frozen=True, slots=True)
class Released:
    """What happens when the time of silences has come.

    Attributes:
        joined: Incidents that are part of a storm now, with its number.
    """

    transitions: Sequence[Transition]
    joined: dict[int, int] = field(default_factory=dict)


async def as_told(
    conn: asyncpg.Connection,
    transition: Transition,
    held: Sequence[Silence],
    directory: Directory,
) -> Transition:
    """Return a release as it is: by whoever ended the silence, or put off by another silence.

    Args:
        held: Silences that hold until the end of the transaction.
    """
    before, happened = transition.before, transition.happened
    if happened.event is not Event.RELEASED or before is None:
        return transition
    if silence := covering(held, before, happened.at):
        return silenced(before, silence, directory.zone_of(before.team), happened.at)
    ended = await silences.of(conn, before)
    return released(before, happened.at, ended.ended_by) if ended and ended.ended_by else transition


async def together(
    conn: asyncpg.Connection,
    moves: Sequence[Transition],
    held: Sequence[Silence],
    directory: Directory,
    storms: Storms | None,
    now: datetime,
) -> Released:
    """Return the moves, with a storm instead of many releases of one team and source.

    As with openings: they join the storm that lives, or begin one when they are too many. What that
    storm itself was due for is left out, and stays due: one commit moves an incident once. Inside the
    caller's transaction, which must let the storms take over what was theirs once they are written.

    Args:
        held: Silences that hold until the end of the transaction; they hide storms, too.
    """
    joining: dict[Group, list[Incident]] = {}
    for one in moves:
        if (before := _joins(one, directory)) is not None:
            joining.setdefault((before.team, before.source), []).append(before)
    if storms is None or not joining:
        return Released(moves)
    known = await members.lock_storms(conn, joining, now - REOPEN_WITHIN)
    crowds = {group: Crowd(released=ones) for group, ones in joining.items()}
    gatherings = await gathered(conn, crowds, known, storms, now)
    stormy = await gather(conn, Followed({}, (), ()), gatherings, directory, {}, now)
    joined = joined_by(gatherings)
    taken = joined.keys() | {one.number for one in gatherings}
    apart = [one for one in moves if one.after.id not in taken]
    return Released([*apart, *(as_hidden(one, held) for one in stormy)], joined)


def _joins(one: Transition, directory: Directory) -> Incident | None:
    """Return the incident that a move releases, if it may be part of a storm; who took it keeps it."""
    before = one.before
    if one.happened.event is not Event.RELEASED or before is None or before.state is not State.OPEN:
        return None
    is_apart = before.is_storm or before.storm is not None
    if is_apart or not may_join(directory, before.rule, before.severity, before.team):
        return None
    return before
