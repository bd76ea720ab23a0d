"""Proof of a recovery: a rule's `verify` queries are asked before good checks count as its end."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import asyncpg

from rules.base import Answer, Entity, Question, Reading, Rows, SqlQuestion, Unanswered
from rules.wording import DETAIL_MAX, clipped, fact
from watchdog.domain.fingerprint import fingerprint
from watchdog.engine.look import answer_all
from watchdog.engine.plan import Plan, Recovery
from watchdog.sources.base import Source
from watchdog.store import incidents, members
from watchdog.store.pool import transaction

PROOFS_MAX = 200
"""Recoveries of one look that are proven; after a storm the others wait for the next looks."""

_Asked = Sequence[tuple[str, SqlQuestion]]
_About = tuple[int, bytes]
"""An incident, and the fingerprint of what in it is about to recover: a storm has many."""


async def prove(
    plans: Sequence[Plan], pool: asyncpg.Pool, sources: Mapping[str, Source]
) -> list[Plan]:
    """Return the plans with only those recoveries that everything in `verify` proves.

    Nothing is asked unless an incident is about to recover.
    """
    doubted = {
        place: plan.recoveries
        for place, plan in enumerate(plans)
        if plan.rule.verify and plan.recoveries
    }
    if not doubted:
        return list(plans)
    began_at = await _began_at(pool, [plans[place] for place in doubted])
    asked = {place: _questions(plans[place], began_at) for place in doubted}
    questions = [
        question
        for of_plan in asked.values()
        for pairs in of_plan.values()
        for _, question in pairs
    ]
    answers = await answer_all(questions, sources)
    return [
        plan.unproven(_doubts(plan.recoveries, asked[place], answers)) if place in asked else plan
        for place, plan in enumerate(plans)
    ]


async def _began_at(pool: asyncpg.Pool, plans: Sequence[Plan]) -> Mapping[_About, datetime]:
    """Return since when there is trouble that is about to end: an incident's, or a member's of a storm."""
    wanted = [_about(plan, one) for plan in plans for one in plan.recoveries[:PROOFS_MAX]]
    async with transaction(pool) as conn:
        opened_at = await incidents.bad_since(conn, [number for number, _ in wanted])
        joined_at = await members.joined_at(conn, wanted)
    return {
        about: joined_at.get(about) or opened_at[about[0]]
        for about in wanted
        if about in joined_at or about[0] in opened_at
    }


def _about(plan: Plan, one: Recovery) -> _About:
    return one.incident_id, fingerprint(plan.rule.name, one.entity)


def _questions(plan: Plan, began_at: Mapping[_About, datetime]) -> dict[Entity, _Asked]:
    """Return what is asked of each recovery; a query that names an entity proves nothing of what has none."""
    return {
        one.entity: [
            (name, question)
            for name, query in plan.rule.verify.items()
            if (
                question := query.about(
                    plan.now, one.entity, began_at.get(_about(plan, one)), rows_max=1
                )
            )
        ]
        for one in plan.recoveries[:PROOFS_MAX]
    }


def _doubts(
    recoveries: Sequence[Recovery],
    asked: Mapping[Entity, _Asked],
    answers: Mapping[Question, Answer],
) -> dict[Entity, Reading]:
    """Return what to say of each recovery that is not proven."""
    doubts = {}
    for one in recoveries:
        if one.entity not in asked:
            doubts[one.entity] = _doubted(one.reading, ["waits for its proof"], "not proven yet")
            continue
        said = {name: _missing(name, answers[question]) for name, question in asked[one.entity]}
        missing = {name: words for name, words in said.items() if words}
        if missing:
            short = f"not proven: {', '.join(missing)}"
            doubts[one.entity] = _doubted(one.reading, list(missing.values()), short)
    return doubts


def _missing(name: str, answer: Answer) -> str:
    if isinstance(answer, Unanswered):
        return f"`{name}` could not be asked: {answer.reason}"
    return "" if isinstance(answer, Rows) and answer.rows else f"`{name}` finds no row"


def _doubted(reading: Reading, missing: Sequence[str], short: str) -> Reading:
    detail = f"{reading.detail} But its recovery is not proven: {'; '.join(missing)}."
    return replace(reading, fact=fact(short), detail=clipped(detail.strip(), DETAIL_MAX))
