"""kill -9 in the middle of a recovery action: its outcome is unknown, and nobody is called twice."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.acceptance import running
from tests.acceptance.running import Program
from tests.acceptance.small_world import make_things, set_broken

RULES = """
version: 1
sources:
  things: {{ sqlite: {database}, team: ops }}
people:
  ana: {{ slack: U01ANA }}
teams:
  ops: {{ lead: ana, slack: ops-alerts }}
rules:
  thing-broken:
    title: The thing is broken
    team: ops
    every: 5s
    open_after: 1 check
    recover_after: 1 check
    queue: {{ source: things, table: thing, where: broken = 1, max_rows: 0 }}
    actions:
      mend:
        label: Mend the thing
        http: {{ post: "http://127.0.0.1:{port}/mend", json: {{ thing: one }} }}
        again_requires: nothing
"""


@dataclass
class Deaf:
    """An endpoint that takes every request and never answers.

    Attributes:
        requests: What came in.
        asked: Set when something has.
        lines: Its connections, which stay open.
    """

    listener: socket.socket
    requests: list[bytes] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    lines: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # closed when the test ends
            while True:
                line, _ = self.listener.accept()
                self.lines.append(line)
                self.requests.append(line.recv(65536))
                self.asked.set()


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = Deaf(listener)
        thread = threading.Thread(target=one.serve, daemon=True)
        thread.start()
        yield one
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    for line in one.lines:
        line.close()


@pytest.fixture
def program(tmp_path: Path, deaf: Deaf) -> Iterator[Program]:
    make_things(tmp_path)
    with running.receivers(tmp_path) as receivers:
        text = RULES.format(database=tmp_path / "things.db", port=deaf.port)
        with running.program(receivers, demo=False, rules=text) as program:
            set_broken(tmp_path, 1)
            program.advance(10)
            program.run("take", "1001", "--as", "ana")
            yield program


ACT = (sys.executable, "-m", "watchdog", "act", "1001", "mend", "-m", "Why", "--as", "ana")


async def check_that_nobody_knows(program: Program, deaf: Deaf) -> None:
    """Let the run's time pass: it is unknown, and the receiver was called once."""
    [run] = await program.fetch("select state from action_run")
    assert run["state"] == "running"
    program.advance(120)
    [run] = await program.fetch("select state, words, person from action_run")
    assert (run["state"], run["person"]) == ("unknown", "ana")
    assert run["words"] == "whoever ran it stopped in the middle; it may have taken effect or not"
    assert len(deaf.requests) == 1
    shown = program.run("show", "1001")
    assert "Mend the thing: unknown, whoever ran it stopped in the middle" in shown
    refused = program.run("act", "1001", "mend", "-m", "Why", "--as", "ana", code=1)
    assert "nobody knows whether the last run of `mend` took effect" in refused
    program.hurry(3600)
    assert len(deaf.requests) == 1


async def test_a_killed_command_leaves_a_run_that_nobody_repeats(
    program: Program, deaf: Deaf
) -> None:
    command = subprocess.Popen(ACT, cwd=program.folder, env=program.env, stderr=subprocess.DEVNULL)
    assert deaf.asked.wait(60)
    command.send_signal(signal.SIGKILL)
    command.wait()
    await check_that_nobody_knows(program, deaf)


async def test_a_killed_service_leaves_a_run_that_nobody_repeats(
    program: Program, deaf: Deaf
) -> None:
    press = threading.Thread(target=_press, args=(program,), daemon=True)
    press.start()
    assert deaf.asked.wait(60)
    program.kill()
    press.join(30)
    program.start()
    await check_that_nobody_knows(program, deaf)


def _press(program: Program) -> None:
    """Press the button on the page, whose answer never comes."""
    said = (program.folder / "service.out").read_text()
    [token] = re.findall(r"/sign-in\?token=(\S+)", said)
    with httpx.Client(base_url=program.url, timeout=60) as browser:
        browser.post("/sign-in", data={"token": token, "person": "ana"})
        [form] = set(re.findall(r'name="token" value="([0-9a-f]+)"', browser.get("/i/1001").text))
        fields = {"token": form, "action": "mend", "hypothesis": "Why"}
        with contextlib.suppress(httpx.HTTPError):
            browser.post("/i/1001/act", data=fields)
