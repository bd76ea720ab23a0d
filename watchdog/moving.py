"""How something that people do moves one incident, and how the same deed takes effect once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from watchdog.domain.incident import Happened, Incident, Refused, State, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Person, Role
from watchdog.store import covers, deeds, incidents


class UnknownIncident(LookupError):  # noqa: N818 (an answer, not a mistake of ours)
    """There is no incident of that number; the text is for the command line."""

    def __init__(self, number: int) -> None:
        super().__init__(f"there is no incident #{number}; `watchdog incidents --all` lists them")
        self.number = number


class NotAllowed(Exception):  # noqa: N818 (an answer)
    """This person may not do that."""


def require_known(directory: Directory, name: str) -> Person:
    """Return somebody by name; raise `NotAllowed` if nobody is called so."""
    person = directory.people.get(name)
    if person is None:
        known = ", ".join(sorted(directory.people)) or "nobody"
        raise NotAllowed(f"nobody is called {name}; known are {known}. Add people under `people:`")
    return person


def require_responder(directory: Directory, name: str) -> None:
    """Raise `NotAllowed` unless somebody is there and may own incidents."""
    if require_known(directory, name).role is Role.VIEWER:
        raise NotAllowed(f"{name} is a viewer; owning incidents takes role: responder")


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does to an incident.

    Attributes:
        now: When.
        action_id: Sent again with the same, by whatever road, it changes nothing and is answered with
            what it did. Empty: it is a deed of its own.
    """

    number: int
    person: str
    now: datetime
    action_id: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What decides beside the incident.

    Attributes:
        directory: Knows who covers for whom at that instant.
        passed: What gave it its owner after the version that the person has seen; None: nothing.
        state: State of that version; None: the present one.
    """

    directory: Directory
    passed: Happened | None = None
    state: State | None = None


Decide = Callable[[Incident, Known], Transition]
"""What becomes of an incident."""


async def move(
    conn: asyncpg.Connection,
    directory: Directory,
    deed: Deed,
    decide: Decide,
    seen: int | None = None,
) -> Incident:
    """Move one incident: locked, decided by the domain, told; or say what was done.

    Args:
        seen: Version that the person has seen; None: the present one.

    Returns:
        The incident as the deed has left it, or had left it.

    Raises:
        Refused: Whatever `decide` refuses, or the id belongs to another action.
        UnknownIncident, NotAllowed: See their texts.
    """
    require_responder(directory, deed.person)
    held = await incidents.lock(conn, [deed.number])
    if deed.number not in held:
        raise UnknownIncident(deed.number)
    incident = held[deed.number]
    if before := await done_before(conn, deed.action_id, deed.number):
        # As it had left it, as far as the timeline says.
        return replace(incident, version=before.version, state=before.state, owner=before.owner)
    directory = await covers.with_covers(conn, directory, deed.now)
    known = await _known(conn, directory, deed.number, seen)
    step = with_notices(decide(incident, known), directory)
    await incidents.commit(conn, [step])
    await keep_deed(conn, deed.action_id, step.transition)
    return step.transition.after


async def _known(
    conn: asyncpg.Connection, directory: Directory, number: int, seen: int | None
) -> Known:
    if seen is None:
        return Known(directory)
    passed = await incidents.passed_since(conn, number, seen)
    return Known(directory, passed, await incidents.state_at(conn, number, seen))


def require_action_id(action_id: str) -> None:
    """Raise `Refused` if an id is too long for one of ours; empty is an action of its own."""
    if len(action_id) > deeds.ID_CHARACTERS_MAX:
        most = deeds.ID_CHARACTERS_MAX
        raise Refused(f"the id of an action has at most {most} characters, not {len(action_id)}")


async def done(conn: asyncpg.Connection, action_id: str) -> deeds.Effect | None:
    """Return what an action has led to already, on whichever incident; None: nothing yet.

    Args:
        action_id: Empty: it is an action of its own.

    Raises:
        Refused: Its id is too long.
    """
    require_action_id(action_id)
    return await deeds.find(conn, action_id) if action_id else None


async def done_before(conn: asyncpg.Connection, action_id: str, number: int) -> deeds.Effect | None:
    """Return what an action has led to already, on an incident that is locked; None: nothing yet.

    Args:
        action_id: Empty: it is an action of its own.

    Raises:
        Refused: It was done to another incident, or its id is too long.
    """
    found = await done(conn, action_id)
    if found and found.incident_id != number:
        raise _belongs_elsewhere(number)
    return found


async def keep_deed(conn: asyncpg.Connection, action_id: str, made: Transition) -> None:
    """Write that an action took effect, in the transaction of what it led to; nothing if it has no id.

    Raises:
        Refused: It was done to another incident at the same instant.
    """
    after = made.after
    if action_id and not await deeds.keep(
        conn, action_id, after.id, after.version, made.happened.at
    ):
        raise _belongs_elsewhere(after.id)


def _belongs_elsewhere(number: int) -> Refused:
    return Refused(f"this form was used for another incident than #{number}; load the page again")
