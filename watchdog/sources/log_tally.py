"""What one question knows of log lines: counts in small steps of time, by entity."""

import math
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from rules.base import ROWS_MAX
from rules.file_questions import Lines, LogGroup, LogReply
from rules.log_lines import LogLine, counts, entity_of, error_of, time_of, value_of
from rules.wording import error_line

STEPS: Final = 60
"""Into so many steps a window is cut, unless they would be shorter than a second."""

VALUES_MAX: Final = 4096
"""Most values kept for an entity; beyond, every second one is left out."""

AHEAD_S: Final = 86_400.0
"""A line that says it was written more than a day from now says nothing about when it was."""


@dataclass(slots=True)
class Position:
    """How far a question has read a file.

    Attributes:
        offset: Of the first line that is not read yet.
        is_inside: It lies inside a line that is too long to be read.
        at_s: When the line before was written: one that does not say it is taken to be as old.
    """

    offset: int
    is_inside: bool = False
    at_s: float | None = None


@dataclass(slots=True)
class _Group:
    """The lines of one entity. Values are kept with the step of their line."""

    steps: Counter[int] = field(default_factory=Counter)
    last_s: float | None = None
    error: str = ""
    line: bytes = b""
    values: deque[tuple[int, float]] = field(default_factory=deque)
    stride: int = 1
    offered: int = 0

    def add_value(self, step: int, value: float) -> None:
        """Keep a value, or every so many only."""
        self.offered += 1
        if self.offered % self.stride:
            return
        self.values.append((step, value))
        if len(self.values) > VALUES_MAX:
            self.values = deque(list(self.values)[::2])
            self.stride *= 2

    def forget(self, oldest: int, oldest_value: int) -> None:
        """Drop what lies before a step."""
        for step in [one for one in self.steps if one < oldest]:
            del self.steps[step]
        if any(step < oldest_value for step, _ in self.values):
            self.values = deque(one for one in self.values if one[0] >= oldest_value)
        if self.stride > 1 and len(self.values) < VALUES_MAX // 4:
            self.stride //= 2


class Tally:
    """Counts the lines that one question is about.

    Attributes:
        asked_s: When it was last asked.
        timeless: Lines that counted nowhere because nothing says when they were written.
    """

    def __init__(self, lines: Lines, now_s: float) -> None:
        self._lines = lines
        self._groups: dict[tuple[str, ...], _Group] = {}
        self._window_s = max(1.0, lines.window.total_seconds())
        self._step_s = max(1.0, self._window_s / STEPS)
        self._kept_s = lines.kept.total_seconds()
        self._since_s: float | None = None
        self._newest_s = -math.inf
        self._skipped: Counter[int] = Counter()
        self._is_truncated = False
        self.asked_s = now_s
        self.timeless = 0

    @property
    def begins_s(self) -> float:
        """Return since when it must know every line, as of the latest look."""
        return self.asked_s - self._kept_s - self._step_s

    @property
    def lasts_s(self) -> float:
        """Return for how long anything is known."""
        return self._kept_s

    @property
    def knows_time(self) -> bool:
        """Return whether any line said when it was written."""
        return self._since_s is not None

    def time_of(self, line: LogLine) -> float | None:
        """Return when a line says it was written."""
        return time_of(line, self._lines)

    def take(self, line: LogLine | None, raw: bytes, position: Position, now_s: float) -> None:
        """Count a line, None if it is no JSON."""
        if line is None:
            self._skipped[self._step(now_s if position.at_s is None else position.at_s)] += 1
            return
        at_s = self.time_of(line)
        if at_s is not None and at_s <= now_s + AHEAD_S:
            position.at_s = at_s
        elif position.at_s is None:
            self.timeless += 1
            return
        at_s = position.at_s
        if self._since_s is None or at_s < self._since_s:
            self._since_s = at_s
        self._newest_s = max(self._newest_s, at_s)
        if counts(line, self._lines):
            self._count(line, raw, at_s)

    def _step(self, at_s: float) -> int:
        return math.floor(at_s / self._step_s)

    def _count(self, line: LogLine, raw: bytes, at_s: float) -> None:
        entity = entity_of(line, self._lines)
        group = self._groups.get(entity)
        if group is None:
            if at_s < self.begins_s and entity:
                return
            if len(self._groups) >= ROWS_MAX:
                self._is_truncated = True
                return
            group = self._groups[entity] = _Group()
        step = self._step(at_s)
        group.steps[step] += 1
        if group.last_s is None or at_s >= group.last_s:
            group.last_s, group.line, group.error = at_s, raw[:2000], error_of(line, self._lines)
        value = value_of(line, self._lines)
        if value is not None:
            group.add_value(step, value)

    def reply(self, now_s: float, files: int, unread_bytes: int) -> LogReply:
        """Return what is known at `now_s`, and forget what is too old to matter."""
        self.asked_s = now_s
        self._forget()
        groups = tuple(self._reply_of(entity, one) for entity, one in self._groups.items())
        reply = LogReply(
            groups,
            files,
            is_understood=self._newest_s >= self.begins_s,
            skipped=self._skipped.total(),
            unread_bytes=unread_bytes,
            truncated=self._is_truncated,
        )
        self._is_truncated = False
        return reply

    def _first_step(self) -> int:
        """Return the first step of the window; it ends with the step of now."""
        return self._step(self.asked_s) + 1 - self._steps_of_window

    @property
    def _steps_of_window(self) -> int:
        return max(1, round(self._window_s / self._step_s))

    def _forget(self) -> None:
        oldest = self._step(self.begins_s)
        for step in [one for one in self._skipped if one < oldest]:
            del self._skipped[step]
        for entity, group in list(self._groups.items()):
            group.forget(oldest, self._first_step())
            if entity and not group.steps:
                del self._groups[entity]

    def _reply_of(self, entity: tuple[str, ...], group: _Group) -> LogGroup:
        first = self._first_step()
        count = sum(number for step, number in group.steps.items() if step >= first)
        return LogGroup(
            entity,
            count,
            None if group.last_s is None else datetime.fromtimestamp(group.last_s, UTC),
            self._earlier(group, first),
            tuple(sorted(value for step, value in group.values if step >= first)),
            group.error,
            error_line(group.line.decode("utf-8", "replace")),
        )

    def _earlier(self, group: _Group, first: int) -> tuple[int, ...]:
        """Return the counts of the windows before this one of which every line is known."""
        if self._since_s is None:
            return ()
        width = self._steps_of_window
        known = max(self._step(self._since_s), self._step(self.begins_s))
        windows = max(0, (first - known - 1) // width)
        found = [0] * windows
        for step, number in group.steps.items():
            window = (first - 1 - step) // width
            if step < first and window < windows:
                found[window] += number
        return tuple(found)
