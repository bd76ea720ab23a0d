# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""A row that is overwritten by every run: the runs are the changes that we observe."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rules.base import Entity
from rules.instants import from_epoch
from rules.marks import Mark, mark_of
from rules.memory import compact, record
from rules.sql_text import Statement, named, names
from rules.values import dataclass
from rules.wording import ERROR_MAX


@dataclass(frozen=True, slots=True)
class Streak:
    """Changes in a row after which a row was bad.

    Attributes:
        changed: What `changed` held at the latest of them.
        since: The instant of the first, as the row says, or else when we saw it.
        at: When we saw the latest.
    """

    changed: str
    count: int
    since: datetime
    at: datetime

    def text(self) -> str:
        """Return the text that `recalled` reads."""
        since, at = self.since.timestamp(), self.at.timestamp()
        return compact({"changed": self.changed, "count": self.count, "since": since, "at": at})


def recalled(text: str | None) -> Streak | None:
    """Return what was remembered; None for nothing, or for what cannot be read."""
    known = record(text, "changed", "count", "since", "at")
    if known is None:
        return None
    since, at = from_epoch(known["since"]), from_epoch(known["at"])
    if since is None or at is None or not isinstance(known["count"], int):
        return None
    return Streak(str(known["changed"]), known["count"], since, at)


def observed(before: Streak | None, mark: Mark, *, is_bad: bool, now: datetime) -> Streak | None:
    """Return the streak after a look at a row; the same where the row has not changed."""
    changed = mark.stored()
    if before is not None and before.changed == changed:
        return before
    if not is_bad:
        return None
    if before is not None:
        return Streak(changed, before.count + 1, before.since, now)
    since = min(mark.value, now) if mark.form == "instant" else now
    return Streak(changed, 1, since, now)


def newest(
    rows: Sequence[Mapping[str, Any]], zone: str, unit: str
) -> tuple[Mark, Mapping[str, Any]] | None:
    """Return the row that changed last, the good one of several; None when none says when."""
    marked = [(mark, row) for row in rows if (mark := mark_of(row["changed"], zone, unit))]

    def order(one: tuple[Mark, Mapping[str, Any]]) -> tuple[str, Any, bool]:
        mark, row = one
        return mark.form, mark.value, not row["bad"]

    return max(marked, key=order, default=None)


def statement(
    says: Statement,
    columns: Sequence[str],
    rows: str,
    parts: tuple[str, str, str | None],
    wanted: Sequence[Entity],
) -> str:
    """Return the statement for the rows that are bad, or that are wanted as they are.

    Args:
        rows: From `from` to the end of the conditions, twice the same.
        parts: The column that tells changes, the condition of a bad row, the column of its error.
    """
    changed, bad, error = parts
    cause = f"substr({says.text(error)}, 1, {ERROR_MAX})" if error else "null"
    each = (
        f"select {named(says.entity(columns))}{changed} as changed,"
        f" case when {says.condition(bad)} then 1 else 0 end as bad, {cause} as error, 1 as n"
        f"\n{rows} and {changed} is not null"
    )
    if not columns:
        return f"select * from (\n{each}\norder by {changed} desc limit 1\n) q"
    keys = names(columns)
    nulls = "".join(f"null as {key}, " for key in keys)
    return (
        f"select * from (\n{each}\n) q where bad = 1 or {says.among(keys, wanted)}"
        f"\nunion all\nselect {nulls}null, 0, null, count(*)"
        f" from (select 1 {rows} and {changed} is not null limit 1) r"
    )
