"""Files as a source: what is found, and what keeps nobody waiting."""

import asyncio
import glob
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from rules.base import Answer, Context, Outcome, Rows, SqlQuestion, Unanswered
from rules.file_questions import FileQuestion
from rules.files import Files
from watchdog.config.model import Source as SourceSpec
from watchdog.sources import places
from watchdog.sources.base import Source
from watchdog.sources.files import FilesSource
from watchdog.sources.open import open_source

NOBODY = 65534


def declared(folder: Path) -> SourceSpec:
    return SourceSpec("@files", "files", SecretStr(str(folder)), "", timeout=timedelta(seconds=5))


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Source]:
    opened = open_source(declared(tmp_path), {"logs": str(tmp_path / "demo")})
    yield opened
    await opened.close()


def names(answer: Answer) -> list[str]:
    assert isinstance(answer, Rows), answer
    return [Path(row["path"]).name for row in answer.rows]


async def ask(source: Source, *paths: str) -> Answer:
    return await source.answer(FileQuestion("@files", paths))


def reason(answer: Answer) -> str:
    assert isinstance(answer, Unanswered), answer
    assert not answer.whole_source
    return answer.reason


async def test_matching_files_are_named_newest_first(source: Source, tmp_path: Path) -> None:
    for name, at in (("a.dump", 100), ("b.dump", 300), ("c.dump", 200), ("d.txt", 400)):
        (tmp_path / name).write_bytes(b"x" * at)
        os.utime(tmp_path / name, (at, at))
    answer = await ask(source, "*.dump")
    assert names(answer) == ["b.dump", "c.dump", "a.dump"]
    assert isinstance(answer, Rows)
    assert answer.rows[0] == {"path": str(tmp_path / "b.dump"), "at": 300.0, "size": 300}


async def test_an_absolute_path_and_one_of_the_demo_lead_where_they_say(
    source: Source, tmp_path: Path
) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "a.log").write_text("x")
    assert names(await ask(source, str(tmp_path / "demo" / "*"))) == ["a.log"]
    assert names(await ask(source, "demo://logs/a.log")) == ["a.log"]
    assert names(await ask(source, "*.nothing", "demo/a.log")) == ["a.log"]
    assert "demo is not running" in reason(await ask(source, "demo://mail/a.log"))


async def test_only_files_are_files(source: Source, tmp_path: Path) -> None:
    (tmp_path / "a.d").mkdir()
    os.mkfifo(tmp_path / "b.d")
    (tmp_path / "c.d").symlink_to(tmp_path / "nowhere")
    (tmp_path / "real").write_text("x")
    (tmp_path / "d.d").symlink_to(tmp_path / "real")
    assert names(await ask(source, "*.d")) == ["d.d"]


async def test_where_nothing_is_there_is_no_file(source: Source) -> None:
    assert names(await ask(source, "none/*/x.dump")) == []
    assert names(await ask(source, "none")) == []


async def test_a_link_in_a_circle_is_told(source: Source, tmp_path: Path) -> None:
    (tmp_path / "a.log").symlink_to(tmp_path / "a.log")
    words = reason(await ask(source, "a.log"))
    assert words == f"{tmp_path}/a.log cannot be read: too many levels of symbolic links"


@pytest.fixture
def as_nobody(tmp_path: Path) -> Iterator[Path]:
    """Let the process be somebody who must not look into a folder."""
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "a.dump").write_text("x")
    tmp_path.chmod(0o711)
    closed.chmod(0)
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    yield closed
    os.seteuid(before)
    closed.chmod(0o700)


@pytest.mark.parametrize("name", ["*.dump", "a.dump"])
async def test_a_folder_that_must_not_be_read_is_told(
    source: Source, as_nobody: Path, name: str
) -> None:
    words = reason(await ask(source, str(as_nobody / name)))
    assert words.endswith("cannot be read: permission denied")
    assert str(as_nobody.parent) in words


async def test_more_files_than_can_be_looked_at_are_told(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MATCHES_MAX", 3)
    for number in range(4):
        (tmp_path / f"{number}.dump").write_text("x")
    assert reason(await ask(source, "*.dump")).endswith("*.dump names more than 3 files")


async def test_another_question_is_not_understood(source: Source) -> None:
    assert reason(await source.answer(SqlQuestion("@files", "select 1"))) == (
        "files are asked neither in SQL nor by URL"
    )


async def test_each_question_gets_its_own_answer(source: Source, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    questions = [FileQuestion("@files", (name,)) for name in ("b", "none", "a")]
    assert [names(one) for one in await source.answer_all(questions)] == [["b"], [], ["a"]]


async def test_nothing_is_kept_for_a_question_that_needs_nothing(source: Source) -> None:
    await ask(source, "a")
    assert isinstance(source, FilesSource)
    assert source._places == {}


async def test_the_kind_finds_a_backup_that_is_too_old(source: Source, tmp_path: Path) -> None:
    now = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
    kind = Files.model_validate({"path": "*.dump", "max_age": "1d"})
    context = Context(now)
    (tmp_path / "a.dump").write_text("x")
    for hours, outcome in ((23, Outcome.OK), (25, Outcome.BAD)):
        at = (now - timedelta(hours=hours)).timestamp()
        os.utime(tmp_path / "a.dump", (at, at))
        answers = tuple(await source.answer_all(kind.ask(context, ())))
        assert kind.judge(context, (answers,)).outcome is outcome


@pytest.fixture
def dead_file_system(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let each look into a folder `dead` hang until the event is set."""
    mended, iglob = threading.Event(), glob.iglob

    def hang(pattern: str) -> Iterator[str]:
        if "dead" in pattern:
            mended.wait()
        return iglob(pattern)

    monkeypatch.setattr(glob, "iglob", hang)
    yield mended
    mended.set()


async def test_a_file_system_that_hangs_keeps_nobody_else_waiting(
    tmp_path: Path, dead_file_system: threading.Event
) -> None:
    source = open_source(replace(declared(tmp_path), timeout=timedelta(milliseconds=200)), {})
    (tmp_path / "a").write_text("x")
    questions = [FileQuestion("@files", (name,)) for name in ("dead/a", "a")]
    dead, alive = await source.answer_all(questions)
    assert reason(dead) == "dead/a: no answer within 0.2 s"
    assert names(alive) == ["a"]
    assert "has not come back" in reason(await source.answer(questions[0]))
    dead_file_system.set()
    async with asyncio.timeout(5):
        # nothing to wait on from outside
        while isinstance(await source.answer(questions[0]), Unanswered):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await source.close()


async def test_a_bug_of_ours_is_told_by_the_rule(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> Iterator[str]:
        raise ZeroDivisionError

    monkeypatch.setattr(glob, "iglob", fail)
    assert reason(await ask(source, "a")) == "internal error: ZeroDivisionError; see the log"


def test_a_rule_about_files_can_be_tried(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "version: 1\n"
        "people: { ana: { email: ana@example.com } }\n"
        "teams: { ops: { lead: ana } }\n"
        "rules:\n"
        "  backup: { team: ops, files: { path: dumps/*, max_age: 1d } }\n"
    )
    command = [sys.executable, "-m", "watchdog", "try", "backup"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 1, said.stderr
    assert "no file" in said.stdout
