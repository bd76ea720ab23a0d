"""Values that advance, of any type that has an order: numbers, instants, texts."""

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from rules.instants import from_column
from rules.numbers import as_float
from rules.values import dataclass
from rules.wording import clipped, long_span, number

_WHOLE = re.compile(r"-?\d{1,40}", re.ASCII)
_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class Mark:
    """How far something has come.

    Attributes:
        form: `number`, `instant` or `text`; marks of different forms have no order.
        value: A Decimal, an aware datetime or a text.
    """

    form: str
    value: Any

    @property
    def instant(self) -> datetime | None:
        """Return the instant, if it is one."""
        return self.value if self.form == "instant" else None

    def is_behind(self, other: "Mark") -> bool:
        """Return whether it is lower; never for marks of different forms."""
        return self.form == other.form and bool(self.value < other.value)

    def distance(self, other: "Mark") -> float | None:
        """Return how far it is from another of its form: a number or seconds; None between texts."""
        if self.form == "text":
            return None
        gap = abs(self.value - other.value)
        return gap.total_seconds() if isinstance(gap, timedelta) else as_float(float(gap))

    def gap(self, other: "Mark") -> str:
        """Return in words how far it is from another of its form; '' between texts."""
        apart = self.distance(other)
        if apart is None:
            return ""
        return long_span(timedelta(seconds=apart)) if self.form == "instant" else number(apart)

    def __str__(self) -> str:
        if self.form == "instant":
            return f"{self.value:%Y-%m-%d %H:%M:%S} UTC"
        return clipped(f"{self.value}", _SHOWN_MAX)

    def stored(self) -> str:
        """Return the text that `restored` reads."""
        return self.value.isoformat() if self.form == "instant" else str(self.value)


def mark_of(value: object, zone: str, unit: str = "native") -> Mark | None:
    """Return how far a column has come; None for null, booleans, NaN and infinity.

    A text of digits only is a number, one that is an instant is that.

    Args:
        zone: Of instants without an offset.
        unit: `epoch_s` or `epoch_ms` where numbers are instants.
    """
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    at = from_column(value, zone=zone, unit=unit)
    if at is not None:
        return Mark("instant", at)
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        exact = Decimal(str(value))
        return Mark("number", exact) if exact.is_finite() else None
    return Mark("text", str(value))


def restored(form: object, text: object) -> Mark | None:
    """Return the mark of which `stored` was kept; None when it cannot be."""
    value = str(text)
    try:
        if form == "number":
            return Mark("number", Decimal(value))
        if form == "instant":
            return Mark("instant", datetime.fromisoformat(value))
    except (ValueError, InvalidOperation):
        return None
    return Mark("text", value) if form == "text" else None
