"""What people ask for on the page of an incident: each of its forms is one verb."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import asyncpg

from watchdog import verbs
from watchdog.domain.closing import Answer, Closing, Prevention, usual_due
from watchdog.domain.people import Directory
from watchdog.moving import Deed
from watchdog.verbs import Refused
from watchdog.web import acting
from watchdog.web.room import Room

SNOOZE_HOURS = (1, 2, 4, 8, 24)
"""For how long something can be snoozed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A form that somebody has sent.

    Attributes:
        now: When it came.
        seen: Version of the incident that its writer saw; None: the present one.
    """

    room: Room
    number: int
    person: str
    fields: Mapping[str, str]
    now: datetime
    seen: int | None = None

    @property
    def by(self) -> tuple[asyncpg.Pool, Directory, Deed]:
        """Return what each verb is told first: where, among whom, and who does it to what."""
        service = self.room.service
        deed = Deed(self.number, self.person, self.now, self.action_id)
        return service.pool, service.directory(), deed

    @property
    def words(self) -> str:
        """Return what was typed."""
        return self.said("words")

    @property
    def action_id(self) -> str:
        """Return the id of the action: the same form, sent again, does nothing more."""
        return self.said("action_id")

    def said(self, name: str) -> str:
        """Return what stands in a field; empty where there is none."""
        return self.fields.get(name, "").strip()


async def _take(one: Asked) -> object:
    over = one.said("over") == "yes"
    return await verbs.take(*one.by, over=over, seen=one.seen)


async def _hand_over(one: Asked) -> object:
    to = one.said("to")
    return await verbs.hand_over(*one.by, to, one.words)


async def _give_back(one: Asked) -> object:
    return await verbs.give_back(*one.by, one.words)


async def _decline(one: Asked) -> object:
    return await verbs.decline(*one.by, one.words)


async def _snooze(one: Asked) -> object:
    span = _hours(one.said("hours"))
    return await verbs.snooze(*one.by, span)


def _hours(text: str) -> timedelta:
    """Return so many hours; none, which is refused, where the form says no number of them."""
    is_number = text.isascii() and text.isdigit() and len(text) <= 3
    return timedelta(hours=int(text)) if is_number else timedelta()


async def _escalate(one: Asked) -> object:
    return await verbs.escalate(*one.by, seen=one.seen)


async def _note(one: Asked) -> object:
    return await verbs.note(*one.by, one.words)


async def _reopen(one: Asked) -> object:
    return await verbs.reopen(*one.by, one.words)


async def _not_actionable(one: Asked) -> object:
    why = one.said("why")
    return await verbs.not_actionable(*one.by, why, one.words, seen=one.seen)


async def _resolve(one: Asked) -> object:
    return await verbs.resolve(*one.by, _closing(one))


def _closing(one: Asked) -> Closing:
    """Return what the form says; whoever sends it does the action, two weeks from now, by default.

    Raises:
        Refused: Something in it cannot be understood.
    """
    try:
        prevention = Prevention(one.said("prevention") or Prevention.OTHER)
        due_on = date.fromisoformat(one.said("due")) if one.said("due") else usual_due(one.now)
    except ValueError as error:
        raise Refused(f"the form cannot be understood: {error}") from error
    answer = Answer(prevention, one.said("answer"), one.said("doer") or one.person, due_on)
    if prevention is Prevention.NOTHING_NEEDED:
        answer = Answer(prevention, one.said("answer"))
    return Closing(one.words, one.said("kind"), answer, one.said("risk"), one.said("window"))


async def _finish_action(one: Asked) -> object:
    return await verbs.finish_action(*one.by, one.words)


async def _act(one: Asked) -> object:
    said = (one.said(name) for name in ("action", "hypothesis", "mitigation"))
    return await acting.act(one.room, one.number, one.person, *said, action_id=one.action_id)


async def _approve(one: Asked) -> object:
    action = one.said("action")
    return await acting.approve(one.room, one.number, one.person, action, action_id=one.action_id)


FORMS: Mapping[str, Callable[[Asked], Awaitable[object]]] = {
    "take": _take,
    "handover": _hand_over,
    "give-back": _give_back,
    "decline": _decline,
    "snooze": _snooze,
    "escalate": _escalate,
    "note": _note,
    "reopen": _reopen,
    "not-actionable": _not_actionable,
    "resolve": _resolve,
    "action-done": _finish_action,
    "act": _act,
    "approve": _approve,
}
"""What each form does, by the last part of its address; it raises what its verb raises."""
