"""A value that only ever advances went back, jumped ahead of now, or stands still."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from rules.base import Answers, Context, Entity, Finding, Judgement, Question, Reading
from rules.fields import Column, PositiveDuration
from rules.instants import from_epoch
from rules.marks import Mark, mark_of, restored
from rules.memory import changed_only, compact, key_of, record
from rules.settings import (
    TableSettings,
    good,
    ordered,
    ordered_readings,
    rows_of,
    unanswered,
)
from rules.spans import short_span
from rules.sql_text import Statement, grouped, named
from rules.values import dataclass
from rules.wording import long_span


class May(BaseModel):
    """What the value may do besides advancing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    go_back: bool = Field(default=False, description="Whether it may go back.")
    jump_ahead: PositiveDuration | None = Field(
        default=None, description="How far ahead of now an instant may lie; any by default."
    )
    stand_still: PositiveDuration | None = Field(
        default=None, description="How long it may stay the same; for ever by default."
    )


@dataclass(frozen=True, slots=True)
class _Course:
    """What is remembered of one entity.

    Attributes:
        mark: The furthest value that was seen.
        at: When it was seen first.
        back_at: When the value was first seen behind it.
    """

    mark: Mark
    at: datetime
    back_at: datetime | None = None

    def text(self) -> str:
        """Return the text that `_recalled` reads."""
        parts = {"form": self.mark.form, "mark": self.mark.stored(), "at": self.at.timestamp()}
        return compact(parts | ({"back": self.back_at.timestamp()} if self.back_at else {}))


def _recalled(text: str | None) -> _Course | None:
    known = record(text, "form", "mark", "at")
    if known is None:
        return None
    mark, at = restored(known["form"], known["mark"]), from_epoch(known["at"])
    return _Course(mark, at, from_epoch(known.get("back"))) if mark and at else None


class Cursor(TableSettings):
    """Finds entities whose greatest value of `column` does not just advance.

    What it was before is remembered. A value that went back is bad until it has passed the old one
    again, or until `accept_after` has passed. Numbers, instants and texts have an order; what is
    null or NaN is not judged.
    """

    LIMITS: ClassVar[frozenset[str]] = TableSettings.LIMITS | {"may", "accept_after"}

    column: Column = Field(description="The value that advances.")
    may: May = Field(default=May(), description="What it may do besides advancing.")
    accept_after: PositiveDuration = Field(
        default=timedelta(hours=1), description="How long it is bad to have gone back."
    )

    @model_validator(mode="after")
    def _forbids_something(self) -> "Cursor":
        if self.may.go_back and not (self.may.jump_ahead or self.may.stand_still):
            hint = "leave out `go_back`, or say `jump_ahead` or `stand_still`"
            raise PydanticCustomError("one_of", "may do anything", {"hint": hint})
        return self

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask once for the greatest value of every entity: only its past tells whether it is bad."""
        if answers:
            return ()
        says = Statement(self.dialect(context), context.now)
        text = (
            f"select {named(says.entity(self.entity_columns))}"
            f"{says.extreme('max', self.column)} as value"
            f"\nfrom {self.relation} where {says.condition(self.where)}"
            f" and {self.column} is not null{grouped(self.entity_columns)}"
        )
        return (says.question(self.source, text),)

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge each value by the furthest that was seen before."""
        answer = rows_of(answers)
        if answer is None:
            return unanswered(context)
        found: list[Finding | Reading] = []
        known: dict[str, str | None] = {}
        watched, has_data = set(context.watched), False
        for row in answer.rows:
            entity, key = self.entity_of(row), key_of(self.entity_of(row))
            known[key] = context.remembered.get(key)
            mark = self._mark(context, row["value"])
            if mark is None:
                continue
            has_data = True
            if self._is_ahead(context, mark):
                found.append(self._jumped(context, entity, mark))
                continue
            before = _recalled(known[key])
            course = self._course(context.now, mark, before)
            if course != before:
                known[key] = course.text()
            if entity in watched or self._is_bad(context, course):
                found.append(self._judge_course(context, entity, mark, course))
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(one for one in found if isinstance(one, Reading)),
            has_data=has_data,
            truncated=answer.truncated,
            remember=changed_only(context, known, truncated=answer.truncated),
        )

    def _mark(self, context: Context, value: object) -> Mark | None:
        dialect = self.dialect(context)
        # Numbers may be ids as well: only where now is a bound they are known to be instants.
        return mark_of(value, dialect.zone, dialect.time if self.may.jump_ahead else "native")

    def _is_ahead(self, context: Context, mark: Mark) -> bool:
        limit = self.may.jump_ahead
        is_instant = limit is not None and mark.form == "instant"
        return is_instant and bool(mark.value - context.now > limit)

    def _course(self, now: datetime, mark: Mark, before: _Course | None) -> _Course:
        """Return what is known after `mark` was seen; what has jumped ahead is never part of it."""
        if before is None or before.mark.form != mark.form:
            return _Course(mark, now)
        if mark == before.mark:
            return replace(before, back_at=None)
        if self.may.go_back or not mark.is_behind(before.mark):
            return _Course(mark, now)
        back_at = before.back_at or now
        is_accepted = now - back_at >= self.accept_after
        return _Course(mark, now) if is_accepted else replace(before, back_at=back_at)

    def _is_bad(self, context: Context, course: _Course) -> bool:
        limit = self.may.stand_still
        is_still = limit is not None and context.now - course.at > limit
        return is_still or course.back_at is not None

    def _judge_course(
        self, context: Context, entity: Entity, mark: Mark, course: _Course
    ) -> Finding | Reading:
        if course.back_at is not None:
            return self._went_back(context, entity, mark, course)
        span, limit = context.now - course.at, self.may.stand_still
        if limit is None or not self._is_bad(context, course):
            return good(entity, None, f"at {mark}", f"It is at {mark}.", course.at)
        return self.finding(
            context,
            context.severity,
            entity=entity,
            value=span.total_seconds(),
            limit=limit.total_seconds(),
            fact=f"stands still for {short_span(span)} (max {short_span(limit)})",
            detail=f"Stands still at {mark} for {long_span(span)}, limit {long_span(limit)}.",
            first_bad_at=course.at + limit,
        )

    def _went_back(self, context: Context, entity: Entity, mark: Mark, course: _Course) -> Finding:
        gap = course.mark.gap(mark)
        by = f" by {gap}" if gap else ""
        return self.finding(
            context,
            context.severity,
            entity=entity,
            value=course.mark.distance(mark),
            limit=0.0,
            fact=f"went back{by}",
            detail=f"Went back{by}, from {course.mark} to {mark}.",
            first_bad_at=course.back_at,
        )

    def _jumped(self, context: Context, entity: Entity, mark: Mark) -> Finding:
        ahead, limit = mark.value - context.now, self.may.jump_ahead
        assert limit is not None
        return self.finding(
            context,
            context.severity,
            entity=entity,
            value=ahead.total_seconds(),
            limit=limit.total_seconds(),
            fact=f"{short_span(ahead)} ahead of now (max {short_span(limit)})",
            detail=f"{mark} is {long_span(ahead)} ahead of now, limit {long_span(limit)}.",
        )
