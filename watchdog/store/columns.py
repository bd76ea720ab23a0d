"""Rows as statements take them that write many."""

from collections.abc import Iterable, Sequence
from typing import Any


def in_columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Return a list for each column, of at least one row, for `unnest`."""
    return [list(column) for column in zip(*rows, strict=True)]
