"""What a message says, in words and in order; how it looks is up to the receiver's renderer."""

from collections.abc import Callable
from datetime import datetime

from notifiers.base import EARLIER_DAYS, Event, Facts
from notifiers.clean import safe_url
from notifiers.line import bad_for, came_back, head, open_for
from notifiers.telling import Row, Story, Telling
from notifiers.times import day_word, short_span


def tell(facts: Facts) -> Story:
    """Return the story of tidy facts."""
    glyph, word = head(facts)
    telling = _TELLINGS[facts.event](facts)
    owner = (Row("Owner", *_owner(facts)),) if facts.owner else ()
    next_row = telling.next_row or unless_taken(facts)
    next_rows = (next_row,) if next_row else ()
    return Story(
        glyph=glyph,
        word=word,
        title=facts.title,
        lead=telling.lead,
        quote=telling.quote,
        who=(*owner, *next_rows),
        guide=_guide(facts) if telling.with_guide else (),
        facts_line=tuple(one for one in (*telling.short, *_marks(facts)) if one),
    )


def _owner(facts: Facts) -> tuple[str, datetime | None]:
    if facts.taken_at is not None:
        return f"{facts.owner}, since", facts.taken_at
    if facts.owner_took_it or facts.state in {"recovered", "resolved"} or not facts.id:
        return facts.owner, None
    return f"{facts.owner}, not taken yet", None


def unless_taken(facts: Facts) -> Row | None:
    """Return who is paged, and when, if nobody takes it."""
    if facts.next_at is None:
        return None
    who = f"{facts.next_person} at" if facts.next_person else "nobody is left; the team is told at"
    return Row("Next", who, facts.next_at)


def _guide(facts: Facts) -> tuple[Row, ...]:
    is_link = bool(safe_url(facts.runbook))
    rows = (
        Row("Impact", facts.impact),
        Row("Do first", facts.do_first),
        *(Row(f"Step {number}", text) for number, text in enumerate(facts.steps, start=1)),
        Row("Before", _earlier(facts)),
        Row("Runbook", "" if is_link else facts.runbook),
    )
    return tuple(row for row in rows if row.text)


def _earlier(facts: Facts) -> str:
    """Return how often it has been before, and what ended it the last time."""
    often = f"{_ordinal(facts.times)} time in {EARLIER_DAYS} days" if facts.times > 1 else ""
    if not facts.last_cause:
        return _told(often)
    when = f", {day_word(facts.last_at, facts.zone)}" if facts.last_at else ""
    return _told(often, f"Last time ({facts.last_owner}{when}): {facts.last_cause}")


def _ordinal(number: int) -> str:
    is_teen = 10 < number % 100 < 14
    ending = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _marks(facts: Facts) -> tuple[str, ...]:
    team = f"team {facts.team}" if facts.team else ""
    return (facts.rule, facts.failure_class, team, f"#{facts.id}" if facts.id else "")


def _sentence(text: str) -> str:
    """Return the text with a capital first and a full stop last."""
    text = text.strip()
    if not text:
        return ""
    return text[:1].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


def _told(*texts: str) -> str:
    return " ".join(filter(None, map(_sentence, texts)))


def _whoever(facts: Facts) -> str:
    return facts.owner or "its owner"


def said_now(facts: Facts) -> str:
    """Return how it is now, as fully as is known."""
    return facts.detail or facts.fact


def _opened(facts: Facts) -> Telling:
    return Telling(_told(facts.words or said_now(facts)), with_guide=True)


def _level(facts: Facts) -> Telling:
    was = f"It was {facts.previous_severity} before, open for {open_for(facts)}"
    return Telling(_told(said_now(facts), was), with_guide=True)


def _taken(facts: Facts) -> Telling:
    return Telling(_told(said_now(facts)), short=(f"open for {open_for(facts)}",), with_guide=True)


def _offered(facts: Facts) -> Telling:
    who, _, note = facts.words.partition(": ")
    receiver = who.rpartition(" → ")[2] or "somebody"
    lead = f"{who} (not accepted yet)"
    return Telling(
        f"{_plain_sentence(lead)} {_told(said_now(facts))}".rstrip(),
        quote=note,
        next_row=Row("Next", f"{_whoever(facts)} keeps it unless {receiver} takes it"),
        short=(f"open for {open_for(facts)}",),
        with_guide=True,
    )


def _handed_over(facts: Facts) -> Telling:
    lead = f"{facts.words}: {_whoever(facts)} is the owner now"
    return Telling(
        f"{_told(said_now(facts))} {_plain_sentence(lead)}".lstrip(),
        short=(f"open for {open_for(facts)}",),
        with_guide=True,
    )


def _passed_on(facts: Facts) -> Telling:
    """Tell that it has another owner who is asked to take it, or that nobody has it."""
    return Telling(
        f"{_told(said_now(facts))} {_plain_sentence(passing(facts))}".lstrip(),
        quote=facts.words.partition(": ")[2],
        next_row=unless_taken(facts)
        or Row("Next", _NEXT[facts.event].format(owner=_whoever(facts))),
        short=(f"open for {open_for(facts)}",),
        with_guide=True,
    )


_PASSINGS = {
    Event.ESCALATED: "Escalated: {words}",
    Event.MISSED: "Missed: {words}",
    Event.DECLINED: "{words}",
    Event.EXHAUSTED: "Nobody is left to escalate to: {words}",
    Event.EXPIRED: "{words}: not taken any more",
    Event.LAPSED: "{words}",
    Event.GIVEN_BACK: "Given back: {words}",
}


def passing(facts: Facts) -> str:
    """Return who had it and who has it now, without what they wrote."""
    return _PASSINGS[facts.event].format(words=facts.words.partition(": ")[0])


_NEXT = {
    Event.ESCALATED: "{owner} takes it, or it is passed on",
    Event.MISSED: "{owner} takes it, or it is passed on",
    Event.DECLINED: "{owner} keeps it",
    Event.GIVEN_BACK: "{owner} takes it, or it is passed on",
    Event.EXHAUSTED: "somebody takes it; {owner} is still its owner",
    Event.EXPIRED: "{owner} takes it again, or it is passed on",
    Event.LAPSED: "{owner} keeps it",
}


def _noted(facts: Facts) -> Telling:
    quote = f"{facts.actor}: {facts.words}"
    return Telling(_told(said_now(facts)), quote=quote, short=(f"open for {open_for(facts)}",))


def _acting(facts: Facts) -> Telling:
    """Tell of a recovery action, which is the incident's own news and changes nothing of its state."""
    return Telling(
        f"{_told(said_now(facts))} {_plain_sentence(acted(facts))}".lstrip(),
        short=(f"open for {open_for(facts)}",),
    )


def _snoozed(facts: Facts) -> Telling:
    lead = f"{facts.actor} is on it: {facts.words}"
    return Telling(
        f"{_told(said_now(facts))} {_plain_sentence(lead)}".lstrip(),
        next_row=Row("Next", "it wakes when that is over, or when it gets worse"),
        short=(f"open for {open_for(facts)}",),
    )


def acted(facts: Facts) -> str:
    """Return what a person asks for, begins, or what came of it."""
    match facts.event:
        case Event.ACTION_ASKED:
            return f"{facts.actor} wants to run an action and needs a second person: {facts.words}"
        case Event.ACTION_BEGUN:
            return f"{facts.actor} runs an action: {facts.words}"
        case _:
            by = "" if facts.actor == "watchdog" else f" ({facts.actor})"
            return f"{facts.words}{by}"


def _not_actionable(facts: Facts) -> Telling:
    reason, _, note = facts.words.partition(": ")
    lead = f"{facts.actor} says that it needed nobody: {reason}"
    return Telling(f"{_told(said_now(facts))} {_plain_sentence(lead)}".lstrip(), quote=note)


def _still_open(facts: Facts) -> Telling:
    return Telling(_told(said_now(facts), f"Still open: {facts.words}"))


def _cause_asked(facts: Facts) -> Telling:
    return Telling(
        _told(f"Bad for {bad_for(facts)}", facts.words),
        next_row=Row("Next", "unanswered for 3 days, it ends without a cause"),
        short=(_taken_after(facts),),
    )


def _reopened(facts: Facts) -> Telling:
    return Telling(
        _plain_sentence(f"Its checks are good, but {facts.actor} says that it is not well"),
        quote=facts.words,
        next_row=Row("Next", f"{_whoever(facts)} resolves it, or its checks are bad again"),
        with_guide=True,
    )


def _action_late(facts: Facts) -> Telling:
    return Telling(_plain_sentence(f"Its preventive action is late: {facts.words}"))


def _recovered(facts: Facts) -> Telling:
    return Telling(
        _told(facts.words or said_now(facts), f"Bad for {bad_for(facts)}"),
        next_row=Row("Next", f"{_whoever(facts)} writes the cause, then it is resolved"),
        short=(_taken_after(facts),),
    )


def _resolved(facts: Facts) -> Telling:
    kind = f" ({facts.cause_kind})" if facts.cause_kind else ""
    cause = f"Cause: {facts.cause or facts.words or 'not given'}{kind}"
    next_time = f"Next time: {facts.prevention}" if facts.prevention else ""
    risk = f"Still at risk: {facts.risk}" if facts.risk else ""
    return Telling(
        " ".join(_plain_sentence(one) for one in (cause, next_time, risk) if one),
        short=(_taken_after(facts), f"bad for {bad_for(facts)}", f"open for {open_for(facts)}"),
    )


def _back_again(facts: Facts) -> Telling:
    return Telling(_told(f"Bad again, {came_back(facts)}", said_now(facts)), with_guide=True)


def _flapping(facts: Facts) -> Telling:
    lead = f"It has changed between good and bad {facts.words}"
    return Telling(
        _told(lead, said_now(facts)),
        next_row=Row("Next", "one incident stays open until it is calm"),
        short=(f"open for {open_for(facts)}",),
        with_guide=True,
    )


def _silenced(facts: Facts) -> Telling:
    until = Row("Next", "nobody is paged until the silence ends")
    return Telling(
        _told(f"Silenced {facts.words}", said_now(facts)), next_row=until, with_guide=True
    )


def _released(facts: Facts) -> Telling:
    lead = _told(f"Still bad, open for {open_for(facts)}: {facts.words}", said_now(facts))
    return Telling(lead, with_guide=True)


def _silence_ends(facts: Facts) -> Telling:
    ending = f"Your silence {facts.words}"
    return Telling(
        _told(ending, said_now(facts)),
        next_row=Row("Next", "what is still bad then is told; make another silence to go on"),
    )


def _action_done(facts: Facts) -> Telling:
    return Telling(_plain_sentence(f"Its preventive action is done: {facts.words}"))


def _withdrawn(facts: Facts) -> Telling:
    reason = facts.words or facts.cause or "its rule is gone"
    return Telling(
        _told(f"No longer watched: {reason}", "Nobody says that it is fixed"),
        short=(f"was open for {open_for(facts)}",),
    )


def _storm(facts: Facts) -> Telling:
    return Telling(_told(facts.words or said_now(facts)), with_guide=True)


def _members(facts: Facts) -> Telling:
    return Telling(_told(said_now(facts)), short=(f"open for {open_for(facts)}",), with_guide=True)


def _joined(facts: Facts) -> Telling:
    return Telling(
        _told(said_now(facts), f"It is {facts.words} now, which is told in its place"),
        short=(f"was open for {open_for(facts)}",),
    )


def splitting(facts: Facts) -> str:
    """Return who made a member of a storm an incident of its own, and which."""
    return f"{facts.actor or 'somebody'} split out of it: {facts.words}".rstrip(" :")


def _split(facts: Facts) -> Telling:
    return Telling(
        f"{_plain_sentence(splitting(facts))} {_told(said_now(facts))}".rstrip(),
        short=(f"open for {open_for(facts)}",),
        with_guide=True,
    )


def _test(facts: Facts) -> Telling:
    return Telling(_told(facts.words or said_now(facts) or "You can be reached here"))


def _plain_sentence(text: str) -> str:
    """Return the text with a full stop, its first letter as it is: it may be a name."""
    return text if text[-1:] in {".", "!", "?", "…"} else f"{text}."


def _taken_after(facts: Facts) -> str:
    if facts.taken_at is None:
        return "" if facts.owner_took_it else "nobody took it"
    return f"taken after {short_span(facts.taken_at - facts.opened_at)}"


_TELLINGS: dict[Event, Callable[[Facts], Telling]] = {
    Event.OPENED: _opened,
    Event.LEVEL: _level,
    Event.TAKEN: _taken,
    Event.OFFERED: _offered,
    Event.DECLINED: _passed_on,
    Event.HANDED_OVER: _handed_over,
    Event.SNOOZED: _snoozed,
    Event.ESCALATED: _passed_on,
    Event.MISSED: _passed_on,
    Event.EXHAUSTED: _passed_on,
    Event.EXPIRED: _passed_on,
    Event.LAPSED: _passed_on,
    Event.GIVEN_BACK: _passed_on,
    Event.NOTED: _noted,
    Event.ACTION_ASKED: _acting,
    Event.ACTION_BEGUN: _acting,
    Event.ACTION_RAN: _acting,
    Event.NOT_ACTIONABLE: _not_actionable,
    Event.STILL_OPEN: _still_open,
    Event.RECOVERED: _recovered,
    Event.BACK_AGAIN: _back_again,
    Event.REOPENED: _reopened,
    Event.CAUSE_ASKED: _cause_asked,
    Event.RESOLVED: _resolved,
    Event.ACTION_LATE: _action_late,
    Event.ACTION_DONE: _action_done,
    Event.WITHDRAWN: _withdrawn,
    Event.STORM: _storm,
    Event.MEMBERS: _members,
    Event.JOINED: _joined,
    Event.SPLIT: _split,
    Event.FLAPPING: _flapping,
    Event.SILENCED: _silenced,
    Event.RELEASED: _released,
    Event.SILENCE_ENDS: _silence_ends,
    Event.TEST: _test,
}
