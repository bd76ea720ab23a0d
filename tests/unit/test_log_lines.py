"""One line of a log: unwrapping, time, fields, conditions."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from rules.conditions import Condition, FieldCondition, FieldPath, Wanted, parse_condition
from rules.file_questions import Lines
from rules.log_lines import (
    LogLine,
    counts,
    entity_of,
    error_of,
    field_of,
    is_begun,
    joined,
    parse_line,
    time_of,
    value_of,
)

AT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
AT_S = AT.timestamp()
INNER = '{"level": "ERROR", "ts": 1704164645}'


def lines(**settings: Any) -> Lines:
    span = timedelta(minutes=5)
    return Lines(("a.log",), settings.pop("where", ()), window=span, kept=span, **settings)


def line(text: str | bytes) -> LogLine:
    found = parse_line(text if isinstance(text, bytes) else text.encode())
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    [
        INNER,
        f"  {INNER}",
        f"\ufeff{INNER}",
        json.dumps({"log": INNER + "\n", "stream": "stdout", "time": "2024-01-02T03:04:05Z"}),
        json.dumps({"log": INNER, "stream": "stderr", "time": "x", "attrs": {"tag": "a"}}),
        f"2024-01-02T03:04:05.000000000Z stdout F {INNER}",
        f"2024-01-02T03:04:05.000000000+01:00 stderr F {INNER}",
    ],
)
def test_a_line_is_unwrapped(text: str) -> None:
    assert line(text.strip()).document == json.loads(INNER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words",
        "[1]",
        "7",
        "null",
        '"text"',
        '{"a": ',
        "{'a': 1}",
        '{"a": 1} more',
        "[" * 100_000,
        '{"a": ' * 100_000,
        '{"a": ' + "9" * 5000 + "}",
        json.dumps({"log": "plain words\n", "stream": "stdout", "time": "x"}),
        f"2024-01-02T03:04:05.000000000Z stdout P {INNER}",
        "2024-01-02T03:04:05.000000000Z stdout F plain words",
    ],
)
def test_what_is_no_json_object_is_no_line(text: str) -> None:
    assert parse_line(text.encode()) is None


CUT_AT = st.lists(st.integers(1, 59), max_size=4).map(sorted)
TEXTS = st.text('ab \\"\u00fc\n', max_size=40).map(lambda text: json.dumps({"m": text}))


def cri(pieces: list[str], stream: str) -> list[bytes]:
    marks = ["P"] * (len(pieces) - 1) + ["F"]
    pairs = zip(pieces, marks, strict=True)
    return [f"2024-01-02T03:04:05.0Z {stream} {mark} {one}".encode() for one, mark in pairs]


def docker(pieces: list[str], stream: str) -> list[bytes]:
    pieces = [*pieces[:-1], f"{pieces[-1]}\n"]
    documents = [{"log": one, "stream": stream, "time": "x"} for one in pieces]
    return [json.dumps(one, separators=(",", ":")).encode() for one in documents]


@pytest.mark.parametrize("wrapped", [cri, docker])
@given(TEXTS, TEXTS, CUT_AT)
def test_a_line_that_was_cut_to_pieces_is_whole_again(
    wrapped: Callable[[list[str], str], list[bytes]], one: str, other: str, cuts: list[int]
) -> None:
    pieces = [one[a:b] for a, b in pairwise([0, *cuts, len(one)])]
    [beside] = wrapped([other], "stderr")
    first, *rest = wrapped(pieces, "stdout")
    found = [line(whole).document for whole in joined([first, beside, *rest, beside])]
    documents = [json.loads(other), json.loads(one)]
    assert found == (documents if rest else documents[::-1]) + documents[:1]


@pytest.mark.parametrize("wrapped", [cri, docker])
def test_a_piece_whose_end_is_missing_is_no_line(
    wrapped: Callable[[list[str], str], list[bytes]],
) -> None:
    begin, end = wrapped(["{", "}"], "stdout")
    assert list(joined([begin])) == []
    assert [is_begun(one) for one in (begin, end, INNER.encode(), b"")] == [True, *[False] * 3]
    assert list(joined([INNER.encode(), b"words", b""])) == [INNER.encode(), b"words", b""]


def test_a_document_with_fields_like_a_wrapping_stays_one() -> None:
    own = {"log": {"a": 1}, "stream": "x", "time": "y"}
    assert line(json.dumps(own)).document == own
    assert line('{"log": "a", "time": "b"}').document == {"log": "a", "time": "b"}


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert line(b'{"a": "\xff", "b": 1}').document == {"a": "\ufffd", "b": 1}


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-02T03:04:05Z",
        "2024-01-02T03:04:05.000000000Z",
        "2024-01-02T03:04:05,000+00:00",
        "2024-01-02 04:04:05+01:00",
        "2024-01-02 03:04:05",
        1704164645,
        1704164645.0,
        1704164645000,
        1704164645000.0,
    ],
)
@pytest.mark.parametrize("name", ["timestamp", "time", "ts", "@timestamp"])
def test_a_time_may_be_written_in_many_ways(name: str, value: object) -> None:
    assert time_of(LogLine({name: value}), lines()) == AT_S


@pytest.mark.parametrize("value", ["soon", "", None, True, [], {}, float("nan"), "1704164645"])
def test_what_is_no_time_is_none(value: object) -> None:
    assert time_of(LogLine({"ts": value}), lines()) is None


def test_a_time_has_the_zone_and_the_place_that_the_rule_says() -> None:
    found = LogLine({"ts": 5, "extra": {"at": "2024-01-02T04:04:05"}})
    assert time_of(found, lines(time=("extra", "at"), zone="Europe/Berlin")) == AT_S
    assert time_of(found, lines(time=("at",))) is None


def test_the_runtime_says_when_a_line_was_written_that_does_not() -> None:
    cri = "2024-01-02T03:04:05.000000000Z stdout F "
    assert time_of(line(cri + '{"a": 1}'), lines(zone="Asia/Tokyo")) == AT_S
    assert time_of(line(cri + '{"time": "2024-01-02T03:04:06Z"}'), lines()) == AT_S + 1


def test_a_field_may_have_dots_in_its_name() -> None:
    document = {"log.level": "ERROR", "log": {"level": "INFO", "name": 1}, "a.b.c": 2}
    assert field_of(document, ("log", "level")) == "INFO"
    assert field_of(document, ("a", "b", "c")) == 2
    assert field_of({"log.level": "ERROR"}, ("log", "level")) == "ERROR"


def test_an_entity_is_text_of_bounded_length() -> None:
    found = LogLine({"a": "x" * 1000, "b": 7, "c": True, "d": {"e": 1}, "f": "", "g": None})
    values = entity_of(found, lines(entity=tuple((name,) for name in "abcdfgh")))
    assert len(values[0]) == 200
    assert values[1:] == ("7", "true", "an object", "unknown", "unknown", "unknown")


@pytest.mark.parametrize(
    ("value", "number"), [(5, 5.0), (-0.5, -0.5), (10**400, 1.7e308), ("5", None), (True, None)]
)
def test_only_a_number_is_a_value(value: object, number: float | None) -> None:
    assert value_of(LogLine({"n": value}), lines(value=("n",))) == number
    assert value_of(LogLine({"n": value}), lines()) is None


def test_an_error_is_a_line_of_text() -> None:
    asked = lines(error=("error",))
    assert error_of(LogLine({"error": "bad\ntoken"}), asked) == "bad token"
    assert error_of(LogLine({"error": {"code": 401}}), asked) == '{"code": 401}'
    assert error_of(LogLine({"error": None}), asked) == ""
    assert error_of(LogLine({"error": "x"}), lines()) == ""


@pytest.mark.parametrize(
    ("wanted", "holds", "fails"),
    [
        ("ERROR", ["ERROR"], ["error", "ERRORS", None, 5]),
        (5, [5, 5.0, "5"], [6, "x", None, True]),
        ([400, "x", "> 499"], [400, "x", 500], [401, 499, "y"]),
        ("!= ok", ["bad", 5], ["ok"]),
        ({"matches": "^tok.n_"}, ["token_a"], ["a token_a", "TOKEN_", 5, None]),
        ({"matches": "(?i)^TOK"}, ["token"], ["x"]),
        ("exists", [0, "", False, []], [None]),
        (None, [None], [0, ""]),
    ],
)
def test_a_condition_holds_for_some_values(
    wanted: object, holds: list[object], fails: list[object]
) -> None:
    found = FieldCondition(("a",), parse_condition(wanted))
    assert [value for value in holds if not found.holds({"a": value})] == []
    assert [value for value in fails if found.holds({"a": value})] == []
    assert not found.holds({})


def test_all_conditions_must_hold() -> None:
    where = (
        FieldCondition(("level",), parse_condition("ERROR")),
        FieldCondition(("n",), parse_condition("> 1")),
    )
    assert counts(LogLine({"level": "ERROR", "n": 2}), lines(where=where))
    assert not counts(LogLine({"level": "ERROR", "n": 1}), lines(where=where))
    assert counts(LogLine({}), lines())


@pytest.mark.parametrize(
    ("given_", "code"),
    [
        ([], "no_words"),
        (["a"] * 101, "no_words"),
        ({}, "bad_condition"),
        ({"matches": 5}, "bad_condition"),
        ({"matches": "a", "more": 1}, "bad_condition"),
        ({"matches": "(?<=a)b"}, "bad_pattern"),
        ({"matches": ""}, "bad_pattern"),
        ({"matches": "a" * 1001}, "bad_pattern"),
        ("> many", "bad_comparison"),
        ([["a"]], "bad_comparison"),
    ],
)
def test_what_is_no_condition_is_refused(given_: object, code: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse_condition(given_)
    assert caught.value.type == code


@pytest.mark.parametrize("given_", ["ERROR", 5, ["a", "> 5"], {"matches": "^a"}, "exists", None])
def test_a_condition_is_written_as_it_can_be_read_again(given_: object) -> None:
    adapter: TypeAdapter[Wanted] = TypeAdapter(Condition)
    wanted = adapter.validate_python(given_)
    assert adapter.validate_python(adapter.dump_python(wanted, mode="json")) == wanted


@pytest.mark.parametrize("given_", ["", ".", "a.", ".a", "a[x]", "a[", " a", 5])
def test_what_is_no_path_is_refused(given_: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(FieldPath).validate_python(given_)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.binary(max_size=60) | documents.map(lambda one: json.dumps(one).encode()))
def test_any_bytes_are_a_line_or_none(raw: bytes) -> None:
    found = parse_line(raw)
    if found is not None:
        asked = lines(entity=(("a", "b"),), value=("a",), error=("a",))
        assert isinstance(entity_of(found, asked)[0], str)
        assert len(error_of(found, asked)) <= 500
        at_s = time_of(found, asked)
        assert at_s is None or at_s == at_s + 0
