"""Figures that were kept once a day, read as figures of each day."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import date, timedelta
from typing import TypeAlias

from rules.values import dataclass

Figures: TypeAlias = Mapping[str, float | None]
"""Numbers by the name of their column; None where there was none."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sample:
    """What was kept on a day."""

    day: date
    figures: Figures


@dataclass(frozen=True, slots=True)
class Reading:
    """How samples are read.

    Attributes:
        rising: Columns that only ever rise: a day's figure is the difference to the day before.
        per: Further figures: one column divided by another, by the name of the quotient.
    """

    rising: tuple[str, ...] = ()
    per: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def per_day(
    samples: Iterable[Sample], reading: Reading, first: date, last: date
) -> dict[date, Figures]:
    """Return the figures of each day from `first` to `last`, both included.

    A figure is None where its day, or for a difference the day before, was not kept; where it fell
    though it only ever rises (somebody began anew); and where it would be divided by zero.
    """
    kept = {one.day: one.figures for one in samples}
    days = [first + ahead * _DAY for ahead in range((last - first).days + 1)]
    return {day: _figures(kept.get(day), kept.get(day - _DAY, {}), reading) for day in days}


def _figures(now: Figures | None, before: Figures, reading: Reading) -> Figures:
    if now is None:
        return {}
    figures = dict(now)
    for name in reading.rising:
        figures[name] = _risen(before.get(name), now.get(name))
    for name, (dividend, divisor) in reading.per.items():
        figures[name] = _quotient(figures.get(dividend), figures.get(divisor))
    return figures


def _risen(before: float | None, now: float | None) -> float | None:
    return None if before is None or now is None or now < before else now - before


def _quotient(dividend: float | None, divisor: float | None) -> float | None:
    return dividend / divisor if dividend is not None and divisor else None
