"""What people do to incidents, with one meaning on every surface: command line, web, Slack.

Each is told of the deed: who does it to which incident, and when. What else it is told follows.
"""

from datetime import timedelta

import asyncpg

from watchdog.domain import life, opinions, reminders
from watchdog.domain.closing import Closing
from watchdog.domain.escalation import escalate_now, receiver_of_given_back
from watchdog.domain.incident import Incident, OwnedByOther, Refused, Transition
from watchdog.domain.people import Directory
from watchdog.moving import (
    Decide,
    Deed,
    Known,
    NotAllowed,
    UnknownIncident,
    move,
    require_known,
    require_responder,
)
from watchdog.store import incidents, silences
from watchdog.store.pool import transaction


async def take(
    pool: asyncpg.Pool,
    directory: Directory,
    deed: Deed,
    *,
    over: bool = False,
    seen: int | None = None,
) -> Incident:
    """Make the person the confirmed owner; accepts an offer, too.

    Args:
        over: Take it from somebody who has taken it already.
        seen: Version that the person has seen: it is not taken over from somebody whom that does not name.
            None: the present one.

    Raises:
        OwnedByOther: Somebody else has it; the text says who and since when.
        Refused: It is theirs already, or it is over.
        UnknownIncident, NotAllowed: See their texts.
    """
    return await _do(
        pool,
        directory,
        deed,
        lambda one, known: life.take(one, deed.person, deed.now, over=over and not known.passed),
        seen,
    )


async def hand_over(
    pool: asyncpg.Pool, directory: Directory, deed: Deed, receiver: str, words: str
) -> Incident:
    """Offer the incident to `receiver`, who becomes its owner by taking it.

    Raises:
        Refused: It is not the person's to give, or the receiver is not known.
        UnknownIncident, NotAllowed: See their texts.
    """
    require_responder(directory, receiver)
    return await _do(
        pool,
        directory,
        deed,
        lambda one, _: life.offer(one, deed.person, receiver, words, deed.now),
    )


async def give_back(pool: asyncpg.Pool, directory: Directory, deed: Deed, words: str) -> Incident:
    """Give an incident that the person took to whoever is on call; it is open again.

    Raises:
        Refused: It is not the person's, or not taken.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, known: Known) -> Transition:
        owner = receiver_of_given_back(one, known.directory, deed.now)
        return life.give_back(one, deed.person, owner, words, deed.now)

    return await _do(pool, directory, deed, decide)


async def escalate(
    pool: asyncpg.Pool, directory: Directory, deed: Deed, *, seen: int | None = None
) -> Incident:
    """Pass an open incident on to the next person at once.

    Args:
        seen: Version that the person has seen; None: the present one.

    Raises:
        Refused: It is not open, nobody is left to pass it on to, or it was passed on since `seen`.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, known: Known) -> Transition:
        return escalate_now(one, known.directory, deed.person, deed.now, known.passed)

    return await _do(pool, directory, deed, decide, seen)


async def note(pool: asyncpg.Pool, directory: Directory, deed: Deed, words: str) -> Incident:
    """Write a note on the timeline.

    Raises:
        Refused: There are no words.
        UnknownIncident, NotAllowed: See their texts.
    """
    return await _do(
        pool, directory, deed, lambda one, _: life.note(one, deed.person, words, deed.now)
    )


async def resolve(
    pool: asyncpg.Pool, directory: Directory, deed: Deed, closing: Closing
) -> Incident:
    """End a recovered incident with its cause, and one answer to what stops it next time.

    Raises:
        Refused: It has not recovered, or something is missing in the closing.
        UnknownIncident, NotAllowed: See their texts.
    """
    if closing.answer.owner:
        require_known(directory, closing.answer.owner)
    return await _do(
        pool, directory, deed, lambda one, _: life.resolve(one, deed.person, closing, deed.now)
    )


async def finish_action(
    pool: asyncpg.Pool, directory: Directory, deed: Deed, words: str
) -> Incident:
    """Say that the preventive action of an incident is done.

    Raises:
        Refused: It has none, or it is done already.
        UnknownIncident, NotAllowed: See their texts.
    """
    return await _do(
        pool, directory, deed, lambda one, _: life.action_done(one, deed.person, words, deed.now)
    )


async def decline(pool: asyncpg.Pool, directory: Directory, deed: Deed, words: str) -> Incident:
    """Say that the person does not take what was offered to them; its owner keeps it.

    Raises:
        Refused: Nobody has offered it to them.
        UnknownIncident, NotAllowed: See their texts.
    """
    return await _do(
        pool, directory, deed, lambda one, _: life.decline(one, deed.person, words, deed.now)
    )


async def snooze(pool: asyncpg.Pool, directory: Directory, deed: Deed, span: timedelta) -> Incident:
    """Let an incident that the person has taken rest: no reminder, and it does not expire.

    Args:
        span: At most `reminders.SNOOZE_MAX`.

    Raises:
        Refused: It is not taken, or not theirs, or that is too long.
        UnknownIncident, NotAllowed: See their texts.
    """
    return await _do(
        pool, directory, deed, lambda one, _: reminders.snooze(one, deed.person, span, deed.now)
    )


async def reopen(pool: asyncpg.Pool, directory: Directory, deed: Deed, words: str) -> Incident:
    """Say that an incident which is over is not well: it is open after all, and the person has it.

    Raises:
        Refused: It is not over, or has been for too long, or another one about the same is open.
        UnknownIncident, NotAllowed: See their texts.
    """

    def decide(one: Incident, _: Known) -> Transition:
        return opinions.reopen(one, deed.person, words, deed.now)

    try:
        async with transaction(pool) as conn:
            # What opens meanwhile may be a member of a storm, which no index keeps apart from incidents.
            await silences.let_nobody_open(conn)
            return await move(conn, directory, deed, decide)
    except incidents.AlreadyOpen as error:
        raise Refused(
            f"#{deed.number} is not reopened: a later incident about the same is open. "
            "the list of what is open shows it; write there what you see"
        ) from error


async def not_actionable(
    pool: asyncpg.Pool,
    directory: Directory,
    deed: Deed,
    reason: str,
    words: str,
    *,
    seen: int | None = None,
) -> Incident:
    """Say that an incident needed nobody; one that has recovered ends by that, as a false alarm.

    Args:
        reason: One of `closing.UNNEEDED`.
        seen: Version that the person has seen; None: the present one.

    Raises:
        Refused: It is over already, or the reason is another one, or what that does is another since `seen`.
        UnknownIncident, NotAllowed: See their texts.
    """
    return await _do(
        pool,
        directory,
        deed,
        lambda one, known: opinions.not_actionable(
            one, deed.person, reason, words, deed.now, known.state
        ),
        seen,
    )


async def _do(
    pool: asyncpg.Pool, directory: Directory, deed: Deed, decide: Decide, seen: int | None = None
) -> Incident:
    """Move one incident in a transaction of its own."""
    async with transaction(pool) as conn:
        return await move(conn, directory, deed, decide, seen)


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
