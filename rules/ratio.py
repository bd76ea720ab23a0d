# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""Too few of the recent rows are good."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from rules.base import Answers, Context, Finding, Judgement, Question, Reading
from rules.fields import Column, Count, Least, Percent, PositiveDuration, Share, SqlFragment
from rules.instants import before
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
from rules.sql_text import Statement, grouped, named, names
from rules.wording import rows


class Ratio(TableSettings):
    """Finds entities of whose recent rows less than the share `min` is good.

    `where` says which rows count, `good` which of them are good; a row of which nobody can say,
    because a column is null, is not. Rows without an instant do not count, those of the future do.
    """

    LIMITS: ClassVar[frozenset[str]] = TableSettings.LIMITS | {"least", "ignore_below"}

    good: SqlFragment = Field(description="Which rows are good: a condition, as in `where`.")
    column: Column = Field(description="The instant of a row.")
    over: PositiveDuration = Field(description="How far back the rows reach that count.")
    least: Least[Percent] = Field(alias="min", description="The share that must be good.")
    ignore_below: Count = Field(default=10, description="With fewer rows nothing is judged.")

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask once for the counts of each entity with too few good rows or that is watched."""
        if answers:
            return ()
        says = Statement(self.dialect(context), context.now)
        columns = self.entity_columns
        is_good = f"case when {says.condition(self.good)} then 1 else 0 end"
        recent = says.since(self.column, before(context.now, self.over))
        counts = (
            f"select {named(says.entity(columns))}count(*) as n, sum({is_good}) as good"
            f" from {self.relation} where {says.condition(self.where)} and {recent}"
            f"{grouped(columns)}"
        )
        enough = f"n >= {max(1, self.ignore_below)}"
        wanted = "(1 = 1)"
        if columns:
            share = f"good * {says.bind(1.0, '::float8')} / n"
            few = f"{share} < {says.bind(float(mildest(self.least)), '::float8')}"
            wanted = f"({few} or {says.among(names(columns), context.watched)})"
        nulls = "".join(f"null as {name}, " for name in names(columns))
        text = (
            f"with watched_counts as (\nselect * from ({counts}) q where {enough}\n)\n"
            f"select * from watched_counts where {wanted}\nunion all\n"
            f"select {nulls}0, 0 where not exists (select 1 from watched_counts)"
        )
        return (says.question(self.source, text),)

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge the share of each entity; a row without rows says that none has enough."""
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

    def _judge_row(self, context: Context, row: Mapping[str, Any]) -> Finding | Reading:
        count, is_good = int(row["n"]), int(row["good"])
        share = Share(is_good / count)
        under = crossed(self.least, share, context.severity, falling=True)
        severity, limit = under or (None, mildest(self.least))
        fact = f"{share.rounded} good of {count:,} (min {limit})"
        detail = f"{is_good:,} of {rows(count)} are good, {share.rounded}, limit {limit}."
        if severity is None:
            return good(self.entity_of(row), share, fact, detail)
        return self.finding(
            context,
            severity,
            entity=self.entity_of(row),
            value=float(share),
            limit=float(limit),
            fact=fact,
            detail=detail,
        )
