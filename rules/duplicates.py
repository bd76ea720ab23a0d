# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""A key that must be unique is not."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from rules.base import Answers, Context, Entity, Finding, Judgement, Question, Reading
from rules.fields import Column, Count, Limits, Most, PositiveDuration, one_or_many
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

EXAMPLES_MAX = 3
_KEY_CHARS_MAX = 60


def _some(columns: tuple[str, ...]) -> tuple[str, ...]:
    if not columns:
        raise PydanticCustomError("no_columns", "names no column", {})
    return columns


class Duplicates(TableSettings):
    """Finds keys that stand in more than one row.

    The columns of the entity are part of the key: the same number in two workspaces is none twice.
    A key with a null in it is no key, and never counts.
    """

    LIMITS: ClassVar[frozenset[str]] = TableSettings.LIMITS | {"most"}

    columns: Annotated[tuple[Column, ...], AfterValidator(_some), BeforeValidator(one_or_many)] = (
        Field(description="What must be unique: a column, or several together.")
    )
    newer_than: PositiveDuration | None = Field(
        default=None,
        description="Judge only keys with a row that is newer; the others of its rows may be older.",
    )
    column: Column | None = Field(
        default=None, description="The instant of a row; needed for `newer_than`."
    )
    most: Most[Count] = Field(
        default=Limits(plain=0), alias="max", description="How many keys may be duplicated."
    )
    failure_class: str | None = Field(
        default="data_logic", alias="class", description="Class of every finding, or `none`."
    )

    @model_validator(mode="after")
    def _newer_by_a_column(self) -> "Duplicates":
        if self.newer_than is not None and self.column is None:
            hint = "name the column that says when a row was made"
            raise PydanticCustomError("needs", "`newer_than` needs `column`", {"hint": hint})
        return self

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask once for the entities with too many duplicated keys, and for the watched ones."""
        if answers:
            return ()
        says = Statement(self.dialect(context), context.now)
        entity = names(self.entity_columns)
        text = (
            f"with watched_keys as (\n{self._keys(says)}\n), watched_places as (\n"
            f"select watched_keys.*, row_number() over ({_per(entity)}order by n desc, k) as place"
            "\nfrom watched_keys\n)\n"
            f"select {''.join(f'{one}, ' for one in entity)}count(*) as keys, sum(n) as n,"
            f" {', '.join(map(_example, range(1, EXAMPLES_MAX + 1)))}"
            f"\nfrom watched_places{grouped(entity)}"
        )
        if entity:
            limit = says.bind(mildest(self.most), "::bigint")
            among = says.among(entity, context.watched)
            text += f"\nhaving count(*) > {limit} or {among}"
        return (says.question(self.source, text),)

    def _keys(self, says: Statement) -> str:
        """Return the select of duplicated keys; grouped by bare columns, so that an index serves.

        PostgreSQL expects far too few keys of several columns, would hash them all and run out of
        memory for it. Rows that come in order need none, and an index brings them so.
        """
        columns = list(dict.fromkeys((*self.entity_columns, *self.columns)))
        place = {column: f"c{number}" for number, column in enumerate(columns)}
        complete = "".join(f" and {column} is not null" for column in columns)
        in_order = f" order by {', '.join(columns)} offset 0" if says.is_postgres else ""
        rows_ = (
            f"select {', '.join(f'{column} as {place[column]}' for column in columns)}"
            f" from {self.relation}\nwhere {says.condition(self.where)}{complete}"
            f"{self._newer(says, columns)}{in_order}"
        )
        entity = says.entity([place[column] for column in self.entity_columns])
        key = " || ', ' || ".join(says.text(place[column]) for column in self.columns)
        return (
            f"select {named(entity)}substr({key}, 1, {_KEY_CHARS_MAX}) as k, count(*) as n"
            f" from (\n{rows_}\n) r group by {', '.join(place.values())} having count(*) > 1"
        )

    def _newer(self, says: Statement, columns: list[str]) -> str:
        if self.newer_than is None or self.column is None:
            return ""
        key = ", ".join(columns)
        is_newer = says.since(self.column, before(says.now, self.newer_than))
        return (
            f" and ({key}) in (select {key} from {self.relation}"
            f" where {says.condition(self.where)} and {is_newer})"
        )

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge how many keys of each entity are duplicated; one that is not told of has none."""
        answer = rows_of(answers)
        if answer is None:
            return unanswered(context)
        found = [self._judge_row(context, self.entity_of(row), row) for row in answer.rows]
        seen = {one.entity for one in found}
        if not answer.truncated:
            none = {"keys": 0}
            found += [self._judge_row(context, e, none) for e in context.watched if e not in seen]
        watched = set(context.watched)
        return Judgement(
            findings=ordered(one for one in found if isinstance(one, Finding)),
            readings=ordered_readings(
                one for one in found if isinstance(one, Reading) and one.entity in watched
            ),
            truncated=answer.truncated,
        )

    def _judge_row(
        self, context: Context, entity: Entity, row: Mapping[str, Any]
    ) -> Finding | Reading:
        count = int(row["keys"])
        over = crossed(self.most, count, context.severity)
        severity, limit = over or (context.severity, mildest(self.most))
        fact = f"{count:,} duplicate key{'' if count == 1 else 's'} (max {limit:,})"
        detail = _said(count, limit, row)
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


def _per(entity: list[str]) -> str:
    return f"partition by {', '.join(entity)} " if entity else ""


def _example(place: int) -> str:
    return f"max(case when place = {place} then k end) as k{place}"


def _said(count: int, limit: int, row: Mapping[str, Any]) -> str:
    if count == 0:
        return f"No key stands in more than one row, limit {limit:,}."
    examples = [row[f"k{place}"] for place in range(1, min(count, EXAMPLES_MAX) + 1)]
    such = ", such as " if count > EXAMPLES_MAX else ": "
    keys = "1 key stands" if count == 1 else f"{count:,} keys stand"
    return (
        f"{keys} in more than one row ({rows(int(row['n']))}), limit {limit:,}"
        f"{such}{'; '.join(examples)}."
    )
