"""What teams may write in a rule, and what they are told otherwise."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rules.base import Severity
from rules.comparison import Comparison, parse_comparison
from rules.durations import format_duration, parse_duration
from rules.fields import (
    Column,
    ComparisonLimits,
    Count,
    Duration,
    Least,
    Limits,
    Most,
    Number,
    PositiveDuration,
    SqlFragment,
    Table,
    Words,
)

MINUTE = timedelta(minutes=1)


def read(type_: Any, given_: object) -> Any:
    return TypeAdapter(type_).validate_python(given_)


def refusal(type_: Any, given_: object) -> dict[str, Any]:
    """Return the only error that `given_` meets."""
    with pytest.raises(ValidationError) as caught:
        read(type_, given_)
    (error,) = caught.value.errors()
    return dict(error)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("90m", 5400), ("250ms", 0.25)],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert read(Duration, text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("45 minutes", "write `45m`"),
        ("1.5h", "write `1h30m`"),
        ("1h90m", "write `2h30m`"),
        ("1 hour and 5 min", "write `1h5m`"),
        ("30M", "write `30m`"),
        ("2 weeks", "write `14d`"),
        (30, "write `30s` or `30m`: a duration has a unit"),
        ("soon", "write it like `45s`, `30m`, `1h30m` or `2d`"),
        ("", "write it like `45s`, `30m`, `1h30m` or `2d`"),
        ("-5m", "write it like `45s`, `30m`, `1h30m` or `2d`"),
        (True, "write it like `45s`, `30m`, `1h30m` or `2d`"),
        (None, "write it like `45s`, `30m`, `1h30m` or `2d`"),
        ("999999d", "write at most `3650d`"),
    ],
)
def test_another_spelling_is_refused_with_the_right_one(text: object, hint: str) -> None:
    error = refusal(Duration, text)
    assert error["type"] == "bad_duration"
    assert error["msg"] == f"`{text}` is not a duration"
    assert error["ctx"]["hint"] == hint


@given(st.integers(min_value=0, max_value=3650 * 86_400_000))
def test_a_duration_survives_being_written_and_read(milliseconds: int) -> None:
    span = timedelta(milliseconds=milliseconds % 10**9 if milliseconds % 1000 else milliseconds)
    assert parse_duration(format_duration(span)) == span


@given(st.text(alphabet="0123456789dhms. ", max_size=20))
def test_whatever_is_read_as_a_duration_has_a_hint_or_a_value(text: str) -> None:
    try:
        span, hint = read(Duration, text), "write"
    except ValidationError as error:
        span, hint = timedelta(), error.errors()[0]["ctx"]["hint"]
    assert timedelta() <= span <= timedelta(days=3650)
    assert hint.startswith("write")


def test_no_time_at_all_is_no_limit() -> None:
    assert refusal(PositiveDuration, "0s")["type"] == "bad_duration"


def test_one_value_is_a_limit_at_the_rules_own_severity() -> None:
    limits = read(Most[Duration], "30m")
    assert limits.levels(Severity.INFO) == ((Severity.INFO, 30 * MINUTE),)
    assert not limits.has_levels


def test_levels_come_most_severe_first() -> None:
    limits = read(Most[Duration], {"warning": "30m", "critical": "2h"})
    assert limits.levels(Severity.INFO) == (
        (Severity.CRITICAL, 120 * MINUTE),
        (Severity.WARNING, 30 * MINUTE),
    )
    assert limits.has_levels


@pytest.mark.parametrize(
    ("type_", "given_", "place", "error"),
    [
        (Most[Duration], {"warning": "2h", "critical": "30m"}, (), "bad_order"),
        (Least[Number], {"warning": 1, "critical": 2}, (), "bad_order"),
        (ComparisonLimits, {"warning": "> 100", "critical": "> 50"}, (), "bad_order"),
        (ComparisonLimits, {"warning": "< 5", "critical": "< 10"}, (), "bad_order"),
        (Most[Duration], {"warning": "soon"}, ("warning",), "bad_duration"),
        (Most[Duration], {"warn": "2h"}, ("warn",), "extra_forbidden"),
        (Most[Duration], {}, (), "no_limit"),
        (Most[Number], "5", (), "bad_number"),
        (Most[Number], float("nan"), (), "bad_number"),
        (Most[Number], True, (), "bad_number"),
        (Count, -1, (), "bad_count"),
        (Count, 1.5, (), "bad_count"),
        (Words, [], (), "no_words"),
        (Words, [None], (0,), "bad_word"),
    ],
)
def test_a_wrong_limit_is_refused_at_its_place(
    type_: Any, given_: object, place: tuple[str, ...], error: str
) -> None:
    found = refusal(type_, given_)
    assert (found["loc"], found["type"]) == (place, error)


def test_a_limit_that_was_read_is_taken_as_it_is() -> None:
    limits = Limits(warning=MINUTE)
    assert read(Most[Duration], limits) is limits


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("> 100", 100, False),
        ("> 100", 101, True),
        (">= 5", 5, True),
        ("< 10", 9.5, True),
        ("<=10", 10, True),
        ("> 100", 10**400, True),
        ("> 100", float("nan"), False),
        ("> 100", float("inf"), False),
        ("> 100", "200", False),
        ("> 0", True, False),
        ("= ok", "ok", True),
        ("ok", "degraded", False),
        ("!= down", "up", True),
        ("= 5", 5.0, True),
        ("= 5", "5", True),
        (1, True, False),
        (True, True, True),
        ("= true", True, True),
        (None, None, True),
        (None, 0, False),
        ("two words", "two words", True),
    ],
)
def test_a_comparison_says_whether_a_value_meets_it(
    text: object, value: object, holds: bool
) -> None:
    assert parse_comparison(text).holds(value) is holds


@pytest.mark.parametrize("text", ["> x", ">", "", "  ", ">= nan", [], float("nan")])
def test_what_compares_with_nothing_is_refused(text: object) -> None:
    assert refusal(Comparison, text)["type"] == "bad_comparison"


@given(
    st.sampled_from([">", ">=", "<", "<=", "=", "!="]), st.integers(-(10**12), 10**12), st.floats()
)
def test_a_comparison_survives_being_written_and_read(sign: str, bound: int, value: float) -> None:
    once = parse_comparison(f"{sign}{bound}")
    assert parse_comparison(str(once)) == once
    assert once.holds(value) == parse_comparison(str(once)).holds(value)


@pytest.mark.parametrize(
    "name", ["orders", "public.orders", '"Orders"', 'app."Order Lines"', "täg"]
)
def test_a_table_may_be_qualified_and_quoted(name: str) -> None:
    assert read(Table, name) == name


@pytest.mark.parametrize(
    "name",
    ["updated_at", '"updatedAt"', "o.updated_at", "payload->>'at'", "a -> 'b' -> 0 ->> 'it''s'"],
)
def test_a_column_may_be_a_path_into_json(name: str) -> None:
    assert read(Column, name) == name


@pytest.mark.parametrize(
    "name",
    ["", "a;b", "a b", "1a", '"a', "a--", "count(*)", "a->>'x' or 1", "a\x00", None, 5, "a\n"],
)
def test_what_is_no_name_is_refused(name: object) -> None:
    assert refusal(Table, name)["type"] == "bad_table"
    assert refusal(Column, name)["type"] == "bad_column"


@pytest.mark.parametrize(
    "text",
    [
        "status = 'a;b'",
        "x = '--'",
        "a = $$ ; $$",
        '"a;b" = 1',
        "(a = 1) and (b = ')')",
        "is_active",
    ],
)
def test_a_where_may_quote_anything(text: str) -> None:
    assert read(SqlFragment, text) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = 1; drop table x", "holds a `;`"),
        ("a = 1 -- b", "holds a comment"),
        ("a = 1 /* b */", "holds a comment"),
        ("a = 'b", "has a literal without its end"),
        ("a = $x$ b", "has a literal without its end"),
        ('"a = 1', "has a quoted identifier without its end"),
        ("a = 1) or (b = 1", "closes a parenthesis that it did not open"),
        ("(a = 1", "leaves a parenthesis open"),
        ("a = $1", "holds `$1`, which stands for nothing"),
        ("   ", "is empty"),
    ],
)
def test_a_where_cannot_leave_its_parentheses(text: str, words: str) -> None:
    assert refusal(SqlFragment, text)["msg"] == words
