# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""Pieces of the statements that kinds ask; the same judgement needs the same answer of each dialect.

Names of tables and columns and a team's conditions are part of the text, checked when they were
read; every value is a parameter.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from rules.base import ROWS_MAX, Dialect, Entity, SqlQuestion, SqlValue
from rules.instants import wall_offsets
from rules.placeholders import instant_cast, instant_value, substitute

_PATH = "->"
_DAY_MS = 86_400_000
_EPOCH_JULIAN_MS = 210_866_760_000_000
"""The epoch in julian days; they begin so early that none is negative, and all round alike."""
_SEEKS_MAX = 10_000
"""An index of several columns is asked for each combination of their values."""

_NUMBER = "^[-+]?([0-9]{1,100}([.][0-9]*)?|[.][0-9]{1,100})([eE][-+]?[0-9]{1,2})?$"
"""What PostgreSQL reads as a number that fits every type of its numbers."""
_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)
_REAL = re.compile(r"-?(\d+\.\d+(e[-+]\d+)?|Inf)", re.ASCII)
_OFFSET_MOST = timedelta(hours=15)
"""SQLite reads no offset of so many hours."""


class Statement:
    """One statement in the making: what is bound so far, and how its dialect says things.

    A *key* is an expression that orders as the column's instants do and may use its index.
    """

    def __init__(self, dialect: Dialect, now: datetime) -> None:
        self.dialect = dialect
        self.now = now
        self._params: list[SqlValue] = []

    @property
    def is_postgres(self) -> bool:
        """Return whether the dialect is PostgreSQL's."""
        return self.dialect.name == "postgres"

    def bind(self, value: SqlValue, cast: str = "") -> str:
        """Return the parameter that stands for `value`, cast where the dialect needs it."""
        self._params.append(value)
        return f"${len(self._params)}{cast if self.is_postgres else ''}"

    def question(self, source: str, text: str) -> SqlQuestion:
        """Return the finished question."""
        capped = f"{text}\nlimit {ROWS_MAX + 1}"
        return SqlQuestion(source, capped, tuple(self._params), self.dialect.zone)

    def condition(self, where: str | None) -> str:
        """Return a team's condition in parentheses, its `{{ now }}` bound; `true` for none."""
        if where is None:
            return "(1 = 1)"
        cast = instant_cast(self.dialect)
        return f"({substitute(where, lambda _: self._now(cast))})"

    def _now(self, cast: str) -> str:
        return self.bind(instant_value(self.now, self.dialect), cast)

    def key(self, column: str) -> str:
        """Return what orders as the instants in `column` do."""
        kind = self.dialect.time
        if not self.is_postgres:
            return self._seconds_of_text(column) if kind == "iso" else column
        if kind.startswith("epoch"):
            return f"({column})::float8" if _PATH in column else column
        return f"({column})::timestamptz" if kind == "iso" or _PATH in column else column

    def epoch(self, key: str) -> str:
        """Return a key, or the least or greatest of keys, as epoch seconds."""
        kind = self.dialect.time
        if kind.startswith("epoch"):
            divisor = "1000.0" if kind == "epoch_ms" else "1.0"
            return f"({key} / {divisor}){'::float8' if self.is_postgres else ''}"
        return f"extract(epoch from ({key})::timestamptz)::float8" if self.is_postgres else key

    def older(self, column: str, at: datetime) -> str:
        """Return the condition that `column` lies before `at`; the column's index serves it."""
        return self._against("<", column, at)

    def since(self, column: str, at: datetime) -> str:
        """Return the condition that `column` does not lie before `at`; its index serves it, too."""
        return self._against(">=", column, at)

    def _against(self, sign: str, column: str, at: datetime) -> str:
        kind = self.dialect.time
        if self.is_postgres and not kind.startswith("epoch"):
            return f"{self.key(column)} {sign} {self.bind(at, '::timestamptz')}"
        if kind.startswith("epoch"):
            units = at.timestamp() * (1000 if kind == "epoch_ms" else 1)
            return f"{self.key(column)} {sign} {self.bind(math.ceil(units), '::bigint')}"
        # The wall clock that a text begins with is less than an offset off, whatever its zone; the
        # text of the bound keeps the minute as a whole, and whether a space or a `T` stands in it.
        off, sep, end = (_OFFSET_MOST, "T", "~") if sign == "<" else (-_OFFSET_MOST, " ", "")
        wall = self.bind(f"{(at + off).isoformat(sep, 'minutes')[:16]}{end}")
        return f"({column} {sign} {wall} and {self.key(column)} {sign} {self.bind(at.timestamp())})"

    def _seconds_of_text(self, column: str) -> str:
        # SQLite reads texts to the millisecond; the way through days blurs the digits behind. Its
        # `round` goes through a text and takes six times as long as all the rest.
        ms = f"cast(julianday({column}) * {_DAY_MS}.0 + 0.5 as integer)"
        seconds = f"(({ms} - {_EPOCH_JULIAN_MS}) / 1000.0)"
        if self.dialect.zone == "UTC":
            return seconds
        changes = wall_offsets(self.dialect.zone, self.now.date())
        whens = [f"when {seconds} >= {wall} then {offset}" for wall, offset in changes[:-1]]
        whens.insert(0, f"when {column} glob '*[zZ]' then 0")
        whens.insert(1, f"when {column} glob '*[-+][0-9][0-9]:[0-9][0-9]' then 0")
        return f"({seconds} - case {' '.join(whens)} else {changes[-1][1]} end)"

    def text(self, column: str) -> str:
        """Return `column` as text, whatever its type."""
        return f"({column})::text" if self.is_postgres else f"cast({column} as text)"

    def number(self, column: str) -> str:
        """Return `column` as a number; a path into JSON is a text, and null where it holds none."""
        if not self.is_postgres or _PATH not in column:
            return column
        return f"case when {column} ~ '{_NUMBER}' then ({column})::numeric end"

    def entity(self, columns: Sequence[str]) -> list[str]:
        """Return the entity's columns as texts that are never null."""
        return [f"coalesce({self.text(column)}, '')" for column in columns]

    def extreme(self, which: str, column: str, condition: str = "") -> str:
        """Return the `min` or `max` of the rows that meet a condition, for any type with an order.

        PostgreSQL has neither for uuid, but both for arrays of anything.
        """
        element = f"array[{column}]" if self.is_postgres else column
        chosen = f"case when {condition} then {element} end" if condition else element
        return f"({which}({chosen}))[1]" if self.is_postgres else f"{which}({chosen})"

    def near_extreme(self, which: str, column: str, relation: str, where: str | None) -> str:
        """Return a condition that leaves the rows near the `min` or `max`, so that few are read.

        Only texts need it: their instants have no index. The first or last of the texts is at
        most a day off the first or last of the instants, whatever their offsets.

        Args:
            relation, where: What the rows come from, and the team's condition on them.
        """
        if self.is_postgres or self.dialect.time != "iso":
            return ""
        reach, sign, all_ = ("+3 days", "<", "~") if which == "min" else ("-2 days", ">=", "")
        rows = f"from {relation} where {self.condition(where)}"
        edge = f"(select date(substr({which}({column}), 1, 10), '{reach}') {rows})"
        return f" and {column} {sign} coalesce({edge}, '{all_}')"

    def one_of(self, column: str, words: Iterable[str]) -> str:
        """Return the condition that `column`, as text, is one of `words`."""
        return f"{self.text(column)} in ({', '.join(self.bind(w, '::text') for w in words)})"

    def among(self, expressions: Sequence[str], entities: Sequence[Entity]) -> str:
        """Return the condition that the texts are those of one of `entities`.

        What has no entity, an empty table, is not among the rows.
        """
        left = f"({', '.join(expressions)})"
        entities = [entity for entity in entities if len(entity) == len(expressions)]
        if not entities:
            return "(1 = 0)"
        if self.is_postgres:
            values = zip(*([value for _, value in entity] for entity in entities), strict=True)
            arrays = [self.bind(tuple(column), "::text[]") for column in values]
            return f"{left} in (select * from unnest({', '.join(arrays)}))"
        listed = self.bind(json.dumps([[value for _, value in entity] for entity in entities]))
        parts = ", ".join(f"json_extract(value, '$[{i}]')" for i in range(len(expressions)))
        return f"{left} in (select {parts} from json_each({listed}))"

    def of_one_of(self, columns: Sequence[str], entities: Sequence[Entity]) -> str:
        """Return the condition that a row is of one of `entities`; indexes serve it.

        PostgreSQL's only where the column is a text.
        """
        exact = self.among(self.entity(columns), entities)
        values = [[value for _, value in one] for one in entities if len(one) == len(columns)]
        known = [dict.fromkeys(column) for column in zip(*values, strict=True)]
        if math.prod(map(len, known)) > _SEEKS_MAX:
            return exact
        near = [
            self._held_as_one_of(column, texts)
            for column, texts in zip(columns, known, strict=False)
            if "" not in texts  # which stands for null, and that equals nothing
        ]
        return " and ".join([*filter(None, near), exact])

    def _held_as_one_of(self, column: str, texts: Iterable[str]) -> str:
        """Return a condition on `column` itself, which all meet whose text is one of `texts`."""
        if self.is_postgres:
            return f"{self.text(column)} = any({self.bind(tuple(texts), '::text[]')})"
        if any(_REAL.fullmatch(text) for text in texts):
            return ""  # their texts have fewer digits than they themselves
        numbers = [int(text) for text in texts if _WHOLE.fullmatch(text)]
        listed = f"json_each({self.bind(json.dumps([*texts, *numbers]))})"
        blobs = f"select cast(value as blob) from {listed}"
        return f"{column} in (select value from {listed} union all {blobs})"


def named(expressions: Sequence[str]) -> str:
    """Return the entity's expressions as the first columns of a select: `… as e0, … as e1, `."""
    return "".join(f"{expression} as e{i}, " for i, expression in enumerate(expressions))


def names(columns: Sequence[str], prefix: str = "") -> list[str]:
    """Return the names that `named` gives: `e0`, `e1`."""
    return [f"{prefix}e{i}" for i in range(len(columns))]


def grouped(columns: Sequence[str]) -> str:
    """Return the `group by` over the columns that `named` begins with; '' for none."""
    places = ", ".join(str(i + 1) for i in range(len(columns)))
    return f"\ngroup by {places}" if places else ""
