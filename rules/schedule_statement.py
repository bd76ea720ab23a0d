# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""The statements that the kind `schedule` asks: at most two for any number of entities."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel

from rules.base import Context, Question
from rules.cron import CRON_MAX
from rules.extremes import of_entities, of_none, of_table
from rules.instants import before
from rules.settings import mildest
from rules.sql_text import Statement, grouped, named, names

if TYPE_CHECKING:
    from rules.schedule import Schedule

_NEVER, _NOT_JUDGED, _ALWAYS = -1e18, 1e17, 1e18
"""Epochs of a run that never was, of one that is not judged for it, and of what all have missed."""


class ScheduleStatement:
    """A statement of a rule in the making."""

    def __init__(self, kind: "Schedule", context: Context) -> None:
        """Begin a statement for one look."""
        self.kind = kind
        self.context = context
        self.says = Statement(kind.dialect(context), context.now)
        self.missed_at = before(context.now, mildest(kind.grace))

    def _question(self, text: str) -> Question:
        return self.says.question(self.kind.source, text)

    def newest(self) -> Question:
        """Ask for the newest run, or what is due longest: of all, or of each entity that is late."""
        kind, says = self.kind, self.says
        pace = kind.pace
        assert pace is not None
        instant = self._number(says.epoch(self._extreme()))
        if not kind.entity_columns:
            near = "" if kind.created else self._near()
            return self._question(of_table(says, kind, instant, near))
        if kind.due is not None:
            return self._question(self._overdue(kind.due, instant))
        limit = pace.missed_before(self.missed_at, kind.in_a_row)
        wanted = f"{self._or_never('at')} < {says.bind(limit.timestamp(), '::float8')}"
        return self._question(
            of_entities(says, kind, instant, wanted, self.context.watched),
        )

    def _overdue(self, due: str, instant: str) -> str:
        """Return the statement for what is due by a column; an index on it finds the few late rows."""
        kind, says, watched = self.kind, self.says, self.context.watched
        entity = says.entity(kind.entity_columns)
        meant = [f"{says.condition(kind.where)} and {says.older(due, self.missed_at)}"]
        if watched:
            meant.append(
                f"{says.condition(kind.where)} and {says.of_one_of(kind.entity_columns, watched)}"
            )
        parts = [
            f"select {named(entity)}{instant} as at, count(*) as n from {kind.relation}"
            f" where {condition}{grouped(entity)}"
            for condition in meant
        ]
        return "\nunion all\n".join([*parts, of_none(says, kind)])

    def paces(self) -> Question:
        """Ask for the different cron lines and zones, how many rows have each, and their last run."""
        if not self.kind.is_by_row:
            return self._question(self._one_pace())
        kind, says = self.kind, self.says
        newest = self._number(says.epoch(f"max({says.key(kind.last_run or '')})"))
        return self._question(
            f"select {self._line()} as cron, {self._zone()} as zone, {newest} as at, null as due,"
            f" count(*) as n from {kind.relation} where {self._has_line()}{grouped(['cron', 'zone'])}"
        )

    def _one_pace(self) -> str:
        """Return the statement for all rows as one, by scalar subqueries: indexes serve them."""
        kind, says = self.kind, self.says
        last_run = kind.last_run or ""
        line, zone = self._line(), self._zone()
        near = says.near_extreme("max", last_run, kind.relation, kind.where)
        at = self._scalar(self._number(says.epoch(f"max({says.key(last_run)})")), near)
        due, late = "null", ""
        if kind.due is not None:
            late = f" and {says.older(kind.due, self.missed_at)}"
            due = self._scalar(says.epoch(f"max({says.key(kind.due)})"), late)
        count = self._scalar("count(*)", late)
        return f"select {line} as cron, {zone} as zone, {at} as at, {due} as due, {count} as n"

    def _scalar(self, selected: str, more: str) -> str:
        kind = self.kind
        return f"(select {selected} from {kind.relation} where {self.says.condition(kind.where)}{more})"

    def late(self, slots: Mapping[tuple[str, str], datetime | None]) -> Question:
        """Ask for the rows that have missed the slots of their own line and zone.

        Args:
            slots: Before which instant a last run is too old, by line and zone; None where they
                cannot be read, so that all of their rows are told.
        """
        kind, says = self.kind, self.says
        entity = names(kind.entity_columns)
        of_row = [f"q.{one}" for one in entity]
        keys = [*of_row, "q.cron", "q.zone"]
        rows = (
            f"select {named(says.entity(kind.entity_columns))}{self._line()} as cron,"
            f" {self._zone()} as zone, {self._instant()} as at"
            f" from {kind.relation} where {self._has_line()}{self._once}"
        )
        is_late = f"{self._or_never('q.at')} < s.at"
        among = says.among(of_row, self.context.watched) if entity else self._is_watched()
        return self._question(
            f"select {''.join(f'q.{one}, ' for one in entity)}q.cron, q.zone, min(q.at) as at,"
            f" sum(case when {is_late} then 1 else 0 end) as n,"
            f" count(*) - count(q.at) as nevers"
            f"\nfrom (\n{rows}\n) q join {self._slots(slots)} s"
            f" on s.cron = q.cron and s.zone = q.zone"
            f"\nwhere {is_late} or {among}{grouped(keys)}"
        )

    @property
    def _once(self) -> str:
        """Return what makes SQLite work a subquery out once, not again for each row of the other."""
        return "" if self.says.is_postgres else " limit -1"

    def _is_watched(self) -> str:
        return "(1 = 1)" if self.context.watched else "(1 = 0)"

    def _slots(self, slots: Mapping[tuple[str, str], datetime | None]) -> str:
        rows = [(*pair, at.timestamp() if at else _ALWAYS) for pair, at in slots.items()]
        if self.says.is_postgres:
            columns = [tuple(map(str, column)) for column in zip(*rows, strict=True)]
            casts = ("::text[]", "::text[]", "::float8[]")
            bound = map(self.says.bind, columns, casts)
            return f"(select * from unnest({', '.join(bound)}) as o(cron, zone, at))"
        parts = (f"json_extract(value, '$[{i}]') as {n}" for i, n in enumerate(_SLOT))
        listed = f"json_each({self.says.bind(json.dumps(rows))})"
        return f"(select {', '.join(parts)} from {listed}{self._once})"

    def _extreme(self) -> str:
        kind, says = self.kind, self.says
        if kind.due is not None:
            return f"min({says.key(kind.due)})"
        key = says.key(kind.last_run or "")
        return f"max(coalesce({key}, {says.key(kind.created)}))" if kind.created else f"max({key})"

    def _near(self) -> str:
        kind = self.kind
        which, column = ("min", kind.due) if kind.due else ("max", kind.last_run)
        return self.says.near_extreme(which, column or "", kind.relation, kind.where)

    def _instant(self) -> str:
        """Return the last run of one row, or when it was made, in epoch seconds."""
        columns = [one for one in (self.kind.last_run, self.kind.created) if one is not None]
        each = [self._number(self.says.epoch(self.says.key(one))) for one in columns]
        return f"coalesce({', '.join(each)})" if len(each) > 1 else each[0]

    def _number(self, epoch: str) -> str:
        """Return what is no number as null: it says as little as that."""
        is_any_float = self.says.is_postgres and self.says.dialect.time.startswith("epoch")
        return f"nullif({epoch}, 'NaN')" if is_any_float else epoch

    def _or_never(self, at: str) -> str:
        never = _NEVER if self.kind.if_never == "bad" else _NOT_JUDGED
        return f"coalesce({at}, {self.says.bind(never, '::float8')})"

    def _line(self) -> str:
        return self._text(self.kind.cron)

    def _zone(self) -> str:
        return self._text(self.kind.timezone)

    def _text(self, given: str | BaseModel | None) -> str:
        """Return a row's own text, or the one that is the same for all."""
        if given is None or isinstance(given, str):
            return self.says.bind(given or "", "::text")
        column, default = (getattr(given, name) for name in ("column", "default"))
        text = f"substr({self.says.text(column)}, 1, {CRON_MAX + 1})"
        return f"coalesce({text}, {self.says.bind(default, '::text')})" if default else text

    def _has_line(self) -> str:
        condition = self.says.condition(self.kind.where)
        line = self.kind.cron
        if line is None or isinstance(line, str) or line.default is not None:
            return condition
        return f"{condition} and {line.column} is not null"


_SLOT = ("cron", "zone", "at")
