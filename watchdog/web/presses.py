"""What a press of a button in Slack does, and what only the presser is told of it."""

import logging
from collections.abc import Mapping
from typing import Any, assert_never

from notifiers.slack_buttons import SNOOZE_SPAN, Button, Press, Target, take_over_button
from notifiers.slack_replies import reply
from watchdog import verbs
from watchdog.clock import deadline
from watchdog.domain.incident import Incident
from watchdog.domain.people import Directory, Person, Role
from watchdog.store import incidents, pressed
from watchdog.store.pool import TROUBLE, transaction
from watchdog.verbs import NotAllowed, OwnedByOther, Refused
from watchdog.web.room import Room

logger = logging.getLogger(__name__)

DO_WITHIN_SECONDS = 2.0
"""Slack waits three seconds for an answer."""

Reply = Mapping[str, Any]

_UNSURE = (
    "The store is slow or down, so nobody knows yet whether this was done. "
    "If the message does not change, press again."
)


async def do(room: Room, press: Press) -> Reply | None:
    """Do what is asked; return what only the presser is told, None where the message shows it."""
    try:
        async with deadline(DO_WITHIN_SECONDS):
            return await _do(room, press)
    except (TimeoutError, *TROUBLE) as error:
        reason = str(error) or type(error).__name__
        logger.warning("press not answered", extra={"button": press.button, "reason": reason})
        return reply(_UNSURE, replaces=press.is_private)


async def _do(room: Room, press: Press) -> Reply | None:
    workspace = room.service.config.slack.workspace
    if workspace and workspace not in press.workspaces:
        return reply("This service takes presses from another workspace only.")
    directory = room.service.directory()
    people = [one for one in directory.people.values() if one.slack == press.user]
    if len(people) != 1:
        return _unknown(press, people)
    [person] = people
    if press.target is None:
        return reply(f"It works: you are {_described(person)}.")
    return await _move(room, directory, press, press.target, person.name)


def _described(person: Person) -> str:
    if person.role is Role.VIEWER:
        return f"{person.name}, a viewer, who sees everything and moves nothing"
    return f"{person.name}, and may take incidents"


def _unknown(press: Press, people: list[Person]) -> Reply:
    if people:
        names = " and ".join(one.name for one in people)
        return reply(f"{names} have the same Slack id under people:, so nobody knows who you are.")
    name = "".join(one for one in press.user_name.lower() if one.isascii() and one.isalnum())[:30]
    return reply(
        "You are not among the people of this service yet. Add your Slack id to your name under "
        "people:, or add yourself, and press again.",
        code=f"people:\n  {name or 'your-name'}: {{ slack: {press.user} }}",
    )


async def _move(
    room: Room, directory: Directory, press: Press, target: Target, person: str
) -> Reply | None:
    facts = {"button": press.button.value, "incident": target.incident, "person": person}
    one = await _incident(room, target)
    if one is None:
        return reply(f"There is no incident #{target.incident} here any more.")
    try:
        await _verb(room, directory, press, one.id, person)
    except (Refused, NotAllowed) as refusal:
        logger.info("button pressed", extra=facts | {"refused": str(refusal)})
        await _bring_up_to_date(room, press, target, one)
        insist = take_over_button(target) if isinstance(refusal, OwnedByOther) else None
        return reply(str(refusal), button=insist, replaces=press.is_private)
    logger.info("button pressed", extra=facts)
    room.service.wake.set()
    if press.is_private:
        return reply(f"#{one.id} is yours.", replaces=True)
    return None


async def _incident(room: Room, target: Target) -> Incident | None:
    """Return the incident that the button is about; None where the number is another one's by now."""
    async with transaction(room.service.pool) as conn:
        one = await incidents.by_id(conn, target.incident)
    if one is None or Target.of(one.id, target.version, one.opened_at) != target:
        return None
    return one


async def _verb(room: Room, directory: Directory, press: Press, number: int, person: str) -> None:
    """Do what the button says; the same press told again does nothing more."""
    pool, now, once = room.service.pool, room.now(), press.id
    match press.button:
        case Button.TAKE:
            await verbs.take(pool, directory, number, person, now, action_id=once)
        case Button.TAKE_OVER:
            await verbs.take(pool, directory, number, person, now, over=True, action_id=once)
        case Button.DECLINE:
            await verbs.decline(pool, directory, number, person, "", now, action_id=once)
        case Button.GIVE_BACK:
            await verbs.give_back(pool, directory, number, person, "", now, action_id=once)
        case Button.SNOOZE:
            span = SNOOZE_SPAN
            await verbs.snooze(pool, directory, number, person, span, now, action_id=once)
        case Button.ESCALATE:
            await verbs.escalate(pool, directory, number, person, now, action_id=once)
        case Button.TRY:
            raise AssertionError("a try is about no incident")
        case _:
            assert_never(press.button)


async def _bring_up_to_date(room: Room, press: Press, target: Target, one: Incident) -> None:
    """Let the message say what has become of the incident, if it is that which was missing."""
    if press.is_private:
        return
    async with transaction(room.service.pool) as conn:
        is_written = await pressed.bring_up_to_date(
            conn, one, press.channel, press.ts, target.version, room.now()
        )
    if is_written:
        room.service.wake.set()
