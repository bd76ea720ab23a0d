"""Which rows of a query are news: those that are young, or that were not there before."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from rules.base import ROWS_MAX, Context, Rows
from rules.cells import cell, text_of
from rules.fields import Column, PositiveDuration
from rules.instants import from_column, from_epoch
from rules.memory import compact, parsed
from rules.settings import EntityColumns

BEGAN = "began"
"""Under it stands when a rule first looked; every other key is that of a row."""

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class NewOnly(BaseModel):
    """Only rows that are news count: for `within` after they were first seen, or by their instant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: EntityColumns = Field(
        default=(),
        description="Columns that tell one row from another; a row is news after it was first seen.",
    )
    column: Column | None = Field(
        default=None,
        description="The instant of a row. Without `key` it says how old a row is; "
        "with it, whether a row of the very first look is old already.",
    )
    within: PositiveDuration = Field(description="For how long a row is news.")

    @model_validator(mode="after")
    def _rows_can_be_told_apart(self) -> "NewOnly":
        if not self.key and self.column is None:
            hint = "name the columns that tell one row from another"
            raise PydanticCustomError("one_of", "needs `key` or `column`", {"hint": hint})
        return self

    def news(
        self, context: Context, answer: Rows
    ) -> tuple[list[Mapping[str, Any]], dict[str, str | None]]:
        """Return the rows that are news, and what is to be remembered of all of them."""
        if not self.key:
            young = [
                row for row in answer.rows if self._is_young(context.now, self._at(context, row))
            ]
            return young, {}
        began = context.remembered.get(BEGAN)
        seen: dict[str, datetime] = {}
        for row in answer.rows:
            key = self._key(row)
            at = _instant(context.remembered.get(key))
            if at is None:
                at = context.now if began else self._first(context, row)
            seen[key] = max(at, seen.get(key, at))
        news = [row for row in answer.rows if self._is_young(context.now, seen[self._key(row)])]
        changes: dict[str, str | None] = {} if began else {BEGAN: _text(context.now)}
        changes |= {
            key: _text(at) for key, at in seen.items() if context.remembered.get(key) != _text(at)
        }
        if not answer.truncated or len(context.remembered) > ROWS_MAX:
            changes |= dict.fromkeys(context.remembered.keys() - seen.keys() - {BEGAN})
        return news, changes

    def _is_young(self, now: datetime, at: datetime | None) -> bool:
        return at is not None and now - at < self.within

    def _key(self, row: Mapping[str, Any]) -> str:
        return compact([text_of(cell(row, column)) for column in self.key])

    def _at(self, context: Context, row: Mapping[str, Any]) -> datetime | None:
        dialect = context.dialect
        return from_column(cell(row, self.column), zone=dialect.zone, unit=dialect.time)

    def _first(self, context: Context, row: Mapping[str, Any]) -> datetime:
        """Return since when a row of the very first look is there, as far as it says."""
        if self.column is None:
            return context.now
        return min(self._at(context, row) or _LONG_AGO, context.now)


def _text(at: datetime) -> str:
    return compact(at.timestamp())


def _instant(text: str | None) -> datetime | None:
    return from_epoch(parsed(text))
