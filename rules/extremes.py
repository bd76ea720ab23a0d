# ruff: noqa: S608 - names are checked when they are read, values are parameters.
"""Statements for the newest or oldest instant of a table, or of each of its entities."""

from collections.abc import Sequence

from rules.base import Entity
from rules.settings import TableSettings
from rules.sql_text import Statement, grouped, named, names


def of_table(says: Statement, table: TableSettings, instant: str, near: str = "") -> str:
    """Return a statement for one row: the instant as `at`, and as `n` whether there is any row.

    Scalar subqueries: a lone `min` or `max` is read off the end of an index.

    Args:
        instant: The aggregate, in epoch seconds.
        near: A condition that leaves the rows that may hold it; begins with ` and`.
    """
    rows = [f"from {table.relation} where {says.condition(table.where)}" for _ in range(2)]
    return (
        f"select (select {instant} {rows[0]}{near}) as at,"
        f" (select count(*) from (select 1 {rows[1]} limit 1) q) as n"
    )


def of_entities(
    says: Statement,
    table: TableSettings,
    instant: str,
    wanted: str,
    watched: Sequence[Entity],
    nothing: str = "null",
) -> str:
    """Return a statement for the wanted and the watched entities, and a row that is about none.

    Args:
        instant: The aggregate, in epoch seconds; other columns may stand before it.
        wanted: Which of them are wanted, as a condition on `at`.
        nothing: What stands in its place in the row about none.
    """
    columns = table.entity_columns
    entity = named(says.entity(columns))
    rows = f"from {table.relation} where {says.condition(table.where)}"
    among = says.among(names(columns), watched)
    return (
        f"select * from (select {entity}{instant} as at, count(*) as n {rows}"
        f"{grouped(columns)}) q\nwhere {wanted} or {among}"
        f"\nunion all\n{of_none(says, table, nothing)}"
    )


def of_none(says: Statement, table: TableSettings, nothing: str = "null") -> str:
    """Return the select of the row that is about no entity: its `n` says whether there is any row.

    Args:
        nothing: As in `of_entities`.
    """
    nulls = "".join(f"null as {name}, " for name in names(table.entity_columns))
    return (
        f"select {nulls}{nothing} as at, count(*) as n"
        f" from (select 1 from {table.relation} where {says.condition(table.where)} limit 1) q"
    )
