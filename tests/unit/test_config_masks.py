"""Secrets that stand in a file: covered in every form of a report, whatever their shape."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config_files import GOOD, codes
from watchdog.config.load import Loaded, load_text
from watchdog.config.nodes import Span
from watchdog.config.report import as_github, as_json, as_text
from watchdog.config.secrets import SECRET_BYTES_MAX, Masks, cover

CANARY = "c4n4ry"


def loaded_with(text: str, env: dict[str, str] | None = None) -> Loaded:
    return load_text({"rules.yaml": f"version: 1\n{text}\n"}, "rules.yaml", env or {})


FORMS: dict[str, Callable[[Loaded], str]] = {
    "text": lambda loaded: as_text(loaded, "rules.yaml"),
    "colour": lambda loaded: as_text(loaded, "rules.yaml", colour=True),
    "json": lambda loaded: as_json({"rules.yaml": loaded}),
    "github": lambda loaded: as_github({"rules.yaml": loaded}),
}

SPREAD = {
    "a token over two lines": 'channels: { slack: { token: "abc\n   c4n4ry", x: 1 } }',
    "a header over two lines": (
        'sources: { a: { http: https://h, headers: { X: "abc\n   c4n4ry" }, y: 1 } }'
    ),
    "a token over three lines": 'channels: { slack: { token: "a\n  c4n4ry\n  b", x: 1 } }',
    "an address over two lines": (
        'sources: { a: { postgres: "postgres://me:pw\\\n  c4n4ry@host/db", y: 1 } }'
    ),
    "an address with a doubled quote": (
        "service: { store: 'postgres://me:it''s-c4n4ry@host/db', x: 1 }"
    ),
    "an address with an escaped quote": (
        'service: { store: "postgres://me:it\\"s-c4n4ry@host/db", x: 1 }'
    ),
    "an address with a brace": 'channels: { email: { smtp: "smtp://me:it{s-c4n4ry@host", x: 1 } }',
    "an address with a space": 'service: { store: "postgres://me:it s-c4n4ry@host/db", x: 1 }',
    "a token with a doubled quote": "channels: { slack: { token: 'it''s-c4n4ry' ] } }",
    "a token with an escaped quote": 'channels: { slack: { token: "it\\"s-c4n4ry" ] } }',
    "a token with a comma": "channels:\n  slack:\n    token: abc,c4n4ry ]: x: y",
    "a token nobody closed": 'channels: { slack: { token: "c4n4ry } }',
    "a token under a wrong key": "channels: { slack: { tken: c4n4ry } }",
    "a list of tokens": "channels: { slack: { x-tokens: 1, secrets: [a, c4n4ry] } }",
    "a mapping of secrets": "sources: { a: { credentials: { user: c4n4ry } } }",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", SPREAD.values(), ids=SPREAD)
def test_no_form_of_a_report_shows_a_secret_of_the_file(text: str, form: str) -> None:
    loaded = loaded_with(text)
    assert loaded.errors
    assert CANARY not in FORMS[form](loaded)


@pytest.mark.parametrize(
    "text",
    [
        "service: { url: '${X}' }",
        "service: { listen: '${X}' }",
        "people: { ana: { email: '${X}' } }",
        "people: { ana: { slack: '${X}' } }",
        "people: { ana: { timezone: '${X}' } }",
        "people: { ana: { role: '${X}' } }",
        "teams: { a: { lead: '${X}' } }",
        "teams: { a: { lead: ana, working_hours: '${X}' } }",
        "teams: { a: { lead: ana, oncall: { handover: '${X}', order: [ana] } } }",
        "teams: { a: { lead: ana, oncall: { order: ['${X}'] } } }",
        "defaults: { team: '${X}' }",
        "defaults: { open_after: '${X}' }",
        "defaults: { every: '${X}' }",
        "defaults: { severity: '${X}' }",
        "defaults: { runbook: '${X}' }",
        "sources: { a: { http: '${X}', team: t } }",
        "sources: { a: { sqlite: a.db, time: '${X}' } }",
        "sources: { a: { postgres: postgres://h, connections: '${X}' } }",
        "sources: { a: { http: https://h, body_max: '${X}' } }",
        "routes: [{ when: { team: '${X}' }, send: slack }]",
        "routes: [{ send: '${X}' }]",
        "routes: [{ when: { severity: '${X}' }, send: slack }]",
        "rules: { a: { depends_on: '${X}' } }",
        "rules: { a: { queue: { source: '${X}', table: t, max_rows: 1 } } }",
        "rules: { a: { queue: { source: s, table: t, max_rows: '${X}' } } }",
    ],
)
def test_no_refusal_shows_what_a_variable_holds(text: str) -> None:
    loaded = loaded_with(text, {"X": f"{CANARY} value"})
    assert loaded.errors
    for form in FORMS.values():
        assert CANARY not in form(loaded)
    assert CANARY not in repr(loaded)


def test_an_excerpt_keeps_the_columns_of_what_it_covers() -> None:
    loaded = loaded_with("channels: { slack: { token: c4n4ry, apii: 1 } }")
    lines = as_text(loaded, "rules.yaml").split("\n")
    at = next(number for number, line in enumerate(lines) if "did you mean `api`?" in line)
    assert lines[at - 1] == "2 | channels: { slack: { token: ••••••, apii: 1 } }"
    assert lines[at].index("^") == lines[at - 1].index("apii")


@pytest.mark.parametrize(
    ("line", "covered"),
    [
        ("token: abc", "token: •••"),
        ("TOKEN: abc", "TOKEN: •••"),
        ("my-api-key: abc", "my-api-key: •••"),
        ("api_key: 'a b'", "api_key: •••••"),
        ('password: "a, b", c: d', "password: ••••••, c: d"),
        ("passwd: a b c", "passwd: •••••"),
        ('"token": abc', '"token": •••'),
        ("token: abc # hm", "token: ••••••••"),
        ("{ secret: a, b: c }", "{ secret: •, b: c }"),
        ("Authorization: Bearer abc", "Authorization: ••••••••••"),
        ("x: https://me:pw@host/", "x: https://•••••@host/"),
        ("x: https://me@host/", "x: https://me@host/"),
        ("x: https://:pw@host/", "x: https://•••@host/"),
        ("x: postgres://me:p@w@host/", "x: postgres://••••••@host/"),
        ("x: ?password=abc&y=1", "x: ?password=•••&y=1"),
        ("x: xoxb-1234567", "x: ••••••••••••"),
        ("x: xapp-1234567", "x: ••••••••••••"),
        ("x: AKIA0123456789ABCDEF", "x: ••••••••••••••••••••"),
        ("x: ghp_01234567890123456789", "x: ••••••••••••••••••••••••"),
        ("-----BEGIN PRIVATE KEY-----", "•" * 27),
        ("-----BEGIN RSA PRIVATE KEY-----", "•" * 31),
        ("a token is needed", "a token is needed"),
        ("token: ${TOKEN}", "token: ${TOKEN}"),
        ("token: file:/run/secrets/x", "token: file:/run/secrets/x"),
        ("title: nothing here", "title: nothing here"),
    ],
)
def test_what_looks_like_a_secret_is_covered(line: str, covered: str) -> None:
    assert cover(line) == covered


@given(st.text(alphabet="abc{}'\"\\: ,#token@/", max_size=60))
def test_covering_twice_covers_no_less(line: str) -> None:
    once = cover(line)
    assert len(cover(once)) == len(line)
    assert once.count("•") <= cover(once).count("•")


def test_a_mask_covers_its_span_in_its_own_file_only() -> None:
    masks = Masks((Span("a.yaml", 2, 4, 7),))
    assert masks.line("abcdefgh", "a.yaml", 2) == "abc•••gh"
    assert masks.line("abcdefgh", "a.yaml", 3) == "abcdefgh"
    assert masks.line("abcdefgh", "b.yaml", 2) == "abcdefgh"


@pytest.mark.parametrize(
    ("number", "shown"), [(1, "abcdefgh"), (2, "abc•••••"), (3, "••••••••"), (4, "••cdefgh")]
)
def test_a_mask_of_several_lines_covers_each_of_them(number: int, shown: str) -> None:
    masks = Masks((Span("f", 2, 4, 0, 4, 3),))
    assert masks.line("abcdefgh", "f", number) == shown


@given(st.text(max_size=40), st.integers(1, 50), st.integers(1, 50), st.booleans())
def test_a_masked_line_keeps_its_length(line: str, column: int, width: int, is_one: bool) -> None:
    one = Span("f", 1, column, column + width)
    many = Span("f", 1, column, 0, 3, width)
    masks = Masks((one if is_one else many,))
    assert {len(masks.line(line, "f", number)) for number in (1, 2, 3)} == {len(line)}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "the secret's file is not UTF-8"),
        (
            b"x" * (SECRET_BYTES_MAX + 1),
            f"the secret's file is larger than {SECRET_BYTES_MAX} bytes",
        ),
        (None, "cannot read the secret's file: no such file or directory"),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_refused(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    loaded = loaded_with(f"channels: {{ slack: {{ token: 'file:{tmp_path}/secret' }} }}")
    assert [(one.code, one.message) for one in loaded.problems] == [("missing-secret-file", words)]


@pytest.mark.parametrize("kind", ["directory", "pipe"])
def test_a_secret_is_never_waited_for(tmp_path: Path, kind: str) -> None:
    import os

    path = tmp_path / "secret"
    path.mkdir() if kind == "directory" else os.mkfifo(path)
    loaded = loaded_with(f"service: {{ store: 'file:{path}' }}")
    assert codes(loaded) == ["missing-secret-file"]


@pytest.mark.parametrize("name", ["a\\0b", "", "\\ud7ff"])
def test_a_strange_name_of_a_secret_file_is_refused(name: str) -> None:
    loaded = loaded_with(f'channels: {{ slack: {{ token: "file:{name}" }} }}')
    assert codes(loaded) == ["missing-secret-file"]


@pytest.mark.parametrize(
    ("content", "value"),
    [("abc", "abc"), ("abc\n", "abc"), ("abc\r\n", "abc"), (" a b ", " a b "), ("a\nb\n", "a\nb")],
)
def test_the_last_newline_of_a_secret_file_is_left_out(
    tmp_path: Path, content: str, value: str
) -> None:
    (tmp_path / "secret").write_bytes(content.encode())
    loaded = loaded_with(f"channels: {{ slack: {{ token: 'file:{tmp_path}/secret' }} }}")
    assert loaded.config is not None
    assert loaded.config.slack.token.get_secret_value() == value


def test_a_variable_cannot_name_a_secret_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY)
    loaded = loaded_with("channels: { slack: { token: '${X}' } }", {"X": f"file:{tmp_path}/secret"})
    assert loaded.config is not None
    assert loaded.config.slack.token.get_secret_value().startswith("file:")


def test_a_reference_is_refused_where_it_stands() -> None:
    loaded = loaded_with('service: { url: "https://${A}${B" }', {"A": "a"})
    (problem,) = loaded.problems
    assert (problem.code, problem.message) == ("bad-reference", "a reference is not finished")
    assert (problem.place.column, problem.end_column) == (30, 33)
    assert problem.label == "write `${NAME}`"


@pytest.mark.parametrize("reference", ["${}", "${1A}", "${A-B}", "${A:x}", "${ A }", "${A"])
def test_a_reference_holds_a_name_and_nothing_else(reference: str) -> None:
    loaded = loaded_with(f"service: {{ url: '{reference}' }}", {"A": "https://a"})
    assert codes(loaded) == ["bad-reference"]


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("HOOST", "did you mean `HOST`?"),
        ("host", "did you mean `HOST`?"),
        ("OTHER", "set it, or write `${OTHER:-default}`"),
    ],
)
def test_a_missing_variable_is_told_with_its_remedy(name: str, label: str) -> None:
    (problem,) = loaded_with(f"service: {{ url: 'https://${{{name}}}' }}", {"HOST": "h"}).problems
    assert (problem.code, problem.label) == ("missing-variable", label)
    assert problem.message == f"the environment has no variable `{name}`"


def test_a_warning_of_a_secret_marks_the_secret_alone() -> None:
    loaded = loaded_with("service: { store: 'postgres://me:pw@host/db' }")
    (problem,) = loaded.problems
    assert (problem.place.column, problem.end_column) == (31, 36)
    assert not problem.is_error


def test_json_covers_what_stands_in_labels_and_notes_too() -> None:
    text = GOOD.replace("crm: {", "xoxb-1234567: {").replace("source: crm", "source: xoxb-1234568")
    loaded = load_text({"rules.yaml": text}, "rules.yaml", {"CRM_DSN": "postgres://h"})
    document = json.loads(as_json({"rules.yaml": loaded}))
    assert "unknown-source" in {one["code"] for one in document["problems"]}
    assert "xoxb" not in json.dumps(document["problems"])
