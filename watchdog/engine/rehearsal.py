"""What rules would cost their sources, and which index would help: asked for real, nothing changed."""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from rules.base import Answer, Context, Question, Rows, SqlQuestion, Unanswered
from watchdog.config.model import Query, Rule
from watchdog.engine import sqlite_indexes
from watchdog.engine.look import answer_all
from watchdog.sources.base import Source

LARGE_ROWS: Final = 10_000
"""From how many rows on a table should not be read as a whole at every look."""

_BACK: Final = timedelta(minutes=7)
_TIMES: Final = 206
"""At so many times of the last day a rule is asked for its statement."""

_FEW: Final = 0.1
"""An index helps to find less than this part of a table; for more the whole is read as quickly."""

_TABLE = """
select case when c.reltuples < 0 then pg_relation_size(c.oid) / 100 else c.reltuples end::bigint as rows,
       array_to_string(array(
           select a.attname from pg_index as i
           join pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0]
           where i.indrelid = c.oid), ' ') as leading,
       array_to_string(array(
           select a.attname from pg_attribute as a
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), ' ') as columns
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2
"""
_WORD = re.compile(r"[A-Za-z_]\w*")
_COMPARED = (re.compile(r"(\w+) = '"), re.compile(r"(\w+) [<>]=? '\d{4}-"))
"""What in the condition of a plan is one value, and what is before or after an instant."""


@dataclass(slots=True)
class Rehearsal:
    """What one rule would do.

    Attributes:
        cost: The planner's estimate of its dearest statement, in its own unit; None where a source
            has no planner.
        rows: How many rows that statement would return, by the same estimate.
        took: How long its questions took, where they were asked in earnest.
        troubles: Why it, or one of its queries, cannot be asked.
        indexes: Statements that would make it cheaper.
    """

    rule: Rule
    cost: float | None = None
    rows: int | None = None
    took: timedelta | None = None
    troubles: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)


async def rehearse(rule: Rule, now: datetime, sources: Mapping[str, Source]) -> Rehearsal:
    """Return what a look at `rule` would ask and cost; statements for PostgreSQL are only planned."""
    found = Rehearsal(rule)
    work = _Work(found, sources)
    context = _context(rule, now)
    await work.ask_kind(context)
    if rule.kind.entity:
        bad = tuple((column, "…") for column in rule.kind.entity)
        await work.plan_while_bad(replace(context, watched=(bad,)))
    for name, query in _queries(rule):
        entity = tuple((column, None) for column in rule.kind.entity)
        question = query.question(now, entity, opened_at=now)  # type: ignore[arg-type]
        await work.plan(question, query.dialect.name, f"{name}: ")
    return found


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


@dataclass(slots=True)
class _Work:
    found: Rehearsal
    sources: Mapping[str, Source]

    async def ask_kind(self, context: Context) -> None:
        """Ask what the rule asks first; of what a list names, one as a sample."""
        kind = self.found.rule.kind
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
        for question in self.found.rule.kind.ask(context, ()):
            if isinstance(question, SqlQuestion) and context.dialect.name == "postgres":
                await self.plan(question, "postgres")
            elif isinstance(question, SqlQuestion):
                await self.try_indexes(question)

    async def first_answer(self, question: Question, context: Context) -> Answer:
        lists = getattr(self.found.rule.kind, "for_each", None) is not None
        if isinstance(question, SqlQuestion):
            planned = await self.plan(question, context.dialect.name)
            if not lists or isinstance(planned, Unanswered):
                return planned
        return await self.answer(question)

    async def answer(self, question: Question) -> Answer:
        """Ask in earnest."""
        answer = (await answer_all([question], self.sources))[question]
        if isinstance(answer, Unanswered):
            self.found.troubles.append(answer.reason)
        else:
            took = getattr(answer, "took", timedelta())
            self.found.took = max(self.found.took or timedelta(), took)
        return answer

    async def plan(self, question: SqlQuestion, dialect: str, name: str = "") -> Answer:
        """Have a statement planned, or run where there is no planner to ask."""
        if dialect != "postgres":
            if not name:  # the others are asked only when an incident opens or ends
                await self.try_indexes(question)
            return await self.answer(question)
        asked = replace(question, text=f"explain (verbose, format json) {question.text}")
        answer = (await answer_all([asked], self.sources))[asked]
        if isinstance(answer, Unanswered):
            self.found.troubles.append(f"{name}{answer.reason}")
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
        for scan in _whole_reads(plan):
            table = (str(scan["Schema"]), str(scan["Relation Name"]))
            for facts in await self.rows(SqlQuestion(source, _TABLE, table)):
                text = _missing_index(self.found.rule.kind, table, scan, plan, facts)
                if text and text not in self.found.indexes:
                    self.found.indexes.append(text)


def _plan_of(answer: Rows) -> Mapping[str, Any]:
    cell: Any = next(iter(answer.rows[0].values()))
    plan: Mapping[str, Any] = (json.loads(cell) if isinstance(cell, str) else cell)[0]["Plan"]
    return plan


def _whole_reads(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    pending = [plan]
    while pending:
        node = pending.pop()
        if node["Node Type"] == "Seq Scan":
            yield node
        pending += node.get("Plans", ())


def _missing_index(
    kind: object,
    table: tuple[str, str],
    scan: Mapping[str, Any],
    plan: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> str:
    """Return the statement that makes an index for a table that is read as a whole, if one helps."""
    if facts["rows"] < LARGE_ROWS:
        return ""
    known = str(facts["columns"]).split()
    named = [name for name in _named(kind) if name in known]
    if scan["Plan Rows"] < facts["rows"] * _FEW:
        condition = str(scan.get("Filter", ""))
        asked = [name for name in _WORD.findall(condition) if name in known]
        compared = [name for one in _COMPARED for name in one.findall(condition) if name in known]
        columns = [name for name in named if name in asked]
        columns = columns or list(dict.fromkeys(compared or asked))[:3]
    else:
        columns = named if getattr(kind, "columns", ()) else _extremes(kind, named, plan)
    if not columns or columns[0] in str(facts["leading"]).split():
        return ""
    return f"create index concurrently on {'.'.join(table)} ({', '.join(columns)});"


def _named(kind: object) -> list[str]:
    """Return the columns that a rule names, in the order in which an index should have them."""
    names: list[str] = []
    for key in ("entity_columns", "columns", "column", "since", "due", "last_run", "order_by"):
        value = getattr(kind, key, None) or ()
        names += [value] if isinstance(value, str) else value
    return list(dict.fromkeys(names))


def _extremes(kind: object, named: Sequence[str], plan: Mapping[str, Any]) -> list[str]:
    """Return the column whose least or greatest value in the whole table is asked for."""
    if getattr(kind, "entity_columns", ()) and not getattr(kind, "all_missed_for", None):
        return []
    text = json.dumps(plan)
    return [name for name in named if re.search(rf"\b(?:min|max)\([\w.]*\b{name}\)", text)][:1]
