"""Files by their patterns, found and opened so that nobody ever waits for a pipe or a device."""

import contextlib
import glob
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from watchdog.sources.base import DEMO_SCHEME, real_address

MATCHES_MAX: Final = 10_000
"""Most files that the patterns of one rule may name."""


class Refused(Exception):  # noqa: N818 (the text says it: it names the file, and why)
    """Files that cannot be looked at, although they may be there."""


def absolute(pattern: str, folder: str, address_of_demo: Mapping[str, str]) -> str:
    """Return a pattern as the file system knows it.

    Raises:
        Refused: It leads into a part of the demo that is not running.
    """
    found = real_address(pattern, address_of_demo)
    if found is None:
        part = pattern.removeprefix(DEMO_SCHEME).partition("/")[0]
        raise Refused(f'the demo is not running, so there is no "{part}" to look at')
    return os.path.abspath(os.path.join(folder, found))


def matching(patterns: Sequence[str]) -> dict[str, os.stat_result]:
    """Return the regular files that the patterns name, by path; links are followed.

    Raises:
        Refused: A folder must not be read, or there are too many files.
    """
    found: dict[str, os.stat_result] = {}
    for pattern in patterns:
        before = len(found)
        for path in glob.iglob(pattern):
            known = status(path)
            if known is not None and stat.S_ISREG(known.st_mode):
                found[path] = known
            if len(found) > MATCHES_MAX:
                raise Refused(f"{pattern} names more than {MATCHES_MAX:,} files")
        if len(found) == before:
            _require_sight(pattern)
    return found


def status(path: str) -> os.stat_result | None:
    """Return what is at a path; None when nothing is.

    Raises:
        Refused: It cannot be told.
    """
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Refused(_words(path, error)) from error


def _require_sight(pattern: str) -> None:
    """Raise where there is no file only because nobody lets us see it: `glob` keeps silent."""
    folder = os.path.dirname(pattern)
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)
    try:
        with os.scandir(folder):
            pass
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise Refused(_words(folder, error)) from error


@contextlib.contextmanager
def opened(path: str) -> Iterator[int | None]:
    """Give the descriptor of a regular file; None when there is none any more.

    Raises:
        Refused: It cannot be opened or read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise Refused(_words(path, error)) from error
    try:
        yield descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError as error:
        raise Refused(_words(path, error)) from error
    finally:
        os.close(descriptor)


def _words(path: str, error: OSError) -> str:
    return f"{path} cannot be read: {(error.strerror or type(error).__name__).lower()}"
