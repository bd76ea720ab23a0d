"""Where the text of a configuration comes from: a disk, or a stored copy."""

import errno
import glob
import os
import stat
from collections.abc import Mapping
from dataclasses import field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

import rules
from rules.values import dataclass

BYTES_MAX = 1 << 20
"""Most bytes of one file."""

INCLUDES_MAX = 1000
"""Most files one pattern may name."""

_PACKS = "<packs>/"
"""Where packs seem to be: the same everywhere, for the texts of a configuration are kept and compared."""
_SHIPPED = Path(rules.__path__[0], "packs")


class Files(Protocol):
    """Files by path; paths are those that messages show."""

    def read(self, path: str) -> bytes:
        """Return the whole file, or a little more than a configuration may have of it.

        Raises:
            OSError: It cannot be read.
        """
        ...

    def read_secret(self, path: str) -> bytes:
        """Return the content of a secret's file; raises as `read`."""
        ...

    def matching(self, pattern: str) -> list[str]:
        """Return the files that a pattern names, sorted; of a name without wildcards, itself."""
        ...

    def packs(self) -> list[str]:
        """Return the names of the packs, sorted; each is at its `pack_path`."""
        ...


@dataclass(slots=True)
class Disk:
    """The file system. Remembers what it was asked for, so that a watcher knows where to look."""

    asked_for: set[Path] = field(default_factory=set)

    def read(self, path: str) -> bytes:
        """Read a file once, so that what is checked is what is hashed and used."""
        if is_pack(path):
            return _read_shipped(path)
        self.asked_for.add(Path(path).absolute())
        return _read_regular(path)

    def read_secret(self, path: str) -> bytes:
        """Read the file of a secret."""
        return self.read(path)

    def matching(self, pattern: str) -> list[str]:
        """Find files on the disk."""
        self.asked_for.add(Path(pattern).absolute())
        if not glob.has_magic(pattern):
            return [pattern]
        return sorted(path for path in glob.glob(pattern) if not Path(path).is_dir())

    def packs(self) -> list[str]:
        """Find what came with us."""
        return shipped_packs()


@dataclass(frozen=True, slots=True)
class Stored:
    """Texts kept from an earlier load. Secret files are still read from the disk."""

    texts: Mapping[str, str]

    def read(self, path: str) -> bytes:
        """Return a kept text; of a pack that was not kept, what came with us."""
        if path not in self.texts and is_pack(path):
            return _read_shipped(path)
        if path not in self.texts:
            raise FileNotFoundError(path)
        return self.texts[path].encode()

    def read_secret(self, path: str) -> bytes:
        """Read the file of a secret from the disk."""
        return _read_regular(path)

    def matching(self, pattern: str) -> list[str]:
        """Find kept texts; a wildcard stays within its directory, as on a disk."""
        if not glob.has_magic(pattern):
            return [pattern]
        return sorted(path for path in self.texts if _is_named(path, pattern))

    def packs(self) -> list[str]:
        """Find what was kept and what came with us."""
        kept = {Path(path).stem for path in self.texts if is_pack(path)}
        return sorted(kept.union(shipped_packs()))


def is_pack(path: str) -> bool:
    """Return whether a path is that of a pack."""
    return path.startswith(_PACKS)


def pack_path(name: str) -> str:
    """Return the path under which a pack's text is read, kept and shown."""
    return f"{_PACKS}{name}.yaml"


def shipped_packs() -> list[str]:
    """Return the names of the packs that came with us, sorted."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def _read_shipped(path: str) -> bytes:
    return _read_regular(str(_SHIPPED / path.removeprefix(_PACKS)))


def _is_named(path: str, pattern: str) -> bool:
    """Return whether a shell would name `path` for `pattern`: hidden names only when asked for."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        fnmatchcase(part, one) and (one.startswith(".") or not part.startswith("."))
        for part, one in zip(parts, wanted, strict=True)
    )


def _read_regular(path: str) -> bytes:
    """Read a file without ever waiting for a pipe or a device."""
    with open(path, "rb", opener=_open_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(BYTES_MAX + 1)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def beside(file: str, path: str) -> str:
    """Return `path` as seen from the directory of `file`."""
    return os.path.normpath(os.path.join(os.path.dirname(file), path))
