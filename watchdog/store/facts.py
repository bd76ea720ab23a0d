"""What a message says, written to the row of an event or a report and read back, by any release."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, get_type_hints

from notifiers.base import Event, Facts, Report
from notifiers.summary import Summary
from watchdog.store import plain

_TYPES = get_type_hints(Facts)
_FIELDS: tuple[Field[Any], ...] = fields(Facts)
_INSTANTS = tuple(name for name, kind in _TYPES.items() if kind in (datetime, datetime | None))
_NAMES = tuple(one.name for one in _FIELDS)
_DEFAULTS = tuple(
    one.default if one.default_factory is MISSING else one.default_factory() for one in _FIELDS
)
_VALUES = attrgetter(*_NAMES)
_instant_text = lru_cache(datetime.isoformat)  # a storm says the same few instants again and again
_EMPTY: Mapping[type, Any] = {str: "", bool: False, int: 0}


def encode_facts(facts: Facts) -> dict[str, Any]:
    """Return plain JSON values; what equals its default is left out."""
    encoded = {
        name: value
        for name, value, default in zip(_NAMES, _VALUES(facts), _DEFAULTS, strict=True)
        if value != default
    }
    for name in _INSTANTS:
        if name in encoded:
            encoded[name] = _instant_text(encoded[name])
    if "entity" in encoded:
        encoded["entity"] = dict(encoded["entity"])
    return encoded


def decode_facts(encoded: Mapping[str, Any]) -> Facts:
    """Return the facts of a row that this release, an older or a newer one has written.

    Unknown keys are ignored; a missing text is empty, a missing instant is that of the event.

    Raises:
        ValueError: The row names no instant, or an event that this release does not know.
    """
    if "at" not in encoded:
        raise ValueError("facts without the instant of their event")
    values = {one.name: _decode(one, encoded) for one in _FIELDS}
    return Facts(**values)


def _decode(one: Field[Any], encoded: Mapping[str, Any]) -> Any:
    if one.name not in encoded:
        return _absent(one, encoded)
    value = encoded[one.name]
    if one.name == "event":
        return Event(value)
    if one.name == "steps":
        return tuple(value)
    if one.name in _INSTANTS and value is not None:
        return datetime.fromisoformat(value)
    return value


def _absent(one: Field[Any], encoded: Mapping[str, Any]) -> Any:
    if one.default is not MISSING:
        return one.default
    if one.default_factory is not MISSING:
        return one.default_factory()
    if one.name in _INSTANTS:
        return datetime.fromisoformat(encoded["at"])
    if one.name == "event":
        raise ValueError("facts without their event")
    return _EMPTY[_TYPES[one.name]]


def encode_report(report: Report | Summary) -> dict[str, Any]:
    """Return plain JSON values."""
    encoded: dict[str, Any] = plain.encode(report)
    return encoded


def decode_told(encoded: Mapping[str, Any]) -> Facts | Report | Summary:
    """Return what a message says: the facts of an incident's event, a report, or the weekly summary.

    Raises:
        ValueError: See `decode_facts` and `plain.decode`.
    """
    if "counted" in encoded:
        return plain.decode(Summary, encoded)
    if "parts" not in encoded:
        return decode_facts(encoded)
    return plain.decode(Report, encoded)
