"""Runs take too long."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from rules.base import Answers, Context, Entity, Finding, Judgement, Question, Reading, Severity
from rules.duration_statement import LONGEST_S, DurationStatement
from rules.fields import Column, Count, Limits, Most, Number, PositiveCount, PositiveDuration
from rules.numbers import from_sql
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
from rules.wording import brief_span, long_span, number

FACTOR = 3.0
_SECONDS = {"ms": 0.001, "s": 1.0}


class Took(BaseModel):
    """How long a run took: a column of numbers, or two instants."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    column: Column | None = Field(default=None, description="A number; `unit` says of what.")
    begun: Column | None = Field(
        default=None, alias="from", description="When a run began, if two instants say it."
    )
    ended: Column | None = Field(
        default=None, alias="to", description="When it ended; a run without an end is not judged."
    )

    @model_validator(mode="after")
    def _column_or_pair(self) -> "Took":
        pair = (self.begun is not None, self.ended is not None)
        if pair[0] != pair[1] or (self.column is not None) == pair[0]:
            hint = "write `took: duration_ms`, or `took: { from: started_at, to: finished_at }`"
            raise PydanticCustomError("one_of", "is neither a column nor a pair", {"hint": hint})
        return self


def _column(given: object) -> object:
    return {"column": given} if isinstance(given, str) else given


ColumnOrPair = Annotated[Took, BeforeValidator(_column)]


def _percentile(given: float) -> float:
    if not 0 < given <= 100:
        hint = {"hint": "write `95`"}
        raise PydanticCustomError("bad_number", "must be above 0 and at most 100", hint)
    return given


def _factor(given: float) -> float:
    if given <= 1:
        raise PydanticCustomError("bad_number", "must be above 1", {"hint": "write `3`"})
    return given


Percentile = Annotated[Number, AfterValidator(_percentile)]
Factors = Most[Annotated[Number, AfterValidator(_factor)]]


class Duration(TableSettings):
    """Finds entities whose runs take too long: a percentile of the latest ones is above a limit.

    The limit is `max`, or `factor` times the median of the entity's own runs of the time
    `compare_to` before those, or both. The percentile is a run that there was (nearest rank): with
    `percentile: 95` and `last: 20` it is the 19th, so that one slow run is not bad. Runs without a
    duration are skipped, as are instants of 1970 and numbers that are none; a run that ended
    before it began took no time.
    """

    LIMITS: ClassVar[frozenset[str]] = TableSettings.LIMITS | {"most", "factor", "ignore_below"}

    took: ColumnOrPair = Field(description="How long a run took: a column, or a pair of instants.")
    unit: Literal["ms", "s"] | None = Field(
        default=None, description="What the numbers in `took` count; only they have one."
    )
    percentile: Percentile = Field(
        default=95.0, description="Which run is judged: `95` leaves out the slowest twentieth."
    )
    order_by: Column | None = Field(
        default=None,
        description="Time or number that grows from run to run; `took.to` by default. "
        "With `within` or `compare_to` it is a time.",
    )
    last: PositiveCount | None = Field(
        default=None, description="How many of the latest runs are judged."
    )
    within: PositiveDuration | None = Field(
        default=None,
        description="How young a run must be to be judged; at most as old as `compare_to` says "
        "by default. In a large table it lets an index on `order_by` find the `last` ones.",
    )
    most: Most[PositiveDuration] | None = Field(
        default=None, alias="max", description="How long runs may take."
    )
    compare_to: PositiveDuration | None = Field(
        default=None, description="How far back the runs reach that they are compared with."
    )
    factor: Factors | None = Field(
        default=None,
        description="How many times the median of those they may take; 3 by default. "
        "A median below one `unit` counts as one, which is 1 s for a pair.",
    )
    ignore_below: Count | None = Field(
        default=None,
        description="With fewer runs nothing is judged, nor compared with fewer; by default "
        "as many as it takes for the slowest one not to decide, at most `last`.",
    )

    @model_validator(mode="after")
    def _knows_its_runs(self) -> "Duration":
        is_number = self.took.column is not None
        if is_number != (self.unit is not None):
            if is_number:
                hint = {"hint": "write `unit: ms` or `unit: s`"}
                raise PydanticCustomError("needs", "`took` needs `unit`", hint)
            raise PydanticCustomError("needs", "`unit` needs a column of numbers", {})
        if is_number and self.order_by is None:
            hint = {"hint": "name the time or number that grows from run to run"}
            raise PydanticCustomError("needs", "`took` needs `order_by`", hint)
        if self.last is None and self.within is None:
            raise PydanticCustomError("one_of", "needs `last` or `within`", {})
        if self.last is not None and (self.ignore_below or 0) > self.last:
            raise PydanticCustomError("never", "`ignore_below` is more than `last`", {})
        return self

    @model_validator(mode="after")
    def _has_a_limit(self) -> "Duration":
        if self.most is None and self.compare_to is None:
            raise PydanticCustomError("one_of", "needs `max` or `compare_to`", {})
        if self.factor is not None and self.compare_to is None:
            hint = {"hint": "write `compare_to: 28d`"}
            raise PydanticCustomError("needs", "`factor` needs `compare_to`", hint)
        if self.within and self.compare_to and self.within >= self.compare_to:
            raise PydanticCustomError("never", "`compare_to` is not longer than `within`", {})
        return self

    @property
    def order(self) -> str:
        """Return the column that runs are ordered by."""
        column = self.order_by or self.took.ended
        assert column is not None
        return column

    @property
    def unit_s(self) -> float:
        """Return the seconds of one unit."""
        return _SECONDS[self.unit or "s"]

    @property
    def factors(self) -> Limits[float]:
        """Return how many times the median runs may take."""
        return self.factor or Limits(plain=FACTOR)

    @property
    def least(self) -> int:
        """Return how many runs it takes to judge."""
        if self.ignore_below is not None:
            return max(1, self.ignore_below)
        # From as many on the percentile is another run than the slowest.
        enough = 1 if self.percentile == 100 else math.ceil(100 / (100 - self.percentile) - 1e-9)
        return min(enough, self.last or enough)

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask once for the entities whose runs take too long, or that are watched."""
        if answers:
            return ()
        return (DurationStatement(self, context).question(),)

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge the percentile of each entity; a row without runs says that none has enough."""
        answer = rows_of(answers)
        if answer is None:
            return unanswered(context)
        found = [self._judge_row(context, row) for row in answer.rows if row["n"]]
        watched = set(context.watched)
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            has_data=all(row["n"] for row in answer.rows),
            truncated=answer.truncated,
        )

    def _judge_row(self, context: Context, row: Mapping[str, Any]) -> Finding | Reading | None:
        took_s = max(0.0, from_sql(row["took"]) or 0.0)
        if took_s > LONGEST_S:
            return None  # no run took 3,000 years: it is none to judge, as NaN is
        checks = [
            check
            for check in (
                self._judge_most(context, self.entity_of(row), row["n"], took_s),
                self._judge_past(context, row, took_s),
            )
            if check is not None
        ]
        bad = [check for check in checks if isinstance(check, Finding)]
        # max keeps the first of equals: at the same severity the plain limit is told.
        return max(bad, key=lambda one: one.severity.rank) if bad else next(iter(checks), None)

    def _judge_most(
        self, context: Context, entity: Entity, count: int, took_s: float
    ) -> Finding | Reading | None:
        if self.most is None:
            return None
        over = crossed(self.most, timedelta(seconds=took_s), context.severity)
        severity, limit = over or (None, mildest(self.most))
        said = f"max {brief_span(limit)}"
        return self._told(context, entity, (count, took_s), severity, limit.total_seconds(), said)

    def _judge_past(
        self, context: Context, row: Mapping[str, Any], took_s: float
    ) -> Finding | Reading | None:
        median_s = from_sql(row["usual"])
        if self.compare_to is None or row["past"] < self.least or median_s is None:
            return None
        usual_s = min(max(median_s, self.unit_s), LONGEST_S)
        severity, factor = None, mildest(self.factors)
        for level, one in self.factors.levels(context.severity):
            if usual_s * one < took_s:
                severity, factor = level, one
                break
        usual = brief_span(timedelta(seconds=usual_s))
        said = f"max {number(factor)}x usual {usual}"
        run = (row["n"], took_s)
        return self._told(context, self.entity_of(row), run, severity, usual_s * factor, said)

    def _told(
        self,
        context: Context,
        entity: Entity,
        run: tuple[int, float],
        severity: Severity | None,
        limit_s: float,
        said: str,
    ) -> Finding | Reading:
        count, took_s = run
        took, name = timedelta(seconds=took_s), f"p{number(self.percentile)}"
        fact = f"{name} {brief_span(took)} ({said})"
        limit = long_span(timedelta(seconds=min(limit_s, LONGEST_S)))
        of = "" if "usual" not in said else f", which is {said.removeprefix('max ')}"
        detail = f"{name} of the last {count:,} runs is {long_span(took)}, limit {limit}{of}."
        if severity is None:
            return good(entity, took_s, fact, detail)
        return self.finding(
            context,
            severity,
            entity=entity,
            value=took_s,
            limit=limit_s,
            fact=fact,
            detail=detail,
        )
