"""Which index a statement on SQLite misses."""

import sqlite3
from contextlib import closing

import pytest

from watchdog.engine.sqlite_indexes import SCHEMA, missing_indexes

RUNS = "create table runs (id integer primary key, org text, status text, at text, ms integer);"


def missing(made: str, text: str) -> list[str]:
    """Return the statements for what is missing beside what `made` makes."""
    with closing(sqlite3.connect(":memory:")) as file:
        file.row_factory = sqlite3.Row
        file.executescript(made)
        schema = [dict(row) for row in file.execute(SCHEMA)]
    return [one.statement for one in missing_indexes(schema, text)]


@pytest.mark.parametrize(
    "text",
    [
        "select count(*) from runs where at >= $1",
        "select max(at) from runs",
        "select * from runs order by at desc limit 20",
        "select l.ms from runs as l where l.at < $1 and cast(l.org as text) = $2",
        "select ms from main.runs l join (select 1 as one) on l.at between $1 and $2",
        "with young as (select * from runs where at > $1) select org, count(*) from young group by org",
    ],
)
def test_the_index_is_named_that_spares_reading_all(text: str) -> None:
    assert missing(RUNS, text) == ["create index runs_by_at on runs (at);"]
    assert missing(f"{RUNS} create index by_at on runs (at, org)", text) == []


@pytest.mark.parametrize(
    "text",
    [
        "select org, count(*) from runs group by org",
        "select org, max(at) from runs group by coalesce(org, '')",
        "select 1 from runs where cast(status as text) = 'failed' limit 1",
        "select 1 from runs where id = 7",
        "select sum(ms) from runs",
    ],
)
def test_no_index_is_named_where_all_must_be_read_or_a_row_is_found_at_once(text: str) -> None:
    assert missing(RUNS, text) == []


def test_an_index_is_named_that_sqlite_would_make_for_each_look() -> None:
    text = "select r.ms from orgs as o cross join runs as r on r.org = o.name"
    made = f"{RUNS} create table orgs (name text);"
    assert missing(made, text) == ["create index runs_by_org on runs (org);"]


def test_each_table_may_miss_an_index() -> None:
    made = f"{RUNS} create table orders (at text, total integer);"
    text = "select (select max(at) from runs), (select max(total) from orders where total < $1)"
    assert missing(made, text) == [
        "create index runs_by_at on runs (at);",
        "create index orders_by_total on orders (total);",
    ]


def test_names_are_quoted_where_the_statement_quotes_them_and_are_not_taken() -> None:
    made = 'create table "group" ("order" text, "My Time" text); create table group_by_order (n);'
    assert missing(made, 'select max("order") from "group"') == [
        'create index group_by_order_ on "group" ("order");'
    ]
    assert missing(made, 'select max("My Time") from "group"') == []
    text = 'select max("My Time") from [group] as g where g."order" = $1'
    assert missing(made, text) == ['create index group_by_order_ on "group" ("order");']


def test_what_cannot_be_planned_is_an_error_and_a_foreign_table_is_none() -> None:
    schema = [{"type": "table", "name": "t", "sql": "create virtual table t using absent(x)"}]
    assert missing_indexes(schema, "select 1") == []
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        missing_indexes(schema, "select * from t")
