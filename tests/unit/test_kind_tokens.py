"""Enough of SQL's lexis: what is code and what is text, for statements of any shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.placeholders import check, placeholder_name, statement, substitute
from rules.sql_tokens import Lexeme, Token, tokens


def lexemes(sql: str) -> list[tuple[str, str]]:
    """Return the tokens that are no space."""
    return [(t.lexeme.value, t.text) for t in tokens(sql) if t.lexeme is not Lexeme.SPACE]


def only(sql: str) -> Token:
    (token,) = tokens(sql)
    return token


@pytest.mark.parametrize(
    ("sql", "lexeme"),
    [
        (" \n\t\u00a0", Lexeme.SPACE),
        ("-- a 'b' {{ now }}", Lexeme.COMMENT),
        ("/* a */", Lexeme.COMMENT),
        ("/* a /* b */ c */", Lexeme.COMMENT),
        ("/*/**/*/", Lexeme.COMMENT),
        ("''", Lexeme.LITERAL),
        ("'it''s'", Lexeme.LITERAL),
        ("'a\nb'", Lexeme.LITERAL),
        ("'a\\'", Lexeme.LITERAL),
        ("E'it\\'s'", Lexeme.LITERAL),
        ("e'\\\\'", Lexeme.LITERAL),
        ("E'a''b'", Lexeme.LITERAL),
        ("$$a$$", Lexeme.LITERAL),
        ("$q$a $$ b$q$", Lexeme.LITERAL),
        ("$größe$x$größe$", Lexeme.LITERAL),
        ("$_1$;$_1$", Lexeme.LITERAL),
        ('"a b"', Lexeme.QUOTED),
        ('"say ""hi"""', Lexeme.QUOTED),
        ("{{ now }}", Lexeme.PLACEHOLDER),
        ("{{a}b}}", Lexeme.PLACEHOLDER),
        ("$1", Lexeme.PARAMETER),
        ("$123456", Lexeme.PARAMETER),
        ("select", Lexeme.WORD),
        ("a$b$c", Lexeme.WORD),
        ("täg", Lexeme.WORD),
        ("日本", Lexeme.WORD),
        ("42", Lexeme.WORD),
        (";", Lexeme.SYMBOL),
        ("{", Lexeme.SYMBOL),
        ("🚨", Lexeme.SYMBOL),
        ("\x00", Lexeme.SYMBOL),
    ],
)
def test_a_stretch_is_one_token(sql: str, lexeme: Lexeme) -> None:
    assert only(sql) == Token(lexeme, sql, 0, closed=True)
    assert only(sql).end == len(sql)


@pytest.mark.parametrize(
    ("sql", "lexeme"),
    [
        ("/* a /* b */", Lexeme.COMMENT),
        ("/*", Lexeme.COMMENT),
        ("'", Lexeme.LITERAL),
        ("'a''", Lexeme.LITERAL),
        ("E'a\\'", Lexeme.LITERAL),
        ("$$ a $", Lexeme.LITERAL),
        ("$a$ b $b$", Lexeme.LITERAL),
        ('"', Lexeme.QUOTED),
        ('"a""', Lexeme.QUOTED),
        ("{{", Lexeme.PLACEHOLDER),
        ("{{ now }", Lexeme.PLACEHOLDER),
    ],
)
def test_what_has_no_end_reaches_to_the_end(sql: str, lexeme: Lexeme) -> None:
    tail = " ; select 1"
    assert only(sql) == Token(lexeme, sql, 0, closed=False)
    assert only(sql + tail) == Token(lexeme, sql + tail, 0, closed=False)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("type'x'", [("word", "type"), ("literal", "'x'")]),
        ("some'x'", [("word", "some"), ("literal", "'x'")]),
        ("a--b\nc", [("word", "a"), ("comment", "--b"), ("word", "c")]),
        ("a/b*c", [("word", "a"), ("symbol", "/"), ("word", "b"), ("symbol", "*"), ("word", "c")]),
        ("x$1", [("word", "x$1")]),
        ("($1)", [("symbol", "("), ("parameter", "$1"), ("symbol", ")")]),
        ("$1$", [("parameter", "$1"), ("word", "$")]),
        ("'{{' now '}}'", [("literal", "'{{'"), ("word", "now"), ("literal", "'}}'")]),
        ("{{a}}{{b}}", [("placeholder", "{{a}}"), ("placeholder", "{{b}}")]),
        ("'a' 'b'", [("literal", "'a'"), ("literal", "'b'")]),
        ("*/", [("symbol", "*"), ("symbol", "/")]),
    ],
)
def test_neighbours_stay_apart(sql: str, found: list[tuple[str, str]]) -> None:
    assert lexemes(sql) == found


fuzz = st.text(
    alphabet=st.sampled_from("'\"$-/*{}()eE;\\\n aA_1é\x00") | st.characters(codec="utf-8"),
    max_size=60,
)


@given(fuzz)
def test_any_text_is_its_tokens_one_behind_the_other(sql: str) -> None:
    at = 0
    for token in tokens(sql):
        assert (token.at, token.text) == (at, sql[at : token.end])
        assert token.text
        at = token.end
    assert at == len(sql)


@given(fuzz)
def test_only_the_last_token_may_have_no_end(sql: str) -> None:
    assert all(token.closed for token in list(tokens(sql))[:-1])


@given(st.text(max_size=40))
def test_a_quoted_text_is_one_token_whatever_is_in_it(text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    assert only(quoted).lexeme is Lexeme.LITERAL
    named = '"' + text.replace('"', '""') + '"'
    assert only(named).lexeme is Lexeme.QUOTED


@given(fuzz, fuzz)
def test_what_is_substituted_is_only_what_stands_between_braces(before: str, after: str) -> None:
    found = substitute(f"{before}{after}", lambda _: "<>")
    kept = [t.text for t in tokens(before + after) if t.lexeme is not Lexeme.PLACEHOLDER]
    assert found.replace("(<>)", "") == "".join(kept).replace("(<>)", "")


def test_very_long_texts_take_no_time_to_read() -> None:
    for piece in ("'", "{{", "/*", "$$", "(", '"', "a", "$a$", "E'\\"):
        assert sum(len(token.text) for token in tokens(piece * 20_000)) == len(piece) * 20_000


@pytest.mark.parametrize(
    ("text", "at", "words", "hint"),
    [
        ("select '{{ now }}'", 8, "a placeholder inside a literal is only text", "outside"),
        ("select $$ {{ now }} $$", 10, "a placeholder inside a literal is only text", "outside"),
        ('select "{{ now }}"', 8, "a placeholder inside a quoted identifier is only text", "quote"),
        ("select 1 -- {{ now }}", 12, "a placeholder inside a comment is only text", "outside"),
        ("select 1 /* {{ x }} */", 12, "a placeholder inside a comment is only text", "outside"),
        ("select {{ nwo }}", 7, "`{{ nwo }}` is unknown", "write `{{ now }}`"),
        ("select {{ opend_at }}", 7, "`{{ opend_at }}` is unknown", "write `{{ opened_at }}`"),
        ("select {{ entity.ogr }}", 7, "`{{ entity.ogr }}` is unknown", "{{ entity.org }}"),
        ("select {{}}", 7, "`{{}}` is unknown", ""),
        ("select {{ zzzzzz }}", 7, "`{{ zzzzzz }}` is unknown", ""),
        ("select $7", 7, "`$7` stands for nothing", "write `{{ now }}`"),
        ("select \x00", 7, "a zero byte", ""),
        ("select 'ä', {{ y }}", 12, "`{{ y }}` is unknown", ""),
        ("select $a$ b", 7, "a literal has no end", ""),
        ('select "b', 7, "a quoted identifier has no end", ""),
        ("select 1 /* /* */", 9, "a comment has no end", ""),
        ("select ((1)", 7, "this parenthesis has no end", ""),
        ("select (1))", 10, "closes a parenthesis that was not opened", ""),
        ("select 1 ; select 2", 9, "more than one statement", ""),
        ("; select 1", 0, "more than one statement", ""),
        ("update t set a = 1", 0, "`update` does not begin a query", "select"),
        ("  /* x */ drop table t", 10, "`drop` does not begin a query", "select"),
        ("values (1)", 0, "`values` does not begin a query", "select"),
        (";;", 0, "there is no statement", ""),
        ("/* only */ -- words", 0, "there is no statement", ""),
    ],
)
def test_a_mistake_is_told_with_its_place_and_a_way_out(
    text: str, at: int, words: str, hint: str
) -> None:
    problem = check(text, ["org", "id"])[0]
    assert (problem.at, problem.text) == (at, words)
    assert hint in problem.hint
    assert bool(hint) == bool(problem.hint)


def test_every_mistake_of_a_statement_is_told_in_order() -> None:
    found = check("select $1, {{ nwo }}, '{{ now }}'; (")
    assert [problem.at for problem in found] == [7, 11, 23, 33, 35]


def test_a_long_placeholder_is_shown_short() -> None:
    (problem,) = check("select {{ " + "x" * 500 + " }}")
    assert len(problem.text) < 60


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("select 1", "select 1"),
        ("select 1;", "select 1"),
        ("select 1; -- done", "select 1"),
        ("select ';' ; ;", "select ';' "),
        ("select $$;$$", "select $$;$$"),
    ],
)
def test_a_statement_ends_before_its_semicolon(text: str, kept: str) -> None:
    assert statement(text) == kept


def test_the_name_in_a_placeholder_may_be_written_with_or_without_spaces() -> None:
    assert [placeholder_name(t) for t in tokens("{{now}}{{ now }}{{\n now\t}}")] == ["now"] * 3
