"""Any one read-only SELECT: a value against limits, its rows as findings, or how long it takes."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

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
from rules.cells import cell, text_of
from rules.fields import TEXT_MAX, Column, Least, Most, Number, PositiveDuration, column_name
from rules.news import NewOnly
from rules.numbers import from_sql
from rules.parsing import ParsedBy
from rules.placeholders import bind, check
from rules.settings import (
    Settings,
    crossed,
    folded,
    good,
    mildest,
    ordered,
    ordered_readings,
    rows_of,
    unanswered,
)
from rules.sql_tokens import Lexeme, tokens
from rules.wording import brief_span, error_line, long_span, number, rows


def _query(given: object) -> str:
    if not isinstance(given, str) or len(given) > TEXT_MAX:
        raise PydanticCustomError("bad_sql", "is not a query", {})
    if problems := check(given, opened_at=False):
        first = problems[0]
        about = {"words": first.text, "offset": first.at, "hint": first.hint}
        raise PydanticCustomError("bad_sql", "{words}", about)
    return given


SqlQuery = Annotated[str, ParsedBy(_query, {"type": "string"})]
"""One SELECT in which `{{ now }}` may stand."""


def _fixed(query: str) -> str:
    if any(token.lexeme is Lexeme.PLACEHOLDER for token in tokens(query)):
        words = "holds a placeholder, and nothing is filled in here"
        raise PydanticCustomError("bad_placeholder", words, {})
    return query


FixedQuery = Annotated[SqlQuery, AfterValidator(_fixed)]
"""One SELECT in which no placeholder stands: it may go to a database of any dialect."""


class Sql(Settings):
    """Judges what a team's own query returns.

    With `max` or `min` it judges a value: of each entity, or the worst of all rows. With only
    `within` it judges how long the query takes. With none of them each returned row is a finding,
    and an entity that is no longer returned is good; without an entity the rows are counted.
    """

    LIMITS: ClassVar[frozenset[str]] = Settings.LIMITS | {"most", "least", "within"}

    query: SqlQuery = Field(description="One SELECT; `{{ now }}` in it is the instant of the look.")
    value: Column | None = Field(
        default=None, description="Column of the value; the first one by default."
    )
    most: Most[Number] | None = Field(
        default=None, alias="max", description="The value may not be above it."
    )
    least: Least[Number] | None = Field(
        default=None, alias="min", description="The value may not be below it."
    )
    within: Most[PositiveDuration] | None = Field(
        default=None, description="How long the query itself may take."
    )
    new_only: NewOnly | None = Field(
        default=None,
        description="Rows are events: only news count, and one check is enough to open.",
    )
    error: Column | None = Field(
        default=None, description="What went wrong; its words decide the failure class."
    )

    @model_validator(mode="after")
    def _new_rows_have_no_limits(self) -> "Sql":
        if self.new_only and not self._rows_are_bad:
            hint = "leave out `max`, `min` and `within`"
            raise PydanticCustomError("one_of", "`new_only` counts rows", {"hint": hint})
        return self

    @property
    def _has_value(self) -> bool:
        return self.most is not None or self.least is not None

    @property
    def _rows_are_bad(self) -> bool:
        return not self._has_value and self.within is None

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask the query, its rows capped."""
        if answers:
            return ()
        return (bind(self.source, self.query, context.dialect, now=context.now),)

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge the duration, the values or the rows."""
        answer = rows_of(answers)
        if answer is None:
            return unanswered(context)
        found: list[Finding | Reading] = []
        remember: dict[str, str | None] = {}
        has_data = True
        if self._has_value:
            found += self._judge_values(context, answer)
            has_data = bool(found)
        elif self._rows_are_bad:
            rows_, remember = self._bad_rows(context, answer)
            found += self._judge_rows(context, rows_, truncated=answer.truncated)
        if self.within is not None:
            found = _merged(self._judge_took(context, answer.took), found)
        watched = set(context.watched)
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            has_data=has_data or self.within is not None,
            truncated=answer.truncated,
            remember=remember,
        )

    def _judge_took(self, context: Context, took: timedelta) -> Finding | Reading:
        assert self.within is not None
        over = crossed(self.within, took, context.severity)
        severity, limit = over or (context.severity, mildest(self.within))
        fact = f"query took {brief_span(took)} (max {brief_span(limit)})"
        detail = f"The query took {long_span(took)}, limit {long_span(limit)}."
        if over is None:
            return good((), took.total_seconds(), fact, detail)
        return self.finding(
            context,
            severity,
            entity=(),
            value=took.total_seconds(),
            limit=limit.total_seconds(),
            fact=fact,
            detail=detail,
        )

    def _judge_values(self, context: Context, answer: Rows) -> list[Finding | Reading]:
        judged: list[Finding | Reading] = []
        for entity, group in folded(answer.rows, self._entity_of):
            each = [
                (value, row)
                for row in group
                if (value := from_sql(cell(row, self.value))) is not None
            ]
            if each:
                value, row = max(each, key=lambda one: self._badness(context, *one))
                judged.append(self._judge_value(context, entity, value, row))
        return judged

    def _badness(
        self, context: Context, value: float, row: Mapping[str, Any]
    ) -> tuple[int, float, float, str]:
        """Return what is greatest for the worst row, whatever the order of rows."""
        severity, limit, word = self._limit(context, value)
        beyond = limit - value if word == "min" else value - limit
        error = error_line(cell(row, self.error)) if self.error else ""
        return (-1 if severity is None else severity.rank), beyond, value, error

    def _judge_value(
        self, context: Context, entity: Entity, value: float, row: Mapping[str, Any]
    ) -> Finding | Reading:
        severity, limit, word = self._limit(context, value)
        fact = f"{number(value)} ({word} {number(limit)})"
        name = column_name(self.value) if self.value else "Value"
        detail = f"{name} is {number(value)}, limit {number(limit)}."
        if severity is None:
            return good(entity, value, fact, detail)
        return self.finding(
            context,
            severity,
            error=cell(row, self.error) if self.error else None,
            entity=entity,
            value=value,
            limit=limit,
            fact=fact,
            detail=detail,
        )

    @property
    def opens_at_once(self) -> bool:
        """Return whether one bad check is enough: what is new is never found again."""
        return self.new_only is not None

    def _limit(self, context: Context, value: float) -> tuple[Severity | None, float, str]:
        """Return severity, limit and its name; no severity when no limit is crossed."""
        over = crossed(self.most, value, context.severity) if self.most else None
        under = crossed(self.least, value, context.severity, falling=True) if self.least else None
        if over is not None:
            return *over, "max"
        if under is not None:
            return *under, "min"
        if self.most is not None:
            return None, mildest(self.most), "max"
        assert self.least is not None
        return None, mildest(self.least), "min"

    def _bad_rows(
        self, context: Context, answer: Rows
    ) -> tuple[Sequence[Mapping[str, Any]], dict[str, str | None]]:
        """Return the rows that count, and what is to be remembered."""
        return self.new_only.news(context, answer) if self.new_only else (answer.rows, {})

    def _judge_rows(
        self, context: Context, found: Sequence[Mapping[str, Any]], *, truncated: bool
    ) -> list[Finding | Reading]:
        judged: list[Finding | Reading] = [
            self._judge_group(context, entity, group, truncated=truncated)
            for entity, group in folded(found, self._entity_of)
        ]
        gone = [] if truncated else context.watched
        seen = {one.entity for one in judged}
        return judged + [
            good(entity, 0.0, "no rows (max 0)", "The query finds no row, limit 0.")
            for entity in gone
            if entity not in seen
        ]

    def _judge_group(
        self,
        context: Context,
        entity: Entity,
        group: Sequence[Mapping[str, Any]],
        *,
        truncated: bool,
    ) -> Finding:
        value = float(len(group))
        said = rows(len(group))
        if truncated and not self.entity_columns:
            said = f"{len(group):,}+ rows"
        if self.value is not None and self.entity_columns:
            numbers = [from_sql(cell(row, self.value)) for row in group]
            value = max((one for one in numbers if one is not None), default=value)
        return self.finding(
            context,
            context.severity,
            error=self._telling_error(context, group),
            entity=entity,
            value=value,
            limit=0.0,
            fact=f"{said} found (max 0)",
            detail=f"The query finds {said}, limit 0.",
            open_after=1 if self.opens_at_once else None,
        )

    def _telling_error(self, context: Context, group: Sequence[Mapping[str, Any]]) -> str:
        """Return the error of the class that is tried first, so that no order of rows matters."""
        if self.error is None:
            return ""
        errors = sorted({error_line(cell(row, self.error)) for row in group} - {""})
        if not errors or context.classifier is None:
            return errors[0] if errors else ""
        names = [one.name for one in context.classifier.classes]
        classify = context.classifier.classify

        def place(error: str) -> int:
            found = classify(error)
            return names.index(found.name) if found else len(names)

        return min(errors, key=place)

    def _entity_of(self, row: Mapping[str, Any]) -> Entity:
        return tuple((name, text_of(cell(row, name))) for name in self.entity)


def _rank(one: Finding | Reading) -> int:
    return one.severity.rank if isinstance(one, Finding) else -1


def _merged(took: Finding | Reading, found: list[Finding | Reading]) -> list[Finding | Reading]:
    """Return both judgements, one for each entity: the worse where they are about the same."""
    same = [one for one in found if one.entity == took.entity]
    others = [one for one in found if one.entity != took.entity]
    return [*others, max([took, *same], key=_rank)]
