"""The commands: each is listed, explained, suggested, and imported only when it is used."""

import json
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from watchdog.cli import ALIASES, COMMANDS, main, overview
from watchdog.cli.group import watchdog

HEAVY = (
    "aiohttp", "aiosmtplib", "aiosqlite", "asyncio", "asyncpg", "fastapi", "httpx", "jinja2",
    "pydantic", "re2", "rich", "slack_sdk", "uvicorn", "yaml",
)  # fmt: skip


def ended(*words: str) -> int:
    """Run a command in this process and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main(list(words))
    assert isinstance(end.value.code, int)
    return end.value.code


def every_command() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Give each command with the words that lead to it, those of groups included."""
    context = click.Context(watchdog)
    for name in COMMANDS:
        command = watchdog.get_command(context, name)
        assert command is not None
        yield (name,), command
        if isinstance(command, click.Group):
            for inner, one in command.commands.items():
                yield (name, inner), one


ALL = list(every_command())


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_the_overview_lists_every_command(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(*words) == 0
    shown = capsys.readouterr().out
    assert shown == overview()
    assert [line.split()[0] for line in shown.split("Commands:\n")[1].splitlines()[:-2]] == list(
        COMMANDS
    )
    assert max(len(line) for line in shown.splitlines()) <= 100


@pytest.mark.parametrize(("words", "command"), ALL, ids=[" ".join(words) for words, _ in ALL])
def test_help_names_every_option_and_says_what_it_does(
    words: tuple[str, ...], command: click.Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(*words, "--help") == 0
    shown = capsys.readouterr().out
    assert f"Usage: watchdog {' '.join(words)}" in shown
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.name} is not explained"
            assert all(option in shown for option in parameter.opts)
        else:
            metavar = parameter.make_metavar(click.Context(command)).strip("[]")
            assert metavar in "".join(shown.split())


def test_an_alias_is_its_command() -> None:
    context = click.Context(watchdog)
    for alias, name in ALIASES.items():
        assert watchdog.get_command(context, alias) is watchdog.get_command(context, name)
        assert alias in overview()


@pytest.mark.parametrize(
    ("word", "hint"),
    [("incident", "; did you mean `incidents`?"), ("resolv", "`resolve`"), ("xyzzy", "`xyzzy`\n")],
)
def test_an_unknown_command_is_wrong_use_with_the_nearest_one(
    word: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(word) == 2
    said = capsys.readouterr().err
    assert f"there is no command `{word}`" in said
    assert hint in said


@pytest.mark.parametrize(
    "words",
    [("incidents", "--al"), ("show",), ("show", "seven"), ("show", "0"), ("demo", "brake", "S1")],
)
def test_wrong_use_ends_with_2_and_says_so_on_stderr(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error: " in err


@pytest.mark.parametrize("words", [["--help"], ["version"], ["incidents", "--help"]])
def test_nothing_heavy_is_imported_before_it_is_needed(words: list[str]) -> None:
    script = f"""
import json, sys
before = set(sys.modules)
from watchdog.cli import main
try:
    main({words!r})
except SystemExit:
    print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    allowed = {"asyncio"} if words[0] == "incidents" else set()
    assert loaded & set(HEAVY) <= allowed
    if words == ["--help"]:
        assert "click" not in loaded


def test_every_module_defines_the_command_it_is_named_for() -> None:
    assert {words[0] for words, _ in ALL} == set(COMMANDS)
    for (name, *inner), command in ALL:
        assert command.name == (inner[0] if inner else name)
