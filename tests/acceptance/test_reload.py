"""The configuration changes while the service runs, or is broken when it starts."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.running import Program, Receivers
from tests.acceptance.small_world import BROKEN, log_lines, rules, set_broken, small_program
from watchdog.store import processes

IN_FORCE = "new configuration in force"
REFUSED = "the new configuration has errors; the old one stays in force"


class World:
    """The running program, its file and what it says about it."""

    def __init__(self, program: Program, receivers: Receivers, folder: Path) -> None:
        self.program, self.receivers, self.folder = program, receivers, folder

    @property
    def file(self) -> Path:
        return self.program.folder / "rules.yaml"

    def rules(self, **titles: str) -> str:
        return rules(self.receivers, self.folder, **titles)

    def count(self, message: str) -> int:
        return sum(one["message"] == message for one in log_lines(self.program))

    def until_logged(self, message: str, act: Callable[[], object]) -> None:
        """Do something and return when the log has said the message once more."""
        wanted = self.count(message) + 1
        act()
        self.until(lambda: self.count(message) >= wanted)

    def until(self, condition: Callable[[], bool]) -> None:
        """Return when something has come true in the real process, in real time."""
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, self.program.log.read_text()[-2000:]
            time.sleep(0.05)

    def after(self, seconds: float) -> str:
        """Let time pass and return what is open then, if the store answers."""
        self.program.advance(seconds)
        return self.program.run("incidents", code=None)

    async def incidents(self) -> dict[str, tuple[str, int, str]]:
        """Return state, version and cause of each rule's latest incident."""
        found = await self.program.fetch(
            "select rule, state, version, cause from incident order by id"
        )
        return {one["rule"]: (one["state"], one["version"], one["cause"]) for one in found}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give the program with one open incident; the tests of this module run in order."""
    folder = tmp_path_factory.mktemp("small")
    with small_program(folder) as (program, receivers):
        set_broken(folder, 1)
        program.advance(6)
        yield World(program, receivers, folder)


async def test_a_good_change_takes_effect_and_keeps_what_is_watched_alike(world: World) -> None:
    changed = world.rules(thing_broken="The thing is broken, again", thing_too="The same, too")
    world.until_logged(IN_FORCE, lambda: world.file.write_text(changed))
    world.program.advance(6)
    found = await world.incidents()
    assert found == {"thing-broken": ("open", 1, ""), "thing-too": ("open", 1, "")}


async def test_a_bad_change_changes_nothing_and_is_shown(world: World) -> None:
    bad = world.rules(thing_broken="The thing is broken") + BROKEN
    world.until_logged(REFUSED, lambda: world.file.write_text(bad))
    world.program.advance(6)
    assert set(await world.incidents()) == {"thing-broken", "thing-too"}
    said = world.program.run("status", code=1)
    assert "rules.yaml has 1 mistake and is not in force: watchdog check" in said
    assert "thing-too" in said
    assert "did you mean `max_rows`?" in world.program.run("check", code=1)


async def test_a_start_with_a_broken_file_uses_the_last_good_one(world: World) -> None:
    world.program.stop()
    world.program.start()
    assert world.count("the configuration has errors; the last good one stays in force") == 1
    world.program.advance(6)
    found = await world.incidents()
    assert found == {"thing-broken": ("open", 1, ""), "thing-too": ("open", 1, "")}


async def test_a_rule_that_is_taken_out_ends_its_incident_with_the_reason(world: World) -> None:
    fewer = world.rules(thing_broken="The thing is broken")
    world.until_logged(IN_FORCE, lambda: world.file.write_text(fewer))
    found = await world.incidents()
    assert found["thing-broken"] == ("open", 1, "")
    state, _, cause = found["thing-too"]
    assert (state, cause) == ("resolved", "rule thing-too was removed from the configuration")


def test_sighup_loads_the_files_again_changed_or_not(world: World) -> None:
    process = world.program.process
    assert process is not None
    world.until_logged(IN_FORCE, lambda: process.send_signal(signal.SIGHUP))
    assert process.poll() is None


def test_a_change_to_somewhere_else_is_refused_while_time_is_moved(world: World) -> None:
    away = world.file.read_text().replace("http://127.0.0.1:", "http://slack.example.com:")
    refused = "WATCHDOG_TEST_CLOCK is set, and slack.example.com is not on this machine: unset it"
    good = world.file.read_text()
    world.until_logged(refused, lambda: world.file.write_text(away))
    world.until_logged(IN_FORCE, lambda: world.file.write_text(good + "\n"))


async def test_a_reload_while_the_store_is_away_does_not_end_the_service(world: World) -> None:
    process = world.program.process
    assert process is not None
    text = world.rules(thing_broken="The thing is broken", thing_too="The same, too")

    def act() -> None:
        for pid in processes.postgres_processes_in(world.program.data / "cluster"):
            with contextlib.suppress(ProcessLookupError):  # it went with the one before
                os.kill(pid, signal.SIGKILL)
        world.file.write_text(text)
        process.send_signal(signal.SIGHUP)

    world.until_logged(IN_FORCE, act)
    world.until(lambda: "\tThe same, too\t" in world.after(6))
    assert process.poll() is None
    assert (await world.incidents())["thing-too"] == ("open", 1, "")


async def test_a_first_start_with_a_broken_rule_watches_the_others_and_says_so(
    world: World,
) -> None:
    world.program.stop()
    [data] = [world.program.data]
    data.rename(world.program.folder / "data-before")
    world.file.write_text(world.rules(thing_broken="The thing is broken") + BROKEN)
    world.program.start()
    world.program.advance(6)
    found = await world.incidents()
    assert set(found) == {"thing-broken", "rule:with-a-slip"}
    assert {state for state, _, _ in found.values()} == {"open"}
    said = world.program.run("status", code=1)
    assert "Not watched: with-a-slip: broken at rules.yaml:" in said


async def test_mending_the_broken_rule_ends_its_incident(world: World) -> None:
    good = world.rules(thing_broken="The thing is broken", with_a_slip="Seen at last")
    world.until_logged(IN_FORCE, lambda: world.file.write_text(good))
    world.program.advance(6)
    found = await world.incidents()
    assert found["rule:with-a-slip"][0] == "recovered"
    assert found["with-a-slip"][0] == "open"


def test_a_first_start_without_anything_readable_ends_with_a_sentence(world: World) -> None:
    world.program.stop()
    process = world.program.process
    assert process is not None
    assert process.returncode == 0
    empty = world.program.folder / "elsewhere"
    for text in ("rules: [", None):
        world.file.write_text(text) if text else world.file.unlink()
        done = world.program.run("run", "--data", str(empty), "--listen", "127.0.0.1:0", code=2)
        assert "rules.yaml cannot be read; `watchdog check` says why" in done
        assert "Traceback" not in done


def test_nothing_of_ours_logged_a_traceback_and_nothing_is_left_running(world: World) -> None:
    ours = [line for line in log_lines(world.program) if "watchdog" in str(line["logger"])]
    assert [line for line in ours if "traceback" in line and line["level"] == "ERROR"] == []
    assert subprocess.run(["pgrep", "-f", str(world.program.folder)], check=False).returncode == 1
