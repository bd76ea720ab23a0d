"""What is usual, from few values that may hold outliers, and whether a value is far from it."""

from collections.abc import Sequence
from statistics import median

from rules.base import Severity
from rules.fields import Limits
from rules.ranges import Range
from rules.settings import crossed
from rules.values import dataclass
from rules.wording import number

SPREADS = 3.0
"""How many times the spread a value must be away: about two standard deviations of plain noise."""

BUCKETS_MIN = 3
"""With fewer values there is nothing usual."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual.

    Attributes:
        median: Half of the values are above it.
        spread: The median of their distances from it; one bad day in four moves neither far.
        count: How many values there were.
    """

    median: float
    spread: float
    count: int


@dataclass(frozen=True, slots=True)
class Crossed:
    """A bound that a value is beyond.

    Attributes:
        word: `max` or `min`.
        limit: In the value's own unit.
        share: The limit as a part of what is usual; None where it is a plain number.
    """

    severity: Severity
    word: str
    limit: float
    share: float | None = None

    @property
    def words(self) -> str:
        """Return the bound for a phone: `max 400%`, `max 500`."""
        bound = number(self.limit) if self.share is None else f"{self.share * 100:g}%"
        return f"{self.word} {bound}"


def usual_of(values: Sequence[float]) -> Usual:
    """Return what is usual of at least one value."""
    middle = median(values)
    return Usual(middle, median(abs(value - middle) for value in values), len(values))


def crossed_by(
    value: float,
    usual: Usual,
    allow: Limits[Range],
    *,
    ignore_below: float,
    severity: Severity,
) -> Crossed | None:
    """Return the most severe bound that a value is beyond.

    It must be outside the range, and at least `ignore_below` and more than `SPREADS` spreads away
    from the median. Where the median is 0 any value above `ignore_below` is beyond a `most`.

    Args:
        severity: Of a range without a level.
    """
    gap = abs(value - usual.median)
    if gap < ignore_below or gap <= SPREADS * usual.spread:
        return None
    for level, range_ in allow.levels(severity):
        least, most = range_.least, range_.most
        if most is not None and value > most * usual.median:
            return Crossed(level, "max", most * usual.median, most)
        if least is not None and value < least * usual.median:
            return Crossed(level, "min", least * usual.median, least)
    return None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a value may be: a part of what is usual, and in any case not above a plain number."""

    allow: Limits[Range]
    ignore_below: float
    most: Limits[float] | None = None

    def crossed(self, value: float, past: Sequence[float], severity: Severity) -> Crossed | None:
        """Return the most severe bound that a value is beyond; few past values are not compared."""
        over = crossed(self.most, value, severity) if self.most else None
        found = Crossed(over[0], "max", over[1]) if over else None
        if len(past) < BUCKETS_MIN:
            return found
        unusual = crossed_by(
            value, usual_of(past), self.allow, ignore_below=self.ignore_below, severity=severity
        )
        # max keeps the first of equals: at the same severity the plain number is told.
        return max(filter(None, (found, unusual)), key=lambda one: one.severity.rank, default=None)
