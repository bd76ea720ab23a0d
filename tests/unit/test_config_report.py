"""Problems as people and machines read them, and the command that shows them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.config_files import ENV, GOOD, read
from watchdog.cli.check import check_command
from watchdog.config.report import as_github, as_json, as_text, summary

TWO = GOOD.replace("lead: ana", "lead: anna").replace("max_age", "max_aeg")


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in (ENV | {"XDG_CACHE_HOME": str(tmp_path / "cache")}).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "rules.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(TWO)
    (tmp_path / "odd.yaml").write_text(GOOD.replace("{ slack: U02RAJ }", "{}"))
    return tmp_path


def check(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(check_command, arguments)
    return result.exit_code, result.stdout


def test_the_closing_line_counts() -> None:
    assert summary(read(GOOD), "rules.yaml") == "rules.yaml: 0 errors, 0 warnings in 1 rule"
    assert summary(read(TWO), "rules.yaml") == "rules.yaml: 2 errors, 0 warnings in 1 rule"


def test_wide_characters_keep_the_mark_below_its_word() -> None:
    text = 'version: 1\npeople: { ana: { email: "数据@例", emial: x } }\n'
    lines = as_text(read(text), "rules.yaml").split("\n")
    mark = next(line for line in lines if "^^^^^ did you mean" in line)
    assert mark.index("^") == len('2 | people: { ana: { email: "数据@例", ') + 3


def test_a_very_long_line_is_shown_around_its_mark() -> None:
    text = f"version: 1\npeople: {{ ana: {{ email: {'a' * 300}, emial: {'b' * 300} }} }}\n"
    lines = as_text(read(text), "rules.yaml").split("\n")
    at = next(i for i, line in enumerate(lines) if "^^^^^ did you mean" in line)
    assert lines[at - 1][lines[at].index("^") :].startswith("emial")
    assert lines[at - 1].startswith("2 | …a")
    assert lines[at - 1].endswith("b…")


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    text = 'version: 1\npeople: { ana: { email: "\\e[31m" } }\n"\\u202e": 1\n'
    said = as_text(read(text), "rules.yaml")
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "`\\x1b[31m` is not a mail address" in said


def test_colour_changes_nothing_but_colour() -> None:
    import re

    loaded = read(TWO)
    painted = as_text(loaded, "rules.yaml", colour=True)
    assert re.sub(r"\x1b\[\d+m", "", painted) == as_text(loaded, "rules.yaml")
    assert "\x1b[31m" in painted


def test_json_holds_every_problem() -> None:
    document = json.loads(as_json({"rules.yaml": read(TWO)}))
    assert (document["errors"], document["warnings"], document["rules"]) == (2, 0, 1)
    assert document["problems"][1] == {
        "root": "rules.yaml",
        "level": "error",
        "code": "unknown-key",
        "message": "`max_aeg` is not a key of `stale`",
        "file": "rules.yaml",
        "line": 14,
        "column": 61,
        "end_column": 68,
        "label": "did you mean `max_age`?",
        "notes": document["problems"][1]["notes"],
        "related": None,
    }


def test_annotations_are_ten_of_a_kind_and_escaped() -> None:
    people = "".join(f"  p{i}: {{ email: 'a%,b' }}\n" for i in range(14))
    lines = as_github({"a,b.yaml": read(f"version: 1\npeople:\n{people}")}).split("\n")
    assert lines[0] == (
        "::error file=rules.yaml,line=3,col=16,endColumn=22,title=watchdog bad-email"
        "::`a%25,b` is not a mail address%0Awrite it like `ana@example.com`"
    )
    assert len(lines) == 12
    assert lines[-1] == "4 more: run `watchdog check`"


def test_check_reads_rules_yaml_of_the_directory(directory: Path) -> None:
    assert directory == Path.cwd()
    assert check() == (0, "rules.yaml: 0 errors, 0 warnings in 1 rule\n")


@pytest.mark.usefixtures("directory")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["bad.yaml"], 1),
        (["rules.yaml", "bad.yaml"], 1),
        (["odd.yaml"], 0),
        (["odd.yaml", "--strict"], 1),
        (["rules.yaml", "--strict"], 0),
        (["nowhere.yaml"], 2),
        (["."], 2),
        (["--format", "xml"], 2),
        (["bad.yaml", "--format", "json"], 1),
        (["bad.yaml", "--format", "github"], 1),
    ],
)
def test_the_exit_code_says_what_came_of_it(arguments: list[str], code: int) -> None:
    assert check(*arguments)[0] == code


@pytest.mark.usefixtures("directory")
def test_strict_says_that_warnings_count() -> None:
    assert check("odd.yaml", "--strict")[1].endswith("--strict: warnings count as errors\n")


@pytest.mark.usefixtures("directory")
def test_the_output_is_plain_unless_colour_is_asked_for() -> None:
    assert "\x1b" not in check("bad.yaml")[1]
    assert "\x1b[31m" in check("bad.yaml", "--color", "always")[1]
