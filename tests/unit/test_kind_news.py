"""Rows that were not there before: what the sql kind makes of them from look to look."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import ROWS_MAX, Outcome
from rules.sql import Sql
from tests.looks import MINUTE, Looks
from tests.postgres import NIGHT as NOW


def sql(**new_only: Any) -> Sql:
    settings = {"source": "db", "query": "select 1", "new_only": {"within": "1h"} | new_only}
    return Sql.model_validate(settings)


def count(looks: Looks, *keys: object, after: timedelta = MINUTE) -> float:
    """Return how many rows with these keys are news."""
    found = looks.see(*({"id": key} for key in keys), after=after).findings
    return sum(one.value or 0 for one in found)


def test_a_row_is_news_for_a_while_after_it_was_first_seen() -> None:
    looks = Looks(sql(key="id"))
    assert count(looks) == 0
    assert count(looks, 1, 2) == 2
    assert count(looks, 1, 2, 3, after=59 * MINUTE) == 3
    assert count(looks, 1, 2, 3) == 1
    assert count(looks, 1, 2, 3, after=59 * MINUTE) == 0


def test_all_that_the_first_look_finds_is_news() -> None:
    looks = Looks(sql(key="id"))
    assert count(looks, 1, 2) == 2
    assert count(looks, 1, 2, after=60 * MINUTE) == 0


@pytest.mark.parametrize(
    ("at", "is_news"),
    [
        (NOW, True),
        (NOW - 2 * 60 * MINUTE, False),
        (NOW + 60 * MINUTE, True),
        (None, False),
        ("x", False),
    ],
)
def test_an_old_row_is_no_news_at_the_first_look(at: datetime | str | None, is_news: bool) -> None:
    looks = Looks(sql(key="id", column="at"))
    assert bool(looks.see({"id": 1, "at": at}).findings) is is_news
    assert looks.see({"id": 1, "at": NOW}, after=60 * MINUTE).outcome is Outcome.OK


def test_an_old_row_that_comes_later_is_news() -> None:
    looks = Looks(sql(key="id", column="at"))
    looks.see()
    (found,) = looks.see({"id": 1, "at": NOW - 20 * 60 * MINUTE}).findings
    assert (found.value, found.open_after) == (1.0, 1)


def test_a_row_that_is_no_longer_returned_is_forgotten() -> None:
    looks = Looks(sql(key="id"))
    count(looks, 1, 2)
    count(looks, 2)
    assert set(looks.remembered) == {"began", '["2"]'}
    looks.see(truncated=True)
    assert set(looks.remembered) == {"began", '["2"]'}


def test_only_rows_that_are_new_are_written() -> None:
    looks = Looks(sql(key="id"))
    for _ in range(3):
        count(looks, 1, 2)
    assert looks.written == 3


def test_what_is_remembered_is_bounded() -> None:
    looks = Looks(sql(key="id"))
    looks.see(*({"id": n} for n in range(ROWS_MAX)), truncated=True)
    looks.see({"id": -1}, truncated=True)
    assert len(looks.remembered) == 2


def test_a_key_may_have_several_columns_of_any_type() -> None:
    looks = Looks(sql(key=["id", "org"]))
    rows: list[Mapping[str, Any]] = [
        {"id": 1, "org": "a"}, {"id": 1, "org": None}, {"id": True, "org": NOW}, {"id": "1,a", "org": ""},
    ]  # fmt: skip
    looks.see()
    (found,) = looks.see(*rows).findings
    assert found.value == 4
    assert len(looks.remembered) == 5


def test_a_key_that_the_query_does_not_return_is_told() -> None:
    with pytest.raises(ValueError, match="returns no column `absent`"):
        count(Looks(sql(key="absent")), 1)


def test_rows_of_one_key_are_news_together_in_any_order() -> None:
    rows: list[Mapping[str, Any]] = [{"id": 1, "at": NOW}, {"id": 1, "at": None}]
    for order in permutations(rows):
        (found,) = Looks(sql(key="id", column="at")).see(*order).findings
        assert found.value == 2


@pytest.mark.parametrize("text", ["", "x", "[]", "null", '"1"', "NaN", "1e300", "Infinity"])
def test_what_cannot_be_read_any_more_is_news(text: str) -> None:
    looks = Looks(sql(key="id"))
    looks.remembered = {"began": "0", '["1"]': text}
    assert count(looks, 1) == 1


@given(st.lists(st.sets(st.integers(0, 5)), max_size=6))
def test_a_row_is_news_when_its_absence_was_seen_last(history: list[set[int]]) -> None:
    looks = Looks(sql(key="id"))
    count(looks)
    last: set[int] = set()
    for keys in history:
        assert count(looks, *keys, after=60 * MINUTE) == len(keys - last)
        last = keys
