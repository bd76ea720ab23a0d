"""The duplicates kind against real tables, whatever holds their instants."""

from pathlib import Path
from typing import Any

import pytest

from rules.base import Kind, Outcome, Rows, Unanswered
from rules.duplicates import Duplicates
from tests.integration.test_kind_plans import plan_of
from tests.postgres import Server
from tests.watched_tables import STORAGES, Tables, entity, tables

TABLE = "create table contacts (workspace text, crm_id int, mail text, at $at)"
ROW = "insert into contacts (workspace, crm_id, mail, at) values ($1, $2, $3, $4)"


def kind_of(**more: Any) -> Kind:
    settings = {"source": "db", "table": "contacts", "columns": "crm_id"}
    return Duplicates.model_validate(settings | more)


def each(**more: Any) -> Kind:
    return kind_of(entity="workspace", **more)


async def test_the_same_key_twice_is_a_finding(db: Tables) -> None:
    rows = [("a", 1), ("a", 1), ("a", 2), ("b", 1), ("b", 3), ("b", 3), ("b", 4), ("b", 4)]
    await db.run(ROW, *((*row, "m", db.ago(hours=1)) for row in rows))
    one, other = (await db.judge(each())).findings
    assert (one.entity, one.value) == (entity(workspace="a"), 1.0)
    assert one.detail == "1 key stands in more than one row (2 rows), limit 0: 1."
    assert (other.entity, other.fact) == (entity(workspace="b"), "2 duplicate keys (max 0)")


async def test_the_same_key_in_two_workspaces_is_no_duplicate(native: Tables) -> None:
    await native.run(ROW, ("a", 1, "m", None), ("b", 1, "m", None))
    assert (await native.judge(each())).outcome is Outcome.OK
    assert (await native.judge(kind_of(columns=["workspace", "crm_id"]))).outcome is Outcome.OK
    (found,) = (await native.judge(kind_of())).findings
    assert (found.entity, found.value) == ((), 1.0)


async def test_a_key_of_several_columns_is_named_by_all(native: Tables) -> None:
    await native.run(ROW, *[("a", 1, "m", None)] * 2, ("a", 1, "n", None), ("b", 1, "m", None))
    (found,) = (await native.judge(kind_of(columns=["workspace", "crm_id", "mail"]))).findings
    assert found.detail == "1 key stands in more than one row (2 rows), limit 0: a, 1, m."


async def test_nulls_are_no_keys(native: Tables) -> None:
    await native.run(ROW, *[("a", None, "m", None)] * 3, *[(None, 1, "m", None)] * 3)
    assert (await native.judge(each())).outcome is Outcome.OK
    both = kind_of(columns=["workspace", "crm_id"])
    assert (await native.judge(both)).outcome is Outcome.OK


async def test_an_empty_table_has_no_duplicates(native: Tables) -> None:
    assert (await native.judge(each())).outcome is Outcome.OK
    (reading,) = (await native.judge(kind_of(), watched=[()])).readings
    assert (reading.value, reading.fact) == (0.0, "0 duplicate keys (max 0)")


async def test_only_keys_with_a_new_row_are_judged(db: Tables) -> None:
    rows = [("a", 1, 1), ("a", 1, 900), ("b", 1, 25), ("b", 1, 900), ("c", 1, -1), ("c", 1, -2)]
    await db.run(ROW, *((ws, key, "m", db.ago(hours=age)) for ws, key, age in rows))
    found = (await db.judge(each(newer_than="1d", column="at"))).findings
    assert [one.entity for one in found] == [entity(workspace="a"), entity(workspace="c")]


async def test_a_row_that_does_not_say_when_is_not_new(db: Tables) -> None:
    await db.run(ROW, *[("a", 1, "m", None)] * 2)
    judgement = await db.judge(each(newer_than="1d", column="at"))
    assert judgement.outcome is Outcome.OK


async def test_a_condition_says_which_rows_count(native: Tables) -> None:
    await native.run(ROW, ("a", 1, "m", native.ago(hours=1)), ("a", 1, "old", None))
    for more in ({}, {"newer_than": "1d", "column": "at"}):
        kind = each(where="mail <> 'old'", **more)
        assert (await native.judge(kind)).outcome is Outcome.OK


async def test_a_watched_entity_is_read_again(native: Tables) -> None:
    await native.run(ROW, *[("a", 1, "m", None)] * 2, ("b", 1, "m", None))
    watched = [entity(workspace=one) for one in ("a", "b", "gone")]
    judgement = await native.judge(each(max=1), watched)
    assert judgement.findings == ()
    assert [(one.entity, one.value) for one in judgement.readings] == [
        (watched[0], 1.0),
        (watched[1], 0.0),
        (watched[2], 0.0),
    ]


async def test_ten_thousand_healthy_entities_send_no_row(native: Tables) -> None:
    await native.run(
        "insert into contacts (workspace, crm_id) with recursive n(i) as"
        " (select 1 union all select i + 1 from n where i < 10000) select i, 1 from n"
    )
    answer = await native.answer(each(), native.context())
    assert isinstance(answer, Rows)
    assert (list(answer.rows), len(native.asked)) == ([], 1)


async def test_a_missing_column_is_no_answer(native: Tables) -> None:
    answer = await native.answer(each(columns="crm_number"), native.context())
    assert isinstance(answer, Unanswered)
    assert "crm_number" in answer.reason
    assert not answer.whole_source


@pytest.mark.parametrize(
    ("value", "column"),
    [
        ("gen_random_uuid()", "c"),
        ("state 'idle'", "c"),
        ("numeric 'NaN'", "c"),
        ("""json '{"id": 7}'""", "c->>'id'"),
        ("true", "c"),
        ("timestamptz 'infinity'", "c"),
    ],
)
async def test_a_key_may_be_of_any_type(
    postgres_server: Server, tmp_path: Path, value: str, column: str
) -> None:
    async with tables(STORAGES["postgres"], postgres_server, tmp_path) as db:
        await db.run("create type state as enum ('idle')")
        made = "create table t as select $value as c from generate_series(1, 2)"
        await db.run(made.replace("$value", f"(select {value})"))
        kind = Duplicates.model_validate({"source": "db", "table": "t", "columns": column})
        (found,) = (await db.judge(kind)).findings
        assert found.value == 1.0


async def test_postgres_finds_the_rows_of_new_keys_by_an_index(
    postgres_server: Server, tmp_path: Path
) -> None:
    async with tables(STORAGES["postgres"], postgres_server, tmp_path) as db:
        await db.run("create table contacts (workspace text, crm_id int, at timestamptz)")
        await db.run(
            "insert into contacts select 'a', i, timestamptz '2025-01-01' from generate_series(1, 50000) i"
        )
        await db.run("create index by_key on contacts (workspace, crm_id); analyze contacts")
        await db.run("create index by_at on contacts (at)")
        plan = await plan_of(db, each(newer_than="1d", column="at"))
        assert "by_key" in plan
        assert "by_at" in plan
