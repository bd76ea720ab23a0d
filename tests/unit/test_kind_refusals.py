"""Every refusal of a setting: its words and its hint."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rules.fields import (
    Column,
    ComparisonLimits,
    Count,
    Duration,
    Least,
    Most,
    Number,
    PositiveDuration,
    SqlFragment,
    Table,
    Words,
    column_name,
    fragment_problem,
)
from rules.reply import BodyPath, Demand, Expectation, Statuses
from rules.request import BodyTemplate, Headers, UrlTemplate

NAMES = {
    "table": 'write `orders`, `public.orders` or `"Orders"`',
    "column": "write `updated_at`, `\"updatedAt\"` or `payload->>'at'`",
}
LEVELS = "write a value, or `{ warning: …, critical: … }`"
BEGIN = "begin it with `/`, or with `https://` and a host"
PATHS = "write `status`, `within`, `json` or a path such as `body.items[0].id`"


def refusal(type_: Any, given: object) -> tuple[str, str | None]:
    """Return message and hint of the only error that `given` meets."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(type_).validate_python(given)
    (error,) = caught.value.errors()
    return error["msg"], error.get("ctx", {}).get("hint")


@pytest.mark.parametrize(
    ("type_", "given", "message", "hint"),
    [
        (PositiveDuration, "0s", "must be longer than 0s", "write `30m`"),
        (PositiveDuration, "0d0h", "must be longer than 0s", "write `30m`"),
        (Number, "5", "`5` is not a number", None),
        (Number, True, "`True` is not a number", None),
        (Number, float("inf"), "`inf` is not a number", None),
        (Number, float("nan"), "`nan` is not a number", None),
        (Number, None, "`None` is not a number", None),
        (Number, 10**400, f"`1{'0' * 38}…` is not a number", None),
        (Count, -1, "`-1` is not a whole number from 0 up", None),
        (Count, 2.0, "`2.0` is not a whole number from 0 up", None),
        (Count, "7", "`7` is not a whole number from 0 up", None),
        (Count, False, "`False` is not a whole number from 0 up", None),
        (Count, 2**63, f"`{2**63}` is not a whole number from 0 up", None),
        (Most[Count], {}, "names no limit", LEVELS),
        (ComparisonLimits, {}, "names no limit", LEVELS),
        (Words, [], "must name at least one", None),
        (Words, (), "must name at least one", None),
        (Words, [1.5], "`1.5` is not a word or a whole number", None),
        (Words, {"a": 1}, "`{'a': 1}` is not a word or a whole number", None),
    ],
)
def test_a_wrong_value_is_named(type_: Any, given: object, message: str, hint: str | None) -> None:
    assert refusal(type_, given) == (message, hint)


@pytest.mark.parametrize(
    ("type_", "given", "message"),
    [
        (
            Most[Duration],
            {"warning": "2h", "critical": "30m"},
            "critical 30m is below warning 2h",
        ),
        (Most[Count], {"warning": 9, "critical": 3}, "critical 3 is below warning 9"),
        (Least[Number], {"warning": 1.5, "critical": 2}, "critical 2 is above warning 1.5"),
        (
            ComparisonLimits,
            {"warning": ">= 9", "critical": "> 3"},
            "critical 3.0 is below warning 9.0",
        ),
        (
            ComparisonLimits,
            {"warning": "< 3", "critical": "<= 9"},
            "critical 9.0 is above warning 3.0",
        ),
    ],
)
def test_levels_in_the_wrong_order_are_named(type_: Any, given: object, message: str) -> None:
    assert refusal(type_, given) == (message, None)


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        (Most[Count], {"warning": 3, "critical": 3}),
        (Least[Number], {"warning": 3, "critical": 3}),
        (Most[Count], {"critical": 1}),
        (Most[Count], 0),
        (Most[Number], -1.5),
        (ComparisonLimits, {"warning": "> 5", "critical": "< 1"}),
        (ComparisonLimits, {"warning": "= slow", "critical": "= down"}),
        (ComparisonLimits, {"warning": "!= ok", "critical": "> 1"}),
        (ComparisonLimits, "= down"),
    ],
)
def test_other_levels_are_in_order(type_: Any, given: object) -> None:
    assert TypeAdapter(type_).validate_python(given)


@pytest.mark.parametrize(
    "given", ["", " a", "a b", "a;b", "1a", '"a', '""', "a-b", "a" * 64, "a\x00", 7]
)
def test_what_is_no_name_is_shown_how_names_look(given: object) -> None:
    shown = str(given) if len(str(given)) <= 40 else f"{str(given)[:39]}…"
    assert refusal(Table, given) == (f"`{shown}` is not a table name", NAMES["table"])
    assert refusal(Column, given) == (f"`{shown}` is not a column name", NAMES["column"])


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("updated_at", "updated_at"),
        ("public.orders.at", "at"),
        ('"Order Lines"."At"', "At"),
        ('"say ""hi"""', 'say "hi"'),
        ("payload->>'at'", "at"),
        ("payload -> 'a' ->> 'it''s'", "it's"),
        ("payload->0", "0"),
        ("payload#>>'{a,b}'", "a,b"),
        ("größe", "größe"),
        ("a$1", "a$1"),
    ],
)
def test_a_column_is_called_by_its_last_part(column: str, name: str) -> None:
    assert TypeAdapter(Column).validate_python(column) == column
    assert column_name(column) == name


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("", 0, "is empty"),
        (" \n ", 0, "is empty"),
        ("a = 1; b", 5, "holds a `;`"),
        ("a -- b", 2, "holds a comment"),
        ("a /* b */", 2, "holds a comment"),
        ("a /* b", 2, "has a comment without its end"),
        ("a = 'b", 4, "has a literal without its end"),
        ("a = E'b\\'", 4, "has a literal without its end"),
        ("a = $q$b$$", 4, "has a literal without its end"),
        ('a = "b', 4, "has a quoted identifier without its end"),
        ("a < {{ now", 4, "has a placeholder without its end"),
        ("a < {{ opened_at }}", 4, "holds `{{ opened_at }}`; only `{{ now }}` is known here"),
        ("a = {{ entity.x }}", 4, "holds `{{ entity.x }}`; only `{{ now }}` is known here"),
        ("a < '{{ now }}'", 4, "has a placeholder inside a literal"),
        ('a < "{{ now }}"', 4, "has a placeholder inside a quoted identifier"),
        ("a = $12", 4, "holds `$12`, which stands for nothing"),
        ("a = \x00", 4, "holds a zero byte"),
        ("a = 1) or (b = 1", 5, "closes a parenthesis that it did not open"),
        (")", 0, "closes a parenthesis that it did not open"),
        ("(a = (1)", 8, "leaves a parenthesis open"),
    ],
)
def test_a_condition_that_could_leave_its_place_is_refused_where_it_does(
    text: str, at: int, words: str
) -> None:
    assert fragment_problem(text) == (at, words)
    assert refusal(SqlFragment, text) == (words, None)


@pytest.mark.parametrize("given", [None, 5, ["a = 1"], True, "a" * 20_001])
def test_what_is_no_text_is_no_condition(given: object) -> None:
    assert refusal(SqlFragment, given) == ("is not a condition in SQL", None)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("done", ("done",)),
        (["a", "b"], ("a", "b")),
        (("a",), ("a",)),
        (3, ("3",)),
        (True, ("true",)),
        ([1, False, "x"], ("1", "false", "x")),
        ("", ("",)),
    ],
)
def test_words_are_spelled_as_sql_spells_them(given: object, words: tuple[str, ...]) -> None:
    assert TypeAdapter(Words).validate_python(given) == words


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ("", "is not an address", BEGIN),
        ("healthz", "is not an address", BEGIN),
        ("//evil.example", "is not an address", BEGIN),
        ("ftp://a.example/", "is not an address", BEGIN),
        ("https://", "is not an address", BEGIN),
        ("https://user@a.example/", "is not an address", BEGIN),
        ("https://{{ entity.host }}/", "is not an address", BEGIN),
        ("https://a.{{ entity.host }}/", "is not an address", BEGIN),
        ("{{ entity.path }}", "is not an address", BEGIN),
        ("/a b", "is not an address", "write `/healthz`"),
        ("/ä", "is not an address", "write `/healthz`"),
        ("/a\nb", "is not an address", "write `/healthz`"),
        ("/" + "a" * 4000, "is not an address", "write `/healthz`"),
        ("/{{ now }}", "holds an unknown placeholder", "write `{{ entity.NAME }}`"),
        ("/{{ entity. }}", "holds an unknown placeholder", "write `{{ entity.NAME }}`"),
        ("/{{", "holds an unknown placeholder", "write `{{ entity.NAME }}`"),
    ],
)
def test_an_address_that_may_lead_elsewhere_is_refused(given: str, message: str, hint: str) -> None:
    assert refusal(UrlTemplate, given) == (message, hint)


@pytest.mark.parametrize(
    "given",
    [
        "/",
        "/healthz?deep=1#x",
        "/{{entity.org}}/{{ entity.id }}",
        "https://a.example:8443/x",
        "http://[::1]:80/",
        "https://a.example?x={{ entity.x }}",
        "/%7B%7D",
    ],
)
def test_an_address_may_be_a_path_or_name_its_host(given: str) -> None:
    assert TypeAdapter(UrlTemplate).validate_python(given) == given


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        (5, "is neither a text nor a mapping nor a list", None),
        (True, "is neither a text nor a mapping nor a list", None),
        ("{{ now }}", "holds an unknown placeholder", "write `{{ entity.NAME }}`"),
        ({"a": ["{{ x }}"]}, "holds an unknown placeholder", "write `{{ entity.NAME }}`"),
        ({"{{ x }}": 1}, "holds an unknown placeholder", "write `{{ entity.NAME }}`"),
        ("x" * 100_001, "is longer than 100 kB", None),
        (["x" * 60_000] * 2, "is longer than 100 kB", None),
        ({"a": float("nan")}, "holds what JSON has not", "write dates as texts in quotes"),
        ({"a": timedelta(1)}, "holds what JSON has not", "write dates as texts in quotes"),
        ({"a": {1, 2}}, "holds what JSON has not", "write dates as texts in quotes"),
        ("\ud800", "holds what JSON has not", "write dates as texts in quotes"),
    ],
)
def test_a_body_that_cannot_be_sent_is_refused(
    given: object, message: str, hint: str | None
) -> None:
    assert refusal(BodyTemplate, given) == (message, hint)


@pytest.mark.parametrize(
    "given",
    [
        {"": "x"},
        {"a b": "x"},
        {"a:": "x"},
        {"é": "x"},
        {"a" * 101: "x"},
        {"A": "x\r\nB: y"},
        {"A": "x\x00"},
        {"A": "é"},
        {"A": "x" * 4001},
    ],
)
def test_a_header_that_could_split_a_request_is_refused(given: dict[str, str]) -> None:
    message, _ = refusal(Headers, given)
    assert message == f"`{next(iter(given))[:40]}` is no header"


@pytest.mark.parametrize("given", ["stat", "body", "body.", "body.a..b", "body.a[x]", "Body.a", ""])
def test_a_place_that_no_answer_has_is_refused(given: str) -> None:
    assert refusal(Demand, given) == (f"`{given}` is nothing that an answer has", PATHS)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("core.reset", "body.core.reset"),
        ("Body.a", "body.a"),
        ("body", "body.items[0].id"),
        ("body.a..b", "body.items[0].id"),
        ("", "body.items[0].id"),
    ],
)
def test_a_path_outside_the_body_is_refused_with_the_right_one(given: str, path: str) -> None:
    assert refusal(BodyPath, given) == (
        f"`{given}` is nothing that an answer has",
        f"write `{path}`",
    )


@pytest.mark.parametrize("given", [[], "200", [200, 600], 99, 200.0, True])
def test_what_is_no_status_is_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Statuses).validate_python(given)


def test_an_expectation_is_a_condition_or_that_something_exists() -> None:
    read = TypeAdapter(Expectation).validate_python
    assert read("exists") == "exists"
    assert str(read("= exists")) == "= exists"
    assert refusal(Expectation, "> many")[0] == "`> many` is not a comparison"
