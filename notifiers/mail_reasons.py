"""Why a mail came to its reader: who was told before is not always the one who is asked now. Pure."""

from notifiers.base import Event, Facts, Message
from notifiers.times import time_of_day

Reason = tuple[str, str]
"""As programs read it, and the begin of a sentence that the team's name ends."""

_ON_CALL: Reason = ("on-call", "You get this because you are on call for")
_OWNER: Reason = ("owner", "You get this because you are its owner, for")
_TOLD_BEFORE: Reason = ("told-before", "You get this because you were told of this incident of")
_PASSED_ON: Reason = ("escalated", "You get this because it was passed on to you, for")

_FIRST_PAGES = {Event.OPENED, Event.LEVEL, Event.STORM, Event.BACK_AGAIN, Event.RELEASED}
_OF_EVENTS: dict[Event, Reason] = {
    Event.SILENCE_ENDS: (
        "silence",
        "You get this because you made a silence that hides it, of",
    ),
    Event.OFFERED: ("handover", "You get this because you are asked to take over for"),
    Event.ESCALATED: _PASSED_ON,
    Event.MISSED: _PASSED_ON,
    Event.EXHAUSTED: ("lead", "You get this because nobody has taken it, as lead of"),
    Event.GIVEN_BACK: ("on-call", "You get this because you are to take it, for"),
    Event.STILL_OPEN: _OWNER,
    Event.CAUSE_ASKED: _OWNER,
    Event.ACTION_LATE: ("action", "You get this because you said that you do this, for"),
    Event.TEST: ("test", "You get this because somebody tests the way to you, in"),
}
"""What only the person hears by mail whom it asks for something."""


def reason_of(message: Message, facts: Facts) -> Reason:
    """Return why this reader gets the mail."""
    if facts.event in _OF_EVENTS:
        return _OF_EVENTS[facts.event]
    if is_owners(message, facts):
        return _OWNER if message.remote or facts.event not in _FIRST_PAGES else _ON_CALL
    is_first = facts.event in _FIRST_PAGES and not message.remote
    return _ON_CALL if is_first and not message.reader else _TOLD_BEFORE


def because_of(reason: Reason, facts: Facts) -> str:
    """Return the sentence that says why."""
    team = f"team {facts.team}" if facts.team else "your team"
    until = facts.on_call_until if reason == _ON_CALL else None
    ends = f" until {time_of_day(until, facts.zone, facts.at)}" if until else ""
    return f"{reason[1]} {team}{ends}."


def is_owners(message: Message, facts: Facts) -> bool:
    """Return whether the mail goes to the owner, as far as is known who reads it."""
    return bool(message.reader) and message.reader == facts.owner
