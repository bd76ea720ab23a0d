"""Placeholders in SQL: bound, never text; and what keeps a statement from being asked."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Dialect
from rules.placeholders import PlaceholderError, bind, check
from rules.sql_tokens import Lexeme, tokens

NOW = datetime(2025, 6, 13, 2, 15, 0, 250_000, UTC)
OPENED_AT = datetime(2025, 6, 13, 1, 0, tzinfo=UTC)
POSTGRES = Dialect()
ENTITY = (("org", "1; drop table x"), ("id", "7"))

PIECES = """' " $$ $a$ -- /* */ {{ }} {{nor}} {{now}} {{entity.x}} select ( ) ; E' \\ '' $1 a é"""

pieces = st.lists(
    st.sampled_from([*PIECES.split(), " ", "\n", "\x00", " from t"]), max_size=30
).map("".join)


def bound(text: str, dialect: Dialect = POSTGRES) -> tuple[str, tuple[object, ...]]:
    """Return the inner statement and its parameters."""
    question = bind("db", text, dialect, now=NOW, entity=ENTITY, opened_at=OPENED_AT, rows_max=20)
    head, tail = "select * from (\n", "\n) q limit 21"
    assert question.text.startswith(head)
    assert question.text.endswith(tail)
    return question.text.removeprefix(head).removesuffix(tail), question.params


def test_instants_are_bound_with_their_type() -> None:
    text, params = bound("select {{ now }} - {{opened_at}}")
    assert text == "select ($1::timestamptz) - ($2::timestamptz)"
    assert params == (NOW, OPENED_AT)


def test_values_of_the_entity_are_bound_as_text() -> None:
    text, params = bound("select * from t where org = {{ entity.org }} and n = {{ entity.id }}5")
    assert text == "select * from t where org = ($1) and n = ($2)5"
    assert params == ("1; drop table x", "7")


def test_one_name_is_bound_once() -> None:
    text, params = bound("select {{ now }}, {{ now }}")
    assert text == "select ($1::timestamptz), ($1::timestamptz)"
    assert params == (NOW,)


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        (Dialect("sqlite", "iso"), "2025-06-13T02:15:00.250Z"),
        (Dialect("sqlite", "iso", "America/New_York"), "2025-06-12T22:15:00.250"),
        (Dialect("sqlite", "epoch_s"), 1749780900),
        (Dialect("sqlite", "epoch_ms"), 1749780900250),
    ],
)
def test_sqlite_gets_instants_as_its_columns_hold_them(dialect: Dialect, value: object) -> None:
    assert bound("select {{ now }}", dialect) == ("select ($1)", (value,))


def test_what_ends_a_statement_is_left_out() -> None:
    assert bound("select 1 ; -- done")[0] == "select 1 "
    assert bound("select 1 -- done")[0] == "select 1 -- done"


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("select '{{ now }}'", 8, "a placeholder inside a literal is only text"),
        ("select $x$ {{ now }} $x$", 11, "a placeholder inside a literal is only text"),
        ('select "{{ now }}"', 8, "a placeholder inside a quoted identifier is only text"),
        ("select 1 -- {{ now }}", 12, "a placeholder inside a comment is only text"),
        ("select /* a /* b */ {{ now }} */ 1", 20, "a placeholder inside a comment is only text"),
        ("select {{ nwo }}", 7, "`{{ nwo }}` is unknown"),
        ("select {{ entity.team }}", 7, "`{{ entity.team }}` is unknown"),
        ("select {{ now", 7, "`{{ now` is unknown"),
        ("select $1", 7, "`$1` stands for nothing"),
        ("select 'a", 7, "a literal has no end"),
        ("select /* a", 7, "a comment has no end"),
        ("select (1", 7, "this parenthesis has no end"),
        ("select 1)", 8, "closes a parenthesis that was not opened"),
        ("select 1; select 2", 8, "more than one statement"),
        ("delete from t", 0, "`delete` does not begin a query"),
        ("-- nothing", 0, "there is no statement"),
        ("", 0, "there is no statement"),
    ],
)
def test_a_mistake_is_told_where_it_stands(text: str, at: int, words: str) -> None:
    (problem,) = check(text, ["org", "id"])
    assert (problem.at, problem.text) == (at, words)
    with pytest.raises(PlaceholderError) as caught:
        bound(text)
    assert caught.value.at == at


def test_a_misspelt_name_is_told_the_right_one() -> None:
    (problem,) = check("select {{ entity.og }}", ["org"])
    assert problem.hint == "write `{{ entity.org }}`"


def test_an_opening_is_only_known_where_there_is_an_incident() -> None:
    assert not check("select {{ opened_at }}")
    assert check("select {{ opened_at }}", opened_at=False)


@pytest.mark.parametrize(
    "text",
    [
        "select type'x', date'2025-01-01' from t",
        "select E'it\\'s {' || 'a''b'",
        "with a as (select 1) select * from a where b ? 'c' and d->>'e' = '$1 ; -- /*'",
        "(select 1) union all (select 2)",
        "SELECT arr[1], $q$it's$q$ -- it's fine\n",
    ],
)
def test_ordinary_sql_is_right(text: str) -> None:
    assert check(text) == []


@given(pieces)
def test_tokens_are_the_whole_text(text: str) -> None:
    assert "".join(token.text for token in tokens(text)) == text


@given(pieces)
def test_a_statement_is_either_refused_or_bound_completely(text: str) -> None:
    statement = f"select {text}"
    problems = check(statement, ["x"], opened_at=False)
    try:
        question = bind("db", statement, POSTGRES, now=NOW, entity=(("x", "secret"),))
    except PlaceholderError:
        assert problems
        return
    assert not problems
    assert "secret" not in question.text
    found = list(tokens(question.text))
    assert not [token for token in found if token.lexeme is Lexeme.PLACEHOLDER]
    used = {token.text for token in found if token.lexeme is Lexeme.PARAMETER}
    assert len(used) == len(question.params)


@given(pieces)
def test_a_bound_statement_stays_in_its_parentheses(text: str) -> None:
    statement = f"select {text}"
    if check(statement, ["x"]):
        return
    question = bind("db", statement, POSTGRES, now=NOW, entity=(("x", "1"),), opened_at=NOW)
    depth = 0
    inner = [t for t in tokens(question.text) if t.lexeme is Lexeme.SYMBOL][1:]
    for token in inner:
        assert token.text != ";"
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0:
            assert question.text[token.end :].lstrip().startswith("q limit")
            return
