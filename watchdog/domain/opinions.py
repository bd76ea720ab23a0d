"""What people say of an incident against its checks: it is not well after all, or it needed nobody."""

from dataclasses import replace
from datetime import datetime, timedelta

from notifiers.base import Event
from rules.base import Severity
from rules.spans import short_span
from watchdog.domain.closing import JOINED, UNNEEDED, WITHDRAWN, closing_of_unneeded
from watchdog.domain.incident import WATCHDOG, Happened, Incident, Refused, State, Transition
from watchdog.domain.life import resolve
from watchdog.domain.step import step

REOPENS_WITHIN = timedelta(hours=1)
"""How long after its end an incident can be reopened."""


def reopen(incident: Incident, person: str, words: str, now: datetime) -> Transition:
    """Return its being open after all, because `person` sees that it is not well; it is theirs.

    No check will end it, since they are good already: its owner resolves it. Should they be bad
    again, it goes on as any other. The cause and the answer it had are asked for anew, and nothing that
    hid it before hides it now.

    Raises:
        Refused: It is not over, or has been for too long, or nothing watches it, or no reason is given.
    """
    if reason := why_not_reopened(incident, now):
        raise Refused(reason)
    if not words.strip():
        raise Refused(f"#{incident.id} is not reopened without what is not well", about="words")
    return step(
        incident,
        Happened(Event.REOPENED, now, person, words.strip()),
        State.TAKEN,
        owner=person,
        offered_to="",
        bad_now=False,
        taken_at=now,
        reopened_at=now,
        recovered_at=None,
        first_good_at=None,
        resolved_at=None,
        cause="",
        cause_kind="",
        risk="",
        answer=None,
        rung=0,
        silence=None,
        silenced_until=None,
        waits_for=None,
    )


def why_not_reopened(incident: Incident, now: datetime) -> str:
    """Return why nobody can reopen an incident, and what to do instead; empty: whoever says why can."""
    if incident.state in {State.OPEN, State.TAKEN}:
        return f"#{incident.id} is {incident.state}, not over; there is nothing to reopen"
    if incident.cause_kind == WITHDRAWN:
        return f"#{incident.id} was withdrawn: {incident.cause}. Nothing watches it any more"
    if incident.cause_kind == JOINED:
        return f"#{incident.id} is {incident.cause}; say there what is not well"
    if incident.is_storm:
        return (
            f"#{incident.id} is a storm, and all its members are good; what is bad again within "
            "an hour makes it come back. Write a note of what they do not see"
        )
    over_for = now - incident.resolved_at if incident.resolved_at else timedelta()
    if over_for <= REOPENS_WITHIN:
        return ""
    return (
        f"#{incident.id} was resolved {short_span(over_for)} ago; only within "
        f"{short_span(REOPENS_WITHIN)} it can be reopened. Its rule watches on: what is bad "
        "opens a new incident; what it does not see is missing in the rule"
    )


def bad_after_all(incident: Incident, now: datetime, severity: Severity) -> Transition:
    """Return that the checks of a reopened incident are bad again, too: from now on they decide."""
    assert incident.reopened_at is not None
    words = f"{short_span(now - incident.reopened_at)} after it was reopened: {incident.fact}"
    return step(
        incident,
        Happened(Event.BACK_AGAIN, now, WATCHDOG, words),
        severity=severity,
        bad_now=True,
        reopened_at=None,
        snoozed_until=None,
    )


def not_actionable(
    incident: Incident,
    person: str,
    reason: str,
    words: str,
    now: datetime,
    seen: State | None = None,
) -> Transition:
    """Return that `person` says it needed nobody; what has recovered ends by that, as a false alarm.

    What is still bad stays open, and remembers why: when it has recovered, nobody is asked for its
    cause, and to say the same again ends it.

    Args:
        seen: State in which `person` saw it; None: the present one.

    Raises:
        Refused: It is resolved, the reason is none of `UNNEEDED`, or it has recovered, or come back,
            since the person saw it: they meant something else.
    """
    if incident.state is State.RESOLVED:
        raise Refused(f"#{incident.id} is already resolved: {incident.cause}")
    if reason not in UNNEEDED:
        raise Refused(f"#{incident.id} cannot be `{reason}`; say one of {', '.join(UNNEEDED)}")
    if seen and (incident.state is State.RECOVERED) != (seen is State.RECOVERED):
        raise Refused(_other_meaning(incident))
    words = words.strip()
    if incident.state is State.RECOVERED:
        ended = resolve(incident, person, closing_of_unneeded(reason, words), now)
        return Transition(incident, _marked(ended.after, reason, words), ended.happened)
    said = f"{reason}: {words}" if words else reason
    return step(
        incident,
        Happened(Event.NOT_ACTIONABLE, now, person, said),
        unneeded=reason,
        unneeded_words=words,
    )


def _other_meaning(incident: Incident) -> str:
    """Return what the opinion would do to an incident now, if its state changed while somebody wrote."""
    if incident.state is State.RECOVERED:
        now_means = "has recovered meanwhile; this would resolve it as a false alarm"
    else:
        now_means = "is not over after all; this would not resolve it"
    return f"#{incident.id} {now_means}. If that is meant, open the form anew"


def _marked(incident: Incident, reason: str, words: str) -> Incident:
    return replace(incident, unneeded=reason, unneeded_words=words)
