"""The newest row, or the oldest that still waits, is too old."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from rules.ages import Ages, ages_of, inside, is_asked, zone_question
from rules.base import (
    Answers,
    Context,
    Entity,
    Finding,
    Judgement,
    Question,
    Reading,
    Rows,
    Severity,
)
from rules.extremes import of_entities, of_table
from rules.fields import Column, Most, PositiveDuration
from rules.instants import from_epoch
from rules.memory import compact, key_of, parsed
from rules.settings import (
    TableSettings,
    age_at,
    crossed,
    good,
    mildest,
    ordered,
    ordered_readings,
    rows_of,
    unanswered,
)
from rules.spans import short_span
from rules.sql_text import Statement
from rules.wording import long_span


class Stale(TableSettings):
    """Finds entities whose newest row is older than `max_age`.

    A null instead of the newest instant means that it never happened, which is bad: at once, or
    when it has been seen for as long as `null_after`.
    """

    LIMITS: ClassVar[frozenset[str]] = TableSettings.LIMITS | {
        "max_age",
        "if_empty",
        "null_after",
    }

    COUNTS_ACTIVE_TIME: ClassVar[bool] = True

    column: Column = Field(description="The instant of a row.")
    max_age: Most[PositiveDuration] = Field(description="How old the newest row may be.")
    oldest: bool = Field(
        default=False, description="Judge the oldest row instead: the one that waits longest."
    )
    if_empty: Literal["bad", "no_data", "ok"] = Field(
        default="no_data", description="What it means that no row is left to judge."
    )

    null_after: PositiveDuration | None = Field(
        default=None,
        description="How long it may be that it never happened; counted from when we first saw it.",
    )

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask once for the newest row of each entity that is too old or watched."""
        if zones := zone_question(self, context, answers):
            return zones
        if is_asked(context, answers):
            return ()
        ages = ages_of(context, answers)
        says = Statement(self.dialect(context), context.now)
        text = self._each(says, context, ages) if self.entity_columns else self._whole(says)
        return (says.question(self.source, text),)

    def _extreme(self, says: Statement) -> str:
        return says.epoch(f"{'min' if self.oldest else 'max'}({says.key(self.column)})")

    def _whole(self, says: Statement) -> str:
        which = "min" if self.oldest else "max"
        near = says.near_extreme(which, self.column, self.relation, self.where)
        return of_table(says, self, self._extreme(says), near)

    def _each(self, says: Statement, context: Context, ages: Ages) -> str:
        is_old = ages.older(
            says,
            mildest(self.max_age),
            lambda at: f"at < {says.bind(at.timestamp(), '::float8')}",
            zone="zone",
        )
        instant = f"{ages.column(says)}{self._extreme(says)}"
        nothing = f"{ages.column(says, 'null')}null"
        wanted = f"at is null or {is_old}"
        return of_entities(says, self, instant, wanted, context.watched, nothing)

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge each entity's age; the row without an entity says whether there is any row."""
        answer, ages = rows_of(answers[-1:]), ages_of(context, answers)
        if answer is None:
            return unanswered(context)
        if self._is_empty(answer):
            return self._judge_empty(context)
        rows_ = [row for row in answer.rows if not self.is_marker(row)]
        found = [self._judge_row(context, row, ages) for row in inside(ages, rows_)]
        if self.entity_columns:
            found.append(good((), None, "rows again", "There are rows again."))
        watched = set(context.watched)
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            truncated=answer.truncated,
            remember=self._nulls(context, answer, rows_),
        )

    def _nulls(
        self, context: Context, answer: Rows, rows_: Sequence[Mapping[str, Any]]
    ) -> dict[str, str | None]:
        """Return what changes in since when each entity is known to have a null."""
        if self.null_after is None:
            return dict.fromkeys(context.remembered)
        nulls = {key_of(self.entity_of(row)) for row in rows_ if from_epoch(row["at"]) is None}
        known = {key: text for key, text in context.remembered.items() if from_epoch(parsed(text))}
        seen_now = dict.fromkeys(nulls - known.keys(), compact(context.now.timestamp()))
        return seen_now | (
            {} if answer.truncated else dict.fromkeys(context.remembered.keys() - nulls)
        )

    def _is_empty(self, answer: Rows) -> bool:
        return not any(row["n"] for row in answer.rows)

    def _judge_empty(self, context: Context) -> Judgement:
        if self.if_empty != "bad":
            return Judgement(has_data=self.if_empty == "ok")
        severity, _ = self.max_age.levels(context.severity)[-1]
        empty = self.finding(
            context,
            severity,
            entity=(),
            value=None,
            limit=None,
            fact="no rows",
            detail=f"There is no row, limit {long_span(mildest(self.max_age))}.",
        )
        return Judgement(findings=(empty,))

    def _judge_row(self, context: Context, row: Mapping[str, Any], ages: Ages) -> Finding | Reading:
        entity, at = self.entity_of(row), from_epoch(row["at"])
        if at is None:
            return self._never(context, entity)
        age = ages.age(at, row)
        over = crossed(self.max_age, age, context.severity)
        name = "Oldest" if self.oldest else "Newest"
        if over is None:
            limit = mildest(self.max_age)
            detail = f"{name} row is {long_span(age)} old{ages.words}, limit {long_span(limit)}."
            fact = f"{short_span(age)} old (max {short_span(limit)})"
            good_at = None if self.oldest else min(at, context.now)
            return good(entity, age.total_seconds(), fact, detail, good_at)
        severity, limit = over
        return self.finding(
            context,
            severity,
            entity=entity,
            value=age.total_seconds(),
            limit=limit.total_seconds(),
            fact=f"{short_span(age)} old (max {short_span(limit)})",
            detail=f"{name} row is {long_span(age)} old{ages.words}, limit {long_span(limit)}.",
            first_bad_at=ages.reached(at, mildest(self.max_age), row),
        )

    def _never(self, context: Context, entity: Entity) -> Finding | Reading:
        severity, limit = self.max_age.levels(context.severity)[0]
        if self.null_after is None:
            return self._never_happened(context, severity, entity, None, limit)
        seen_at = from_epoch(parsed(context.remembered.get(key_of(entity)))) or context.now
        span = age_at(context.now, seen_at)
        if span >= self.null_after:
            first_bad_at = seen_at + self.null_after
            return self._never_happened(context, severity, entity, first_bad_at, self.null_after)
        fact = f"not yet, for {short_span(span)} (max {short_span(self.null_after)})"
        allowed = long_span(self.null_after)
        detail = f"There has not been one yet for {long_span(span)}, limit {allowed}."
        return good(entity, None, fact, detail)

    def _never_happened(
        self,
        context: Context,
        severity: Severity,
        entity: Entity,
        first_bad_at: datetime | None,
        limit: timedelta,
    ) -> Finding:
        return self.finding(
            context,
            severity,
            entity=entity,
            value=None,
            limit=limit.total_seconds(),
            fact=f"never (max {short_span(limit)})",
            detail=f"There has never been one, limit {long_span(limit)}.",
            first_bad_at=first_bad_at,
        )
