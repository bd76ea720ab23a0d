# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""A row has been in a status for too long."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rules.ages import Ages, ages_of, inside, is_asked, zone_question
from rules.base import Answers, Context, Entity, Finding, Judgement, Question, Reading
from rules.fields import Column, Most, PositiveDuration, Words
from rules.instants import from_epoch
from rules.settings import (
    TableSettings,
    crossed,
    folded,
    good,
    mildest,
    ordered,
    ordered_readings,
    rows_of,
    unanswered,
)
from rules.spans import short_span
from rules.sql_text import Statement, grouped, named
from rules.wording import long_span, rows


class Stuck(TableSettings):
    """Finds rows that have been in one of the statuses `is` for longer than `max_age`.

    Without an entity it is one finding that counts the rows and tells the age of the oldest.
    A row that does not say since when (null) is not judged.
    """

    LIMITS: ClassVar[frozenset[str]] = TableSettings.LIMITS | {"max_age"}

    COUNTS_ACTIVE_TIME: ClassVar[bool] = True

    column: Column = Field(description="The status of a row.")
    status: Words = Field(alias="is", description="Values of `column` in which no row may stay.")
    since: Column = Field(description="Since when the row has been in its status.")
    max_age: Most[PositiveDuration] = Field(description="How long it may be.")

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask once for the stuck rows of each entity, and for the watched ones as they are."""
        if zones := zone_question(self, context, answers):
            return zones
        if is_asked(context, answers):
            return ()
        ages = ages_of(context, answers)
        says = Statement(self.dialect(context), context.now)
        text = self._stuck(says, ages)
        if context.watched:
            text += f"\nunion all\n{self._watched(says, context, ages)}"
        return (says.question(self.source, text),)

    def _is_meant(self, says: Statement) -> str:
        return f"{says.condition(self.where)} and {says.one_of(self.column, self.status)}"

    def _stuck(self, says: Statement, ages: Ages) -> str:
        since = ages.older(says, mildest(self.max_age), lambda at: says.older(self.since, at))
        entity = named(says.entity(self.entity_columns)) + ages.column(says)
        return (
            f"select {entity}count(*) as n,"
            f" {says.epoch(f'min({says.key(self.since)})')} as at from {self.relation}"
            f" where {self._is_meant(says)} and {since}{grouped(self.entity_columns)}"
        )

    def _watched(self, says: Statement, context: Context, ages: Ages) -> str:
        entity = says.entity(self.entity_columns)
        among, oldest = self._is_meant(says), says.key(self.since)
        if entity:
            # All rows of a watched entity: one of another status says that it is still there.
            oldest = f"case when {among} then {oldest} end"
            among = says.of_one_of(self.entity_columns, context.watched)
        return (
            f"select {named(entity)}{ages.column(says)}0 as n, {says.epoch(f'min({oldest})')} as at"
            f" from {self.relation} where {among}{grouped(self.entity_columns)}"
        )

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge the oldest row of each entity."""
        answer, ages = rows_of(answers[-1:]), ages_of(context, answers)
        if answer is None:
            return unanswered(context)
        found = [
            self._judge_entity(context, entity, group, ages)
            for entity, group in folded(inside(ages, answer.rows), self.entity_of)
        ]
        watched = set(context.watched)
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            truncated=answer.truncated,
        )

    def _judge_entity(
        self, context: Context, entity: Entity, group: list[Mapping[str, Any]], ages: Ages
    ) -> Finding | Reading:
        count = max(row["n"] for row in group)
        at = min((at for row in group if (at := from_epoch(row["at"]))), default=None)
        statuses = " or ".join(self.status)
        if at is None:
            return good(entity, 0.0, f"not {statuses}", f"No row is {statuses}.")
        age = ages.age(at, group[0])
        over = crossed(self.max_age, age, context.severity)
        severity, limit = over or (context.severity, mildest(self.max_age))
        fact = f"{statuses} for {short_span(age)} (max {short_span(limit)})"
        detail = f"Has been {statuses} for {long_span(age)}{ages.words}, limit {long_span(limit)}."
        if over is None:
            return good(entity, age.total_seconds(), fact, detail)
        if not self.entity_columns and count > 1:
            fact = f"{count:,} stuck, {short_span(age)} (max {short_span(limit)})"
            detail = (
                f"{rows(count)} stuck in {statuses}, the oldest for {long_span(age)},"
                f" limit {long_span(limit)}."
            )
        return self.finding(
            context,
            severity,
            entity=entity,
            value=age.total_seconds(),
            limit=limit.total_seconds(),
            fact=fact,
            detail=detail,
            first_bad_at=ages.reached(at, mildest(self.max_age), group[0]),
        )
