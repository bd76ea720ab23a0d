# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""Too many rows wait, or one waits too long."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from rules.ages import Ages, ages_of, inside, is_asked, zone_question
from rules.base import Answers, Context, Entity, Finding, Judgement, Question, Reading
from rules.fields import Column, Count, Most, PositiveDuration
from rules.instants import from_epoch
from rules.settings import (
    TableSettings,
    crossed,
    good,
    mildest,
    ordered,
    ordered_readings,
    rows_of,
    unanswered,
)
from rules.spans import short_span
from rules.sql_text import Statement, grouped, named, names
from rules.wording import long_span, rows


class Queue(TableSettings):
    """Finds queues with more than `max_rows` rows, or whose oldest row waits longer than `max_wait`.

    `where` says which rows wait. An entity without a waiting row has an empty queue, which is
    good: rows that are done may have been deleted.
    """

    LIMITS: ClassVar[frozenset[str]] = TableSettings.LIMITS | {"max_rows", "max_wait"}

    COUNTS_ACTIVE_TIME: ClassVar[bool] = True

    column: Column | None = Field(
        default=None, description="Since when a row waits; needed for `max_wait`."
    )
    max_rows: Most[Count] | None = Field(default=None, description="How many rows may wait.")
    max_wait: Most[PositiveDuration] | None = Field(
        default=None, description="How long a row may wait."
    )

    @model_validator(mode="after")
    def _has_a_limit(self) -> "Queue":
        if self.max_rows is None and self.max_wait is None:
            raise PydanticCustomError("one_of", "needs `max_rows` or `max_wait`", {})
        if self.max_wait is not None and self.column is None:
            hint = "name the column that says since when a row waits"
            raise PydanticCustomError("needs", "`max_wait` needs `column`", {"hint": hint})
        return self

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask once for the queues that are too long, too slow or watched."""
        if zones := zone_question(self, context, answers):
            return zones
        if is_asked(context, answers):
            return ()
        ages = ages_of(context, answers)
        says = Statement(self.dialect(context), context.now)
        text = self._each(says, context, ages) if self.entity_columns else self._whole(says)
        return (says.question(self.source, text),)

    def _oldest(self, says: Statement) -> str:
        return says.epoch(f"min({says.key(self.column)})") if self.column else "null"

    def _whole(self, says: Statement) -> str:
        # Two scalar subqueries: a lone min is read off the end of an index, and no rows are
        # counted where only their wait is limited.
        count, oldest = "null", "null"
        if self.max_rows is not None:
            count = f"(select count(*) from {self.relation} where {says.condition(self.where)})"
        if self.column is not None:
            rows_ = f"from {self.relation} where {says.condition(self.where)}"
            oldest = f"(select {self._oldest(says)} {rows_})"
        return f"select {count} as n, {oldest} as at"

    def _each(self, says: Statement, context: Context, ages: Ages) -> str:
        columns = self.entity_columns
        entity = named(says.entity(columns)) + ages.column(says)
        rows_ = f"from {self.relation} where {says.condition(self.where)}"
        wanted = [says.among(names(columns), context.watched)]
        if self.max_rows is not None:
            wanted.append(f"n > {says.bind(mildest(self.max_rows), '::bigint')}")
        if self.max_wait is not None:
            wanted.append(
                ages.older(
                    says,
                    mildest(self.max_wait),
                    lambda at: f"at < {says.bind(at.timestamp(), '::float8')}",
                    zone="zone",
                )
            )
        return (
            f"select * from (select {entity}count(*) as n, {self._oldest(says)} as at {rows_}"
            f"{grouped(columns)}) q\nwhere {' or '.join(wanted)}"
        )

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge each queue by its length and by the wait of its oldest row."""
        answer, ages = rows_of(answers[-1:]), ages_of(context, answers)
        if answer is None:
            return unanswered(context)
        found = [
            self._judge_row(context, self.entity_of(row), row, ages)
            for row in inside(ages, answer.rows)
        ]
        seen = {self.entity_of(row) for row in answer.rows}
        if not answer.truncated:
            empty = {"n": 0, "at": None}
            gone = [entity for entity in context.watched if entity not in seen]
            found += [self._judge_row(context, entity, empty, ages) for entity in gone]
        watched = set(context.watched)
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            truncated=answer.truncated,
        )

    def _judge_row(
        self, context: Context, entity: Entity, row: Mapping[str, Any], ages: Ages
    ) -> Finding | Reading:
        at = from_epoch(row["at"])
        checks = [
            check
            for check in (
                self._judge_wait(context, entity, at, ages, row),
                self._judge_count(context, entity, row["n"]),
            )
            if check is not None
        ]
        bad = [check for check in checks if isinstance(check, Finding)]
        # max keeps the first of equals: at the same severity the wait is told.
        return max(bad, key=lambda one: one.severity.rank) if bad else checks[0]

    def _judge_wait(
        self,
        context: Context,
        entity: Entity,
        at: datetime | None,
        ages: Ages,
        row: Mapping[str, Any],
    ) -> Finding | Reading | None:
        if self.max_wait is None:
            return None
        age = ages.age(at, row) if at else timedelta()
        over = crossed(self.max_wait, age, context.severity)
        severity, limit = over or (context.severity, mildest(self.max_wait))
        fact = f"oldest waits {short_span(age)} (max {short_span(limit)})"
        detail = f"The oldest row waits {long_span(age)}{ages.words}, limit {long_span(limit)}."
        if over is None or at is None:
            return good(entity, age.total_seconds(), fact, detail)
        return self.finding(
            context,
            severity,
            entity=entity,
            value=age.total_seconds(),
            limit=limit.total_seconds(),
            fact=fact,
            detail=detail,
            first_bad_at=ages.reached(at, mildest(self.max_wait), row),
        )

    def _judge_count(
        self, context: Context, entity: Entity, count: int | None
    ) -> Finding | Reading | None:
        if self.max_rows is None or count is None:
            return None
        over = crossed(self.max_rows, count, context.severity)
        severity, limit = over or (context.severity, mildest(self.max_rows))
        fact = f"{count:,} waiting (max {limit:,})"
        detail = f"{rows(count)} waiting, limit {limit:,}."
        if over is None:
            return good(entity, float(count), fact, detail)
        return self.finding(
            context,
            severity,
            entity=entity,
            value=float(count),
            limit=float(limit),
            fact=fact,
            detail=detail,
        )
