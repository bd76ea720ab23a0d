"""Many rows at once."""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from watchdog.store.text import clean


async def copy(
    conn: asyncpg.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Add rows to a table of ours by COPY, in their order; texts are made fit for PostgreSQL.

    An array for each column takes the library three times as long: it asks of each value whether it
    might be an array itself.
    """
    await conn.copy_records_to_table(
        table,
        schema_name="watchdog",
        columns=columns,
        records=(
            tuple(clean(value) if type(value) is str else value for value in row) for row in rows
        ),
    )
