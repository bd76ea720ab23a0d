"""The further questions a finding raises: is it excused, and what should be stored with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rules.base import Answer, Entity, Finding, Question, Rows, SqlQuestion, Unanswered
from watchdog.config.model import Query, Rule
from watchdog.engine.look import Looked, answer_all
from watchdog.engine.plan import Evidence, Opening, Plan
from watchdog.sources.base import Source

EXCUSES_MAX = 200
"""Findings of one look that are asked about; more than that are no longer one expected thing."""

EVIDENCE_MAX = 20
"""Openings of one look that get evidence; the first of a storm are enough to read."""

ROWS_MAX = 20
TEXT_MAX = 500


async def excuse(looked: Sequence[Looked], sources: Mapping[str, Source]) -> list[Looked]:
    """Return the looks with the entities that their rule's `unless` excuses.

    A look whose `unless` cannot be asked becomes an error: we cannot tell whether it is bad. What has no
    entity for an `unless` that names one is not excused.
    """
    asked: dict[int, list[tuple[Finding, SqlQuestion]]] = {}
    for place, one in enumerate(looked):
        unless = one.rule.unless
        if unless and one.judgement and one.judgement.findings:
            findings = one.judgement.findings[:EXCUSES_MAX]
            asked[place] = [
                (finding, question)
                for finding in findings
                if (question := unless.about(one.now, finding.entity, rows_max=1))
            ]
    answers = await answer_all([q for pairs in asked.values() for _, q in pairs], sources)
    return [
        _excused(one, asked[place], answers) if place in asked else one
        for place, one in enumerate(looked)
    ]


def _excused(
    one: Looked,
    asked: Sequence[tuple[Finding, SqlQuestion]],
    answers: Mapping[Question, Answer],
) -> Looked:
    excused: set[Entity] = set()
    for finding, question in asked:
        answer = answers[question]
        if isinstance(answer, Unanswered):
            reason = replace(answer, reason=f"`unless` could not be asked: {answer.reason}")
            return replace(one, judgement=None, error=reason)
        if isinstance(answer, Rows) and answer.rows:
            excused.add(finding.entity)
    return replace(one, excused=frozenset(excused))


async def collect(
    plans: Sequence[Plan], sources: Mapping[str, Source]
) -> dict[tuple[str, Entity], Evidence]:
    """Return the rows of the named queries for what is about to open, by rule and entity."""
    wanted = [
        (plan.rule, opening, name, query)
        for plan in plans
        for opening in plan.openings[:EVIDENCE_MAX]
        for name, query in plan.rule.evidence.items()
    ]
    asked = [_question(query, plans, rule, opening) for rule, opening, _, query in wanted]
    answers = await answer_all([one for one in asked if one], sources)
    collected: dict[tuple[str, Entity], Evidence] = {}
    for (rule, opening, name, _), question in zip(wanted, asked, strict=True):
        rows = collected.setdefault((rule.name, opening.track.entity), {})
        if question is not None:
            rows[name] = _rows(answers[question])
    return collected


def _question(
    query: Query, plans: Sequence[Plan], rule: Rule, opening: Opening
) -> SqlQuestion | None:
    now = next(plan.now for plan in plans if plan.rule is rule)
    return query.about(now, opening.track.entity, opened_at=now, rows_max=ROWS_MAX)


def _rows(answer: Answer) -> list[dict[str, object]]:
    if isinstance(answer, Unanswered):
        return [{"could not ask": answer.reason}]
    assert isinstance(answer, Rows)
    return [
        {name: _plain(value) for name, value in dict(row).items()} for row in answer.rows[:ROWS_MAX]
    ]


def _plain(value: object) -> object:
    """Return a value as JSON can hold it; long text is cut."""
    if value is None or isinstance(value, bool | int):
        return value
    return str(value)[:TEXT_MAX]
