"""Values in the rows that a team's own query returns."""

from collections.abc import Mapping
from typing import Any

from rules.fields import column_name


def cell(row: Mapping[str, Any], column: str | None) -> Any:
    """Return a value of a row; of its first column where none is named.

    Raises:
        ValueError: The query returns no such column.
    """
    if column is None:
        return next(iter(row.values()), None)
    name = column_name(column)
    if name not in row:
        raise ValueError(f"the query returns no column `{name}`")
    return row[name]


def text_of(value: object) -> str:
    """Return a value of any type as the text that names an entity; '' for null."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
