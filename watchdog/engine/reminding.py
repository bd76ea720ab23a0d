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
    """Remind whoever made a silence that ends soon, once, if something that it hides is bad.

    They are told of the worst of it. Where nothing is bad, the silence is looked at again until it
    has ended.

    Args:
        ending: Locked by the caller's transaction.
    """
    reminded = []
    for silence in ending:
        bad = await silences.bad(conn, silence)
        locked = await incidents.lock(conn, bad[:1])
        for worst in locked.values():
            if worst.silence != silence.number or not worst.is_live:
                continue  # it has moved while we waited for it
            transition = ends_soon(worst, silence, len(bad), now)
            step = for_one_person(transition, directory, silence.made_by)
            await incidents.commit(conn, [step])
            await silences.note_reminded(conn, silence, now)
            reminded.append(transition)
    return reminded
