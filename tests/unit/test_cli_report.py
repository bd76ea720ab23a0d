"""What `watchdog report` lists, shows and refuses."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

RULES = """\
version: 1
people: { ana: { email: ana@example.com } }
teams: { data: { lead: ana, email: data@example.com, timezone: Europe/Berlin } }
defaults: { team: data }
sources: { web: { sqlite: web.db } }
reports:
  morning:
    title: The queue this morning
    at: "08:00"
    parts:
      queue: { source: web, figures: select count(*) as waiting from queue }
      oldest: { source: web, table: select id as number from queue order by id }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(RULES)
    with closing(sqlite3.connect(tmp_path / "web.db")) as file:
        file.execute("create table queue (id text)")
        file.execute("insert into queue values ('\x1b[31mred'), ('7')")
        file.commit()
    return tmp_path


def run(folder: Path, *words: str) -> tuple[int, str, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "watchdog", "report", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def test_the_list_says_when_and_to_whom(folder: Path) -> None:
    code, said, _ = run(folder, "list", "-o", "json")
    assert code == 0
    [report] = json.loads(said)
    assert report["name"] == "morning"
    assert report["when"] == "0 8 * * * Europe/Berlin"
    assert report["send"] == "email"
    assert report["next"].endswith("+00:00")


def test_show_asks_now_and_sends_nothing(folder: Path) -> None:
    code, said, _ = run(folder, "show", "morning")
    assert code == 0
    assert "REPORT: The queue this morning" in said
    assert "  Waiting  2" in said
    assert "\x1b" not in said
    assert sorted(path.name for path in folder.iterdir()) == ["rules.yaml", "web.db"]


def test_show_as_json_has_every_part(folder: Path) -> None:
    code, said, _ = run(folder, "show", "morning", "-o", "json")
    assert code == 0
    made = json.loads(said)
    assert made["parts"][0]["figures"] == [["Waiting", "2"]]
    assert made["parts"][1]["columns"] == ["Number"]


def test_a_part_that_could_not_be_asked_is_said_and_ends_with_3(folder: Path) -> None:
    (folder / "web.db").unlink()
    code, said, _ = run(folder, "show", "morning")
    assert code == 3
    assert "Could not be asked:" in said


def test_a_report_that_is_not_there_is_refused_with_a_suggestion(folder: Path) -> None:
    code, _, said = run(folder, "show", "mornin")
    assert code == 2
    assert "there is no report mornin; did you mean morning?" in said
