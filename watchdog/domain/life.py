"""What happens to an incident: each function returns the transition to what it becomes.

People's moves raise `Refused` with the sentence the person reads; those of the service assert that
they are asked for rightly. The schema holds the same rules as constraints.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from notifiers.base import Event
from rules.base import Severity
from rules.spans import short_span
from watchdog.domain.closing import (
    JOINED,
    NOT_GIVEN,
    WITHDRAWN,
    Closing,
    closing_of_unneeded,
    problem_of,
)
from watchdog.domain.incident import (
    WATCHDOG,
    Ended,
    Happened,
    Incident,
    OwnedByOther,
    Refused,
    State,
    Transition,
)
from watchdog.domain.step import step


def opened(
    incident: Incident, evidence: dict[str, list[dict[str, object]]], remark: str = ""
) -> Transition:
    """Return the opening of a new incident: `incident` is open, at version 1, with its owner.

    Args:
        remark: A sentence that must be said besides what is wrong.
    """
    assert incident.state is State.OPEN
    assert incident.version == 1
    words = " ".join(filter(None, (remark, incident.detail or incident.fact)))
    return Transition(
        None, incident, Happened(Event.OPENED, incident.opened_at, WATCHDOG, words), evidence
    )


def level_changed(
    incident: Incident, severity: Severity, failure_class: str, now: datetime
) -> Transition:
    """Return the change to another severity or failure class while it is bad."""
    happened = Happened(
        Event.LEVEL,
        now,
        WATCHDOG,
        f"{incident.severity} → {severity}: {incident.fact}",
        previous_severity=incident.severity,
    )
    is_worse = severity.rank > incident.severity.rank
    return step(
        incident,
        happened,
        severity=severity,
        failure_class=failure_class,
        snoozed_until=None if is_worse else incident.snoozed_until,
    )


def recovered(
    incident: Incident, now: datetime, first_good_at: datetime | None, words: str
) -> Transition:
    """Return its recovery, proven by enough good checks."""
    return step(
        incident,
        Happened(Event.RECOVERED, now, WATCHDOG, words),
        State.RECOVERED,
        recovered_at=now,
        first_good_at=first_good_at or now,
        bad_now=False,
        offered_to="",
    )


def back_again(
    incident: Incident, now: datetime, severity: Severity, owner: str = "", remark: str = ""
) -> Transition:
    """Return its coming back within the reopen window: same incident, not taken.

    Args:
        owner: Who owns it now, if the former owner has left; the same person by default.
        remark: A sentence that must be said besides.
    """
    assert incident.recovered_at is not None
    how = f"{short_span(now - incident.recovered_at)} after it recovered: {incident.fact}"
    words = f"{remark} {how}".strip()
    return step(
        incident,
        Happened(Event.BACK_AGAIN, now, WATCHDOG, words),
        State.OPEN,
        owner=owner or incident.owner,
        severity=severity,
        taken_at=None,
        recovered_at=None,
        first_good_at=None,
        bad_now=True,
        rung=0,
    )


def withdrawn(incident: Incident, now: datetime, reason: str) -> Transition:
    """Return its end because its rule no longer watches it: neither recovered nor solved."""
    return step(
        incident,
        Happened(Event.WITHDRAWN, now, WATCHDOG, reason),
        State.RESOLVED,
        resolved_at=now,
        cause=reason,
        cause_kind=WITHDRAWN,
        offered_to="",
    )


def take(incident: Incident, person: str, now: datetime, *, over: bool = False) -> Transition:
    """Return `person` becoming the confirmed owner.

    Args:
        over: Take it from somebody who has taken it already.

    Raises:
        OwnedByOther: Somebody else has it; not with `over`.
        Refused: It is the person's already, or it is over.
    """
    if incident.cause_kind == JOINED:
        raise Refused(f"#{incident.id} is {incident.cause}; take #{incident.storm} instead")
    if incident.state is State.RESOLVED:
        raise Refused(f"#{incident.id} is resolved; there is nothing to take")
    accepts = incident.offered_to == person
    handed_over = Happened(Event.HANDED_OVER, now, person, f"{incident.owner} → {person}")
    if incident.state is State.RECOVERED:
        if not accepts and incident.owner == person:
            raise Refused(f"#{incident.id} has recovered and is yours; resolve it with its cause")
        if not accepts and not over:
            raise OwnedByOther(
                f"#{incident.id} has recovered; {incident.owner} is asked for the cause. "
                f"To answer instead of {incident.owner}, take it over",
                incident.version,
            )
        return step(incident, handed_over, owner=person, offered_to="")
    if incident.state is State.TAKEN and not accepts:
        if incident.owner == person:
            raise Refused(f"#{incident.id} is already yours")
        if not over:
            raise OwnedByOther(_taken_by(incident, now), incident.version)
    if incident.state is State.TAKEN:
        return step(incident, handed_over, owner=person, offered_to="", taken_at=now)
    return step(
        incident,
        Happened(Event.TAKEN, now, person, f"after {short_span(now - incident.opened_at)}"),
        State.TAKEN,
        owner=person,
        offered_to="",
        taken_at=now,
    )


def _taken_by(incident: Incident, now: datetime) -> str:
    taken = incident.taken_at or incident.opened_at
    return (
        f"{incident.owner} took #{incident.id} {short_span(now - taken)} ago; "
        "take it over if that is agreed"
    )


def offer(incident: Incident, giver: str, receiver: str, note: str, now: datetime) -> Transition:
    """Return the offer to hand over; the owner stays owner until `receiver` takes it.

    Raises:
        Refused: The giver does not own it, or it is over, or the receiver has it already.
    """
    if incident.state is State.RESOLVED:
        raise Refused(f"#{incident.id} is resolved; there is nothing to hand over")
    if incident.owner != giver:
        raise Refused(f"#{incident.id} belongs to {incident.owner}; only the owner hands it over")
    if receiver == giver:
        raise Refused(f"#{incident.id} is already yours")
    words = f"{giver} → {receiver}" + (f": {note}" if note else "")
    return step(incident, Happened(Event.OFFERED, now, giver, words), offered_to=receiver)


def decline(incident: Incident, person: str, words: str, now: datetime) -> Transition:
    """Return the answer of `person` that they do not take what they were asked to take.

    Raises:
        Refused: Nobody has asked them.
    """
    if incident.state is State.RESOLVED:
        raise Refused(f"#{incident.id} is resolved; there is nothing to decline")
    if incident.offered_to != person:
        raise Refused(
            f"nobody asks {person} to take #{incident.id}; there is nothing to decline. "
            f"It belongs to {incident.owner}"
        )
    said = f"{person} does not take it from {incident.owner}" + _note(words)
    return step(incident, Happened(Event.DECLINED, now, person, said), offered_to="")


def _note(words: str) -> str:
    """Return what somebody wrote besides, as the end of what happened."""
    return f": {words.strip()}" if words.strip() else ""


def lapsed(incident: Incident, now: datetime) -> Transition:
    """Return the end of an offer that nobody has answered: the giver keeps it."""
    words = f"{incident.offered_to} did not take it from {incident.owner}"
    return step(incident, Happened(Event.LAPSED, now, WATCHDOG, words), offered_to="")


def escalated(
    incident: Incident, owner: str, rung: int, words: str, now: datetime, actor: str = WATCHDOG
) -> Transition:
    """Return its passing on to the next person, because nobody has taken it.

    Args:
        rung: How many rungs it has climbed with this one.
    """
    return _passed(incident, Happened(Event.ESCALATED, now, actor, words), owner, rung)


def missed(incident: Incident, owner: str, rung: int, words: str, now: datetime) -> Transition:
    """Return its passing on to the next person, because its owner cannot be reached.

    Args:
        rung: How many rungs it has climbed with this one.
    """
    return _passed(incident, Happened(Event.MISSED, now, WATCHDOG, words), owner, rung)


def _passed(incident: Incident, happened: Happened, owner: str, rung: int) -> Transition:
    return step(incident, happened, owner=owner, rung=rung, offered_to="")


def exhausted(incident: Incident, rung: int, now: datetime, words: str = "") -> Transition:
    """Return that there is nobody left to pass it on to.

    Args:
        words: Why, if it is not that nobody took it.
    """
    words = words or f"nobody took it in {short_span(now - incident.opened_at)}"
    happened = Happened(Event.EXHAUSTED, now, WATCHDOG, words)
    return step(incident, happened, rung=rung, missed="")


def silent_since(incident: Incident) -> datetime:
    """Return when a person last did something with it, or its owner was last paged for it."""
    known = (incident.acted_at, incident.paged_at, incident.opened_at)
    return max(at for at in known if at)


def expired(incident: Incident, now: datetime) -> Transition:
    """Return its being open again: whoever took it has given no sign of life for too long."""
    words = f"{incident.owner} silent for {short_span(now - silent_since(incident))}"
    return _open_again(incident, Happened(Event.EXPIRED, now, WATCHDOG, words), incident.owner)


def give_back(incident: Incident, person: str, owner: str, words: str, now: datetime) -> Transition:
    """Return its being open again, because who took it cannot go on.

    Args:
        owner: Who is to take it now.

    Raises:
        Refused: It is not taken, or somebody else has it.
    """
    if incident.state is not State.TAKEN:
        raise Refused(f"#{incident.id} is {incident.state}; only what is taken can be given back")
    if incident.owner != person:
        raise Refused(f"#{incident.id} belongs to {incident.owner}; only the owner gives it back")
    said = f"{person} → {owner}" + _note(words)
    return _open_again(incident, Happened(Event.GIVEN_BACK, now, person, said), owner)


def _open_again(incident: Incident, happened: Happened, owner: str) -> Transition:
    return step(incident, happened, State.OPEN, owner=owner, rung=0, offered_to="", taken_at=None)


def note(incident: Incident, person: str, words: str, now: datetime) -> Transition:
    """Return a note on the timeline; allowed in every state.

    Raises:
        Refused: There are no words.
    """
    if not words.strip():
        raise Refused("a note needs words", about="words")
    return step(incident, Happened(Event.NOTED, now, person, words.strip()), noted_at=now)


def resolve(incident: Incident, person: str, closing: Closing, now: datetime) -> Transition:
    """Return its end, with its cause and one answer to what stops it next time.

    Raises:
        Refused: It has not recovered, is over already, or something is missing in the closing.
    """
    if incident.state is State.RESOLVED:
        raise Refused(f"#{incident.id} is already resolved: {incident.cause}")
    if incident.state is not State.RECOVERED and not incident.ends_by_hand:
        raise Refused(
            f"#{incident.id} has not recovered: {incident.fact}. "
            "It recovers by itself once its checks are good again; then resolve it with the cause"
        )
    if incident.ends_by_hand and incident.owner != person:
        raise Refused(
            f"#{incident.id} was reopened by hand and belongs to {incident.owner}; "
            "only the owner says that it is well now"
        )
    if problem := problem_of(closing):
        raise Refused(f"#{incident.id} {problem.words}", about=problem.about)
    cause, window = closing.cause.strip(), closing.window.strip()
    words = f"{cause} (bad {window})" if window else cause
    return step(
        incident,
        Happened(Event.RESOLVED, now, person, words),
        State.RESOLVED,
        resolved_at=now,
        cause=cause,
        cause_kind=closing.cause_kind,
        risk=closing.risk.strip(),
        answer=replace(closing.answer, words=closing.answer.words.strip()),
        offered_to="",
    )


def unanswered(incident: Incident, now: datetime) -> Transition:
    """Return its end without a cause: nobody has written one, or somebody said that it needed nobody."""
    assert incident.recovered_at is not None
    if incident.unneeded:
        closing = closing_of_unneeded(incident.unneeded, incident.unneeded_words)
        return resolve(incident, WATCHDOG, closing, now)
    words = f"nobody wrote a cause within {short_span(now - incident.recovered_at)}"
    return step(
        incident,
        Happened(Event.RESOLVED, now, WATCHDOG, words),
        State.RESOLVED,
        resolved_at=now,
        cause=words,
        cause_kind=NOT_GIVEN,
        offered_to="",
    )


def action_done(incident: Incident, person: str, words: str, now: datetime) -> Transition:
    """Return that its preventive action is done.

    Raises:
        Refused: It has none, or it is done already.
    """
    answer = incident.answer
    if answer is None or not answer.owner:
        raise Refused(f"#{incident.id} has no preventive action")
    if answer.is_done:
        raise Refused(f"the preventive action of #{incident.id} is done already: {answer.words}")
    said = f"{answer.words}: {words.strip()}" if words.strip() else answer.words
    return step(
        incident,
        Happened(Event.ACTION_DONE, now, person, said),
        answer=replace(answer, is_done=True),
    )


def repeats(earlier: Ended, now: datetime, within: timedelta, failure_class: str) -> str:
    """Return how a fault of this class repeats what has ended; empty if it does not."""
    ended_at = earlier.recovered_at
    if now - ended_at > within or earlier.failure_class != failure_class:
        return ""
    kind = f" ({failure_class})" if failure_class else ""
    return f"The same{kind} again, {short_span(now - ended_at)} after #{earlier.id} recovered."


def within_reopen_window(
    incident: Incident, now: datetime, window: timedelta, failure_class: str
) -> bool:
    """Return True when a new fault of this class is the same incident come back."""
    return (
        incident.state is State.RECOVERED
        and incident.recovered_at is not None
        and now - incident.recovered_at <= window
        and incident.failure_class == failure_class
    )
