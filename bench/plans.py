"""What a statement reads, by the plans of its database."""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg

from rules.base import Rows, SqlQuestion, SqlValue
from watchdog.engine.sqlite_indexes import table_named
from watchdog.sources.base import Source

_STEP = re.compile(
    r"(?P<how>SCAN|SEARCH) (?P<name>\w+)"
    r"(?: USING (?:(?:COVERING )?INDEX (?P<index>\w+)|(?P<key>INTEGER PRIMARY KEY)))?"
)


@dataclass(frozen=True, slots=True)
class Read:
    """One way in which a statement reads one table.

    Attributes:
        index: None where none is used.
        is_whole: All of the table, or of the index, is read.
        rows: How many were read, those that were thrown away, too; None where nobody counts.
    """

    table: str
    index: str | None
    is_whole: bool
    rows: int | None = None


async def postgres_reads(source: Source, question: SqlQuestion) -> list[Read]:
    """Run a statement and return what it has read.

    Raises:
        ValueError: It cannot be asked.
    """
    asked = replace(question, text=f"explain (analyze, format json) {question.text}")
    answer = await source.answer(asked)
    if not isinstance(answer, Rows):
        raise ValueError(f"{answer}: {question.text}")  # noqa: TRY004 (it is what was asked that is wrong)
    return _reads_in(next(iter(answer.rows[0].values())))


async def postgres_later_reads(server: asyncpg.Connection, question: SqlQuestion) -> list[Read]:
    """Run a statement as a server may from the sixth time on, planned for any parameters."""
    given = ", ".join(map(_literal, question.params))
    async with server.transaction():
        await server.execute("set local plan_cache_mode = force_generic_plan")
        await server.execute(f"prepare later as {question.text}")
        asked = f"execute later({given})" if given else "execute later"
        cell = await server.fetchval(f"explain (analyze, format json) {asked}")
        await server.execute("deallocate later")
    return _reads_in(cell)


def _literal(value: SqlValue) -> str:
    if isinstance(value, tuple):
        texts = ", ".join(_literal(one) for one in value)
        return f"array[{texts}]"
    return "'" + str(value).replace("'", "''") + "'" if value is not None else "null"


def _reads_in(cell: Any) -> list[Read]:
    plan = (json.loads(cell) if isinstance(cell, str) else cell)[0]["Plan"]
    return [
        _read(node) for node in _nodes(plan) if "Relation Name" in node and node["Actual Loops"]
    ]


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


def _read(scan: Mapping[str, Any]) -> Read:
    indexes = [one for one in _nodes(scan) if "Index Name" in one]
    thrown_away = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    rows = scan["Actual Rows"] + sum(scan.get(key, 0) for key in thrown_away)
    return Read(
        str(scan["Relation Name"]),
        ", ".join(str(one["Index Name"]) for one in indexes) or None,
        not any("Index Cond" in one for one in indexes),
        round(rows * scan["Actual Loops"]),
    )


def sqlite_reads(path: Path, question: SqlQuestion) -> list[Read]:
    """Return what a statement would read."""
    params = {str(number): value for number, value in enumerate(question.params, start=1)}
    with closing(sqlite3.connect(path)) as file:
        steps = file.execute(f"explain query plan {question.text}", params).fetchall()
        tables = [name for (name,) in file.execute("select name from sqlite_master")]
    return [
        Read(table, step["index"], step["how"] == "SCAN" or not (step["index"] or step["key"]))
        for step in (_STEP.match(detail) for *_, detail in steps)
        if step and (table := table_named(step["name"], question.text, tables))
    ]
