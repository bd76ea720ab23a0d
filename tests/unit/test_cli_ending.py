"""How commands end: an exit code, one sentence, and never a traceback."""

import getpass
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.watching import config_of
from watchdog.cli.ending import Ended, explain
from watchdog.cli.session import acting_person
from watchdog.domain.incident import Refused
from watchdog.moved_time import TestClockRefused
from watchdog.store.embedded import EmbeddedError
from watchdog.store.migrate import SchemaRefused
from watchdog.store.pool import PoolerRefused, StoreDown
from watchdog.verbs import NotAllowed, UnknownIncident

CONFIG = config_of("postgresql:///jobs", [])


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (Ended(1), 1, ""),
        (Ended(3, "no service runs here"), 3, "no service runs here\n"),
        (Refused("ana took #7 2m ago"), 1, "ana took #7 2m ago\n"),
        (UnknownIncident(7), 2, "there is no incident #7; `watchdog incidents --all` lists them\n"),
        (TestClockRefused("time must be real"), 2, "time must be real\n"),
        (NotAllowed("mei is a viewer"), 4, "mei is a viewer\n"),
        (StoreDown("the store does not answer"), 3, "the store does not answer\n"),
        (PoolerRefused("give the DSN of the server"), 3, "give the DSN of the server\n"),
        (EmbeddedError("process 7 holds it"), 3, "process 7 holds it\n"),
        (SchemaRefused("newer than this program"), 3, "newer than this program\n"),
        (ConnectionRefusedError("refused"), 3, "cannot reach it: refused\n"),
        (TimeoutError(), 3, "cannot reach it: TimeoutError\n"),
        (click.Abort(), 130, ""),
        (click.exceptions.Exit(5), 5, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_ending_has_its_code_and_its_sentence(
    error: Exception, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(error) == code
    assert capsys.readouterr().err == sentence


def test_wrong_use_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(click.UsageError("no such option: --al")) == 2
    assert "no such option: --al" in capsys.readouterr().err


def test_a_bug_of_ours_is_one_sentence_that_says_how_to_see_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATCHDOG_DEBUG", raising=False)
    assert explain(KeyError("owner")) == 1
    said = capsys.readouterr().err
    assert said == "internal error: KeyError: 'owner'; WATCHDOG_DEBUG=1 shows where\n"


def test_a_bug_of_ours_is_raised_where_somebody_looks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WATCHDOG_DEBUG", "1")
    with pytest.raises(KeyError):
        explain(KeyError("owner"))


def test_what_data_says_has_no_power_over_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    explain(Ended(3, "orders could not be evaluated: \x1b[2Jall is well\x9b\nwatchdog: fine"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert not {"\x1b", "\x9b"} & set(said)


def run(*words: str, closed: bool = False, folder: Path | None = None) -> tuple[int, str]:
    """Run a command, its output into a pipe that nobody reads if `closed`; return code and stderr."""
    process = subprocess.Popen(
        [sys.executable, "-m", "watchdog", *words],
        cwd=folder or Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    if closed:
        process.stdout.close()
        process.stdout = None
    _, said = process.communicate(timeout=60)
    return process.returncode, said


@pytest.mark.parametrize(
    "words",
    [("--help",), ("version",), ("run", "--help"), ("notify", "preview", "opened"), ("check",)],
)
def test_a_reader_that_has_gone_ends_a_command_quietly(words: tuple[str, ...]) -> None:
    assert run(*words, closed=True) == (0, "")


def test_a_login_that_nobody_is_called_is_told_to_say_who_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "root")
    with pytest.raises(Ended, match="say who you are with --as: known under") as ended:
        acting_person(CONFIG, "")
    assert ended.value.code == 2
    assert str(ended.value).endswith(" are ana, raj")


def test_a_login_without_a_name_is_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr(getpass, "getuser", nameless)
    with pytest.raises(Ended, match="say who you are with --as"):
        acting_person(CONFIG, "")
    assert acting_person(CONFIG, "ana") == "ana"


def test_a_stranger_is_told_who_is_known() -> None:
    with pytest.raises(Ended, match="nobody is called eve: known under `people:` are ana, raj"):
        acting_person(CONFIG, "eve")


def test_an_interrupted_command_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    from watchdog import cli
    from watchdog.cli.version import version_command

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(version_command, "callback", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main(["version"])
    assert ended.value.code == 130


def test_a_command_without_configuration_or_service_says_what_to_do(tmp_path: Path) -> None:
    assert run("take", "7", "--as", "ana", folder=tmp_path)[0] == 3
    code, said = run("try", "orders", folder=tmp_path)
    assert (code, said) == (2, "rules.yaml cannot be read; `watchdog check` says why\n")
