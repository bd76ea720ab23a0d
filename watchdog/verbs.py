"""What people do to incidents, with one meaning on every surface: command line, web, Slack.

Each takes the id of the action (`store/deeds.py`): sent again, by whatever road, it changes nothing and
answers with what it did. Without one it is an action of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg

from watchdog.domain import life, opinions, reminders
from watchdog.domain.closing import Closing
from watchdog.domain.escalation import escalate_now, receiver_of_given_back
from watchdog.domain.incident import Happened, Incident, OwnedByOther, Refused, State, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Person, Role
from watchdog.store import covers, deeds, incidents, silences
from watchdog.store.pool import transaction


class UnknownIncident(LookupError):  # noqa: N818 (an answer, not a mistake of ours)
    """There is no incident of that number; the text is for the command line."""

    def __init__(self, number: int) -> None:
        super().__init__(f"there is no incident #{number}; `watchdog incidents --all` lists them")
        self.number = number


class NotAllowed(Exception):  # noqa: N818 (an answer)
    """This person may not do that."""


async def take(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    now: datetime,
    *,
    over: bool = False,
    seen: int | None = None,
    action_id: str = "",
) -> Incident:
    """Make `person` the confirmed owner; accepts an offer, too.

    Args:
        over: Take it from somebody who has taken it already.
        seen: Version that `person` has seen: it is not taken over from somebody whom that does not name.
            None: the present one.

    Raises:
        OwnedByOther: Somebody else has it; the text says who and since when.
        Refused: It is theirs already, or it is over.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, known: _Known) -> Transition:
        return life.take(one, person, now, over=over and not known.passed)

    return await _do(pool, directory, number, person, decide, now, action_id, seen)


async def hand_over(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    receiver: str,
    words: str,
    now: datetime,
    *,
    action_id: str = "",
) -> Incident:
    """Offer the incident to `receiver`, who becomes its owner by taking it.

    Raises:
        Refused: It is not `person`'s to give, or the receiver is not known.
        UnknownIncident, NotAllowed: See their texts.
    """
    require_responder(directory, receiver)

    def decide(one: Incident, _: _Known) -> Transition:
        return life.offer(one, person, receiver, words, now)

    return await _do(pool, directory, number, person, decide, now, action_id)


async def give_back(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    words: str,
    now: datetime,
    *,
    action_id: str = "",
) -> Incident:
    """Give an incident that `person` took to whoever is on call; it is open again.

    Raises:
        Refused: It is not `person`'s, or not taken.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, known: _Known) -> Transition:
        owner = receiver_of_given_back(one, known.directory, now)
        return life.give_back(one, person, owner, words, now)

    return await _do(pool, directory, number, person, decide, now, action_id)


async def escalate(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    now: datetime,
    *,
    seen: int | None = None,
    action_id: str = "",
) -> Incident:
    """Pass an open incident on to the next person at once.

    Args:
        seen: Version that `person` has seen; None: the present one.

    Raises:
        Refused: It is not open, nobody is left to pass it on to, or it was passed on since `seen`.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, known: _Known) -> Transition:
        return escalate_now(one, known.directory, person, now, known.passed)

    return await _do(pool, directory, number, person, decide, now, action_id, seen)


async def note(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    words: str,
    now: datetime,
    *,
    action_id: str = "",
) -> Incident:
    """Write a note on the timeline.

    Raises:
        Refused: There are no words.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, _: _Known) -> Transition:
        return life.note(one, person, words, now)

    return await _do(pool, directory, number, person, decide, now, action_id)


async def resolve(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    closing: Closing,
    now: datetime,
    *,
    action_id: str = "",
) -> Incident:
    """End a recovered incident with its cause, and one answer to what stops it next time.

    Raises:
        Refused: It has not recovered, or something is missing in the closing.
        UnknownIncident, NotAllowed: See their texts.
    """
    if closing.answer.owner:
        _require_known(directory, closing.answer.owner)

    def decide(one: Incident, _: _Known) -> Transition:
        return life.resolve(one, person, closing, now)

    return await _do(pool, directory, number, person, decide, now, action_id)


async def finish_action(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    words: str,
    now: datetime,
    *,
    action_id: str = "",
) -> Incident:
    """Say that the preventive action of an incident is done.

    Raises:
        Refused: It has none, or it is done already.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, _: _Known) -> Transition:
        return life.action_done(one, person, words, now)

    return await _do(pool, directory, number, person, decide, now, action_id)


async def decline(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    words: str,
    now: datetime,
    *,
    action_id: str = "",
) -> Incident:
    """Say that `person` does not take what was offered to them; its owner keeps it.

    Raises:
        Refused: Nobody has offered it to them.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, _: _Known) -> Transition:
        return life.decline(one, person, words, now)

    return await _do(pool, directory, number, person, decide, now, action_id)


async def snooze(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    span: timedelta,
    now: datetime,
    *,
    action_id: str = "",
) -> Incident:
    """Let an incident that `person` has taken rest: no reminder, and it does not expire.

    Args:
        span: At most `reminders.SNOOZE_MAX`.

    Raises:
        Refused: It is not taken, or not theirs, or that is too long.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, _: _Known) -> Transition:
        return reminders.snooze(one, person, span, now)

    return await _do(pool, directory, number, person, decide, now, action_id)


async def reopen(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    words: str,
    now: datetime,
    *,
    action_id: str = "",
) -> Incident:
    """Say that an incident which is over is not well: it is open after all, and `person` has it.

    Raises:
        Refused: It is not over, or has been for too long, or another one about the same is open.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, _: _Known) -> Transition:
        return opinions.reopen(one, person, words, now)

    try:
        async with transaction(pool) as conn:
            # What opens meanwhile may be a member of a storm, which no index keeps apart from incidents.
            await silences.let_nobody_open(conn)
            return await _move(conn, directory, number, person, decide, now, action_id)
    except incidents.AlreadyOpen as error:
        raise Refused(
            f"#{number} is not reopened: a later incident about the same is open. "
            "the list of what is open shows it; write there what you see"
        ) from error


async def not_actionable(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    reason: str,
    words: str,
    now: datetime,
    *,
    seen: int | None = None,
    action_id: str = "",
) -> Incident:
    """Say that an incident needed nobody; one that has recovered ends by that, as a false alarm.

    Args:
        reason: One of `closing.UNNEEDED`.
        seen: Version that `person` has seen; None: the present one.

    Raises:
        Refused: It is over already, or the reason is another one, or what that does is another since `seen`.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, known: _Known) -> Transition:
        return opinions.not_actionable(one, person, reason, words, now, known.state)

    return await _do(pool, directory, number, person, decide, now, action_id, seen)


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


@dataclass(frozen=True, slots=True)
class _Known:
    """What decides beside the incident.

    Attributes:
        directory: Knows who covers for whom at that instant.
        passed: What gave it its owner after the version that the person has seen; None: nothing.
        state: State of that version; None: the present one.
    """

    directory: Directory
    passed: Happened | None = None
    state: State | None = None


_Decide = Callable[[Incident, _Known], Transition]
"""What becomes of an incident."""


async def _do(
    pool: asyncpg.Pool,
    directory: Directory,
    number: int,
    person: str,
    decide: _Decide,
    now: datetime,
    action_id: str,
    seen: int | None = None,
) -> Incident:
    """Move one incident in a transaction of its own."""
    async with transaction(pool) as conn:
        return await _move(conn, directory, number, person, decide, now, action_id, seen)


async def _move(
    conn: asyncpg.Connection,
    directory: Directory,
    number: int,
    person: str,
    decide: _Decide,
    now: datetime,
    action_id: str,
    seen: int | None = None,
) -> Incident:
    """Move one incident: locked, decided by the domain, told; or say what was done."""
    require_responder(directory, person)
    held = await incidents.lock(conn, [number])
    if number not in held:
        raise UnknownIncident(number)
    if done := await done_before(conn, action_id, number):
        # As the action had left it, as far as the timeline says.
        return replace(held[number], version=done.version, state=done.state, owner=done.owner)
    directory = await covers.with_covers(conn, directory, now)
    known = await _known(conn, directory, number, seen)
    step = with_notices(decide(held[number], known), directory)
    await incidents.commit(conn, [step])
    await keep_deed(conn, action_id, step.transition)
    return step.transition.after


async def _known(
    conn: asyncpg.Connection, directory: Directory, number: int, seen: int | None
) -> _Known:
    if seen is None:
        return _Known(directory)
    passed = await incidents.passed_since(conn, number, seen)
    return _Known(directory, passed, await incidents.state_at(conn, number, seen))


async def done_before(conn: asyncpg.Connection, action_id: str, number: int) -> deeds.Deed | None:
    """Return what an action has led to already, on an incident that is locked; None: nothing yet.

    Args:
        action_id: Empty: it is an action of its own.

    Raises:
        Refused: It was done to another incident, or its id is too long.
    """
    if not action_id:
        return None
    if len(action_id) > deeds.ID_CHARACTERS_MAX:
        most = deeds.ID_CHARACTERS_MAX
        raise Refused(f"the id of an action has at most {most} characters, not {len(action_id)}")
    done = await deeds.find(conn, action_id)
    if done and done.incident_id != number:
        raise _belongs_elsewhere(number)
    return done


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


__all__ = [
    "NotAllowed",
    "OwnedByOther",
    "Refused",
    "UnknownIncident",
    "decline",
    "escalate",
    "finish_action",
    "give_back",
    "hand_over",
    "not_actionable",
    "note",
    "reopen",
    "require_responder",
    "resolve",
    "snooze",
    "take",
]
