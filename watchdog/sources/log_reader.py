"""Reading logs as they grow: every line once, whatever is done to their files meanwhile."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rules.base import Answer, Unanswered
from rules.file_questions import Lines, LogQuestion
from rules.log_lines import LogLine, is_begun, joined, parse_line
from rules.sizes import short_size
from watchdog.sources.log_files import LogFile, LogFiles, Seen
from watchdog.sources.log_tally import Position, Tally
from watchdog.sources.places import opened

LOOK_BYTES_MAX: Final = 64_000_000
"""Most that is read in one look; the rest waits for the next one."""

CHUNK_BYTES: Final = 1 << 20
"""Read at once; a longer line is left out."""

_BLANK: Final = b" \t\r\0"

PROBE_BYTES: Final = 1 << 16
SLACK_S: Final = 60.0
"""Lines may be out of order by so much."""

UNASKED_S: Final = 3600.0
"""A question that was not asked for so long, beyond what it keeps, is forgotten."""


class LogReader:
    """Reads what some patterns name, for any number of questions; one thread at a time.

    Questions that have read equally far are read for together: a line is parsed once. A new one
    begins where its first line of interest stands, and joins the others when it has caught up. So
    after a restart nothing is missed, and nothing is counted twice.
    """

    def __init__(self) -> None:
        self._files = LogFiles()
        self._tallies: dict[Lines, Tally] = {}
        self._moved = ""
        self._left_bytes = 0
        self._ends_s = 0.0

    @property
    def is_empty(self) -> bool:
        """Return whether it knows nothing yet."""
        return not self._tallies

    def look(
        self, questions: Sequence[LogQuestion], patterns: Sequence[str], ends_s: float
    ) -> dict[LogQuestion, Answer]:
        """Read on, and return the answers.

        Args:
            patterns: Absolute paths or patterns.
            ends_s: When to stop reading, on the monotonic clock.

        Raises:
            Refused: The files cannot be looked at.
        """
        now_s = max(question.now for question in questions).timestamp()
        for question in questions:
            tally = self._tallies.setdefault(question.lines, Tally(question.lines, now_s))
            tally.asked_s = now_s
        self._forget_unasked(now_s)
        self._left_bytes, self._ends_s, self._moved = LOOK_BYTES_MAX, ends_s, ""
        kept_s = max(one.lasts_s for one in self._tallies.values())
        found = self._files.look(patterns, now_s, kept_s + UNASKED_S)
        for file, seen in found:
            self._read(file, seen, now_s)
        return {question: self._answer(question, found) for question in questions}

    def _forget_unasked(self, now_s: float) -> None:
        self._tallies = {
            lines: one
            for lines, one in self._tallies.items()
            if now_s - one.asked_s <= one.lasts_s + UNASKED_S
        }

    def _answer(self, question: LogQuestion, found: Sequence[tuple[LogFile, Seen]]) -> Answer:
        tally = self._tallies[question.lines]
        if self._moved:
            return Unanswered(f"{self._moved} was moved away while it was looked at")
        unread = [(seen.size - file.positions[tally].offset, seen) for file, seen in found]
        unread_bytes = sum(left for left, _ in unread) if self._is_spent() else 0
        reply = tally.reply(question.now.timestamp(), self._files.count, unread_bytes)
        if tally.timeless and not tally.knows_time:
            files = question.lines.files[0]
            return Unanswered(f"no line of {files} says when it was written: see `time`")
        enough = question.enough
        is_enough = enough is not None and any(one.count > enough for one in reply.groups)
        if unread_bytes and not is_enough:
            largest = max(unread, key=lambda one: one[0])[1]
            return Unanswered(f"{largest.path}: {short_size(unread_bytes)} are still to be read")
        return reply

    def _is_spent(self) -> bool:
        return self._left_bytes <= 0 or time.monotonic() > self._ends_s

    def _read(self, file: LogFile, seen: Seen, now_s: float) -> None:
        with opened(seen.path) as descriptor:
            if descriptor is None or not seen.is_still(descriptor):
                self._moved = seen.path  # the next look finds it again
                return
            for tally in self._tallies.values():
                if tally not in file.positions:
                    first_s = tally.begins_s - SLACK_S
                    offset = start_of(descriptor, seen.size, first_s, tally.time_of)
                    file.positions[tally] = Position(offset)
            file.keep_only(self._tallies.values())
            while not self._is_spent():
                if not self._advance(descriptor, file, seen.size, now_s):
                    break

    def _advance(self, descriptor: int, file: LogFile, size: int, now_s: float) -> bool:
        """Read a piece for those who have read least; return False when there is none."""
        lowest = min(one.offset for one in file.positions.values())
        group = {t: p for t, p in file.positions.items() if p.offset == lowest}
        limit = min((p.offset for p in file.positions.values() if p.offset > lowest), default=size)
        chunk = os.pread(descriptor, max(0, min(CHUNK_BYTES, limit - lowest)), lowest)
        self._left_bytes -= len(chunk)
        is_last = len(chunk) < CHUNK_BYTES and limit == size
        end = chunk.rfind(b"\n") + 1
        whole_end = _whole_end(chunk, end)
        end = whole_end if whole_end or is_last else end  # pieces without end hold nothing up
        if not end and len(chunk) < CHUNK_BYTES:
            return False  # the last line is not whole yet
        # Who writes on at its old place after the file was emptied leaves zeros before it.
        is_hole = not chunk.strip(b"\0")
        is_inside = next(iter(group.values())).is_inside
        for position in group.values():
            position.offset = lowest + (end or len(chunk))
            position.is_inside = not end and not is_hole
        if end:
            self._feed(chunk[:end], group, now_s, is_inside=is_inside)
        return True

    def _feed(
        self, chunk: bytes, group: dict[Tally, Position], now_s: float, *, is_inside: bool
    ) -> None:
        for whole in joined(chunk.split(b"\n")[1 if is_inside else 0 :]):
            raw = whole.strip(_BLANK)
            if raw:
                line = parse_line(raw)
                for tally, position in group.items():
                    tally.take(line, raw, position, now_s)


def _whole_end(chunk: bytes, end: int) -> int:
    """Return where that ends which needs no more to be whole: no piece of a cut line comes last."""
    while end:
        begin = chunk.rfind(b"\n", 0, end - 1) + 1
        if not is_begun(chunk[begin : end - 1]):
            break
        end = begin
    return end


def start_of(
    descriptor: int, size: int, first_s: float, time_of: Callable[[LogLine], float | None]
) -> int:
    """Return the offset of a line before which all are older than `first_s`.

    It goes back from the end by steps that double, so at most twice as much is read as needed.
    """
    back = PROBE_BYTES
    while back < size:
        for offset, raw in _lines_at(descriptor, size - back):
            line = parse_line(raw)
            at_s = time_of(line) if line else None
            if at_s is not None:
                if at_s < first_s:
                    return offset
                break
        back *= 2
    return 0


def _lines_at(descriptor: int, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the whole lines behind an offset, each with its own."""
    chunk = os.pread(descriptor, PROBE_BYTES, at)
    start = chunk.find(b"\n") + 1
    while start:
        end = chunk.find(b"\n", start)
        if end < 0:
            return
        yield at + start, chunk[start:end]
        start = end + 1
