# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""The statements that count the rows of buckets; what has not changed much never leaves SQL."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from rules.base import Entity
from rules.baseline import BUCKETS_MIN, Bounds
from rules.buckets import Bucket
from rules.settings import mildest
from rules.sql_text import Statement, grouped, named, names
from rules.values import dataclass

_MOST = "1e300"
"""Larger numbers are no counts; NaN and infinity are larger."""


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted.

    Attributes:
        relation, where, columns: The table, a team's condition, and the entity.
        column: The instant of a row; None counts all rows there are.
        measure: `count`, `sum` or `average`, the latter two `of` a column.
        counts_empty: A bucket without rows counts as zero.
    """

    relation: str
    where: str | None
    columns: tuple[str, ...]
    column: str | None
    measure: Literal["count", "sum", "average"] = "count"
    of: str | None = None
    counts_empty: bool = True

    def rows(self, says: Statement, bucket: Bucket | None) -> str:
        """Return everything from `from` to the end of the conditions."""
        meant = f"from {self.relation} where {says.condition(self.where)}"
        if bucket is None or self.column is None:
            return meant
        since, until = says.since(self.column, bucket.since), says.older(self.column, bucket.until)
        return f"{meant} and {since} and {until}"

    def value(self, says: Statement) -> str:
        """Return the measured value of rows, never below zero; null for the average of none."""
        if self.of is None:
            return "count(*)::float8" if says.is_postgres else "count(*) * 1.0"
        of = says.number(self.of)
        number = f"case when {of} >= -{_MOST} and {of} <= {_MOST} then {of} end"
        total = f"sum({number})" if self.measure == "sum" else f"avg({number})"
        as_float = f"({total})::float8" if says.is_postgres else f"({total}) * 1.0"
        if self.measure == "average":
            return f"case when {total} < 0 then 0.0 else {as_float} end"
        return f"case when {total} > 0 then {as_float} else 0.0 end"

    def counted(self, says: Statement, number: int, bucket: Bucket) -> str:
        """Return the rows and the value of each entity in one bucket."""
        return (
            f"select {named(says.entity(self.columns))}{number} as b, count(*) as seen,"
            f" {self.value(says)} as n {self.rows(says, bucket)}{grouped(self.columns)}"
        )


def of_one(says: Statement, counting: Counting, bucket: Bucket) -> str:
    """Return the statement for one bucket: a row with `seen` and `n` for each entity."""
    return f"select * from (\n{counting.counted(says, 0, bucket)}\n) q where seen > 0"


def with_past(
    says: Statement,
    counting: Counting,
    buckets: Sequence[Bucket],
    bounds: Bounds,
    wanted: Sequence[Entity],
) -> str:
    """Return the statement for a bucket and those it is compared with.

    Its first row says when the table's first row was (`first_at`), every other has the `counts` of
    an entity: bucket, rows and value, as in `0:3:3.0,2:140:140.0`.

    Args:
        buckets: The judged one, then those before, the latest first.
        bounds: Entities beyond are returned.
        wanted: Entities that are returned in any case.
    """
    assert counting.column is not None
    counted = "\nunion all\n".join(
        counting.counted(says, number, one) for number, one in enumerate(buckets)
    )
    starts = [says.bind(one.since.timestamp(), "::float8") for one in buckets[1:]]
    known = " + ".join(f"case when first_at <= {start} then 1 else 0 end" for start in starts)
    near = says.near_extreme("min", counting.column, counting.relation, counting.where)
    first = says.epoch(f"min({says.key(counting.column)})")
    begin = (
        f"with watched_counts as (\n{counted}\n), watched_since as (\nselect first_at, {known} as k"
        f" from (select {first} as first_at {counting.rows(says, None)}{near}) f\n)"
    )
    if not counting.columns:
        counts = f"(select {_joined(says)} from watched_counts)"
        return f"{begin}\nselect {counts} as counts, first_at from watched_since"
    keys = names(counting.columns)
    nulls = "".join(f"null as {key}, " for key in keys)
    of_each = ", ".join(f"c.{key}" for key in keys)
    on = " and ".join(f"c.{key} = w.{key}" for key in keys)
    return (
        f"{begin}{_found(says, counting, bounds)} or {says.among(names(keys, 'p.'), wanted)}\n)"
        f"\nselect {nulls}null as counts, first_at from watched_since"
        f"\nunion all\nselect {of_each}, {_joined(says, 'c.')}, null"
        f"\nfrom watched_counts c join watched_found w on {on} group by {of_each}"
    )


def _joined(says: Statement, prefix: str = "") -> str:
    parts = [f"{prefix}{name}" for name in ("b", "seen", "n")]
    if says.is_postgres:
        each = " || ':' || ".join(f"{part}::text" for part in parts)
        return f"string_agg({each}, ',')"
    each = " || ':' || ".join(parts)
    return f"group_concat({each})"


def _found(says: Statement, counting: Counting, bounds: Bounds) -> str:
    """Return the entities whose value is too much, or far from at least half of the known past.

    Who is far from the median is far from the half beyond it, too: so it takes no sorting, and
    leaves out nobody. Buckets without rows are not stored: they are as many zeros as are missing.
    """
    keys = names(counting.columns)
    listed, of_now = ", ".join(keys), ", ".join(names(keys, "p."))
    on = " and ".join(f"c.{key} = p.{key}" for key in keys)
    last = "coalesce(last, 0.0)" if counting.counts_empty else "last"
    count = "k" if counting.counts_empty else "count(c.n)"
    floor, allow = says.bind(float(bounds.ignore_below), "::float8"), bounds.allow
    ranges = [one for one in (allow.plain, allow.warning, allow.critical) if one is not None]
    sides = []
    if mosts := [one.most for one in ranges if one.most is not None]:
        far = f"c.n * {says.bind(min(mosts), '::float8')} < {last} and {last} - c.n >= {floor}"
        zeros = f"case when {last} > 0 and {last} >= {floor} then {count} - count(c.n) else 0 end"
        sides.append(f"2 * (sum(case when {far} then 1 else 0 end) + {zeros}) >= {count}")
    if leasts := [one.least for one in ranges if one.least is not None]:
        far = f"c.n * {says.bind(max(leasts), '::float8')} > {last} and c.n - {last} >= {floor}"
        sides.append(f"2 * sum(case when {far} then 1 else 0 end) >= {count}")
    above = "1 = 0"
    if bounds.most is not None:
        above = f"last > {says.bind(float(mildest(bounds.most)), '::float8')}"
    return (
        f", watched_now as (\nselect {listed}, max(case when b = 0 then n end) as last"
        f"\nfrom watched_counts group by {listed}\n), watched_found as (\n"
        f"select {of_now} from watched_now p cross join watched_since"
        f" left join watched_counts c on {on} and c.b > 0 and c.b <= k"
        f"\ngroup by {of_now}, last, k having {above}"
        f" or {count} >= {BUCKETS_MIN} and ({' or '.join(sides)})"
    )


def of_found(
    says: Statement,
    counting: Counting,
    since: Bucket | None,
    last: Bucket,
    sequence: str | None,
    found: Sequence[Entity],
) -> str:
    """Return the statement for what else is said of a few entities.

    Args:
        since: From whose beginning on an entity's first row is looked for; None when it is not.
        sequence: A column of numbers; their least, greatest and how many differ in `last`.
    """
    entity = says.entity(counting.columns)
    among = f" and {says.of_one_of(counting.columns, found)}" if entity else ""
    first, span = "null", last
    if since is not None and counting.column is not None:
        first, span = (
            says.epoch(f"min({says.key(counting.column)})"),
            replace(last, since=since.since),
        )
    rows = counting.rows(says, span)
    ids = ["null", "null", "0"]
    if sequence is not None:
        inside = says.since(counting.column, last.since) if counting.column else "(1 = 1)"
        one = f"case when {inside} then {_whole_number(says, sequence)} end"
        ids = [f"min({one})", f"max({one})", f"count(distinct {one})"]
    return (
        f"select {named(entity)}{first} as first_at, {ids[0]} as least, {ids[1]} as greatest,"
        f" {ids[2]} as ids {rows}{among}{grouped(counting.columns)}"
    )


def _whole_number(says: Statement, column: str) -> str:
    text = says.text(column)
    if says.is_postgres:
        return f"case when {text} ~ '^[0-9]{{1,18}}$' then {text}::bigint end"
    is_whole = f"{text} glob '[0-9]*' and not {text} glob '*[^0-9]*' and length({text}) <= 18"
    return f"case when {is_whole} then cast({column} as integer) end"
