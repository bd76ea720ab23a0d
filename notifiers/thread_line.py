"""What the thread below an incident's first message says of each event, in one sentence."""

from collections.abc import Callable

from notifiers.base import Event, Facts
from notifiers.line import bad_for, came_back, head
from notifiers.story import acted, passing, said_now, splitting
from notifiers.times import short_span

_PATTERNS = {
    Event.OPENED: "Opened: {now}",
    Event.LEVEL: "{0.previous_severity} → {0.severity}: {0.fact}",
    Event.HANDED_OVER: "{0.owner} has it now ({0.words})",
    Event.SNOOZED: "{0.actor} is on it: {0.words}",
    Event.STILL_OPEN: "Still open: {0.words}",
    Event.CAUSE_ASKED: "Recovered, and without a cause: {0.words}",
    Event.REOPENED: "{0.actor} says that it is not well: “{0.words}”",
    Event.ACTION_LATE: "What stops it next time is late: {0.words}",
    Event.NOTED: "{0.actor}: {0.words}",
    Event.ACTION_DONE: "{0.actor} has done what stops it next time: {0.words}",
    Event.STORM: "A storm: {now}",
    Event.MEMBERS: "Now {0.fact}",
    Event.JOINED: "It is {0.words} now",
    Event.FLAPPING: "Flapping, {0.words}: it stays open until it is calm",
    Event.SILENCED: "Silenced {0.words}",
    Event.RELEASED: "Still bad: {0.words}. Owner: {0.owner}. {now}",
    Event.SILENCE_ENDS: "Your silence {0.words}",
}


def below(facts: Facts) -> str:
    """Return the event as one sentence for the thread below the first message; tidy facts."""
    if facts.event in _TELLS:
        told = _TELLS[facts.event](facts)
    else:
        told = _PATTERNS[facts.event].format(facts, now=said_now(facts))
    return told or head(facts)[1].capitalize()  # no channel takes a line without words


def _taken(facts: Facts) -> str:
    took = (facts.taken_at or facts.at) - facts.opened_at
    return f"{facts.owner} took it after {short_span(took)}"


def _offered(facts: Facts) -> str:
    who, _, note = facts.words.partition(": ")
    return _noted(who.replace(" → ", " asks ", 1) + " to take over", note)


def _passed(facts: Facts) -> str:
    return _noted(passing(facts), facts.words.partition(": ")[2])


def _not_actionable(facts: Facts) -> str:
    reason, _, note = facts.words.partition(": ")
    return _noted(f"{facts.actor} says that it needed nobody: {reason}", note)


def _noted(said: str, note: str) -> str:
    return f"{said}: “{note}”" if note else said


def _recovered(facts: Facts) -> str:
    return f"Recovered: {facts.words or said_now(facts)}; bad for {bad_for(facts)}"


def _resolved(facts: Facts) -> str:
    kind = f" ({facts.cause_kind})" if facts.cause_kind else ""
    told = f"{facts.actor} resolved it: {facts.cause or facts.words}{kind}"
    return f"{told}. Next time: {facts.prevention}" if facts.prevention else told


def _back_again(facts: Facts) -> str:
    return f"Back again, {came_back(facts)}. Owner: {facts.owner}. {said_now(facts)}"


def _withdrawn(facts: Facts) -> str:
    return f"No longer watched: {facts.words or facts.cause}"


def _test(facts: Facts) -> str:
    return facts.words or "You can be reached here"


_TELLS: dict[Event, Callable[[Facts], str]] = {
    Event.TAKEN: _taken,
    Event.OFFERED: _offered,
    **dict.fromkeys((Event.ESCALATED, Event.MISSED, Event.EXHAUSTED, Event.EXPIRED), _passed),
    **dict.fromkeys((Event.LAPSED, Event.GIVEN_BACK, Event.DECLINED), _passed),
    Event.NOT_ACTIONABLE: _not_actionable,
    **dict.fromkeys((Event.ACTION_ASKED, Event.ACTION_BEGUN, Event.ACTION_RAN), acted),
    Event.RECOVERED: _recovered,
    Event.RESOLVED: _resolved,
    Event.BACK_AGAIN: _back_again,
    Event.WITHDRAWN: _withdrawn,
    Event.SPLIT: splitting,
    Event.TEST: _test,
}
