"""What kinds ask of files, and the answers; a part of `rules.base`."""

from datetime import datetime, timedelta
from typing import Any, Protocol

from rules.values import dataclass


@dataclass(frozen=True, slots=True)
class FileQuestion:
    """Which files match; the answer is rows with `path`, `at` (epoch seconds) and `size` (bytes).

    Attributes:
        paths: Paths or patterns, absolute or below the folder of the configuration.
    """

    source: str
    paths: tuple[str, ...]


class Condition(Protocol):
    """Tells which documents count; equal where it says the same. Implemented in `rules.conditions`."""

    def holds(self, document: Any) -> bool:
        """Return whether a JSON document counts."""
        ...


@dataclass(frozen=True, slots=True)
class Lines:
    """Which lines of log files count, and what is taken from them.

    Attributes:
        files: Paths or patterns, as those of a `FileQuestion`.
        where: Conditions that must all hold.
        kept: How far back anything is known; at least `window`.
        entity, value, error: Steps of the paths to what is taken.
        time: Steps to the time of a line; () for the usual names.
        zone: Of times without an offset.
    """

    files: tuple[str, ...]
    where: tuple[Condition, ...]
    window: timedelta
    kept: timedelta
    entity: tuple[tuple[str, ...], ...] = ()
    value: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """What log files hold up to now.

    Attributes:
        enough: A count above which it does not matter that more is still to be read.
    """

    source: str
    lines: Lines
    now: datetime
    enough: float | None = None


@dataclass(frozen=True, slots=True)
class LogGroup:
    """The lines of one entity that count.

    Attributes:
        entity: Its values, in the order of the question.
        count: In the window; it is counted in steps of a sixtieth of the window, at least 1 s.
        last_at: Of the newest one, as far back as anything is known.
        earlier: Counts of the windows before, newest first, of which all is known.
        values: Taken from the lines of the window, rising; a sample where there are thousands.
        error, line: Of the newest one.
    """

    entity: tuple[str, ...]
    count: int = 0
    last_at: datetime | None = None
    earlier: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    error: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class LogReply:
    """What log files hold.

    Attributes:
        files: How many files there are.
        is_understood: There is a line that is JSON and has a time, whether it counts or not.
        skipped: How many lines are no JSON.
        unread_bytes: What is still to be read: every count may yet rise.
        truncated: There were more entities than one question returns.
    """

    groups: tuple[LogGroup, ...]
    files: int
    is_understood: bool = True
    skipped: int = 0
    unread_bytes: int = 0
    truncated: bool = False
