# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""The last finished runs all failed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from rules import changes
from rules.base import Answers, Context, Finding, Judgement, Question, Reading
from rules.fields import Column, PositiveCount, PositiveDuration, SqlFragment, Words
from rules.instants import before, from_column
from rules.memory import changed_only, entity_of, key_of
from rules.settings import (
    TableSettings,
    folded,
    good,
    known_class,
    ordered,
    ordered_readings,
    rows_of,
    unanswered,
)
from rules.sql_text import Statement, grouped, named, names
from rules.wording import ERROR_MAX, error_line

RUNS_MAX = 1000
"""Most runs that are looked at without an entity, so that an index on `order_by` is enough."""


_NEEDED: Final = {
    "runs": ("column", "failed", "succeeded", "order_by"),
    "changes": ("changed", "bad"),
}
"""The keys that say what a run is, by what `of` may be."""


class Failures(TableSettings):
    """Finds entities whose last `in_a_row` finished runs failed.

    Rows whose `column` is in neither list are not finished and are skipped. Runs at the same
    `order_by` count in favour of the success. Where a run leaves no row of its own but overwrites
    one of its entity, `of: changes` counts what `changed` was seen to become, however often we look.
    """

    LIMITS: ClassVar[frozenset[str]] = TableSettings.LIMITS | {"in_a_row"}

    of: Literal["runs", "changes"] = Field(
        default="runs",
        description="A run has a row of its own, or it changes the row of its entity.",
    )
    column: Column = Field(default="", description="`of: runs`: how a run ended.")
    failed: Words = Field(
        default=(), description="`of: runs`: values of `column` that mean that it failed."
    )
    succeeded: Words = Field(
        default=(), description="`of: runs`: values of `column` that mean that it succeeded."
    )
    order_by: Column = Field(
        default="",
        description="`of: runs`: time or number that grows from run to run; "
        "rows without it are skipped.",
    )
    changed: Column = Field(
        default="", description="`of: changes`: what every run changes, such as `updated_at`."
    )
    bad: SqlFragment = Field(
        default="", description="`of: changes`: when the run has failed, such as `errors > 0`."
    )
    in_a_row: PositiveCount = Field(
        default=3, description="How many of the last runs must have failed."
    )
    within: PositiveDuration | None = Field(
        default=None,
        description="`of: runs`: how young a run must be to count; `order_by` is then a time. "
        "In a large table it lets an index on `order_by` find the runs of all entities.",
    )
    error: Column | None = Field(
        default=None, description="Why a run failed; its words decide the failure class."
    )

    @model_validator(mode="after")
    def _says_what_a_run_is(self) -> "Failures":
        for of, keys in _NEEDED.items():
            for key in keys:
                about = {"key": key, "of": of}
                if of == self.of and not getattr(self, key):
                    raise PydanticCustomError("needs", "`of: {of}` needs `{key}`", about)
                if of != self.of and getattr(self, key):
                    raise PydanticCustomError("needs", "`{key}` needs `of: {of}`", about)
        if self.of == "changes" and self.within:
            about = {"key": "within", "of": "runs"}
            raise PydanticCustomError("needs", "`{key}` needs `of: {of}`", about)
        return self

    @model_validator(mode="after")
    def _lists_differ(self) -> "Failures":
        if both := set(self.failed) & set(self.succeeded):
            words = {"word": min(both)}
            raise PydanticCustomError("both", "`{word}` is both failed and succeeded", words)
        return self

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask once for the newest run of equal results of each entity that failed or is watched."""
        if answers:
            return ()
        says = Statement(self.dialect(context), context.now)
        if self.of == "changes":
            text = self._changes(says, context)
        else:
            text = self._each(says, context) if self.entity_columns else self._whole(says)
        return (says.question(self.source, text),)

    def _least(self, context: Context) -> int:
        classes = context.classifier.classes if context.classifier and self.error else ()
        return min([self.in_a_row, *(one.in_a_row for one in classes if one.in_a_row)])

    def _young(self, says: Statement) -> str:
        """Return the condition that a run is young enough to count."""
        if self.within is None:
            return f"{self.order_by} is not null"
        return says.since(self.order_by, before(says.now, self.within))

    def _finished(self, says: Statement, young: str) -> str:
        finished = says.one_of(self.column, (*self.failed, *self.succeeded))
        return f"from {self.relation} where {says.condition(self.where)} and {finished} and {young}"

    def _runs(self, says: Statement, young: str) -> str:
        bad = says.one_of(self.column, self.failed)
        error = f"substr({says.text(self.error)}, 1, {ERROR_MAX})" if self.error else "null"
        return (
            f"select {named(says.entity(self.entity_columns))}{self.order_by} as at,"
            f" case when {bad} then 1 else 0 end as bad, {error} as error"
            f"\n{self._finished(says, young)}"
        )

    def _whole(self, says: Statement) -> str:
        """Return the statement for one thing; an index on `order_by` ends it after RUNS_MAX runs."""
        return (
            f"with watched_runs as (\n{self._runs(says, self._young(says))}\norder by {self.order_by} desc"
            f" limit {RUNS_MAX}\n), watched_counts as (\n"
            "select watched_runs.*, sum(bad) over newest as fails,"
            " sum(1 - bad) over newest as successes"
            "\nfrom watched_runs window newest as (order by at desc, bad)\n), watched_streak as (\n"
            "select watched_counts.*, row_number() over (order by at desc, bad) as nth,"
            " count(*) over () as n, first_value(at) over (order by at, bad desc) as since"
            "\nfrom watched_counts where fails = 0 or successes = 0\n)\n"
            "select bad, n, since, error from watched_streak where nth = 1"
        )

    def _each(self, says: Statement, context: Context) -> str:
        """Return the statement for all entities: a pass that hashes, and one over the latest runs.

        The latter is for those that failed last or are watched, and reaches back only as far as
        the first run that counts for one of them.
        """
        keys = names(self.entity_columns)
        listed = "".join(f"{key}, " for key in keys)
        of_run = [f"r.{key}" for key in keys]
        success = says.extreme("max", "at", "bad = 0")
        failure = says.extreme("max", "at", "bad = 1")
        young = self._young(says)
        failed_last = "(success_at is null or failure_at > success_at)"
        ended = f"case when {failed_last} then success_at else failure_at end"
        reach = says.extreme("min", f"coalesce({ended}, first_at)")
        latest = f"{self.order_by} >= (select {reach} from watched_last)"
        if says.is_postgres:
            # The planner cannot know how far it reaches; SQLite could use but one of both.
            latest += f" and {young}"
        join = "join" if says.is_postgres else "cross join"
        least = says.bind(self._least(context), "::bigint")
        nulls = "".join(f"null as {name}, " for name in keys)
        return (
            f"with watched_last as (\nselect * from (select {listed}{success} as success_at,"
            f" {failure} as failure_at, {says.extreme('min', 'at')} as first_at"
            f"\nfrom ({self._runs(says, young)}) r{grouped(keys)}) q"
            f"\nwhere {failed_last} or {says.among(keys, context.watched)}\n)\n"
            f"select {', '.join(of_run)}, r.bad, count(*) as n,"
            f" {says.extreme('min', 'r.at')} as since,"
            f" max(case when r.at = w.failure_at then r.error end) as error"
            f"\nfrom ({self._runs(says, latest)}) r {join} watched_last w"
            f" on {' and '.join(f'r.{key} = w.{key}' for key in keys)}"
            f"\nwhere r.bad = 1 and (w.success_at is null or r.at > w.success_at)"
            f" or r.bad = 0 and (w.failure_at is null or r.at >= w.failure_at)"
            f"\ngroup by {', '.join(of_run)}, r.bad"
            f"\nhaving count(*) >= {least} or {says.among(of_run, context.watched)}"
            f"\nunion all\nselect {nulls}null, count(*), null, null"
            f" from (select 1 {self._finished(says, young)} limit 1) q"
        )

    def _changes(self, says: Statement, context: Context) -> str:
        """Return the statement for what was overwritten: rows that are bad, or were when last seen."""
        streaks = [entity_of(key, self.entity) for key in context.remembered]
        wanted = {*context.watched, *(one for one in streaks if one)}
        rows = f"from {self.relation} where {says.condition(self.where)}"
        parts = (self.changed, self.bad, self.error)
        return changes.statement(says, self.entity_columns, rows, parts, sorted(wanted))

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge each entity's newest run of equal results."""
        answer = rows_of(answers)
        if answer is None:
            return unanswered(context)
        rows = [row for row in answer.rows if not self.is_marker(row)]
        remember: dict[str, str | None] = {}
        if self.of == "changes":
            rows, remember = self._streaks(context, rows, truncated=answer.truncated)
        found = [self._judge_row(context, row) for row in rows]
        watched = set(context.watched)
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            has_data=any(row["n"] for row in answer.rows),
            truncated=answer.truncated,
            remember=remember,
        )

    def _streaks(
        self, context: Context, rows: Sequence[Mapping[str, Any]], *, truncated: bool
    ) -> tuple[list[Mapping[str, Any]], dict[str, str | None]]:
        """Return the streak of each entity like the newest runs of equal results."""
        dialect = self.dialect(context)
        streaks: list[Mapping[str, Any]] = []
        known: dict[str, str | None] = {}
        for entity, group in folded(rows, self.entity_of):
            last = changes.newest(group, dialect.zone, dialect.time)
            if last is None:
                continue
            mark, row = last
            before = changes.recalled(context.remembered.get(key_of(entity)))
            streak = changes.observed(before, mark, is_bad=bool(row["bad"]), now=context.now)
            known[key_of(entity)] = streak.text() if streak else None
            since = streak.since if streak else mark.instant
            count = streak.count if streak else 0
            streaks.append({**row, "bad": streak is not None, "n": count, "since": since})
        return streaks, changed_only(context, known, truncated=truncated)

    def _judge_row(self, context: Context, row: Mapping[str, Any]) -> Finding | Reading:
        entity, since = self.entity_of(row), self._instant(context, row["since"])
        if not row["bad"]:
            return good(entity, 0.0, "last run succeeded", "The last run succeeded.", since)
        count, error = int(row["n"]), error_line(row["error"])
        found = known_class(context, self.failure_class, error)
        limit = (found.in_a_row if found else None) or self.in_a_row
        fact, detail = _said(count, limit)
        if count < limit:
            return good(entity, float(count), fact, detail)
        return self.finding(
            context,
            context.severity,
            error=error,
            recognised=found,
            entity=entity,
            value=float(count),
            limit=float(limit),
            fact=fact,
            detail=detail,
            first_bad_at=since,
        )

    def _instant(self, context: Context, value: object) -> datetime | None:
        """Return the instant of a column; now where a writer's clock is ahead of ours."""
        dialect = self.dialect(context)
        at = from_column(value, zone=dialect.zone, unit=dialect.time)
        return min(at, context.now) if at else None


def _said(count: int, limit: int) -> tuple[str, str]:
    many = f"{count:,}{'+' if count >= RUNS_MAX else ''}"
    if count == 1:
        return f"last run failed (limit {limit})", f"The last run failed, limit {limit} in a row."
    return (
        f"{many} failed in a row (limit {limit})",
        f"The last {many} runs failed, limit {limit} in a row.",
    )
