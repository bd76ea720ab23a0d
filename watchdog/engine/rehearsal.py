"""What rules would cost their sources, and which index would help: asked for real, nothing changed."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from rules.base import Answer, Context, HttpFailure, Question, Rows, SqlQuestion, Unanswered
from rules.file_questions import FileQuestion, LogQuestion, LogReply
from rules.paths import listed
from watchdog.config.model import Query, Report, Rule
from watchdog.config.recovery import SqlChange
from watchdog.engine import postgres_indexes, sqlite_indexes
from watchdog.engine.look import answer_all
from watchdog.engine.postgres_indexes import LARGE_ROWS
from watchdog.sources.base import Source

_BACK: Final = timedelta(minutes=7)
_TIMES: Final = 206
"""At so many times of the last day a rule is asked for its statement."""


@dataclass(slots=True)
class Rehearsal:
    """What one rule, or one report, would do.

    Attributes:
        cost: The planner's estimate of its dearest statement, in its own unit; None where a source
            has no planner.
        rows: How many rows that statement would return, by the same estimate.
        took: How long its questions took, where they were asked in earnest.
        refused: What cannot be asked, by the reason: `evidence latest_runs`; "" for the look itself.
        indexes: Statements that would make it cheaper.
    """

    cost: float | None = None
    rows: int | None = None
    took: timedelta | None = None
    refused: dict[str, list[str]] = field(default_factory=dict)
    indexes: list[str] = field(default_factory=list)

    @property
    def troubles(self) -> list[str]:
        """Return each reason once; what keeps the look itself from being asked, by itself."""
        return [
            reason if "" in names else f"{', '.join(names)}: {reason}"
            for reason, names in self.refused.items()
        ]

    def refuse(self, reason: str, name: str = "") -> None:
        """Note why something cannot be asked."""
        names = self.refused.setdefault(reason, [])
        if name not in names:
            names.append(name)


async def rehearse(rule: Rule, now: datetime, sources: Mapping[str, Source]) -> Rehearsal:
    """Return what a look at `rule` would ask and cost; statements for PostgreSQL are only planned.

    What it would ask when an incident opens or ends is planned, too, and what its actions would
    change in those of the sources that are given.
    """
    found = Rehearsal()
    work = _Work(found, sources, rule.kind)
    context = _context(rule, now)
    await work.ask_kind(context)
    if rule.kind.entity:
        bad = tuple((column, "…") for column in rule.kind.entity)
        await work.plan_while_bad(replace(context, watched=(bad,)))
    for name, query in _queries(rule):
        entity = tuple((column, None) for column in rule.kind.entity)
        question = query.question(now, entity, opened_at=now)  # type: ignore[arg-type]
        await work.plan(question, query.dialect.name, name)
    for name, change in _changes(rule, sources):
        entity = tuple((column, None) for column in change.columns)
        question = change.question(entity, now, now)  # type: ignore[arg-type]
        await work.plan(question, change.dialect.name, f"action {name}")
    return found


async def rehearse_report(
    report: Report, now: datetime, sources: Mapping[str, Source]
) -> Rehearsal:
    """Return whether a report, and the figures that it keeps, can be asked."""
    work = _Work(Rehearsal(), sources)
    named = [(part.title, part.query) for part in report.parts]
    named += [(f"samples {one.name}", one.query) for one in report.samples]
    for name, query in named:
        await work.plan(query.question(now), query.dialect.name, name)
    return work.found


def _context(rule: Rule, now: datetime) -> Context:
    return Context(
        now, dialect=rule.dialect, severity=rule.severity, classifier=rule.classifier,
        active=rule.active,
    )  # fmt: skip


def _queries(rule: Rule) -> Iterator[tuple[str, Query]]:
    if rule.unless:
        yield "unless", rule.unless
    yield from ((f"evidence {name}", query) for name, query in rule.evidence.items())
    yield from ((f"verify {name}", query) for name, query in rule.verify.items())


def _changes(rule: Rule, sources: Mapping[str, Source]) -> Iterator[tuple[str, SqlChange]]:
    """Yield the statements of actions that can be planned; those for SQLite would have to be run."""
    for name, action in rule.actions.items():
        does = action.does
        if (
            isinstance(does, SqlChange)
            and does.dialect.name == "postgres"
            and does.source in sources
        ):
            yield name, does


@dataclass(slots=True)
class _Work:
    found: Rehearsal
    sources: Mapping[str, Source]
    kind: Any = None

    async def ask_kind(self, context: Context) -> None:
        """Ask what the rule asks first; of what a list names, one as a sample."""
        kind = self.kind
        first = kind.ask(context, ())
        if not first:  # what is counted once an hour is asked only when an hour has just ended
            times = (replace(context, now=context.now - step * _BACK) for step in range(1, _TIMES))
            first, context = next(
                ((asked, at) for at in times if (asked := kind.ask(at, ()))), ((), context)
            )
        answers = [await self.first_answer(question, context) for question in first]
        if any(isinstance(answer, Unanswered) for answer in answers) or not answers:
            return
        rest = kind.ask(context, (tuple(answers),))
        for question in rest[:1]:
            await self.answer(question)

    async def plan_while_bad(self, context: Context) -> None:
        """Find what a look misses that asks for an entity that is bad, too."""
        for question in self.kind.ask(context, ()):
            if isinstance(question, SqlQuestion) and context.dialect.name == "postgres":
                await self.plan(question, "postgres")
            elif isinstance(question, SqlQuestion):
                await self.try_indexes(question)

    async def first_answer(self, question: Question, context: Context) -> Answer:
        lists = getattr(self.kind, "for_each", None) is not None
        if isinstance(question, SqlQuestion):
            planned = await self.plan(question, context.dialect.name)
            if not lists or isinstance(planned, Unanswered):
                return planned
        return await self.answer(question)

    async def answer(self, question: Question, name: str = "") -> Answer:
        """Ask in earnest."""
        answer = (await answer_all([question], self.sources))[question]
        if reason := _refusal(question, answer):
            self.found.refuse(reason, name)
        else:
            took = getattr(answer, "took", timedelta())
            self.found.took = max(self.found.took or timedelta(), took)
        return answer

    async def plan(self, question: SqlQuestion, dialect: str, name: str = "") -> Answer:
        """Have a statement planned, or run where there is no planner to ask."""
        if dialect != "postgres":
            if not name:  # the others are asked only when an incident opens or ends
                await self.try_indexes(question)
            return await self.answer(question, name)
        asked = replace(question, text=f"explain (verbose, format json) {question.text}")
        answer = (await answer_all([asked], self.sources))[asked]
        if isinstance(answer, Unanswered):
            self.found.refuse(answer.reason, name)
        elif isinstance(answer, Rows):
            if not name:
                await self.judge_plan(_plan_of(answer), question.source)
            return Rows(())
        return answer

    async def try_indexes(self, question: SqlQuestion) -> None:
        """Find what a statement misses in an SQLite file, whose planner tells no costs."""
        schema = await self.rows(SqlQuestion(question.source, sqlite_indexes.SCHEMA))
        try:
            missing = sqlite_indexes.missing_indexes(schema, question.text)
        except sqlite3.Error:  # what is wrong with the statement, its answer says
            return
        for one in missing:
            counted = SqlQuestion(question.source, one.rows_up_to(LARGE_ROWS))
            is_large = [row["n"] for row in await self.rows(counted)] == [LARGE_ROWS]
            if is_large and one.statement not in self.found.indexes:
                self.found.indexes.append(one.statement)

    async def rows(self, question: SqlQuestion) -> Sequence[Mapping[str, Any]]:
        """Return the rows of an answer; none where there is no answer."""
        answer = (await answer_all([question], self.sources))[question]
        return answer.rows if isinstance(answer, Rows) else ()

    async def judge_plan(self, plan: Mapping[str, Any], source: str) -> None:
        cost = float(plan["Total Cost"])
        if cost >= (self.found.cost or 0.0):
            self.found.cost, self.found.rows = cost, int(plan["Plan Rows"])
        for scan in postgres_indexes.whole_reads(plan):
            table = (str(scan["Schema"]), str(scan["Relation Name"]))
            for facts in await self.rows(SqlQuestion(source, postgres_indexes.TABLE, table)):
                text = postgres_indexes.missing_index(self.kind, table, scan, plan, facts)
                if text and text not in self.found.indexes:
                    self.found.indexes.append(text)


def _plan_of(answer: Rows) -> Mapping[str, Any]:
    cell: Any = next(iter(answer.rows[0].values()))
    plan: Mapping[str, Any] = (json.loads(cell) if isinstance(cell, str) else cell)[0]["Plan"]
    return plan


def _refusal(question: Question, answer: Answer) -> str:
    """Return why an answer tells nothing yet: nothing is where it was asked for."""
    if isinstance(answer, Unanswered):
        return answer.reason
    if isinstance(answer, HttpFailure):
        return answer.detail
    if isinstance(question, LogQuestion) and isinstance(answer, LogReply):
        if not answer.files:
            return f"no file matches {listed(question.lines.files)}"
        if answer.skipped and not answer.is_understood:
            return "no line of it is JSON with a time"
    if isinstance(question, FileQuestion) and isinstance(answer, Rows) and not answer.rows:
        return f"no file matches {listed(question.paths)}"
    return ""
