"""Incidents and events as rows of their tables, and back."""

from typing import Any

import asyncpg

from rules.base import Entity, Severity
from watchdog.domain.closing import Answer, Prevention
from watchdog.domain.incident import Incident, State
from watchdog.domain.notices import Step
from watchdog.store.facts import encode_facts
from watchdog.store.text import JsonText, clean, json_text

NEW_COLUMNS = (
    *("id", "fingerprint", "rule", "identity", "source", "kind", "team", "entity", "title"),
    *("severity", "state", "owner", "version", "failure_class", "value", "value_limit", "fact"),
    *("detail", "impact", "do_first", "steps", "runbook", "audience", "opened_at", "first_bad_at"),
    *(
        "last_looked_at",
        "evidence",
        "repeat_of",
        "paged_at",
        "due_at",
        "silence",
        "silenced_until",
        "waits_for",
        "storm_id",
    ),
)
EVENT_COLUMNS = (
    *("incident_id", "version", "state", "owner", "previous_version", "previous_state"),
    *("previous_owner", "event", "at", "actor", "words", "previous_severity", "facts"),
)
_AS_STORED = (
    *("taken_at", "recovered_at", "resolved_at", "first_bad_at", "first_good_at", "paged_at"),
    *("acted_at", "silence", "silenced_until", "waits_for", "missed", "snoozed_until"),
    *("reopened_at", "noted_at", "reminded_at", "unneeded", "unneeded_words"),
)


def incident_row(step: Step) -> tuple[Any, ...]:
    """Return the row of what a step opens, in the order of `NEW_COLUMNS`."""
    one = step.transition.after
    return (
        one.id,
        one.fingerprint,
        one.rule,
        one.identity,
        one.source,
        one.kind,
        one.team,
        JsonText(json_text(one.entity)),
        clean(one.title),
        one.severity.value,
        one.state.value,
        one.owner,
        one.version,
        one.failure_class,
        one.value,
        one.limit,
        clean(one.fact),
        clean(one.detail),
        clean(one.impact),
        clean(one.do_first),
        tuple(map(clean, one.steps)),
        clean(one.runbook),
        one.audience,
        one.opened_at,
        one.first_bad_at,
        one.opened_at,
        json_text(step.transition.evidence) if step.transition.evidence else "{}",
        one.repeat_of,
        one.paged_at,
        step.due_at,
        one.silence,
        one.silenced_until,
        one.waits_for,
        one.storm,
    )


def moved_row(step: Step) -> tuple[Any, ...]:
    """Return what a step changes of a row of table `incident`, in the order of `update_incidents`."""
    one = step.transition.after
    return (
        one.id,
        one.version,
        one.state.value,
        one.owner,
        one.severity.value,
        one.failure_class,
        one.offered_to,
        one.bad_now,
        one.fact,
        one.detail,
        one.value,
        one.limit,
        "\n".join(one.audience),
        one.taken_at,
        one.recovered_at,
        one.resolved_at,
        one.first_good_at,
        one.cause,
        one.cause_kind,
        one.rung,
        one.paged_at,
        one.acted_at,
        step.due_at,
        one.risk,
        *_answer_columns(one.answer),
        one.silence,
        one.silenced_until,
        one.waits_for,
        one.missed,
        one.snoozed_until,
        one.reopened_at,
        one.noted_at,
        one.reminded_at,
        one.unneeded,
        one.unneeded_words,
        one.storm,
    )


def _answer_columns(answer: Answer | None) -> tuple[Any, ...]:
    if answer is None:
        return "", "", "", None, False
    return answer.prevention.value, answer.words, answer.owner, answer.due_on, answer.is_done


def event_row(step: Step) -> tuple[Any, ...]:
    """Return the event of a step, in the order of `EVENT_COLUMNS`."""
    before, after, happened = (
        step.transition.before,
        step.transition.after,
        step.transition.happened,
    )
    return (
        after.id,
        after.version,
        after.state.value,
        after.owner,
        before.version if before else None,
        before.state.value if before else None,
        before.owner if before else None,
        happened.event.value,
        happened.at,
        clean(happened.actor),
        clean(happened.words),
        happened.previous_severity,
        json_text(encode_facts(step.facts)),
    )


def entity_of(stored: list[list[str]]) -> Entity:
    """Return the entity that a jsonb column holds: pairs, because jsonb forgets the order of keys."""
    return tuple((column, value) for column, value in stored)


def incident_of(row: asyncpg.Record) -> Incident:
    """Return the incident of a row of table `incident`."""
    return Incident(
        id=row["id"],
        fingerprint=row["fingerprint"],
        rule=row["rule"],
        identity=row["identity"],
        source=row["source"],
        kind=row["kind"],
        team=row["team"],
        entity=entity_of(row["entity"]),
        title=row["title"],
        severity=Severity(row["severity"]),
        state=State(row["state"]),
        owner=row["owner"],
        version=row["version"],
        opened_at=row["opened_at"],
        failure_class=row["failure_class"],
        offered_to=row["offered_to"],
        value=row["value"],
        limit=row["value_limit"],
        fact=row["fact"],
        detail=row["detail"],
        impact=row["impact"],
        do_first=row["do_first"],
        steps=tuple(row["steps"]),
        runbook=row["runbook"],
        bad_now=row["bad_now"],
        audience=tuple(row["audience"]),
        cause=row["cause"],
        cause_kind=row["cause_kind"],
        repeat_of=row["repeat_of"],
        storm=row["storm_id"],
        rung=row["rung"],
        risk=row["risk"],
        answer=_answer_of(row) if row["prevention"] else None,
        **{name: row[name] for name in _AS_STORED},
    )


def _answer_of(row: asyncpg.Record) -> Answer:
    return Answer(
        Prevention(row["prevention"]),
        row["prevention_words"],
        row["prevention_owner"],
        row["prevention_due"],
        row["prevention_done"],
    )
