"""A log that is written, rotated, copied and emptied as logs are, and a reader that looks at it."""

import json
import os
import shutil
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rules.base import Answer, Unanswered
from rules.conditions import FieldCondition, parse_condition
from rules.file_questions import Lines, LogGroup, LogQuestion, LogReply
from tests.postgres import NIGHT
from watchdog.sources.log_reader import LogReader

WINDOW = timedelta(minutes=10)


def condition(path: str, wanted: object) -> FieldCondition:
    return FieldCondition(tuple(path.split(".")), parse_condition(wanted))


def lines_of(files: str, **settings: Any) -> Lines:
    """Return which lines count: all, by default, within ten minutes."""
    where = tuple(condition(*one) for one in settings.pop("where", {}).items())
    wanted: dict[str, Any] = {"window": WINDOW, "kept": WINDOW} | settings
    return Lines((files,), where, **wanted)


@dataclass
class Log:
    """A log file and the clock of who writes it."""

    path: Path
    now: datetime = NIGHT
    written: list[datetime] = field(default_factory=list)

    def line(self, **fields: Any) -> bytes:
        document = {"timestamp": self.now.isoformat(), "n": len(self.written), **fields}
        self.written.append(self.now)
        return json.dumps(document).encode() + b"\n"

    def append(self, count: int = 1, **fields: Any) -> None:
        with self.path.open("ab") as file:
            for _ in range(count):
                file.write(self.line(**fields))

    def write(self, raw: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(raw)

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    def rotate(self) -> None:
        """Rename the log, and begin a new one."""
        self._shift()
        if self.path.exists():
            self.path.rename(self.rotated(1))
        self.path.touch()

    def copy_and_truncate(self) -> None:
        """Copy the log, and empty it."""
        self._shift()
        if self.path.exists():
            shutil.copy(self.path, self.rotated(1))
            os.truncate(self.path, 0)

    def rotated(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _shift(self) -> None:
        for number in range(8, 0, -1):
            if self.rotated(number).exists():
                self.rotated(number).rename(self.rotated(number + 1))

    @property
    def in_window(self) -> int:
        """Return how many lines were written within the window, to the step of its count."""
        step_s = WINDOW.total_seconds() / 60
        first = self.now.timestamp() // step_s - 59
        return sum(at.timestamp() // step_s >= first for at in self.written)


@dataclass
class Reading:
    """A reader, and what it is asked again and again."""

    log: Log
    lines: Lines
    reader: LogReader = field(default_factory=LogReader)

    def restart(self) -> None:
        self.reader = LogReader()

    def ask(self, **more: Any) -> Answer:
        question = LogQuestion("@files", self.lines, self.log.now, **more)
        found = self.reader.look([question], self.lines.files, time.monotonic() + 60)
        return found[question]

    def reply(self, **more: Any) -> LogReply:
        answer = self.ask(**more)
        assert isinstance(answer, LogReply), answer
        return answer

    def group(self, *entity: str) -> LogGroup:
        return next((one for one in self.reply().groups if one.entity == entity), LogGroup(entity))

    def reason(self, **more: Any) -> str:
        answer = self.ask(**more)
        assert isinstance(answer, Unanswered), answer
        assert not answer.whole_source
        return answer.reason

    @property
    def count(self) -> int:
        return self.group().count


def reading(folder: Path, pattern: str = "api.log", **settings: Any) -> Reading:
    """Return a reader of `api.log` in a folder."""
    return Reading(Log(folder / "api.log"), lines_of(str(folder / pattern), **settings))
