"""What people do to incidents, with one meaning on every surface: command line, web, Slack."""

from collections.abc import Callable
from datetime import datetime

import asyncpg

from watchdog.domain import incident as life
from watchdog.domain.incident import Incident, Refused, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Role
from watchdog.store import incidents
from watchdog.store.pool import transaction


class UnknownIncident(LookupError):  # noqa: N818 (an answer, not a mistake of ours)
    """There is no incident of that number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"there is no incident #{number}; `watchdog incidents --all` lists them")


class NotAllowed(PermissionError):  # noqa: N818 (an answer)
    """This person may not do that."""


async def take(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    now: datetime,
    *,
    over: bool = False,
) -> Incident:
    """Make `person` the confirmed owner; accepts an offer, too.

    Args:
        over: Take it from somebody who has taken it already.

    Raises:
        Refused: Somebody else has it; the text says who and since when.
        UnknownIncident, NotAllowed: See their texts.
    """
    return await _do(
        pool, directory, number, person, lambda one: life.take(one, person, now, over=over)
    )


async def hand_over(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    receiver: str,
    words: str,
    now: datetime,
) -> Incident:
    """Offer the incident to `receiver`, who becomes its owner by taking it.

    Raises:
        Refused: It is not `person`'s to give, or the receiver is not known.
        UnknownIncident, NotAllowed: See their texts.
    """
    require_responder(directory, receiver)
    return await _do(
        pool, directory, number, person, lambda one: life.offer(one, person, receiver, words, now)
    )


async def note(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    words: str,
    now: datetime,
) -> Incident:
    """Write a note on the timeline.

    Raises:
        Refused: There are no words.
        UnknownIncident, NotAllowed: See their texts.
    """
    return await _do(
        pool, directory, number, person, lambda one: life.note(one, person, words, now)
    )


async def resolve(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    cause: str,
    cause_kind: str,
    now: datetime,
) -> Incident:
    """End a recovered incident with its cause.

    Raises:
        Refused: It has not recovered, or there is no cause.
        UnknownIncident, NotAllowed: See their texts.
    """
    return await _do(
        pool,
        directory,
        number,
        person,
        lambda one: life.resolve(one, person, cause, cause_kind, now),
    )


def require_responder(directory: Directory, name: str) -> None:
    """Raise `NotAllowed` unless somebody is there and may own incidents."""
    person = directory.people.get(name)
    if person is None:
        known = ", ".join(sorted(directory.people)) or "nobody"
        raise NotAllowed(f"nobody is called {name}; known are {known}. Add people under `people:`")
    if person.role is Role.VIEWER:
        raise NotAllowed(f"{name} is a viewer; owning incidents takes role: responder")


async def _do(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    decide: Callable[[Incident], Transition],
) -> Incident:
    """Move one incident in one transaction: locked, decided by the domain, told."""
    require_responder(directory, person)
    async with transaction(pool) as conn:
        held = await incidents.lock(conn, [number])
        if number not in held:
            raise UnknownIncident(number)
        step = with_notices(decide(held[number]), directory)
        await incidents.commit(conn, [step])
    return step.transition.after


__all__ = [
    "NotAllowed",
    "Refused",
    "UnknownIncident",
    "hand_over",
    "note",
    "require_responder",
    "resolve",
    "take",
]
