"""Excerpts and annotations: the mark below its word, whatever the line holds."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.config.load import Loaded
from watchdog.config.model import Place
from watchdog.config.problems import Level, Problem
from watchdog.config.report import (
    ANNOTATIONS_MAX,
    EXCERPT_MAX,
    as_github,
    as_json,
    as_text,
    notes_of,
    spelled,
    summary,
)


def loaded(line: str, *problems: Problem, rules: int = 0) -> Loaded:
    return Loaded(None, problems, {"f": f"first\n{line}\nlast"}, rules)


def at(column: int, end: int = 0, label: str = "", **more: object) -> Problem:
    return Problem("code", "words", Place("f", 2, column), end, label, **more)  # type: ignore[arg-type]


def mark_of(line: str, problem: Problem) -> tuple[str, str]:
    """Return what stands behind the bar in the excerpt and below it."""
    lines = as_text(loaded(line, problem), "f").split("\n")
    return lines[3].removeprefix("2 | "), lines[4].removeprefix("  | ")


@pytest.mark.parametrize(
    ("line", "column", "end", "shown", "mark"),
    [
        ("abc def", 5, 8, "abc def", "    ^^^"),
        ("abc def", 1, 4, "abc def", "^^^"),
        ("abc def", 5, 0, "abc def", "    ^^^"),
        ("abc def   ", 5, 0, "abc def", "    ^^^"),
        ("abc", 2, 2, "abc", " ^"),
        ("abc", 4, 5, "abc", "   ^"),
        ("abc", 9, 12, "abc", "   ^"),
        ("\tabc", 2, 5, " abc", " ^^^"),
        ("a\tb\tc", 5, 6, "a b c", "    ^"),
        ("例子 x", 4, 5, "例子 x", "     ^"),
        ("x 例子", 3, 5, "x 例子", "  ^^^^"),
        ("ｱｲｳ x", 5, 6, "ｱｲｳ x", "    ^"),
        ("e\u0301 x", 4, 5, "e\u0301 x", "  ^"),
        ("a\u200bb x", 5, 6, "a\u200bb x", "   ^"),
        ("✅ x", 3, 4, "✅ x", "   ^"),
        ("a\x1bb x", 5, 6, "a\\x1bb x", "       ^"),
        ("abc\r", 1, 0, "abc", "^^^"),
    ],
)
def test_the_mark_stands_below_its_word(
    line: str, column: int, end: int, shown: str, mark: str
) -> None:
    assert mark_of(line, at(column, end)) == (shown, mark)


@pytest.mark.parametrize("column", [1, 50, 150, 200, 350, 397])
def test_of_a_long_line_what_is_around_the_mark_is_shown(column: int) -> None:
    line = "".join(chr(97 + number % 26) for number in range(400))
    shown, mark = mark_of(line, at(column, column + 3))
    assert len(shown.strip("…")) == EXCERPT_MAX
    assert shown[mark.index("^") :][:3] == line[column - 1 : column + 2]
    assert shown.startswith("…") == (column > EXCERPT_MAX // 3 + 1)


def test_a_mark_ends_with_what_is_shown() -> None:
    shown, mark = mark_of("x" * 400, at(1, 400))
    assert len(mark) == EXCERPT_MAX
    assert shown == "x" * EXCERPT_MAX + "…"


@given(
    st.text(alphabet=st.characters(blacklist_characters="\n"), max_size=300),
    st.integers(1, 310),
    st.integers(0, 310),
)
def test_a_mark_never_goes_beyond_what_is_shown(line: str, column: int, end: int) -> None:
    text = as_text(loaded(line, at(column, end)), "f")
    lines = text.split("\n")
    assert len(lines) == 6
    width = sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in lines[3])
    assert lines[4].count("^") <= max(1, width)
    assert text.isprintable() or "\x1b" not in text


def test_several_problems_of_a_line_are_told_one_by_one() -> None:
    text = as_text(loaded("abc def", at(1, 4, "one"), at(5, 8, "two")), "f")
    assert text.split("\n") == [
        "error[code]: words",
        " --> f:2:1",
        "  |",
        "2 | abc def",
        "  | ^^^ one",
        "error[code]: words",
        " --> f:2:5",
        "  |",
        "2 | abc def",
        "  |     ^^^ two",
        "f: 2 errors, 0 warnings in 0 rules",
    ]


@pytest.mark.parametrize("number", [1, 12, 1234])
def test_the_gutter_is_as_wide_as_the_number(number: int) -> None:
    problem = Problem("code", "words", Place("f", number, 1), 2, notes=("note",))
    lines = as_text(Loaded(None, (problem,), {"f": "x\n" * 2000}), "f").split("\n")
    assert lines[3] == f"{number} | x"
    assert {line.index(mark) for line, mark in zip(lines[2:5], "|||", strict=True)} == {
        len(str(number)) + 1
    }
    assert lines[5].index("=") == len(str(number)) + 1


@pytest.mark.parametrize("place", [Place("f", 0, 0), Place("gone", 2, 1), Place("f", 99, 1)])
def test_without_a_line_the_label_stands_by_itself(place: Place) -> None:
    problem = Problem("code", "words", place, 2, "label", ("note",))
    lines = as_text(loaded("abc", problem), "f").split("\n")
    assert lines[1].strip() == f"--> {spelled(place)}"
    assert [line.strip() for line in lines[2:4]] == ["= label", "= note"]


def test_the_related_place_is_the_last_note() -> None:
    problem = at(1, 2, notes=("note",), related=(Place("g", 3, 4), "the first one is here"))
    assert notes_of(problem) == ("note", "the first one is here: g:3:4")


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place("a/b.yaml", 3, 4), "a/b.yaml:3:4"),
        (Place("a.yaml", 0, 0), "a.yaml"),
        (Place("a\nb", 1, 2), "a\\nb:1:2"),
    ],
)
def test_a_place_is_spelled_as_editors_read_it(place: Place, text: str) -> None:
    assert spelled(place) == text


@pytest.mark.parametrize(
    ("errors", "warnings", "rules", "words"),
    [
        (0, 0, 0, "0 errors, 0 warnings in 0 rules"),
        (1, 1, 1, "1 error, 1 warning in 1 rule"),
        (2, 0, 10, "2 errors, 0 warnings in 10 rules"),
    ],
)
def test_the_closing_line_counts_in_words(
    errors: int, warnings: int, rules: int, words: str
) -> None:
    problems = [at(1)] * errors + [at(1, level=Level.WARNING)] * warnings
    assert summary(loaded("", *problems, rules=rules), "f") == f"f: {words}"


def test_colours_tell_errors_from_warnings() -> None:
    text = as_text(loaded("abc", at(1), at(1, level=Level.WARNING)), "f", colour=True)
    assert "\x1b[31m\x1b[1merror[code]\x1b[0m" in text
    assert "\x1b[33m\x1b[1mwarning[code]\x1b[0m" in text


def test_json_holds_everything_of_a_problem() -> None:
    problem = at(3, 5, "do", notes=("a", "b"), related=(Place("g", 7, 8), "here"))
    document = json.loads(as_json({"r": loaded("", problem, rules=4)}))
    assert document == {
        "files": ["r"],
        "errors": 1,
        "warnings": 0,
        "rules": 4,
        "problems": [
            {
                "root": "r",
                "level": "error",
                "code": "code",
                "message": "words",
                "file": "f",
                "line": 2,
                "column": 3,
                "end_column": 5,
                "label": "do",
                "notes": ["a", "b"],
                "related": {"file": "g", "line": 7, "column": 8, "words": "here"},
            }
        ],
    }


def test_json_counts_over_all_roots() -> None:
    results = {
        "a": loaded("", at(1), rules=2),
        "b": loaded("", at(1, level=Level.WARNING), rules=3),
    }
    document = json.loads(as_json(results))
    assert (document["errors"], document["warnings"], document["rules"]) == (1, 1, 5)
    assert [one["root"] for one in document["problems"]] == ["a", "b"]
    assert document["problems"][0]["end_column"] is None


@pytest.mark.parametrize(
    ("problem", "annotation"),
    [
        (at(3, 5), "::error file=f,line=2,col=3,endColumn=5,title=watchdog code::words"),
        (at(3), "::error file=f,line=2,col=3,title=watchdog code::words"),
        (
            at(3, level=Level.WARNING),
            "::warning file=f,line=2,col=3,title=watchdog code::words",
        ),
        (
            Problem("code", "a%b", Place("x,y:z%.yaml", 0, 0), label="c,d:e"),
            "::error file=x%2Cy%3Az%25.yaml,title=watchdog code::a%25b%0Ac,d:e",
        ),
        (
            at(1, 2, "label", notes=("note",), related=(Place("g", 1, 1), "here")),
            "::error file=f,line=2,col=1,endColumn=2,title=watchdog code"
            "::words%0Alabel%0Anote%0Ahere: g:1:1",
        ),
        (
            Problem("code", "a\n::error::b", Place("f", 1, 1)),
            "::error file=f,line=1,col=1,title=watchdog code::a\\n::error::b",
        ),
    ],
)
def test_an_annotation_is_one_line(problem: Problem, annotation: str) -> None:
    assert as_github({"f": loaded("", problem)}).split("\n")[0] == annotation


@pytest.mark.parametrize(("errors", "left"), [(ANNOTATIONS_MAX, 0), (ANNOTATIONS_MAX + 1, 1)])
def test_annotations_beyond_what_is_shown_are_counted(errors: int, left: int) -> None:
    problems = [at(1)] * errors + [at(1, level=Level.WARNING)] * ANNOTATIONS_MAX
    lines = as_github({"f": loaded("", *problems)}).split("\n")
    assert sum(line.startswith("::error ") for line in lines) == ANNOTATIONS_MAX
    assert sum(line.startswith("::warning ") for line in lines) == ANNOTATIONS_MAX
    assert lines[2 * ANNOTATIONS_MAX + 1 :] == ([f"{left} more: run `watchdog check`"] * left)
