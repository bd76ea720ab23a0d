"""What a press of a button in Slack does, and what only the presser is told of it."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from notifiers.base import DeliveryError
from notifiers.slack_buttons import DIALOGS, Button, Press, button
from notifiers.slack_replies import reply
from notifiers.slack_targets import Target
from watchdog.clock import deadline
from watchdog.domain.incident import Incident
from watchdog.domain.people import Person, Role
from watchdog.store import pressed
from watchdog.store.pool import TROUBLE, transaction
from watchdog.verbs import NotAllowed, OwnedByOther, Refused
from watchdog.web import dialogs
from watchdog.web.asking import FORMS, Asked
from watchdog.web.pressers import ANSWER_WITHIN_SECONDS, UNSURE, Reply, Stranger, person_of
from watchdog.web.room import Room

logger = logging.getLogger(__name__)

FORM_OF: Mapping[Button, tuple[str, Mapping[str, str]]] = {
    Button.TAKE: ("take", {}),
    Button.TAKE_OVER: ("take", {"over": "yes"}),
    Button.DECLINE: ("decline", {}),
    Button.GIVE_BACK: ("give-back", {}),
    Button.ESCALATE: ("escalate", {}),
}
"""Which form of the incident's page a press is, and what stands in it; the other buttons open a dialog."""

_UNSURE = f"{UNSURE} If the message does not change, press again."


async def do(room: Room, press: Press) -> Reply | None:
    """Do what is asked; return what only the presser is told, None where the message shows it."""
    try:
        async with deadline(ANSWER_WITHIN_SECONDS):
            return await _do(room, press)
    except Stranger as stranger:
        return stranger.reply
    except (TimeoutError, *TROUBLE) as error:
        reason = str(error) or type(error).__name__
        logger.warning("press not answered", extra={"button": press.button, "reason": reason})
        return reply(_UNSURE, replaces=press.is_private)


async def _do(room: Room, press: Press) -> Reply | None:
    person = person_of(room, press.member)
    if press.target is None or press.button is Button.TRY:
        return reply(f"It works: you are {_described(person)}.")
    return await _move(room, press, press.target, person.name)


def _described(person: Person) -> str:
    if person.role is Role.VIEWER:
        return f"{person.name}, a viewer, who sees everything and moves nothing"
    return f"{person.name}, and may take incidents"


async def _move(room: Room, press: Press, target: Target, person: str) -> Reply | None:
    facts = {"button": press.button.value, "incident": target.incident, "person": person}
    one = await dialogs.incident_of(room, target)
    if one is None:
        return reply(dialogs.gone(target))
    try:
        if press.button in DIALOGS:
            return await _ask(room, press, one, person)
        form, fields = FORM_OF[press.button]
        said = {**fields, "action_id": press.id}
        await FORMS[form](Asked(room, one.id, person, said, room.now(), target.version))
    except (Refused, NotAllowed) as refusal:
        logger.info("button pressed", extra=facts | {"refused": str(refusal)})
        await _bring_up_to_date(room, press, target, one)
        if isinstance(refusal, OwnedByOther):
            return take_over(refusal, target, replaces=press.is_private)
        return reply(str(refusal), replaces=press.is_private)
    logger.info("button pressed", extra=facts)
    room.service.wake.set()
    if press.is_private:
        return reply(f"#{one.id} is yours.", replaces=True)
    return None


def take_over(refusal: OwnedByOther, target: Target, *, replaces: bool = False) -> Reply:
    """Return who has it, with a button for whoever insists."""
    told = replace(target, version=refusal.version)
    return reply(str(refusal), button=button(Button.TAKE_OVER, told), replaces=replaces)


async def _ask(room: Room, press: Press, one: Incident, person: str) -> Reply | None:
    """Open the dialog of a button; nothing has moved yet."""
    try:
        await dialogs.ask(room, press, one, person)
    except DeliveryError as error:
        logger.warning("no dialog opened in Slack", extra={"reason": str(error)})
        url = room.service.config.service.url
        where = f"{url}/i/{one.id}" if url else f"the page of #{one.id}"
        return reply(f"Slack opened no dialog ({error}). Press again, or use {where}.")
    return None


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
