"""Which hours of a week the layers of a rotation leave to the lead."""

from collections.abc import Sequence
from datetime import time
from itertools import groupby

from rules.hours import WeeklyHours
from rules.values import dataclass
from watchdog.domain.people import Rotation

_DAY = 24 * 60
_WEEK = 7 * _DAY
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Hours of each week that no layer covers.

    Attributes:
        start: Minutes from Monday 00:00 by the team's wall clock.
        minutes: At most a week.
    """

    start: int
    minutes: int

    def __str__(self) -> str:
        """Return it as people say it: `fri 18:00 to mon 08:00`."""
        return f"{_said(self.start)} to {_said(self.start + self.minutes)}"


def uncovered(layers: Sequence[Rotation]) -> list[Uncovered]:
    """Return what no layer covers, from Monday on; nothing where one covers all.

    It holds for every week: DST changes move hours, but those that meet on the wall meet always.
    """
    hours = [one.hours for one in layers if one.hours is not None]
    if not hours or len(hours) < len(layers):
        return []
    covered = {minute for one in hours for minute in _minutes(one)}
    # The walk begins at a minute that is covered, so that no gap is cut in two by the week's end.
    first = min(covered)
    walk = groupby(range(first, first + _WEEK), lambda minute: minute % _WEEK in covered)
    spans = [list(minutes) for is_covered, minutes in walk if not is_covered]
    return [Uncovered(one[0], len(one)) for one in spans]


def _minutes(hours: WeeklyHours) -> set[int]:
    start, end = _minute_of(hours.start), _minute_of(hours.end)
    length = (end - start) % _DAY or _DAY
    begins = [day * _DAY + start for day in hours.days]
    return {minute % _WEEK for begin in begins for minute in range(begin, begin + length)}


def _minute_of(at: time) -> int:
    return 60 * at.hour + at.minute


def _said(minute: int) -> str:
    day, rest = divmod(minute % _WEEK, _DAY)
    return f"{_DAYS[day]} {rest // 60:02d}:{rest % 60:02d}"
