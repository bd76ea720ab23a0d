"""Looking: a batch of rules asks its questions together and judges the answers."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from rules.base import Answer, Answers, Context, Entity, Judgement, Known, Question, Unanswered
from watchdog.config.model import BUILT_IN, Rule
from watchdog.domain.people import NoData
from watchdog.sources.base import Source

logger = logging.getLogger(__name__)

_NOTHING = Known()

_ROUNDS_MAX = 4
"""A kind asks once or twice; one that never stops asking is our bug and ends as an error."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one look at a rule: a judgement, or why there is none."""

    rule: Rule
    now: datetime
    judgement: Judgement | None = None
    error: Unanswered | None = None
    excused: frozenset[Entity] = frozenset()


@dataclass(slots=True)
class _Asking:
    rule: Rule
    context: Context
    answers: Answers = ()
    questions: tuple[Question, ...] = ()
    result: Looked | None = field(default=None)


async def look(
    rules: Sequence[Rule],
    now: datetime,
    sources: Mapping[str, Source],
    known: Mapping[str, Known],
) -> list[Looked]:
    """Return what came of looking at `rules` at the instant `now`, in their order.

    Equal questions are asked once. Nothing raises: trouble of ours or of a source is an error of
    the rules it touches, and never of their neighbours.
    """
    asking = [_Asking(rule, _context(rule, now, known.get(rule.name, _NOTHING))) for rule in rules]
    for _ in range(_ROUNDS_MAX):
        for one in asking:
            _ask(one)
        answers = await answer_all(
            [question for one in asking if not one.result for question in one.questions], sources
        )
        if not answers:
            break
        for one in asking:
            _receive(one, answers)
    return [_judge(one) for one in asking]


def _context(rule: Rule, now: datetime, known: Known) -> Context:
    return Context(
        now=now,
        watched=known.watched,
        remembered=known.remembered,
        past=known.past,
        dialect=rule.dialect,
        severity=rule.severity,
        classifier=rule.classifier,
        active=rule.active,
    )


def _ask(one: _Asking) -> None:
    one.questions = ()
    if one.result:
        return
    try:
        one.questions = one.rule.kind.ask(one.context, one.answers)
    except Exception:  # noqa: BLE001 (the edge: one rule's bug never stops the others)
        one.result = _our_bug(one)


async def answer_all(
    questions: Sequence[Question], sources: Mapping[str, Source]
) -> dict[Question, Answer]:
    """Return the answer to each different question; one round of all sources at the same time."""
    by_source: dict[str, list[Question]] = {}
    for question in dict.fromkeys(questions):
        by_source.setdefault(question.source, []).append(question)
    answers: dict[Question, Answer] = {}

    async def ask_one(name: str, batch: list[Question]) -> None:
        source = sources.get(name)
        if source is None:
            reason = Unanswered(f"source {name} is not declared", whole_source=True)
            answers.update(dict.fromkeys(batch, reason))
            return
        try:
            answers.update(zip(batch, await source.answer_all(batch), strict=True))
        except Exception as error:
            logger.exception("source failed to answer", extra={"source": name})
            reason = Unanswered(f"internal error: {type(error).__name__}", whole_source=True)
            answers.update(dict.fromkeys(batch, reason))

    if len(by_source) == 1:
        for name, batch in by_source.items():
            await ask_one(name, batch)
        return answers
    async with asyncio.TaskGroup() as group:
        for name, batch in by_source.items():
            group.create_task(ask_one(name, batch), name=f"ask {name}")
    return answers


def _receive(one: _Asking, answers: Mapping[Question, Answer]) -> None:
    if one.result or not one.questions:
        return
    received = tuple(answers[question] for question in one.questions)
    refused = [answer for answer in received if isinstance(answer, Unanswered)]
    if len(refused) == len(received):
        reason = _of_its_source(refused[0], one.questions[0].source, one.rule.kind.source)
        one.result = Looked(one.rule, one.context.now, error=reason)
        return
    one.answers = (*one.answers, received)


def _of_its_source(reason: Unanswered, asked: str, source: str) -> Unanswered:
    """Return why a rule could not be evaluated, as it is told of the rule's own source.

    What another source, or one that nobody declares, refuses makes this one rule blind.
    """
    if asked == source and source not in BUILT_IN:
        return reason
    words = reason.reason if asked in BUILT_IN else f"source {asked}: {reason.reason}"
    return Unanswered(words)


def _judge(one: _Asking) -> Looked:
    if one.result:
        return one.result
    if one.questions:
        reason = Unanswered(f"internal error: {one.rule.kind_name} never stops asking")
        return Looked(one.rule, one.context.now, error=reason)
    try:
        judged = one.rule.kind.judge(one.context, one.answers)
        return Looked(one.rule, one.context.now, _as_agreed(one, judged))
    except Exception:  # noqa: BLE001 (the edge, as in _ask)
        return _our_bug(one)


def _as_agreed(one: _Asking, judged: Judgement) -> Judgement:
    """Return what is judged, as the rule wants it.

    Outside of its hours nothing breaks and nothing recovers; no data may be fine with it.
    """
    if one.rule.policy.no_data is NoData.OK:
        judged = replace(judged, has_data=True)
    return judged if one.rule.is_active(one.context.now) else judged.without_entities()


def _our_bug(one: _Asking) -> Looked:
    return our_bug(Looked(one.rule, one.context.now))


def our_bug(one: Looked) -> Looked:
    """Return a look that a mistake of ours has spoilt, which is logged; called where it is caught."""
    logger.exception("rule not evaluated", extra={"rule": one.rule.name})  # noqa: LOG004 (called there)
    reason = Unanswered(f"internal error in kind {one.rule.kind_name}; see the log")
    return replace(one, judgement=None, error=reason)
