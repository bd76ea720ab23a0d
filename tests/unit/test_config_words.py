"""Words of a title: what a template may hold, and how data appears in it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.config.titles import (
    FILTERS,
    TEMPLATE_MAX,
    TITLE_MAX,
    check,
    number_text,
    one_line,
    render,
)

SHOP = (("shop", "Berlin"),)
ALLOWED = (
    "allowed: entity, value, limit, `entity.column`, `~` and default, lower, round, title, upper"
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (1.5, "1.5"),
        (-0.0, "0"),
        (1e14, "100000000000000"),
        (1e15, "1000000000000000.0"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (7, "7"),
        ("1.0", "1.0"),
    ],
)
def test_a_number_is_written_without_an_empty_fraction(value: object, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("template", "words", "hint"),
    [
        ("{{ now }}", "a title knows nothing called `now`", ALLOWED),
        ("{{ value | length }}", "a title has no filter called `length`", ALLOWED),
        ("{{ value.real }}", "a title cannot hold `getattr`", ALLOWED),
        ("{{ entity._shop | upper }}", "`_shop` cannot be asked for", ALLOWED),
        ("{{ value + 1 }}", "a title cannot hold `add`", ALLOWED),
        ("{{ value | round(1001) }}", "a title cannot hold `const`", ALLOWED),
        ("{% if value %}x{% endif %}", "a title cannot hold `if`", ALLOWED),
        ("{% set x = 1 %}", "a title cannot hold `assign`", ALLOWED),
        ("{{ entity.shop.upper() }}", "a title cannot hold `call`", ALLOWED),
        ("{{ [1] }}", "a title cannot hold `list`", ALLOWED),
        ("{{ not value }}", "a title cannot hold `not`", ALLOWED),
        ("{{ -value }}", "a title cannot hold `neg`", ALLOWED),
        ("{{ value if limit }}", "a title cannot hold `condexpr`", ALLOWED),
    ],
)
def test_what_a_title_cannot_hold_is_named(template: str, words: str, hint: str) -> None:
    problem = next(one for one in check(template, ["shop", "_shop"]) if one.code == "bad-title")
    assert (problem.message, problem.hint) == (words, hint)


@pytest.mark.parametrize(
    "template",
    [
        "plain",
        "100 % of { things }",
        "{{ entity.shop }}",
        "{{value}}/{{limit}}",
        "{{ value | round(2) }}",
        "{{ value | default('none') }}",
        "{{ value | round(method='floor') }}",
        "{{ entity.shop ~ ' ' ~ limit }}",
        *(f"{{{{ value | {name} }}}}" for name in FILTERS),
    ],
)
def test_what_a_title_may_hold_is_fine(template: str) -> None:
    assert check(template, ["shop"]) == []


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        (["shop"], "did you mean `shop`?"),
        (["queue", "host"], "known: queue, host"),
        ([], "the rule has no `entity`"),
    ],
)
def test_a_column_that_is_not_there_is_told_with_those_that_are(
    columns: list[str], hint: str
) -> None:
    (problem,) = check("in {{ entity.shpo }}", columns)
    assert (problem.code, problem.at, problem.length) == ("unknown-column", 6, 11)
    assert (problem.message, problem.hint) == (
        "`shpo` is not a column of the rule's `entity`",
        hint,
    )


def test_every_column_that_is_not_there_is_told() -> None:
    problems = check("{{ entity.a }} {{ entity.b ~ entity.c }}", ["shop"])
    assert [one.at for one in problems] == [3, 18, 29]


def test_a_template_has_a_largest_size() -> None:
    assert check("x" * TEMPLATE_MAX, []) == []
    (problem,) = check("x" * (TEMPLATE_MAX + 1), [])
    assert problem.message == f"a title's template has at most {TEMPLATE_MAX} characters"


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ("Ber\nlin", "in Ber lin"),
        ("Ber\x00\x1b[1mlin", "in Ber [1mlin"),
        ("\u202enilreB", "in nilreB"),
        ("a\u200bb\ufeffc", "in a b c"),
        ("  ", "in"),
        ("", "in"),
        ("<b>&amp;", "in <b>&amp;"),
        ("{{ limit }}", "in {{ limit }}"),
        ("x" * 500, "in " + "x" * (TITLE_MAX - 4) + "…"),
    ],
)
def test_data_appears_on_one_harmless_line(value: str, title: str) -> None:
    assert render("in {{ entity.shop }}", (("shop", value),)) == title


@given(st.text(max_size=300))
def test_one_line_is_one_line_however_often(text: str) -> None:
    line = one_line(text)
    assert one_line(line) == line
    assert "\n" not in line
    assert not any(unicodedata.category(character) == "Cc" for character in line)


@given(st.text(alphabet=st.characters(blacklist_characters="{"), max_size=150))
def test_a_title_without_braces_is_its_template(text: str) -> None:
    assert check(text, []) == []
    assert render(text) == one_line(text)


@given(st.text(alphabet="{}%#|~. entityvaluelimitshop'()0", max_size=60))
def test_a_template_without_a_problem_is_filled_or_lacks_a_value(template: str) -> None:
    if not check(template, ["shop"]) and "entity" not in template:
        title = render(template, SHOP, 1.5, 2.0)
        assert "{{ value }}" not in title
        assert len(title) <= TITLE_MAX


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_value_and_limit_are_both_there(value: float, limit: float) -> None:
    title = render("{{ value }} of {{ limit }}", (), value, limit)
    assert title == f"{number_text(value)} of {number_text(limit)}"
