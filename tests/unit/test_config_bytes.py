"""Files of any bytes: a configuration or a problem comes of them, and nothing is ever raised."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.config_files import ENV, GOOD
from watchdog.config.load import Loaded, load
from watchdog.config.report import as_github, as_json, as_text, spelled

SHARED = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TOKENS = st.sampled_from(
    b"\xff|\x00|\xc3|\xed\xa0\x80|\xef\xbb\xbf|\r|\x85|\xe2\x80\xa8|{|}|[|: |\n  |\t|\"|'|#|&a |*a|!!|"
    b"${|{{|-|,".split(b"|")
)


def check_reports(loaded: Loaded, root: str) -> None:
    """Check that every form can be written out, and that every place is in its file."""
    assert loaded.problems or loaded.config
    as_text(loaded, root, colour=True).encode()
    assert json.loads(as_json({root: loaded}).encode())["problems"] is not None
    for line in as_github({root: loaded}).encode().decode().split("\n"):
        assert line.startswith(("::error ", "::warning ")) or root in line or " more: " in line
    for problem in loaded.problems:
        text = loaded.texts.get(problem.place.file)
        assert text is None or problem.place.line <= text.count("\n") + 1
        assert spelled(problem.place) in as_text(loaded, root)


@SHARED
@given(st.binary(max_size=120) | st.lists(TOKENS, max_size=30).map(b"".join))
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"version: 1\r\n")
@example(b'"\\ud800": 1')
@example(b"? ")
@example(b"---")
@example(b"{\n ")
@example(b"version: 1\r\rfoo: 1")
def test_any_bytes_are_a_configuration_or_a_problem(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)
    check_reports(load(path, ENV, partial=True), str(path))


@SHARED
@given(
    st.lists(TOKENS, max_size=8).map(b"".join) | st.binary(max_size=8), st.integers(0, len(GOOD))
)
def test_a_right_file_with_any_bytes_in_it_is_read(tmp_path: Path, bad: bytes, at: int) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(GOOD[:at].encode() + bad + GOOD[at:].encode())
    check_reports(load(path, ENV, partial=True), str(path))


@SHARED
@given(st.integers(0, len(GOOD)))
def test_a_file_that_was_cut_off_is_read(tmp_path: Path, length: int) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(GOOD.encode()[:length])
    check_reports(load(path, ENV, partial=True), str(path))


@SHARED
@given(st.binary(max_size=100))
def test_a_secret_of_any_bytes_is_taken_or_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    path = tmp_path / "rules.yaml"
    path.write_text(f"version: 1\nchannels: {{ slack: {{ token: 'file:{tmp_path}/secret' }} }}\n")
    loaded = load(path, ENV)
    if loaded.config is None:
        assert [one.code for one in loaded.problems] == ["missing-secret-file"]
    else:
        token = loaded.config.slack.token.get_secret_value()
        assert token == content.decode().rstrip("\r\n")


@SHARED
@given(st.binary(max_size=60))
def test_an_included_file_of_any_bytes_leaves_the_root(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "more.yaml").write_bytes(b"# " + content)
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD + "include: more.yaml\n")
    loaded = load(path, ENV, partial=True)
    check_reports(loaded, str(path))
    assert loaded.config is not None
    assert list(loaded.config.rules)[:1] == ["orders-stale"]


@SHARED
@given(st.text(min_size=1, max_size=20))
def test_a_file_of_any_name_can_be_asked_for(name: str) -> None:
    root = f"nowhere/{name}"
    loaded = load(root, ENV)
    assert loaded.config is None
    as_text(loaded, root).encode()
    as_json({root: loaded}).encode()
    as_github({root: loaded}).encode()


@pytest.mark.parametrize("name", ["\udcff.yaml", "a\nb.yaml", "\x1b[31m.yaml", "\u202e.yaml"])
def test_a_report_of_a_file_with_a_strange_name_can_be_written(name: str) -> None:
    loaded = load(f"nowhere/{name}", ENV)
    text, annotations = as_text(loaded, name), as_github({name: loaded})
    for said in (text, annotations):
        said.encode()
        assert "\x1b" not in said.replace(name, "")
    assert len(text.split("\n")) == 3
    assert len(annotations.split("\n")) == 2
    assert json.loads(as_json({name: loaded}).encode())["files"] == [name]


@pytest.mark.parametrize(
    ("character", "code"),
    [("\r", "000D"), ("\x85", "0085"), ("\u2028", "2028"), ("\u2029", "2029")],
)
def test_a_line_break_that_editors_do_not_count_is_refused(
    tmp_path: Path, character: str, code: str
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(f"version: 1\nx-a: 'é{character}b'\nfoo: 1\n".encode())
    (problem,) = load(path, ENV).problems
    assert problem.message == f"the character U+{code} cannot stand in YAML"
    assert (problem.place.line, problem.place.column) == (2, 8)
