# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""How old things are: by the clock, or in active time only, in one zone or in that of each row.

Where a column names the zone of each row, the zones are asked for first; then each of them brings
one instant to the statement, so that it still returns only what is too old.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from rules.base import Answers, Context, SqlQuestion
from rules.hours import ActiveHours, active_after, active_since, active_time, span_at
from rules.instants import before
from rules.settings import TableSettings, age_at, rows_of
from rules.sql_text import Statement
from rules.values import dataclass


@dataclass(frozen=True, slots=True)
class Ages:
    """How old rows are at one instant.

    Attributes:
        active: The hours that count; None: all do.
        zones: What the rows' zone column holds; () where there is none.
    """

    now: datetime
    active: ActiveHours | None = None
    zones: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Return what is said behind an age."""
        return " (active time)" if self.active else ""

    def age(self, at: datetime, row: Mapping[str, Any]) -> timedelta:
        """Return how old what happened at `at` is."""
        if self.active is None:
            return age_at(self.now, at)
        return active_time(at, self.now, self.active.hours, self._zone(row))

    def reached(self, at: datetime, span: timedelta, row: Mapping[str, Any]) -> datetime:
        """Return when what happened at `at` became older than `span`."""
        if self.active is None:
            return at + span
        return active_after(at, span, self.now, self.active.hours, self._zone(row))

    def is_outside(self, row: Mapping[str, Any]) -> bool:
        """Return whether the zone that a row names is outside of the hours now."""
        if self.active is None or not self.active.column:
            return False
        return span_at(self.now, self.active.hours, self._zone(row)) is None

    def column(self, says: Statement, form: str = "max({})") -> str:
        """Return the column `zone` of a select; '' where rows name none."""
        name = self.active.column if self.active else ""
        return f"{form.format(_text(says, name))} as zone, " if name else ""

    def older(
        self, says: Statement, span: timedelta, is_before: Callable[[datetime], str], zone: str = ""
    ) -> str:
        """Return the condition that something may be older than `span`.

        Args:
            is_before: Returns the condition that it happened before an instant.
            zone: What holds the row's zone; by default its column.
        """
        if self.active is None:
            return is_before(before(self.now, span))
        hours = self.active.hours
        if not self.active.column:
            return is_before(active_since(span, self.now, hours, self.active.zone))
        zone = zone or _text(says, self.active.column)
        inside = [name for name in self.zones if not self.is_outside({"zone": name})]
        each = [
            f"({zone} = {says.bind(name, '::text')}"
            f" and {is_before(active_since(span, self.now, hours, zone_of(name)))})"
            for name in inside
        ]
        return f"({' or '.join(each)})" if each else "(1 = 0)"

    def _zone(self, row: Mapping[str, Any]) -> str:
        assert self.active is not None
        return zone_of(row["zone"]) if self.active.column else self.active.zone


def ages_of(context: Context, answers: Answers) -> Ages:
    """Return the ages of a look; where rows name zones, with those that were asked for."""
    active = context.active
    found = rows_of(answers) if active and active.column else None
    zones = tuple(sorted(str(row["zone"]) for row in found.rows)) if found else ()
    return Ages(context.now, active, zones)


def zone_question(
    kind: TableSettings, context: Context, answers: Answers
) -> tuple[SqlQuestion, ...]:
    """Return the question for the zones that rows name; () where none is needed, or it was asked."""
    active = context.active
    if answers or active is None or not active.column:
        return ()
    says = Statement(kind.dialect(context), context.now)
    text = (
        f"select distinct {_text(says, active.column)} as zone from {kind.relation}"
        f" where {says.condition(kind.where)}"
    )
    return (says.question(kind.source, text),)


def is_asked(context: Context, answers: Answers) -> bool:
    """Return whether the rows have been asked for, not only their zones."""
    return len(answers) > bool(context.active and context.active.column)


def inside(ages: Ages, rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the rows that may be judged: what is outside of its hours neither breaks nor recovers."""
    return [row for row in rows if not ages.is_outside(row)]


@lru_cache(maxsize=4096)
def zone_of(name: str | None) -> str:
    """Return the zone that a row names; UTC where nobody knows it."""
    try:
        return ZoneInfo(name).key if name else "UTC"
    except (LookupError, ValueError, OSError):
        return "UTC"


def _text(says: Statement, column: str) -> str:
    return f"coalesce({says.text(column)}, '')"
