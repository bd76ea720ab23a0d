"""Numbers from outside, which may be anything."""

import math
from datetime import timedelta
from decimal import Decimal

GREATEST = 1.7e308
"""What stands for every number that is larger."""


def as_float(value: object) -> float | None:
    """Return a number as a float, the greatest one where it is too large; None for all else.

    Booleans, texts, NaN and infinity are no numbers.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return GREATEST if value > 0 else -GREATEST
    return found if math.isfinite(found) else None


def from_sql(value: object) -> float | None:
    """Return the number in a column: 1 or 0 for a boolean, seconds for an interval, else as above."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return max(-GREATEST, min(GREATEST, float(value))) if value.is_finite() else None
    return as_float(value)
