"""Values of dataclasses as plain JSON, and read back by any release."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, timedelta
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: Any) -> Any:
    """Return plain JSON values: instants and days as ISO 8601 has them, spans in seconds."""
    if is_dataclass(value):
        return {one.name: encode(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):  # instants, too
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [encode(one) for one in value]
    return value


def decode(kind: type[T], encoded: Mapping[str, Any]) -> T:
    """Return the dataclass `kind` of what `encode` has written.

    Keys that this release does not know are ignored; what is missing has its default.

    Raises:
        ValueError: Something is missing that has no default.
    """
    hints = get_type_hints(kind)
    values = {name: _decode(hint, encoded[name]) for name, hint in hints.items() if name in encoded}
    missing = [
        one.name
        for one in fields(kind)  # type: ignore[arg-type]  # `kind` is a dataclass
        if one.name not in values and one.default is MISSING and one.default_factory is MISSING
    ]
    if missing:
        raise ValueError(f"{kind.__name__} without {', '.join(missing)}")
    return kind(**values)


def _decode(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(hint, UnionType):
        [hint] = [one for one in get_args(hint) if one is not type(None)]
    if get_origin(hint) is tuple:
        return _decode_tuple(get_args(hint), value)
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return decode(hint, value)
    return _READERS.get(hint, _as_it_is)(value)


def _decode_tuple(inner: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if inner[-1] is Ellipsis:
        return tuple(_decode(inner[0], one) for one in value)
    return tuple(_decode(one, item) for one, item in zip(inner, value, strict=True))


def _as_it_is(value: Any) -> Any:
    return value


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    timedelta: lambda value: timedelta(seconds=value),
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
}
