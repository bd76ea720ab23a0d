"""Which content is which: log files are renamed, copied, emptied and made anew while they are read."""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from watchdog.sources.log_tally import Position, Tally
from watchdog.sources.places import Refused, matching, opened, status

HEAD_BYTES: Final = 1024
"""By so many first bytes a content is known again."""

ROTATED_MAX: Final = 20
"""Most earlier files that are looked at beside one log, the newest ones."""

_PACKED: Final = (".gz", ".xz", ".zst", ".bz2", ".zip", ".lz4")
_ROTATED = re.compile(r"[.-]\d[\dT_:.-]*")
_ENDING = re.compile(r"[.-]\d[\dT_:.-]*$")


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as a look found it.

    Attributes:
        key: Device and inode.
        head: Its first bytes.
        family: Path of the log that it is, or was before it was rotated.
    """

    path: str
    key: tuple[int, int]
    size: int
    changed_ns: int
    head: bytes
    family: str

    def is_still(self, descriptor: int) -> bool:
        """Return whether an open file is this one and still holds what it held."""
        now = os.fstat(descriptor)
        same = (now.st_dev, now.st_ino) == self.key and now.st_size >= self.size
        return same and os.pread(descriptor, len(self.head), 0) == self.head


@dataclass(slots=True, eq=False)
class LogFile:
    """A content that is read, wherever it is stored now.

    Attributes:
        positions: How far each question has read it.
        seen_s: When it was last there.
    """

    latest: Seen
    seen_s: float
    positions: dict[Tally, Position] = field(default_factory=dict)

    def keep_only(self, tallies: Collection[Tally]) -> None:
        """Forget questions that are not asked any more."""
        for tally in self.positions.keys() - set(tallies):
            del self.positions[tally]

    def is_at(self, seen: Seen) -> bool:
        """Return whether a file holds this content, or more of it."""
        return seen.family == self.latest.family and seen.head.startswith(self.latest.head)

    def move_to(self, seen: Seen, now_s: float) -> None:
        """Be read from a file from now on; what was cut off its end is not waited for."""
        self.latest, self.seen_s = seen, now_s
        for position in self.positions.values():
            if position.offset > seen.size:
                position.offset, position.is_inside = seen.size, False


class LogFiles:
    """The contents behind some patterns, known again from look to look."""

    def __init__(self) -> None:
        self._known: list[LogFile] = []
        self._bases: dict[str, float] = {}
        self.count = 0

    def look(
        self, patterns: Sequence[str], now_s: float, lasts_s: float
    ) -> list[tuple[LogFile, Seen]]:
        """Return each content with the file that holds it now, the one that changed last at the end.

        How many logs there are is in `count` then: an empty one is one, too.

        Args:
            lasts_s: For how long a content is remembered that is nowhere.

        Raises:
            Refused: They cannot be looked at.
        """
        paths = _logs(matching(patterns))
        self.count = len(paths)
        self._bases |= dict.fromkeys(paths, now_s)
        self._bases = {path: at_s for path, at_s in self._bases.items() if now_s - at_s <= lasts_s}
        seen = _each_once([*_looked_at(paths), *_earlier(self._bases)])
        found = self._assign(seen, now_s)
        self._known = [one for one in self._known if now_s - one.seen_s <= lasts_s]
        return sorted(found, key=lambda one: one[1].changed_ns)

    def _assign(self, seen: Sequence[Seen], now_s: float) -> list[tuple[LogFile, Seen]]:
        free = {one.path: one for one in seen}
        found: dict[LogFile, Seen] = {}
        # First what stayed where it was, so that a copy of a log does not pass for the log.
        for is_moved in (False, True):
            for file in [one for one in self._known if one not in found]:
                fitting = [
                    one
                    for one in free.values()
                    if file.is_at(one) and (is_moved or one.key == file.latest.key)
                ]
                if fitting:
                    best = max(fitting, key=lambda one: one.size)
                    file.move_to(free.pop(best.path), now_s)
                    found[file] = best
        for one in free.values():
            if not any(_is_copy(one, other) for other in found.values()):
                file = LogFile(one, now_s)
                self._known.append(file)
                found[file] = one
        return list(found.items())


def _is_copy(one: Seen, other: Seen) -> bool:
    """Return whether two files of a log begin alike: what is new in the one is so in the other."""
    is_alike = one.head.startswith(other.head) or other.head.startswith(one.head)
    return is_alike and one.family == other.family


def _logs(found: Iterable[str]) -> list[str]:
    return [os.path.realpath(path) for path in found if not path.endswith(_PACKED)]


def _looked_at(paths: Iterable[str]) -> list[Seen]:
    return [one for path in paths if (one := _look_at(path)) is not None]


def _look_at(path: str) -> Seen | None:
    """Return what a file is; None when it is gone, or nothing has been written to it yet."""
    with opened(path) as descriptor:
        if descriptor is None:
            return None
        now = os.fstat(descriptor)
        head = os.pread(descriptor, HEAD_BYTES, 0)
    if not head:
        return None
    key, size = (now.st_dev, now.st_ino), max(now.st_size, len(head))
    return Seen(path, key, size, now.st_mtime_ns, head, family=_ENDING.sub("", path))


def _earlier(bases: Iterable[str]) -> list[Seen]:
    """Return the files into which logs were rotated."""
    listed: dict[str, list[str]] = {}
    found = []
    for base in bases:
        folder, name = os.path.split(base)
        if folder not in listed:
            listed[folder] = _names(folder)
        rotated = [
            os.path.join(folder, one)
            for one in listed[folder]
            if one.startswith(name) and _ROTATED.fullmatch(one[len(name) :])
        ]
        found += sorted(_readable(rotated), key=lambda one: -one.changed_ns)[:ROTATED_MAX]
    return found


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []  # it is gone with its files, or was just told as what cannot be read


def _readable(paths: Iterable[str]) -> list[Seen]:
    found = []
    for path in paths:
        try:
            one = _look_at(path) if status(path) else None
        except Refused:
            continue  # the log itself can be read; its past may be for others only
        if one is not None:
            found.append(one)
    return found


def _each_once(found: Iterable[Seen]) -> list[Seen]:
    return list({one.key: one for one in found}.values())
