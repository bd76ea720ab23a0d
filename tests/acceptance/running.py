"""The whole program as its users have it: a process of its own, a Slack, a mail server, test time."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.command_line import say
from tests.fake_slack import APP_TOKEN, TOKEN
from tests.postgres import quick_folder
from tests.slack_presses import SIGNING_SECRET
from watchdog.store.embedded import dsn_of

REPOSITORY = Path(__file__).parents[2]
START = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
_CLOCK = "WATCHDOG_TEST_CLOCK"
_READY_SECONDS = 90
_STRIDE_SECONDS = 15  # the longest interval of the repository's rules


@dataclass
class Receivers:
    """A fake Slack and a real mail server, each a process with a log of what it accepted."""

    folder: Path
    slack_port: int = 0
    smtp_port: int = 0

    def slack(self) -> list[dict[str, Any]]:
        """Return what Slack accepted, in order: `what`, `channel`, `text`, `thread_ts`, `key`."""
        return _lines(self.folder / "slack.log")

    def silence(self, people: Mapping[str, tuple[datetime, datetime]]) -> None:
        """Let these Slack members, and nobody else, be in Do Not Disturb from and until an instant."""
        spans = {
            one: (int(begin.timestamp()), int(end.timestamp()))
            for one, (begin, end) in people.items()
        }
        partial = self.folder / "slack.part"
        partial.write_text(json.dumps(spans))
        partial.rename(self.folder / "slack.dnd")

    def mails(self) -> list[dict[str, Any]]:
        """Return the mails that arrived, in order: `recipient`, `headers`, `text`."""
        return _lines(self.folder / "smtp.log")


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@contextmanager
def receivers(folder: Path) -> Iterator[Receivers]:
    """Run both servers until the context ends."""
    ports, processes = {}, []
    try:
        for name, module in (("slack", "tests.fake_slack"), ("smtp", "tests.smtp_server")):
            port_file = folder / f"{name}.port"
            command = [sys.executable, "-m", module, "--port-file", str(port_file)]
            command += ["--log", str(folder / f"{name}.log")]
            processes.append(subprocess.Popen(command, cwd=REPOSITORY))
            ports[name] = int(_appeared(port_file))
        yield Receivers(folder, ports["slack"], ports["smtp"])
    finally:
        for process in processes:
            _end(process)


def _appeared(path: Path) -> str:
    deadline = time.monotonic() + _READY_SECONDS
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)
    return path.read_text()


def _end(process: subprocess.Popen[Any], seconds: float = 30) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Program:
    """`watchdog run` in a folder, and the commands beside it."""

    folder: Path
    env: Mapping[str, str]
    demo: bool = True
    log: Path = field(init=False)
    url: str = ""
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.log = self.folder / "service.log"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self, at: datetime | None = None) -> None:
        """Start it, its time being `at` where that is given, and return when it is ready."""
        if at is not None:
            self.env = {**self.env, _CLOCK: f"{self._clock}@{at.isoformat()}"}
        output = self.folder / "service.out"
        output.unlink(missing_ok=True)
        command = [sys.executable, "-m", "watchdog", "run", "--listen", "127.0.0.1:0"]
        command += ["--demo"] if self.demo else []
        with output.open("wb") as out, self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.env, stdout=out, stderr=log
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._is_ready(output):
            assert self.process.poll() is None, f"it ended: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"not ready: {self.log.read_text()[-3000:]}"
            time.sleep(0.05)

    def _is_ready(self, output: Path) -> bool:
        found = re.search(r"http://127\.0\.0\.1:\d+", output.read_text())
        if not found:
            return False
        self.url = found[0]
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """Kill it at once, as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Stop it as an operator does, with whatever it left behind."""
        if self.process is not None:
            _end(self.process)

    def run(self, *words: str, code: int | None = 0) -> str:
        """Run a command beside it and return what it printed."""
        command = [sys.executable, "-m", "watchdog", *words]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert code is None or done.returncode == code, done.stderr
        return done.stdout + done.stderr

    def say(self, *words: str) -> str:
        """Run a command that ends well in this process, in a tenth of the time, and return what it printed.

        For what a test needs on its way: that the command works beside the service is shown by others.
        """
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as threads:
            patch.chdir(self.folder)
            for name, value in self.env.items():
                patch.setenv(name, value)
            said = threads.submit(say, *words).result()  # it has a loop of its own
        assert said.code == 0, said.err
        return said.out + said.err

    def advance(self, seconds: float) -> None:
        """Move its time, and return when it has come to rest."""
        self._say(f"advance {seconds}")

    def jump(self, seconds: float) -> None:
        """Move its time at once, as for a machine that slept: no slot on the way is looked at."""
        self._say(f"jump {seconds}")

    def stride(self, seconds: float) -> None:
        """Move its time in steps of 15 s, so that every rule of the repository looks once a step."""
        for _ in range(round(seconds / _STRIDE_SECONDS)):
            self.jump(_STRIDE_SECONDS)

    def hurry(self, seconds: float) -> None:
        """Move its time through hours in which nobody does anything: a jump, and slots in the last minute."""
        self.jump(seconds - 60)
        self.advance(60)

    def now(self) -> datetime:
        """Return its time."""
        return datetime.fromisoformat(self._say("now"))

    @property
    def _clock(self) -> str:
        """Return the socket by which its time is moved."""
        return self.env[_CLOCK].rpartition("@")[0]

    def _say(self, words: str) -> str:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(120)
            line.connect(self._clock)
            line.sendall(f"{words}\n".encode())
            with line.makefile() as answers:
                return answers.readline().strip()

    async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask its store, from outside."""
        dsn = dsn_of(self.data)
        assert dsn is not None
        conn = await asyncpg.connect(dsn, server_settings={"search_path": "watchdog"})
        try:
            return await conn.fetch(statement, *arguments)
        finally:
            await conn.close()


def _own_rules(receivers: Receivers) -> str:
    """Return the repository's rules, with the address of the fake Slack beside its token.

    Nights leap over days, and are about failures: no hand-over is told in them.
    """
    rules = (REPOSITORY / "rules.yaml").read_text()
    token = 'token: "${SLACK_BOT_TOKEN:-}"'
    assert token in rules
    api = f'api: "http://127.0.0.1:{receivers.slack_port}/api/"'
    hours = "    working_hours: always\n"
    assert rules.count(hours) == 2
    quiet = rules.replace(hours, f"{hours}    shift_messages: false\n")
    return quiet.replace(token, f"{token}, {api}")


@contextmanager
def program(
    receivers: Receivers,
    *,
    demo: bool = True,
    moved: bool = True,
    rules: str = "",
    start: datetime = START,
) -> Iterator[Program]:
    """Run the program, its messages going to `receivers`; with the repository's rules by default.

    Args:
        start: Its time at the start, if it is `moved`.
    """
    with tempfile.TemporaryDirectory(
        prefix="wd-", dir=quick_folder(), ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "rules.yaml").write_text(rules or _own_rules(receivers))
        env = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SMTP_URL": f"smtp://127.0.0.1:{receivers.smtp_port}",
        }
        if moved:
            env[_CLOCK] = f"{folder}/clock@{start.isoformat()}"
        one = Program(folder, env, demo)
        try:
            one.start()
            yield one
        finally:
            one.stop()
