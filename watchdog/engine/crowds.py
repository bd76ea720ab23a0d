"""What of one team and source is to be told at once: as a storm, or apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from watchdog.domain.incident import Incident
from watchdog.domain.people import Storms
from watchdog.domain.storms import Grouped, grouped
from watchdog.engine.candidates import Candidate
from watchdog.store import incidents
from watchdog.store.members import Group


@dataclass(frozen=True, slots=True)
class Crowd:
    """What of one team and source is to be told at once.

    Attributes:
        openings: What has not been an incident until now.
        released: Incidents that nobody was told of until now.
        waiting: Incidents told a moment ago, which join if all of it is a storm by that.
    """

    openings: Sequence[Candidate] = ()
    released: Sequence[Incident] = ()
    waiting: Sequence[Incident] = ()


@dataclass(slots=True)
class Gathering:
    """A storm that takes something in by a commit.

    Attributes:
        before: As it was; None: it begins.
        openings: What joins it without having been an incident. `waiting`: what was one until now.
    """

    number: int
    group: Group
    before: Incident | None
    openings: Sequence[Candidate]
    waiting: Sequence[Incident] = ()


async def gathered(
    conn: asyncpg.Connection,
    crowds: Mapping[Group, Crowd],
    known: Mapping[Group, Incident],
    storms: Storms,
    now: datetime,
) -> list[Gathering]:
    """Return the storms that take in what is to be told at once; the rest is told apart.

    Args:
        known: The storm of a team and source that lives, or the latest that has recovered; locked.
    """
    made = []
    for group, one in crowds.items():
        storm = known.get(group)
        fresh = len(one.openings) + len(one.released)
        what = grouped(storms, fresh, len(one.waiting), storm, now)
        if what is not Grouped.APART:
            before = None if what is Grouped.BEGIN else storm
            joining = [*one.released, *(() if what is Grouped.JOIN else one.waiting)]
            made.append(Gathering(before.id if before else 0, group, before, one.openings, joining))
    numbers = iter(await incidents.next_numbers(conn, sum(not one.number for one in made)))
    for one_made in made:
        one_made.number = one_made.number or next(numbers)
    return made


def joined_by(gatherings: Sequence[Gathering]) -> dict[int, int]:
    """Return the incidents that become part of storms, each with its storm."""
    return {each.id: one.number for one in gatherings for each in one.waiting}
