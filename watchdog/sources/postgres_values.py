"""Values on their way to PostgreSQL and back: what a parameter must be, what a column may hold."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from asyncpg.types import Attribute, Type

from rules.base import SqlValue

Adapt = Callable[[Any, str], Any]
"""Turns a value that is not None into what asyncpg wants; the second argument is a zone's name."""

_TRUE = {"t", "true", "y", "yes", "on", "1"}
_FALSE = {"f", "false", "n", "no", "off", "0"}


class UnfitError(Exception):
    """A parameter cannot be of the type that its place in the statement has."""


def _as_text(value: Any, _zone: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return json.dumps(value)
    return str(value)


def _as_int(value: Any, _zone: str) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("not a whole number")
    return int(value)


def _as_bool(value: Any, _zone: str) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("neither true nor false")


def _as_instant(value: Any, zone: str) -> datetime:
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(zone))


def _as_wall_time(value: Any, zone: str) -> datetime:
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if instant.tzinfo else instant


def _as_date(value: Any, zone: str) -> date:
    if isinstance(value, datetime):
        return _as_wall_time(value, zone).date()
    return date.fromisoformat(str(value))


def _as_interval(value: Any, _zone: str) -> timedelta:
    return timedelta(seconds=float(value))


_ADAPT: Mapping[str, Adapt] = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), _as_int),
    **dict.fromkeys(("float4", "float8"), lambda value, _zone: float(value)),
    "numeric": lambda value, _zone: Decimal(str(value)),
    "bool": _as_bool,
    "timestamptz": _as_instant,
    "timestamp": _as_wall_time,
    "date": _as_date,
    "time": lambda value, _zone: time.fromisoformat(str(value)),
    "interval": _as_interval,
}


def _adapt_array(element: Adapt) -> Adapt:
    def adapt(value: Any, zone: str) -> list[Any]:
        parts = value if isinstance(value, tuple) else (value,)
        return [None if part is None else element(part, zone) for part in parts]

    return adapt


def adapter(kind: Type) -> Adapt:
    """Return what turns a rule's value into a parameter of type `kind`.

    Types that are not listed (text, enums, domains, uuid, json, inet …) are given as text.
    """
    if kind.kind == "array":
        return _adapt_array(_ADAPT.get(kind.name.removesuffix("[]"), _as_text))
    return _ADAPT.get(kind.name, _as_text)


def adapt_all(params: Sequence[SqlValue], adapters: Sequence[Adapt], zone: str) -> list[Any]:
    """Return the parameters as asyncpg wants them.

    Raises:
        UnfitError: One does not fit, or there are too few or too many; the value is not in the message.
    """
    if len(params) != len(adapters):
        raise UnfitError(
            f"the statement takes {len(adapters)} parameters, {len(params)} were given"
        )
    fit = []
    for number, (value, adapt) in enumerate(zip(params, adapters, strict=True), start=1):
        try:
            fit.append(None if value is None else adapt(value, zone))
        except (ValueError, TypeError, ArithmeticError, OverflowError) as error:
            raise UnfitError(f"parameter ${number} does not fit the type of its place") from error
    return fit


def instant_columns(attributes: Sequence[Attribute]) -> tuple[str, ...]:
    """Return the columns that hold instants."""
    return tuple(column.name for column in attributes if column.type.name == "timestamptz")


def rows_of(records: Sequence[Mapping[str, Any]], instants: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows as dicts, every instant aware.

    asyncpg gives `infinity` as the greatest datetime without a zone; compared with an aware one
    that would raise far from here.
    """
    rows = [dict(record.items()) for record in records]  # a third faster than dict(record)
    for column in instants:
        for row in rows:
            value = row[column]
            if value is not None and value.tzinfo is None:
                row[column] = value.replace(tzinfo=UTC)
    return rows
