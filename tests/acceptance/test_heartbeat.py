"""A job that reports over HTTP, watched by the whole program."""

import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance import running
from tests.acceptance.running import Program, Receivers
from tests.acceptance.small_world import ANA_ALONE, places

KEY = "nightly-backup-7f3a"
RULE = f"""
  backup-reports:
    title: The backup did not report
    team: ops
    every: 5s
    open_after: 1 check
    recover_after: 1 check
    heartbeat: {{ key: {KEY}, expect: {{ every: 1d }}, grace: 1h, max_run: 2h }}
"""
EVIDENCE = """\
    ask: things
    evidence: { programs: select program from job }
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Receivers]]:
    folder: Path = tmp_path_factory.mktemp("heartbeat")
    with closing(sqlite3.connect(folder / "things.db")) as file:
        file.executescript("create table job (program text); insert into job values ('restic')")
    with running.receivers(folder) as receivers:
        rules = places(receivers, folder) + ANA_ALONE + RULE + EVIDENCE
        with running.program(receivers, demo=False, rules=rules) as program:
            yield program, receivers


def report(program: Program, word: str = "", body: bytes = b"") -> None:
    address = f"{program.url}/ping/{KEY}{word}"
    with urllib.request.urlopen(address, data=body, timeout=10) as answer:  # noqa: S310
        assert answer.read() == b"OK\n"


def heard(receivers: Receivers) -> list[str]:
    """Return the root messages of the channel."""
    posts = receivers.slack()
    return [one["text"] for one in posts if one["what"] == "post" and not one["thread_ts"]]


def test_a_failure_is_told_with_what_the_job_said_and_ends_with_a_success(
    world: tuple[Program, Receivers],
) -> None:
    program, receivers = world
    report(program)
    program.advance(10)
    assert heard(receivers) == []
    report(program, "/3", b"disk full on /backups")
    program.advance(10)
    assert "reported failure (exit 3)" in heard(receivers)[0]
    assert "disk full on /backups" in program.run("show", "1001")
    assert "restic" in program.run("show", "1001", "-o", "table")
    report(program)
    program.advance(10)
    assert "RECOVERED" in program.run("show", "1001").upper()


def test_a_report_that_does_not_come_is_told_after_its_grace_and_trying_says_so(
    world: tuple[Program, Receivers],
) -> None:
    program, receivers = world
    report(program)
    before = len(heard(receivers))
    program.jump(25 * 3600 - 10)
    program.advance(5)
    assert len(heard(receivers)) == before
    assert "ok" in program.run("try", "backup-reports")
    program.advance(20)
    assert "late" in heard(receivers)[before]
    assert "late" in program.run("try", "backup-reports", code=1)
