"""One line of a log: out of a container's wrapping, its time, and what a rule takes from it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic_core import from_json

from rules import jsonpath
from rules.file_questions import Lines
from rules.instants import from_epoch
from rules.numbers import as_float
from rules.values import dataclass
from rules.wording import clipped, error_line

TIMES: Final = ("timestamp", "time", "ts", "@timestamp")
"""Where the time of a line stands if nobody says it."""

ENTITY_MAX: Final = 200
UNKNOWN: Final = "unknown"
"""Stands for a field of the entity that a line does not have."""

_CRI = re.compile(r"(\S{10,40}) (?:stdout|stderr) F (.*)", re.DOTALL)
_DOCKER = frozenset({"log", "stream", "time"})
_CRI_PIECE = re.compile(rb"(\S{10,40} )(stdout|stderr) ([PF]) (.*)", re.DOTALL)
_CRI_HEAD_MAX: Final = 60
_DOCKER_BEGIN: Final = b'{"log":"'
_DOCKER_END: Final = b'\\n","stream":"'
_DOCKER_PIECE = re.compile(rb'\{"log":"(.*)(","stream":"(stdout|stderr)",.*)', re.DOTALL)
_MILLISECONDS_FROM: Final = 1e11


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that is a JSON object.

    Attributes:
        wrapped_at: When the container's runtime took it, as it says; None without a runtime.
        times: What was found out about when it was written, for all who read it.
    """

    document: Mapping[str, Any]
    wrapped_at: str | None = None
    times: dict[tuple[tuple[str, ...], str], float | None] = field(default_factory=dict)


def joined(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines; those that a container's runtime has cut, which it does above 16 KB, in one piece.

    Pieces of one stream follow each other; what is still missing its end is not yielded.
    """
    begun: dict[bytes, bytes] = {}
    for raw in lines:
        whole: bytes | None = raw
        if raw.startswith(_DOCKER_BEGIN):
            if begun or not _is_ended(raw):
                whole = _docker_whole(raw, begun)
        elif not raw.startswith(b"{") and (begun or b" P " in raw[:_CRI_HEAD_MAX]):
            whole = _cri_whole(raw, begun)
        if whole is not None:
            yield whole


def is_begun(raw: bytes) -> bool:
    """Return whether a line is a piece of one whose end is still to come."""
    if raw.startswith(_DOCKER_BEGIN):
        return not _is_ended(raw) and _DOCKER_PIECE.fullmatch(raw) is not None
    piece = _CRI_PIECE.fullmatch(raw)
    return piece is not None and piece[3] == b"P"


def _docker_whole(raw: bytes, begun: dict[bytes, bytes]) -> bytes | None:
    """Return a line with what came of it before; None while its end is missing."""
    piece = _DOCKER_PIECE.fullmatch(raw)
    if piece is None:
        return raw
    text, rest, stream = piece.groups()
    text = begun.pop(stream, b"") + text
    if _is_ended(raw):
        return _DOCKER_BEGIN + text + rest
    begun[stream] = text
    return None


def _is_ended(raw: bytes) -> bool:
    """Return whether what Docker wrapped ends with a newline, not with a backslash and an n."""
    before, end, _ = raw.partition(_DOCKER_END)
    return bool(end) and (len(before) - len(before.rstrip(b"\\"))) % 2 == 0


def _cri_whole(raw: bytes, begun: dict[bytes, bytes]) -> bytes | None:
    piece = _CRI_PIECE.fullmatch(raw)
    if piece is None:
        return raw
    head, stream, mark, text = piece.groups()
    text = begun.pop(stream, b"") + text
    if mark == b"F":
        return head + stream + b" F " + text
    begun[stream] = text
    return None


def parse_line(raw: bytes) -> LogLine | None:
    """Return a line, unwrapped; None when it is no JSON object.

    Bytes that are no UTF-8 are replaced. A piece of a line that a runtime has cut is no JSON.
    """
    text, wrapped_at = raw.decode("utf-8", "replace").lstrip("\ufeff"), None
    if not text.startswith("{"):
        cri = _CRI.fullmatch(text)
        if cri is None:
            return None
        wrapped_at, text = cri.groups()
    document = _object(text)
    if document is not None and _is_docker(document):
        wrapped_at, document = document["time"], _object(document["log"])
    return None if document is None else LogLine(document, wrapped_at)


def _is_docker(document: Mapping[str, Any]) -> bool:
    # A runtime may add `attrs`; a log of its own that has these three is wrapped all the same.
    return document.keys() >= _DOCKER and all(isinstance(document[key], str) for key in _DOCKER)


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = from_json(text)  # four times as fast, and the stricter of the two
    except ValueError:
        try:
            document = jsonpath.parse(text)
        except jsonpath.BadJsonError:
            return None
    return document if isinstance(document, dict) else None


def field_of(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return what stands at a path, or MISSING; a name may have dots in it, as in `log.level`."""
    if len(path) == 1:
        return document.get(path[0], jsonpath.MISSING)
    found = jsonpath.value_at(document, path)
    return document.get(".".join(path), found) if found is jsonpath.MISSING else found


def time_of(line: LogLine, lines: Lines) -> float | None:
    """Return when a line was written, in epoch seconds; None when it does not say so."""
    asked = (lines.time, lines.zone)
    if asked not in line.times:
        line.times[asked] = _time_of(line, lines)
    return line.times[asked]


def _time_of(line: LogLine, lines: Lines) -> float | None:
    if lines.time:
        return _seconds(field_of(line.document, lines.time), lines.zone)
    for name in TIMES:
        at_s = _seconds(line.document.get(name), lines.zone)
        if at_s is not None:
            return at_s
    return _seconds(line.wrapped_at, "UTC")


def _seconds(value: object, zone: str) -> float | None:
    if isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).timestamp()
    number = as_float(value)
    if number is None:
        return None
    written_at = from_epoch(number / 1000 if abs(number) >= _MILLISECONDS_FROM else number)
    return None if written_at is None else written_at.timestamp()


def counts(line: LogLine, lines: Lines) -> bool:
    """Return whether a line meets every condition."""
    return all(condition.holds(line.document) for condition in lines.where)


def entity_of(line: LogLine, lines: Lines) -> tuple[str, ...]:
    """Return the values that tell whose line it is."""
    return tuple(_named(field_of(line.document, path)) for path in lines.entity)


def _named(value: Any) -> str:
    if value is jsonpath.MISSING or value is None or value == "":
        return UNKNOWN
    return clipped(value if isinstance(value, str) else jsonpath.shown(value), ENTITY_MAX)


def value_of(line: LogLine, lines: Lines) -> float | None:
    """Return the number that a line holds; None when it holds none."""
    return as_float(field_of(line.document, lines.value)) if lines.value else None


def error_of(line: LogLine, lines: Lines) -> str:
    """Return what a line says is wrong; '' when it says nothing."""
    value = field_of(line.document, lines.error) if lines.error else None
    if value is None or value is jsonpath.MISSING:
        return ""
    return error_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
