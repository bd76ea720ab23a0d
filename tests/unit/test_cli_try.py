"""What `watchdog try` finds now, and how it ends."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.command_line import Terminal

RULES = """\
version: 1
people: { ana: { email: ana@example.com } }
teams: { data: { lead: ana } }
defaults: { team: data }
sources: { web: { sqlite: FOLDER/web.db }, demo: { postgres: "demo://crm" } }
rules:
  full: { title: Full, queue: { source: web, table: job, max_rows: 1, entity: [name] } }
  fine: { title: Fine, queue: { source: web, table: job, max_rows: 9 } }
  gone: { title: Gone, queue: { source: web, table: nowhere, max_rows: 1 } }
  away: { title: Away, queue: { source: demo, table: job, max_rows: 1 } }
  excused:
    title: Excused
    queue: { source: web, table: job, max_rows: 1, entity: [name] }
    unless: { exists: select 1 from job }
  undecided:
    title: Undecided
    queue: { source: web, table: job, max_rows: 1, entity: [name] }
    unless: { exists: select 1 from nowhere }
"""


@pytest.fixture
def shell(tmp_path: Path) -> Terminal:
    here = Terminal(tmp_path)
    here.rules.write_text(RULES.replace("FOLDER", str(tmp_path)))
    with closing(sqlite3.connect(tmp_path / "web.db")) as file:
        file.execute("create table job (name text)")
        file.executemany("insert into job values (?)", [("a\x1b[2J\tb",)] * 2)
        file.commit()
    return here


def test_what_is_bad_is_shown_and_ends_with_1(shell: Terminal) -> None:
    said = shell.run_now("try", "full", "-o", "json")
    [row] = said.rows
    assert (said.code, said.err) == (1, "")
    assert (row["level"], row["fact"]) == ("warning", "2 waiting (max 1)")
    assert "\x1b" not in said.out
    tsv = shell.run_now("try", "full")
    assert len(tsv.out.splitlines()[1].split("\t")) == 5
    assert tsv.err == "full: 1 bad now. Nothing was sent.\n"


def test_what_is_fine_says_so_and_ends_with_0(shell: Terminal) -> None:
    said = shell.run_now("try", "fine")
    assert (said.code, said.err) == (0, "fine: ok. Nothing was sent.\n")


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("gone", 'gone could not be evaluated: table "nowhere" does not exist'),
        ("away", "away could not be evaluated: the demo is not running"),
        ("undecided", "undecided could not be evaluated: `unless` could not be asked"),
    ],
)
def test_what_cannot_be_asked_is_neither_good_nor_bad(
    rule: str, sentence: str, shell: Terminal
) -> None:
    said = shell.run_now("try", rule)
    assert (said.code, said.out) == (3, "")
    assert said.err.startswith(sentence)


def test_what_is_excused_is_found_and_said(shell: Terminal) -> None:
    said = shell.run_now("try", "excused")
    assert said.code == 1
    sentence = "excused: 1 bad now, 1 of them excused by `unless`. Nothing was sent.\n"
    assert said.err == sentence


def test_nothing_is_written_by_trying(shell: Terminal) -> None:
    before = (shell.folder / "web.db").read_bytes()
    for rule in ("full", "fine", "gone", "excused"):
        shell.run_now("try", rule)
    assert (shell.folder / "web.db").read_bytes() == before
    assert sorted(one.name for one in shell.folder.iterdir()) == ["rules.yaml", "web.db"]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("ful", "there is no rule ful; did you mean full?"),
        ("moon", "there is no rule moon"),
        ("", "there is no rule"),
    ],
)
def test_a_rule_that_is_not_there_is_wrong_use(rule: str, sentence: str, shell: Terminal) -> None:
    said = shell.run_now("try", rule)
    assert (said.code, said.out) == (2, "")
    assert said.err.strip() == sentence


def test_a_broken_rule_cannot_be_tried_and_the_others_can(shell: Terminal) -> None:
    text = shell.rules.read_text()
    shell.rules.write_text(text.replace("max_rows: 9", "max_rows: many"))
    broken = shell.run_now("try", "fine")
    assert (broken.code, broken.err) == (2, "fine is broken; `watchdog check` says why\n")
    assert shell.run_now("try", "full").code == 1


def test_without_a_demo_none_of_its_failures_can_be_switched(shell: Terminal) -> None:
    for words in (("break", "S1"), ("mend", "S1"), ("list",)):
        said = shell.run_now("demo", *words)
        assert (said.code, said.out) == (3, "")
        assert "start it with `watchdog run --demo`" in said.err
    (shell.folder / "data").mkdir()
    (shell.folder / "data" / "demo.json").write_text('{"addresses": [], "switch_dsn": 7}')
    assert shell.run_now("demo", "list").code == 3
