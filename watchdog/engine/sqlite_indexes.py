# ruff: noqa: S608 - names are quoted, and of the file itself.
"""Which index a statement misses in an SQLite file: tried on an empty copy of its tables.

SQLite's planner tells no costs, only how it goes about a statement. So each column that the statement
names is given an index in a copy without rows, and what makes it read a table as a whole one time
less, or spares it to sort for the first rows, is what is missing.
"""

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

SCHEMA: Final = """
select type, name, sql from sqlite_master where sql is not null and name not like 'sqlite~_%' escape '~'
order by type = 'table' desc, type = 'index' desc
"""
"""What `missing_indexes` is given; indexes need their tables, views need both."""

_COLUMNS_MAX = 40
"""Of the columns of a table that a statement names, so many are tried."""

_WHOLE = re.compile(r"SCAN (?:TABLE )?(\w+)|SEARCH (?:TABLE )?(\w+)(?:$| USING AUTOMATIC)")
"""A search without an index is for the least or greatest value; an automatic one is made of all."""

_SORTS = "USE TEMP B-TREE FOR ORDER BY"


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is missing, and the statement that makes it."""

    table: str
    statement: str

    def rows_up_to(self, most: int) -> str:
        """Return the statement that counts the table's rows as `n`, up to `most` of them."""
        doubled = self.table.replace('"', '""')
        return f'select count(*) as n from (select 1 from "{doubled}" limit {most})'


def missing_indexes(schema: Sequence[Mapping[str, str]], text: str) -> list[Index]:
    """Return the indexes that a statement misses, also on tables that are too small to need one.

    Args:
        schema: The rows that `SCHEMA` brings.
        text: The statement; what its parameters are does not matter.

    Raises:
        sqlite3.Error: It cannot be planned.
    """
    tables = [one["name"] for one in schema if one["type"] == "table"]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        for one in schema:
            with contextlib.suppress(sqlite3.Error):  # an extension's; the statement may need none
                copy.execute(one["sql"])
        whole = filter(None, map(_WHOLE.match, _steps(copy, text)))
        names = (one[1] or one[2] for one in whole)
        read = dict.fromkeys(table_named(name, text, tables) for name in names)
        untried = [one for table in read if table for one in _candidates(copy, table, text)]
        found: list[Index] = []
        while best := _best(copy, text, untried):
            copy.execute(best.statement)
            untried.remove(best)
            found.append(best)
        return found


def table_named(name: str, text: str, known: Iterable[str]) -> str | None:
    """Return the table that a plan calls by its own name or by the one that a statement gives it."""
    tables = {one.lower(): one for one in known}
    if name.lower() in tables:
        return tables[name.lower()]
    before = re.findall(rf'(\w+)["`\]]?\s+(?:as\s+)?{name}\b', text, re.IGNORECASE)
    return next((tables[one.lower()] for one in before if one.lower() in tables), None)


def _steps(copy: sqlite3.Connection, text: str) -> list[str]:
    params = dict.fromkeys(re.findall(r"\$(\d+)", text))
    return [str(row[3]) for row in copy.execute(f"explain query plan {text}", params)]


def _work(copy: sqlite3.Connection, text: str) -> int:
    """Return how many times the statement reads something as a whole, or sorts for its first rows."""
    return sum(_WHOLE.match(step) is not None or step == _SORTS for step in _steps(copy, text))


def _candidates(copy: sqlite3.Connection, table: str, text: str) -> Iterator[Index]:
    words = {one.lower() for one in re.findall(r"\w+", text)}
    taken = {name for (name,) in copy.execute("select lower(name) from sqlite_master")}
    columns = copy.execute("select name from pragma_table_info(?)", (table,)).fetchall()
    for column in [one for (one,) in columns if one.lower() in words][:_COLUMNS_MAX]:
        name = f"{table}_by_{column}"
        while name.lower() in taken:
            name += "_"
        on = f"{_as_in(text, table)} ({_as_in(text, column)})"
        yield Index(table, f"create index {_as_in(text, name)} on {on};")


def _as_in(text: str, name: str) -> str:
    """Return a name in quotes where it needs them: where it is not plain, or `text` has it so."""
    is_plain = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII)
    if is_plain and not re.search(rf'["`\[]{name}["`\]]', text, re.IGNORECASE):
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _best(copy: sqlite3.Connection, text: str, candidates: Sequence[Index]) -> Index | None:
    """Return the index that spares most work, if any does; of equals the first."""
    best, least = None, _work(copy, text)
    for one in candidates:
        copy.execute("savepoint tried")
        copy.execute(one.statement)
        if (work := _work(copy, text)) < least:
            best, least = one, work
        copy.execute("rollback to tried")
        copy.execute("release tried")
    return best
