"""What was found right stays right while nothing changes that it depends on.

To check a file costs mostly the import of what checks it. So `check` keeps for each configuration
without a mistake what it depended on: the files, the answers to patterns, the environment, and our
own code. While all of it is the same, so is the answer. Only "no mistakes at all" is kept: whatever
else was found is found again. What cannot be read, written or understood is as if it were not there.
"""

import contextlib
import hashlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from watchdog.config.files import Disk

if TYPE_CHECKING:
    from watchdog.config.load import Loaded

KEPT_MAX: Final = 100
"""Most configurations that are remembered; the oldest ones go."""

_NAMES = re.compile(r"\$\{([A-Za-z_]\w*)")
_ZONES = "/usr/share/zoneinfo"


@dataclass(frozen=True, slots=True)
class Fine:
    """A configuration without a mistake, as an earlier check found it."""

    rules: int
    problems: ClassVar[tuple[()]] = ()
    errors: ClassVar[tuple[()]] = ()
    warnings: ClassVar[tuple[()]] = ()


def recall(root: str, env: Mapping[str, str]) -> Fine | None:
    """Return what an earlier check of the same files, with the same code, found to be fine."""
    import json

    disk = Disk()
    try:
        kept = json.loads(_entry(root, env).read_bytes())
        for path in kept["files"]:
            disk.read(path)
        for pattern in kept["patterns"]:
            disk.matching(pattern)
        is_same = _digest(disk, kept["names"], env) == kept["digest"]
        return Fine(int(kept["rules"])) if is_same else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def remember(root: str, env: Mapping[str, str], disk: Disk, loaded: "Loaded") -> None:
    """Keep that a configuration is fine, if it is.

    Args:
        disk: What `loaded` was read from, so that nothing is kept of a file that has changed since.
    """
    if loaded.problems:
        return
    # A home that is full or cannot be written only makes the next check as slow as this one.
    with contextlib.suppress(OSError):
        names = sorted({name for text in loaded.texts.values() for name in _NAMES.findall(text)})
        kept = {
            "rules": loaded.rules,
            "files": list(disk.digests),
            "patterns": list(disk.matches),
            "names": names,
            "digest": _digest(disk, names, env),
        }
        _write(_entry(root, env), kept)


def _entry(root: str, env: Mapping[str, str]) -> Path:
    """Return where the answer about a root file is kept, by its name as seen from here."""
    home = env.get("XDG_CACHE_HOME") or os.path.join(env.get("HOME") or "/nowhere", ".cache")
    name = hashlib.sha256(os.fsencode(f"{os.getcwd()}\0{root}")).hexdigest()
    return Path(home, "incident-watchdog", "checked", f"{name}.json")


def _write(entry: Path, kept: Mapping[str, Any]) -> None:
    import json
    import tempfile

    folder = entry.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    oldest_first = sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime)
    for old in oldest_first[: -KEPT_MAX + 1]:
        old.unlink(missing_ok=True)
    # In one step, and for nobody else's eyes: a digest of secrets is in it.
    handle, path = tempfile.mkstemp(dir=folder)
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(kept, file)
    Path(path).replace(entry)


def _digest(disk: Disk, names: list[str], env: Mapping[str, str]) -> str:
    """Return a digest of everything that a check depends on."""
    asked = {
        "files": sorted(disk.digests.items()),
        "patterns": sorted(disk.matches.items()),
        "environment": [(name, env.get(name)) for name in names],
        "code": list(_code()),
    }
    return hashlib.sha256(repr(asked).encode()).hexdigest()


def _code() -> Iterator[object]:
    """Yield what changes whenever the code changes that judges: ours, and that of libraries."""
    yield sys.version, os.environ.get("PYTHONTZPATH")
    libraries = [one for one in sys.path if one.endswith(("site-packages", "dist-packages"))]
    for place in (*libraries, _ZONES):
        if os.path.isdir(place):
            yield place, os.stat(place).st_mtime_ns
    above = Path(__file__).parents[2]
    for package in ("watchdog", "rules", "notifiers"):
        yield from _files_below(above / package)


def _files_below(folder: Path) -> Iterator[tuple[str, int, int]]:
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if one != "__pycache__")
        for name in sorted(names):
            path = os.path.join(directory, name)
            known = os.stat(path)
            yield path, known.st_size, known.st_mtime_ns
