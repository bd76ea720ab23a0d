"""How people silence what is expected, and end a silence, with one meaning on every surface."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase

import asyncpg

from watchdog.config.model import Config
from watchdog.domain.incident import Incident, Refused, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Role
from watchdog.domain.silences import (
    Silence,
    covering,
    problem_of,
    silenced,
)
from watchdog.moving import require_action_id, require_responder
from watchdog.store import incidents, silences
from watchdog.store.pool import transaction

_NAMED = 5
"""Numbers of incidents that a sentence names; a list has all."""


@dataclass(frozen=True, slots=True)
class Hiding:
    """A silence, and what it hides now: numbers of open or taken incidents, the worst first."""

    silence: Silence
    hidden: Sequence[int]

    @property
    def hidden_count(self) -> int:
        """Return how many incidents it hides now."""
        return len(self.hidden)


def said_of(kept: Hiding, until: str) -> str:
    """Return in sentences what a new silence does.

    Args:
        until: Its end, as the reader's surface says instants.
    """
    silence = kept.silence
    return (
        f"{silence.made_by} silences {silence.scope} until {until} (silence {silence.number}). "
        f"It hides {_named(kept.hidden) or 'nothing'} now."
    )


def said_of_end(ended: Hiding) -> str:
    """Return in sentences that a silence has ended, and what is told because of that."""
    silence, still = ended.silence, "Nothing of it is bad."
    if ended.hidden:
        still = f"Still bad, and told now: {_named(ended.hidden)}."
    return f"Silence {silence.number} of {silence.scope} has ended. {still}"


def _named(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return ", ".join(f"#{one}" for one in numbers[:_NAMED]) + more


def names_of(config: Config) -> list[str]:
    """Return the names that a silence may be for: of rules, and of what the service opens by itself."""
    rules = [*config.rules, *(f"no_data:{one}" for one in config.rules)]
    ours = [f"{what}:{one}" for one in config.sources for what in ("source", "storm")]
    return [*rules, *(f"rule:{one}" for one in config.rules), *ours]


async def in_force(conn: asyncpg.Connection, now: datetime) -> list[Hiding]:
    """Return the silences that hold now, the first that ends first."""
    found = await silences.in_force(conn, now)
    hidden = await silences.hidden(conn, found)
    return [Hiding(one, hidden[one.number]) for one in found]


async def add(
    pool: asyncpg.Pool,
    directory: Directory,
    wanted: Silence,
    rules: Collection[str],
    now: datetime,
    *,
    action_id: str = "",
) -> Hiding:
    """Silence what matches from now on; what is critical only if an admin does.

    Messages about it that were not sent yet are withheld, and nobody is escalated to until it ends.

    Args:
        rules: All names that there are (`names_of`), for the refusal of a pattern that fits none.
        action_id: Of what asks for it: sent again, it makes no other one. Empty: an action of its own.

    Raises:
        Refused: It, or the id, is too long, or it has no reason or matches nothing.
        NotAllowed: Who makes it may not own incidents.
    """
    require_responder(directory, wanted.made_by)
    require_action_id(action_id)
    is_admin = directory.people[wanted.made_by].role is Role.ADMIN
    wanted = replace(wanted, reason=wanted.reason.strip(), made_at=now, of_critical=is_admin)
    if problem := problem_of(wanted) or _names_nothing(wanted, directory, rules):
        raise Refused(problem, about="" if wanted.reason else "words")
    async with transaction(pool) as conn:
        kept = await silences.add(conn, wanted, action_id)
        held = await silences.in_force(conn, now)
        found = [one for one in await incidents.live(conn) if kept.hides(one, now)]
        # Locked only now: how they stand may have changed since they were found.
        locked = (await incidents.lock(conn, [one.id for one in found])).values()
        moved = [_hidden_longer(one, held, directory, now) for one in locked if one.is_live]
        steps = [with_notices(one, directory) for one in moved if one]
        await incidents.commit(conn, steps)
        hidden = await silences.hidden(conn, [kept])
    return Hiding(kept, hidden[kept.number])


def _names_nothing(wanted: Silence, directory: Directory, rules: Collection[str]) -> str:
    """Return why a silence can never hide anything, and what is near; empty if it can."""
    if wanted.team and wanted.team not in directory.teams:
        return f"there is no team {wanted.team}; there are: {', '.join(sorted(directory.teams))}"
    if any(fnmatchcase(one, wanted.pattern) for one in rules):
        return ""
    near = difflib.get_close_matches(wanted.pattern, rules, 1)
    hint = (
        f"; did you mean {near[0]}?"
        if near
        else "; the page /silences lists the rules, as `watchdog status` does"
    )
    return f"no rule is called {wanted.pattern}{hint}"


def _hidden_longer(
    incident: Incident, held: Sequence[Silence], directory: Directory, now: datetime
) -> Transition | None:
    """Return that an incident is hidden from now on, or for longer; None where nothing changes."""
    longest = covering(held, incident, now)
    is_hidden = incident.waits_for is not None or (longest and longest.number == incident.silence)
    if longest is None or is_hidden:
        return None
    return silenced(incident, longest, directory.zone_of(incident.team), now)


async def end(
    pool: asyncpg.Pool, directory: Directory, number: int, by: str, now: datetime
) -> Hiding:
    """End a silence now; what is still bad and hidden by no other one is told, as if it opened then.

    The service that looks at the rules tells it, a few seconds later at most.

    Returns:
        The silence, and what is told.

    Raises:
        Refused: There is no such silence, or it is over.
        NotAllowed: This person may not own incidents.
    """
    require_responder(directory, by)
    async with transaction(pool) as conn:
        ended = await silences.end(conn, number, by, now)
        if ended is None:
            raise Refused(
                f"there is no silence {number} to end; `watchdog silence list` shows them"
            )
        hidden = (await silences.hidden(conn, [ended]))[number]
        held = await silences.in_force(conn, now)
        locked = (await incidents.lock(conn, sorted(hidden))).values()
        moved = [
            _hidden_longer(one, held, directory, now)
            for one in locked
            if one.is_live and one.silence == number
        ]
        await incidents.commit(conn, [with_notices(one, directory) for one in moved if one])
        told = await silences.let_go(conn, number, now)
    return Hiding(ended, told)
