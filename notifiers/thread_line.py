"""What the thread below an incident's first message says of each event, in one sentence."""

from notifiers.base import Event, Facts
from notifiers.line import bad_for, came_back
from notifiers.story import acted, passing, said_now, splitting
from notifiers.times import short_span


def below(facts: Facts) -> str:  # noqa: C901, PLR0911, PLR0912 (one case an event)
    """Return the event as one sentence for the thread below the first message; tidy facts."""
    match facts.event:
        case Event.OPENED:
            return f"Opened: {said_now(facts)}"
        case Event.LEVEL:
            return f"{facts.previous_severity} → {facts.severity}: {facts.fact}"
        case Event.TAKEN:
            took = (facts.taken_at or facts.at) - facts.opened_at
            return f"{facts.owner} took it after {short_span(took)}"
        case Event.OFFERED:
            who, _, note = facts.words.partition(": ")
            asked = who.replace(" → ", " asks ", 1) + " to take over"
            return f"{asked}: “{note}”" if note else asked
        case Event.HANDED_OVER:
            return f"{facts.owner} has it now ({facts.words})"
        case (
            Event.ESCALATED
            | Event.MISSED
            | Event.EXHAUSTED
            | Event.EXPIRED
            | Event.LAPSED
            | Event.GIVEN_BACK
            | Event.DECLINED
        ):
            note = facts.words.partition(": ")[2]
            return f"{passing(facts)}: “{note}”" if note else passing(facts)
        case Event.SNOOZED:
            return f"{facts.actor} is on it: {facts.words}"
        case Event.NOT_ACTIONABLE:
            reason, _, note = facts.words.partition(": ")
            said = f"{facts.actor} says that it needed nobody: {reason}"
            return f"{said}: “{note}”" if note else said
        case Event.STILL_OPEN:
            return f"Still open: {facts.words}"
        case Event.CAUSE_ASKED:
            return f"Recovered, and without a cause: {facts.words}"
        case Event.REOPENED:
            return f"{facts.actor} says that it is not well: “{facts.words}”"
        case Event.ACTION_LATE:
            return f"What stops it next time is late: {facts.words}"
        case Event.NOTED:
            return f"{facts.actor}: {facts.words}"
        case Event.ACTION_ASKED | Event.ACTION_BEGUN | Event.ACTION_RAN:
            return acted(facts)
        case Event.RECOVERED:
            return f"Recovered: {facts.words or said_now(facts)}; bad for {bad_for(facts)}"
        case Event.RESOLVED:
            kind = f" ({facts.cause_kind})" if facts.cause_kind else ""
            told = f"{facts.actor} resolved it: {facts.cause or facts.words}{kind}"
            return f"{told}. Next time: {facts.prevention}" if facts.prevention else told
        case Event.ACTION_DONE:
            return f"{facts.actor} has done what stops it next time: {facts.words}"
        case Event.BACK_AGAIN:
            return f"Back again, {came_back(facts)}. Owner: {facts.owner}. {said_now(facts)}"
        case Event.WITHDRAWN:
            return f"No longer watched: {facts.words or facts.cause}"
        case Event.STORM:
            return f"A storm: {said_now(facts)}"
        case Event.MEMBERS:
            return f"Now {facts.fact}"
        case Event.JOINED:
            return f"It is {facts.words} now"
        case Event.SPLIT:
            return splitting(facts)
        case Event.FLAPPING:
            return f"Flapping, {facts.words}: it stays open until it is calm"
        case Event.SILENCED:
            return f"Silenced {facts.words}"
        case Event.RELEASED:
            return f"Still bad: {facts.words}. Owner: {facts.owner}. {said_now(facts)}"
        case Event.SILENCE_ENDS:
            return f"Your silence {facts.words}"
        case Event.TEST:
            return facts.words or "You can be reached here"
