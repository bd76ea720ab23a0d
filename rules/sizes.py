"""Numbers of bytes as teams write them, and as people read them."""

import re

from pydantic_core import PydanticCustomError

from rules.durations import shown

_SIZE = re.compile(r"([0-9]{1,15}) ?(B|kB|MB|GB|TB)?")
_UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}
GREATEST = 1000 * _UNITS["TB"]


def size_of(given: object) -> int:
    """Return the number of bytes that `500kB`, `20GB` or a whole number stand for; else 0."""
    match = _SIZE.fullmatch(str(given)) if not isinstance(given, bool) else None
    return int(match.group(1)) * _UNITS[match.group(2) or "B"] if match else 0


def parse_size(given: object) -> int:
    """Return a number of bytes, at most 1,000 TB.

    Raises:
        PydanticCustomError: `bad_size`.
    """
    size = size_of(given)
    if not 1 <= size <= GREATEST:
        about = {"given": shown(given), "hint": "write it like `500kB`, `1MB` or `20GB`"}
        raise PydanticCustomError("bad_size", "`{given}` is not a size", about)
    return size


def short_size(size: float) -> str:
    """Return a size for people: `0 B`, `950 kB`, `1.2 MB`, `14 GB`."""
    unit = max(
        (one for one in _UNITS.items() if one[1] <= size), key=lambda one: one[1], default=None
    )
    name, worth = unit or ("B", 1)
    count = size / worth
    return f"{count:.1f} {name}" if count < 10 and name != "B" else f"{count:.0f} {name}"
