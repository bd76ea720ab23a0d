"""Statements of recovery actions: one change of rows, bound."""

import pytest

from rules.base import Dialect
from rules.changing import bind, check, columns_of
from rules.placeholders import PlaceholderError
from tests.postgres import NIGHT

SQLITE = Dialect("sqlite", "iso")
ENTITY = (("shop", "a'; drop table orders; --"), ("id", "7"))


def test_values_become_parameters_and_never_text() -> None:
    text = (
        "update orders set state = 'idle', touched_at = {{ now }} "
        "where shop = {{ entity.shop }} and since < {{ opened_at }} and id = {{ entity.id }};"
    )
    bound = bind("shop", text, Dialect(), now=NIGHT, entity=ENTITY, opened_at=NIGHT)
    assert bound.text == (
        "update orders set state = 'idle', touched_at = ($1::timestamptz) "
        "where shop = ($2) and since < ($3::timestamptz) and id = ($4)"
    )
    assert bound.params == (NIGHT, ENTITY[0][1], NIGHT, "7")


def test_sqlite_gets_instants_as_its_columns_hold_them() -> None:
    text = "update jobs set due = {{ now }} where id = {{ entity.id }} and due > {{ now }}"
    bound = bind("jobs", text, SQLITE, now=NIGHT, entity=ENTITY, opened_at=NIGHT)
    assert bound.text == "update jobs set due = ($1) where id = ($2) and due > ($1)"
    assert isinstance(bound.params[0], str)


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("select 1", 0, "`select` does not begin a change of rows"),
        ("truncate orders", 0, "`truncate` does not begin a change of rows"),
        ("drop table orders", 0, "`drop` does not begin a change of rows"),
        ("commit", 0, "`commit` does not begin a change of rows"),
        (
            "with gone as (delete from orders returning *) update t set a = 1 where true",
            0,
            "`with` does not begin a change of rows",
        ),
        ("update orders set state = 'idle'", 0, "it changes every row"),
        ("delete from orders", 0, "it changes every row"),
        ("update o set n = (select 1 from p where true)", 0, "it changes every row"),
        ("delete from a where true; delete from b where true", 24, "more than one statement"),
        ("delete from a where b = '{{ entity.id }}'", 25, "a placeholder inside a literal is"),
        ("delete from a where b = {{ entity.shp }}", 24, "`{{ entity.shp }}` is unknown"),
        ("delete from a where b = $1", 24, "`$1` stands for nothing"),
        ("delete from a where (b = 1", 20, "this parenthesis has no end"),
        ("-- nothing", 0, "there is no statement"),
    ],
)
def test_a_mistake_is_told_where_it_stands(text: str, at: int, words: str) -> None:
    problem = check(text, ["shop", "id"])[0]
    assert problem.at == at
    assert problem.text.startswith(words)
    with pytest.raises(PlaceholderError):
        bind("shop", text, Dialect(), now=NIGHT, entity=ENTITY, opened_at=NIGHT)


@pytest.mark.parametrize(
    "text",
    [
        "insert into jobs (shop) values ({{ entity.shop }})",
        "insert into jobs select id from orders where shop = {{ entity.shop }} on conflict do nothing",
        "UPDATE orders SET state = 'idle' WHERE id = {{ entity.id }} RETURNING id",
        "delete from orders where id = {{ entity.id }} -- the one",
    ],
)
def test_one_change_of_some_rows_is_right(text: str) -> None:
    assert check(text, ["shop", "id"]) == []


def test_the_columns_that_it_needs_are_known() -> None:
    assert columns_of("delete from a where b = {{ entity.shop }} and c < {{ now }}") == {"shop"}
