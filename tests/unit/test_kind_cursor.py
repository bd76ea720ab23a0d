"""The cursor kind: what it makes of values that should only advance."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Outcome
from rules.cursor import Cursor
from rules.marks import Mark, mark_of, restored
from tests.looks import MINUTE, Looks
from tests.postgres import NIGHT as NOW

DAY = timedelta(days=1)


def cursor(**settings: Any) -> Cursor:
    return Cursor.model_validate({"source": "db", "table": "t", "column": "at"} | settings)


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        ([1, 2, 2, 3], []),
        ([7, 5], ["went back by 2"]),
        ([7, 5, 6, 7], ["went back by 2", "went back by 1"]),
        ([Decimal("7.5"), 7.0], ["went back by 0.50"]),
        (["a9", "a7"], ["went back"]),
        (["10", "9"], ["went back by 1"]),
        ([NOW, NOW - 2 * DAY], ["went back by 2 d"]),
        ([date(2025, 6, 1), date(2025, 5, 30)], ["went back by 2 d"]),
        (["2025-06-01T02:00:00+02:00", "2025-05-31T23:30:00Z"], ["went back by 30 min"]),
        ([7, None, 5], ["went back by 2"]),
        ([7, float("nan"), 8], []),
        ([7, Decimal("NaN"), float("inf"), True], []),
        ([7, "seven", 6], []),
        ([datetime(1970, 1, 1, tzinfo=UTC), NOW], []),
        ([UUID(int=2), UUID(int=1)], ["went back"]),
    ],
)
def test_a_value_may_only_advance(values: list[object], facts: list[str]) -> None:
    assert Looks(cursor()).facts(*values) == facts


def test_old_and_new_value_are_told() -> None:
    looks = Looks(cursor())
    looks.see({"value": NOW})
    (found,) = looks.see({"value": NOW - 2 * DAY}).findings
    assert found.detail == (
        "Went back by 2 d, from 2025-06-13 02:15:00 UTC to 2025-06-11 02:15:00 UTC."
    )
    assert (found.value, found.limit, found.first_bad_at) == (172800.0, 0.0, looks.now)


def test_to_have_gone_back_is_accepted_after_a_while() -> None:
    looks = Looks(cursor(accept_after="3m"))
    assert looks.facts(9, 5, 5, 6, 6, 7) == ["went back by 4", "went back by 4", "went back by 3"]
    assert looks.facts(6) == ["went back by 1"]


def test_to_go_back_may_be_allowed() -> None:
    looks = Looks(cursor(may={"go_back": True, "stand_still": "5m"}))
    assert looks.facts(9, 5, 3) == []
    assert looks.facts(3, after=6 * MINUTE) == ["stands still for 6m (max 5m)"]


@pytest.mark.parametrize(
    ("dialect", "value", "is_ahead"),
    [
        ({}, NOW + 7 * MINUTE, True),
        ({}, NOW + 6 * MINUTE, False),
        ({}, NOW, False),
        ({"zone": "Europe/Berlin"}, "2025-06-13T04:22:00", True),
        ({"zone": "Europe/Berlin"}, "2025-06-13T04:20:00", False),
        ({"time": "epoch_ms"}, int((NOW + 9 * MINUTE).timestamp() * 1000), True),
        ({"time": "epoch_s"}, int(NOW.timestamp()), False),
        ({}, int((NOW + DAY).timestamp()), False),
        ({}, "zzz", False),
    ],
)
def test_an_instant_may_not_lie_far_ahead(
    dialect: dict[str, Any], value: object, is_ahead: bool
) -> None:
    looks = Looks(cursor(may={"jump_ahead": "5m"}), **dialect)
    assert bool(looks.facts(value)) is is_ahead


def test_a_value_that_jumped_ahead_is_no_mark_to_be_measured_by() -> None:
    looks = Looks(cursor(may={"jump_ahead": "5m"}))
    assert looks.facts(NOW, NOW + DAY, NOW) == ["23h58m ahead of now (max 5m)"]


def test_standing_still_is_counted_from_the_first_sight() -> None:
    looks = Looks(cursor(may={"stand_still": "1h"}))
    assert looks.facts(NOW - DAY) == []
    assert looks.facts(NOW - DAY, after=60 * MINUTE) == []
    (found,) = looks.see({"value": NOW - DAY}).findings
    assert found.fact == "stands still for 1h01m (max 1h)"
    assert found.first_bad_at == looks.now - MINUTE
    (reading,) = looks.see({"value": NOW}).readings
    assert (reading.fact, reading.first_good_at) == ("at 2025-06-13 02:15:00 UTC", looks.now)


def test_only_what_has_changed_is_written() -> None:
    looks = Looks(cursor(entity="org"))
    rows = [{"e0": name, "value": 5} for name in "abc"]
    looks.see(*rows)
    looks.see(*rows)
    assert looks.written == 3
    looks.see(rows[0], rows[1], {"e0": "c", "value": 3})
    looks.see(rows[0], rows[1], {"e0": "c", "value": 4})
    assert looks.written == 4


def test_who_is_gone_is_forgotten_after_a_week() -> None:
    looks = Looks(cursor(entity="org"))
    looks.see({"e0": "a", "value": 5}, {"e0": "b", "value": 5})
    looks.see({"e0": "a", "value": 5}, after=8 * DAY, truncated=True)
    assert len(looks.remembered) == 2
    looks.see({"e0": "a", "value": 5})
    assert list(looks.remembered) == ['["a"]']


def test_who_comes_back_within_a_week_is_still_known() -> None:
    looks = Looks(cursor(entity="org"))
    looks.see({"e0": "a", "value": 5})
    assert looks.see().outcome is Outcome.NO_DATA
    (found,) = looks.see({"e0": "a", "value": 2}).findings
    assert found.entity == (("org", "a"),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "7",
        '{"form":"number","mark":"x","at":0}',
        '{"form":1,"mark":2,"at":0}',
        '{"form":"number","mark":"9","at":"x"}',
        '{"form":"number","mark":"9","at":null}',
    ],
)
def test_what_cannot_be_read_any_more_is_as_if_it_were_not_known(text: str) -> None:
    looks = Looks(cursor())
    looks.remembered = {"[]": text}
    assert looks.facts(5, 4) == ["went back by 1"]


@pytest.mark.parametrize("at", ["1e300", "1e12", "Infinity"])
def test_instants_that_no_calendar_has_do_not_stop_a_rule(at: str) -> None:
    looks = Looks(cursor())
    looks.remembered = {"[]": f'{{"form":"number","mark":"9","at":{at},"back":{at}}}'}
    assert looks.facts(8) == ["went back by 1"]


cells = (
    st.integers(-(10**20), 10**20)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.datetimes(timezones=st.just(UTC))
)


@given(cells)
def test_a_mark_is_read_back_as_it_was_written(value: object) -> None:
    mark = mark_of(value, "UTC")
    assert mark is not None
    assert restored(mark.form, mark.stored()) == mark


@given(cells, cells)
def test_marks_of_one_form_have_an_order(one: object, other: object) -> None:
    first, second = mark_of(one, "UTC"), mark_of(other, "UTC")
    assert isinstance(first, Mark)
    assert isinstance(second, Mark)
    if first.form == second.form:
        assert first.is_behind(second) + second.is_behind(first) + (first == second) == 1
        assert (first.gap(second) == "") is (first.form == "text")


histories = st.lists(st.lists(st.integers(0, 9) | st.none(), min_size=2, max_size=2), max_size=6)


@given(histories)
def test_entities_do_not_mix(history: list[list[int | None]]) -> None:
    kind = cursor(entity="org", accept_after="2m")
    both, alone = Looks(kind), [Looks(kind), Looks(kind)]
    for values in history:
        rows = [{"e0": name, "value": value} for name, value in zip("ab", values, strict=True)]
        expected = [
            found for one, row in zip(alone, rows, strict=True) for found in one.see(row).findings
        ]
        assert list(both.see(*reversed(rows)).findings) == expected


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9))
def test_what_advances_is_never_bad(values: list[int]) -> None:
    looks = Looks(cursor(may={"stand_still": "1h"}))
    assert looks.facts(*sorted(values)) == []
