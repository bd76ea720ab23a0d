"""Reminds people of the end of silences that they have made."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from watchdog.domain.incident import Transition
from watchdog.domain.notices import for_one_person
from watchdog.domain.people import Directory
from watchdog.domain.silences import Silence, ends_soon
from watchdog.store import incidents, silences


async def remind_of_silences(
    conn: asyncpg.Connection, ending: Sequence[Silence], directory: Directory, now: datetime
) -> list[Transition]:
    """Remind whoever made a silence that ends soon, once, while something that it hides is bad.

    They are told of the worst of it.

    Args:
        ending: Locked by the caller's transaction.
    """
    bad = {one.number: await silences.bad(conn, one) for one in ending}
    held = await incidents.lock(conn, [numbers[0] for numbers in bad.values() if numbers])
    worst = {one.silence: one for one in held.values() if one.is_live}
    # One that is missing has moved while we waited for it: its silence is looked at again.
    reminded = [one for one in ending if one.number in worst]
    transitions = [ends_soon(worst[one.number], one, len(bad[one.number]), now) for one in reminded]
    steps = [
        for_one_person(transition, directory, one.made_by)
        for transition, one in zip(transitions, reminded, strict=True)
    ]
    await incidents.commit(conn, steps)
    await silences.note_reminded(conn, reminded, now)
    return transitions
