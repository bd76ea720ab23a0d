"""What people do to incidents, with one meaning on every surface: command line, web, Slack."""

from collections.abc import Callable
from datetime import datetime

import asyncpg

from watchdog.domain import life
from watchdog.domain.closing import Closing
from watchdog.domain.escalation import escalate_now, receiver_of_given_back
from watchdog.domain.incident import Incident, OwnedByOther, Refused, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Person, Role
from watchdog.store import covers, incidents
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
        OwnedByOther: Somebody else has it; the text says who and since when.
        Refused: It is theirs already, or it is over.
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


async def give_back(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    words: str,
    now: datetime,
) -> Incident:
    """Give an incident that `person` took to whoever is on call; it is open again.

    Raises:
        Refused: It is not `person`'s, or not taken.
        UnknownIncident, NotAllowed: See their texts.
    """
    covered = await _with_covers(pool, directory, now)

    def decide(one: Incident) -> Transition:
        owner = receiver_of_given_back(one, covered, now)
        return life.give_back(one, person, owner, words, now)

    return await _do(pool, directory, number, person, decide)


async def escalate(
    pool: asyncpg.Pool, directory: Directory, number: int, person: str, now: datetime
) -> Incident:
    """Pass an open incident on to the next person at once.

    Raises:
        Refused: It is not open, or nobody is left to pass it on to.
        UnknownIncident, NotAllowed: See their texts.
    """
    covered = await _with_covers(pool, directory, now)
    return await _do(
        pool, directory, number, person, lambda one: escalate_now(one, covered, person, now)
    )


async def _with_covers(pool: asyncpg.Pool, directory: Directory, now: datetime) -> Directory:
    async with transaction(pool) as conn:
        return await covers.with_covers(conn, directory, now)


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
    closing: Closing,
    now: datetime,
) -> Incident:
    """End a recovered incident with its cause, and one answer to what stops it next time.

    Raises:
        Refused: It has not recovered, or something is missing in the closing.
        UnknownIncident, NotAllowed: See their texts.
    """
    if closing.answer.owner:
        _require_known(directory, closing.answer.owner)
    return await _do(
        pool, directory, number, person, lambda one: life.resolve(one, person, closing, now)
    )


async def finish_action(
    pool: asyncpg.Pool, directory: Directory, number: int, person: str, words: str, now: datetime
) -> Incident:
    """Say that the preventive action of an incident is done.

    Raises:
        Refused: It has none, or it is done already.
        UnknownIncident, NotAllowed: See their texts.
    """
    return await _do(
        pool, directory, number, person, lambda one: life.action_done(one, person, words, now)
    )


def _require_known(directory: Directory, name: str) -> Person:
    person = directory.people.get(name)
    if person is None:
        known = ", ".join(sorted(directory.people)) or "nobody"
        raise NotAllowed(f"nobody is called {name}; known are {known}. Add people under `people:`")
    return person


def require_responder(directory: Directory, name: str) -> None:
    """Raise `NotAllowed` unless somebody is there and may own incidents."""
    if _require_known(directory, name).role is Role.VIEWER:
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
    "OwnedByOther",
    "Refused",
    "UnknownIncident",
    "escalate",
    "finish_action",
    "give_back",
    "hand_over",
    "note",
    "require_responder",
    "resolve",
    "take",
]
