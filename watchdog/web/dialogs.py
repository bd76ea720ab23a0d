"""The dialogs that buttons in Slack open, and what is done when they are sent.

Each is a form of the incident's page, asked elsewhere: the same fields, the same verb.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from notifiers.base import DeliveryError
from notifiers.clean import cut
from notifiers.slack import Slack
from notifiers.slack_buttons import Button, Press
from notifiers.slack_dialogs import Submission, view_of, with_errors, with_message
from notifiers.slack_parts import Block
from notifiers.slack_replies import reply
from notifiers.slack_targets import Target
from rules.spans import short_span
from watchdog import silencing, splitting
from watchdog.clock import deadline
from watchdog.domain.incident import Incident
from watchdog.domain.storms import Member, MemberState
from watchdog.store import incidents, members
from watchdog.store.pool import TROUBLE, transaction
from watchdog.verbs import NotAllowed, Refused, UnknownIncident, require_responder
from watchdog.web.asking import FORMS, Asked
from watchdog.web.asking_slack import FIRST_FIELD, TITLES, Scene, dialog_of, require_possible
from watchdog.web.pressers import ANSWER_WITHIN_SECONDS, UNSURE, Stranger, person_of, sentence
from watchdog.web.room import Room
from watchdog.web.silences import told as silence_told
from watchdog.web.silences import wanted_in

logger = logging.getLogger(__name__)

_ERROR_MAX = 300
_SPLITTABLE_MAX = 101
"""One more than a dialog shows, so that it says that there are more."""

_UNSURE = f"{UNSURE} Send it again: it counts once."
_TOO_OLD = "This dialog is of another release. Close it, and press its button again."
_FIELDS_OF = {"cause": "words", "cause_kind": "kind", "answer": "answer", "owner": "doer"}
"""In which field of a form stands what a refusal is about, where it is called otherwise."""


async def incident_of(room: Room, target: Target) -> Incident | None:
    """Return the incident that a button is about; None where the number is another one's by now."""
    async with transaction(room.service.pool) as conn:
        one = await incidents.by_id(conn, target.incident)
    if one is None or Target.of(one.id, target.version, one.opened_at) != target:
        return None
    return one


def gone(target: Target) -> str:
    """Return what is said of an incident that is not there."""
    return f"There is no incident #{target.incident} here any more."


async def ask(room: Room, press: Press, one: Incident, person: str) -> None:
    """Open the dialog of a button, unless what it asks for would be refused as things stand.

    Raises:
        Refused, NotAllowed: It would be.
        DeliveryError: Slack does not open it.
    """
    slack = room.service.notifiers.get("slack")
    if not isinstance(slack, Slack):
        raise DeliveryError("channels.slack has no token")
    directory = room.service.directory()
    require_responder(directory, person)
    require_possible(press.button, one, person, room.now())
    bad = await _bad_members(room, one) if press.button is Button.SPLIT else ()
    dialog = dialog_of(press.button, Scene(one, directory, person, room.now(), bad))
    target = Target.of(one.id, one.version, one.opened_at)
    await slack.open_view(press.trigger, view_of(dialog, press.button.value, target))


async def _bad_members(room: Room, storm: Incident) -> Sequence[Member]:
    async with transaction(room.service.pool) as conn:
        found = await members.listed(conn, storm.id, limit=_SPLITTABLE_MAX)
    return [one for one in found if one.state is MemberState.BAD]


async def send(room: Room, sent: Submission) -> Block:
    """Do what a dialog asks for; return what Slack shows: errors, a message, or nothing (it closes)."""
    try:
        async with deadline(ANSWER_WITHIN_SECONDS):
            return await _send(room, sent)
    except Stranger as stranger:
        return with_message("Not known yet", stranger.reply["blocks"])
    except (TimeoutError, *TROUBLE) as error:
        reason = str(error) or type(error).__name__
        logger.warning("dialog not answered", extra={"form": sent.form, "reason": reason})
        return with_errors({FIRST_FIELD.get(sent.form, "words"): _UNSURE})


async def _send(room: Room, sent: Submission) -> Block:
    person = person_of(room, sent.member).name
    one = await incident_of(room, sent.target)
    if one is None:
        return with_message("Not there", reply(gone(sent.target))["blocks"])
    if sent.form not in _SENT:
        return with_message("Too old", reply(_TOO_OLD)["blocks"])
    facts = {"form": sent.form, "incident": one.id, "person": person}
    fields = {**sent.fields, "action_id": sent.id}
    asked = Asked(room, one.id, person, fields, room.now(), sent.target.version)
    try:
        said = await _SENT[sent.form](asked, one)
    except (Refused, NotAllowed, UnknownIncident) as refusal:
        logger.info("dialog sent", extra=facts | {"refused": str(refusal)})
        return with_errors(await _errors(room, sent, one, refusal))
    logger.info("dialog sent", extra=facts)
    room.service.wake.set()
    return with_message(TITLES[sent.form], reply(said)["blocks"]) if said else {}


async def _errors(
    room: Room, sent: Submission, one: Incident, refusal: Exception
) -> Mapping[str, str]:
    """Return the refusal below the field that it is about, or the first with what came in between."""
    about = getattr(refusal, "about", "")
    if about:
        return {_FIELDS_OF.get(about, about): sentence(cut(str(refusal), _ERROR_MAX))}
    since = await _since(room, one.id, sent.target.version)
    return {FIRST_FIELD.get(sent.form, "words"): sentence(cut(str(refusal), _ERROR_MAX)) + since}


async def _since(room: Room, number: int, version: int) -> str:
    """Return what has happened to an incident last, if that was after a version of it."""
    async with transaction(room.service.pool) as conn:
        events = [entry for entry in await incidents.timeline(conn, number) if entry.state]
    if len(events) <= version:
        return ""
    last = events[-1]
    ago = short_span(room.now() - last.at)
    return f" While you wrote: {last.what.replace('_', ' ')} by {last.actor}, {ago} ago."


Send = Callable[[Asked, Incident], Awaitable[str]]
"""Does what a dialog asks for; returns what is to be said of it, nothing where the message shows it."""


def _by_form(form: str) -> Send:
    async def send(asked: Asked, _one: Incident) -> str:
        await FORMS[form](asked)
        return ""

    return send


async def _silence(asked: Asked, one: Incident) -> str:
    service = asked.room.service
    fields = {**asked.fields, "pattern": one.rule, "entity": ""}
    wanted = wanted_in(fields, asked.person, asked.now)
    if asked.said("entity") == "this":
        wanted = replace(wanted, entity=one.entity)
    names = silencing.names_of(service.config)
    kept = await silencing.add(
        *(service.pool, service.directory(), wanted, names, asked.now), action_id=asked.action_id
    )
    return silence_told(kept, asked.room, asked.now)


async def _split(asked: Asked, one: Incident) -> str:
    service = asked.room.service
    which = splitting.which((asked.said("member"),))
    own = await splitting.split(
        *(service.pool, service.config, one.id, which, asked.person, asked.now),
        action_id=asked.action_id,
    )
    zone = service.directory().people[asked.person].zone.key
    return splitting.said_of(own, zone, asked.now)


_BY_FORM = ("note", "handover", "snooze", "not-actionable", "resolve", "reopen", "action-done")
_SENT: Mapping[str, Send] = {
    **{form: _by_form(form) for form in _BY_FORM},
    "silence": _silence,
    "split": _split,
}
