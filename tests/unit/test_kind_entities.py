# ruff: noqa: S608 - the expressions are our own.
"""Rows of a few entities, found by an index of SQLite on what the columns hold."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Dialect, Entity
from rules.sql_text import Statement

NOW = datetime(2026, 11, 2, 9, 2, tzinfo=UTC)
COLUMNS = ("org", "system")
TYPES = ("", "text", "text collate nocase", "integer", "numeric", "real", "blob")
texts = st.text("aA01.-e+ é", max_size=5)
cells = (
    st.none()
    | texts
    | texts.map(str.encode)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
)


def of(org: str, system: str) -> Entity:
    return ("org", org), ("system", system)


def asked(file: sqlite3.Connection, entities: Sequence[Entity], prefix: str = "") -> list[str]:
    """Return what a select of the rows of `entities` says, by rowid or as a plan."""
    says = Statement(Dialect("sqlite"), NOW)
    condition = says.of_one_of(COLUMNS, entities)
    question = says.question("db", f"{prefix} select rowid, * from t where {condition}")
    params = {str(place): value for place, value in enumerate(question.params, start=1)}
    return [str(row[3] if prefix else row[0]) for row in file.execute(question.text, params)]


@given(st.sampled_from(TYPES), st.lists(st.tuples(cells, cells), min_size=1, max_size=6))
def test_a_row_is_found_by_its_texts_whatever_its_columns_hold(
    kept_as: str, rows: Sequence[tuple[object, object]]
) -> None:
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute(f"create table t (org {kept_as}, system {kept_as})")
        file.executemany("insert into t values (?, ?)", rows)
        named = ", ".join(Statement(Dialect("sqlite"), NOW).entity(COLUMNS))
        held = file.execute(f"select rowid, {named} from t").fetchall()
        for _, *texts_of in held:
            meant = [str(rowid) for rowid, *others in held if others == texts_of]
            assert asked(file, [of(*texts_of)]) == meant


@pytest.mark.parametrize("org", ["acme", "17"])
def test_the_index_on_their_columns_is_used(org: str) -> None:
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute("create table t (org, system, at)")
        file.execute("create index by_org on t (org, system)")
        plan = asked(file, [of(org, "zendesk")], "explain query plan")
    assert "SEARCH t USING INDEX by_org (org=? AND system=?)" in plan


def test_the_index_is_not_asked_for_combinations_that_nobody_is() -> None:
    many = [of(f"org {number}", f"system {number}") for number in range(101)]
    with closing(sqlite3.connect(":memory:")) as file:
        file.execute("create table t (org text, system text)")
        file.execute("create index by_org on t (org, system)")
        file.executemany("insert into t values (?, ?)", [("org 7", "system 7")])
        assert not any("by_org (" in step for step in asked(file, many, "explain query plan"))
        assert asked(file, many) == ["1"]
