"""Titles: one line, whatever the template and the data hold."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.config.titles import TITLE_MAX, check, one_line, render

SHOP = (("shop", "Berlin"), ("id", "7"))


@pytest.mark.parametrize(
    ("template", "title"),
    [
        ("Orders stopped", "Orders stopped"),
        ("Sync of {{ entity.shop }} hangs", "Sync of Berlin hangs"),
        ("{{value}} of {{ limit }} rows", "12 of 10 rows"),
        ("{{ entity.shop | upper }}: {{ value | round }}", "BERLIN: 12"),
        ("{{ entity.shop ~ '/' ~ entity.id }}", "Berlin/7"),
        ("{{ entity.shop | lower | title }}", "Berlin"),
        ("two\nlines\tand\x1b[31m red", "two lines and [31m red"),
        ("  much   space ", "much space"),
    ],
)
def test_a_title_is_filled(template: str, title: str) -> None:
    assert render(template, SHOP, 12.0, 10.0) == title


@pytest.mark.parametrize(
    "template",
    [
        "Sync of {{ entity.nothing }}",
        "{{ limit }} rows",
        "{{ entity.nothing | upper }}",
        "{{ value.__class__ }}",
        "{{ entity.shop.upper() }}",
        "{{ 'x' * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for a in range(10) %}{{ a }}{% endfor %}",
        "{{ entity.shop | attr('x') }}",
        "{{ entity['shop'] }}",
        "{{ entity.shop",
        "{# comment #}",
        "{{ value | round(1001) }}",
        "{{ entity.__class__ }}",
        "{{ [1, 2] }}",
        "{{ value if value else limit }}",
        "{{ value == 1 }}",
    ],
)
def test_what_cannot_be_filled_shows_the_template_itself(template: str) -> None:
    assert render(template, SHOP, 12.0) == template


def test_a_missing_value_may_have_a_default() -> None:
    template = "{{ entity.nothing | default('all shops') }} stopped"
    assert render(template, SHOP) == "all shops stopped"


def test_data_is_never_a_template() -> None:
    entity = (("shop", "{{ value }} {% for %}"),)
    assert render("Sync of {{ entity.shop }}", entity, 1.0) == "Sync of {{ value }} {% for %}"


@given(
    st.one_of(st.text(), st.text(alphabet="{}%# entity.shopvalue|()*~'0123456789\n")),
    st.text(),
    st.floats() | st.none(),
)
def test_every_title_is_one_short_line(template: str, shop: str, value: float | None) -> None:
    title = render(template, (("shop", shop),), value, value)
    assert len(title) <= TITLE_MAX
    assert not any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in title)


@given(st.text(min_size=TITLE_MAX + 1, alphabet="abc é"))
def test_a_long_title_is_cut_with_a_mark(text: str) -> None:
    line = one_line(text)
    assert len(line) < TITLE_MAX or line.endswith("…") or len(line.split()) == len(text.split())


@pytest.mark.parametrize(
    ("template", "code", "at"),
    [
        ("Sync of {{ entity.shpo }}", "unknown-column", 11),
        ("{{ entity.shop }} {{ entity.x | upper }}", "unknown-column", 21),
        ("It is {{ now() }}", "bad-title", 6),
        ("{{ value + }}", "bad-title", 0),
        ("{{ " + "(" * 400 + " }}", "bad-title", 0),
        ("x" * 1001, "bad-title", 0),
    ],
)
def test_a_wrong_title_says_where(template: str, code: str, at: int) -> None:
    problems = check(template, ["shop"])
    assert (problems[0].code, problems[0].at) == (code, at)


def test_a_misspelt_column_is_suggested() -> None:
    assert check("{{ entity.shpo }}", ["shop"])[0].hint == "did you mean `shop`?"


@given(st.sampled_from(["{{ entity.shop }}", "{{ value }}", "{{ limit | round(2) }}", "plain"]))
def test_a_title_that_checks_well_can_be_rendered(template: str) -> None:
    assert check(template, ["shop"]) == []
    assert "{{" not in render(template, SHOP, 1.5, 2.25)
