"""Trouble that was announced: what begins in it is expected, and what outlasts it is not."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rules.hours import WeeklyHours, span_at
from rules.values import dataclass


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A span, or hours that come again each week, in which trouble is expected.

    Attributes:
        rule, source, team: What it is announced for; empty is any.
        begins_at, ends_at: Of the one span; None where `hours` come again.
    """

    reason: str
    zone: str
    rule: str = ""
    source: str = ""
    team: str = ""
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    hours: WeeklyHours | None = None

    def is_for(self, rule: str, source: str, team: str) -> bool:
        """Return whether it is announced for a rule, also for what says that it is not watched."""
        return (
            self.rule in {"", rule.removeprefix("rule:").removeprefix("no_data:")}
            and self.source in {"", source}
            and self.team in {"", team}
        )

    def end_of(self, at: datetime) -> datetime | None:
        """Return when the span ends that `at` lies in; None where it lies in none."""
        if self.hours is not None:
            span = span_at(at, self.hours, self.zone)
            return span[1] if span else None
        if self.begins_at is None or self.ends_at is None:
            return None
        return self.ends_at if self.begins_at <= at < self.ends_at else None

    def said(self, ends_at: datetime) -> str:
        """Return its reason and its end, by the wall clock of its zone."""
        local = ends_at.astimezone(ZoneInfo(self.zone))
        return f"maintenance ({self.reason}) until {local:%Y-%m-%d %H:%M} {self.zone}"


def expected(windows: Sequence[Maintenance], since: datetime, now: datetime) -> str:
    """Return what explains trouble that began at `since` and lasts; empty for nothing."""
    lasting = _announced(windows, now)
    if not lasting or not _announced(windows, since):
        return ""
    one, ends_at = max(lasting, key=lambda pair: pair[1])
    return f"expected: {one.said(ends_at)}"


def outlasted(windows: Sequence[Maintenance], since: datetime) -> str:
    """Return a sentence about trouble that began in a maintenance and is there after it; or nothing."""
    announced = _announced(windows, since)
    if not announced:
        return ""
    one, ends_at = max(announced, key=lambda pair: pair[1])
    return f"Still broken after {one.said(ends_at)}."


def _announced(
    windows: Sequence[Maintenance], at: datetime
) -> Sequence[tuple[Maintenance, datetime]]:
    return [(one, ends_at) for one in windows if (ends_at := one.end_of(at))]
