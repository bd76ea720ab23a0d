"""Conditions on one value: how they are read, what they hold for, how they are written again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from rules.comparison import Comparison, is_number, parse_comparison

HINT = 'write it like `"> 100"`, `"<= 5"` or `"= ok"`'


@pytest.mark.parametrize(
    ("text", "operator", "operand"),
    [
        (">1", ">", 1),
        ("  >=  1.5  ", ">=", 1.5),
        ("< -3", "<", -3),
        ("<= +3", "<=", 3),
        ("> 1e3", ">", 1000.0),
        ("> 1E-2", ">", 0.01),
        ("= ok", "=", "ok"),
        ("== ok", "=", "ok"),
        ("!= null", "!=", None),
        ("= true", "=", True),
        ("= false", "=", False),
        ("= True", "=", "True"),
        ("= two words", "=", "two words"),
        ("= a\nb", "=", "a\nb"),
        ("== = x", "=", "= x"),
        ("plain", "=", "plain"),
        (" plain ", "=", "plain"),
        ("5", "=", "5"),
        (5, "=", 5),
        (5.5, "=", 5.5),
        (True, "=", True),
        (None, "=", None),
    ],
)
def test_a_condition_is_read(text: object, operator: str, operand: object) -> None:
    found = parse_comparison(text)
    assert (found.operator, found.operand) == (operator, operand)
    assert type(found.operand) is type(operand)


@pytest.mark.parametrize(
    "given_",
    [
        ">",
        "<=",
        "=",
        "!=",
        "==  ",
        "> many",
        "> true",
        "> null",
        "< 1 2",
        "> 1,000",
        "> 0x10",
        "> inf",
        "< nan",
        "> " + "9" * 19,
        "> 1e999",
        "> ٣",
        "",
        " \n",
        [],
        {},
        {"a": 1},
        b"> 1",
        float("nan"),
        float("inf"),
    ],
)
def test_what_is_no_condition_is_refused_with_how_it_looks(given_: object) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        parse_comparison(given_)
    assert caught.value.type == "bad_comparison"
    assert caught.value.message().endswith("` is not a comparison")
    assert caught.value.context is not None
    assert caught.value.context["hint"] == HINT


@pytest.mark.parametrize(
    ("text", "rises", "bound"),
    [
        ("> 1", True, 1.0),
        (">= 1", True, 1.0),
        ("< 1", False, 1.0),
        ("<= 1", False, 1.0),
        ("= 1", None, 1.0),
        ("!= 1", None, 1.0),
        ("= ok", None, None),
        ("= true", None, None),
        (None, None, None),
        (10**400, None, 1.7e308),
        (-(10**400), None, -1.7e308),
    ],
)
def test_a_condition_knows_its_direction_and_its_number(
    text: object, rises: bool | None, bound: float | None
) -> None:
    found = parse_comparison(text)
    assert (found.rises, found.bound) == (rises, bound)


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("> 0", [1, 0.1, 1e308], [0, -1, "1", None, True, [], {}]),
        (">= 0", [0, 0.0, -0.0, 1], [-1e-300, False]),
        ("< 0", [-1, -(10**400)], [0, float("nan"), "-1"]),
        ("<= 0", [0, -1], [1e-300, None]),
        ("= ok", ["ok"], ["OK", " ok", 0, None, True]),
        ("!= ok", ["OK", None, 0, [], {}], ["ok"]),
        ("= 5", [5, 5.0, "5"], ["5.0", 6, True, None]),
        ("!= 5", [6, None, "6", True], [5, 5.0, "5"]),
        ("= true", [True], [1, "true", False, None]),
        ("!= true", [1, False, None], [True]),
        ("= null", [None], [0, "", False, "null"]),
        ("!= null", [0, "", False], [None]),
        (1, [1, 1.0, "1"], [True, 2]),
        ("1", ["1"], [1, True]),
    ],
)
def test_a_condition_holds_for_some_values_only(
    text: object, holds: list[object], fails: list[object]
) -> None:
    found = parse_comparison(text)
    assert [value for value in holds if not found.holds(value)] == []
    assert [value for value in fails if found.holds(value)] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (">5", "> 5"),
        ("==ok", "= ok"),
        ("plain", "= plain"),
        (True, "= true"),
        (None, "= null"),
        ("!=null", "!= null"),
        (1.50, "= 1.5"),
    ],
)
def test_a_condition_is_written_in_one_way(text: object, said: str) -> None:
    assert str(parse_comparison(text)) == said
    assert TypeAdapter(Comparison).dump_python(parse_comparison(text), mode="json") == said


def test_a_condition_that_was_read_is_taken_as_it_is() -> None:
    once = parse_comparison("> 5")
    assert parse_comparison(once) is once
    assert TypeAdapter(Comparison).validate_python(once) is once


def test_a_condition_has_a_schema_for_editors() -> None:
    types = TypeAdapter(Comparison).json_schema()["type"]
    assert set(types) == {"string", "number", "boolean", "null"}


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(st.sampled_from(["=", "!=", ">", "<", ">=", "<="]), st.integers(-99, 99), values)
def test_an_operator_and_its_opposite_never_agree_about_a_number(
    operator: str, operand: int, value: object
) -> None:
    opposite = {"=": "!=", "!=": "=", ">": "<=", "<": ">=", ">=": "<", "<=": ">"}[operator]
    one, other = Comparison(operator, operand), Comparison(opposite, operand)
    if is_number(value) or operator in {"=", "!="}:
        assert one.holds(value) != other.holds(value)
    else:
        assert not one.holds(value)
        assert not other.holds(value)


@given(st.text(max_size=30) | st.integers() | st.floats() | st.binary())
def test_anything_is_a_condition_or_refused(given_: object) -> None:
    types: list[str] = []
    try:
        assert TypeAdapter(Comparison).validate_python(given_).holds(1) in {True, False}
    except ValidationError as error:
        types = [one["type"] for one in error.errors()]
    assert types in ([], ["bad_comparison"])
