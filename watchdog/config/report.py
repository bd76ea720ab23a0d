"""Problems as people and machines read them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from watchdog.config.problems import Problem, visible

if TYPE_CHECKING:
    from watchdog.config.load import Loaded
    from watchdog.config.model import Place

EXCERPT_MAX = 160
"""Most characters of a line that are shown."""
ANNOTATIONS_MAX = 10
"""GitHub shows this many annotations of a kind in a step."""

_HALF = re.compile("[\ud800-\udfff]")

_RED, _YELLOW, _BLUE, _BOLD, _END = "\x1b[31m", "\x1b[33m", "\x1b[34m", "\x1b[1m", "\x1b[0m"


def as_text(loaded: "Loaded", root: str, *, colour: bool = False) -> str:
    """Return every problem with its line and a caret, and a closing line."""
    blocks = [_block(problem, loaded, colour) for problem in loaded.problems]
    return "\n".join([*blocks, summary(loaded, root)])


def summary(loaded: "Loaded", root: str) -> str:
    """Return how many problems there are: `rules.yaml: 3 errors, 0 warnings in 10 rules`."""
    counts = (
        _count(len(loaded.errors), "error"),
        _count(len(loaded.warnings), "warning"),
    )
    return f"{visible(root)}: {', '.join(counts)} in {_count(loaded.rules, 'rule')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _block(problem: Problem, loaded: "Loaded", colour: bool) -> str:
    return "\n".join(_lines(problem, loaded, colour))


def _lines(problem: Problem, loaded: "Loaded", colour: bool) -> Iterator[str]:
    def paint(text: str, *codes: str) -> str:
        return f"{''.join(codes)}{text}{_END}" if colour and text else text

    place = problem.place
    tone = _RED if problem.is_error else _YELLOW
    head = paint(f"{problem.level}[{problem.code}]", tone, _BOLD)
    yield f"{head}: {paint(_safe(problem.message), _BOLD)}"
    gutter = " " * len(str(place.line)) if place.line else ""
    yield f"{gutter}{paint('-->', _BLUE)} {spelled(place)}"
    line = _line(loaded, place)
    if line is not None:
        excerpt, start, width = _excerpt(line, problem)
        bar = paint("|", _BLUE)
        yield f"{gutter} {bar}"
        yield f"{paint(str(place.line), _BLUE)} {bar} {excerpt}".rstrip()
        label = f" {_safe(problem.label)}" if problem.label else ""
        yield f"{gutter} {bar} {' ' * start}{paint('^' * width + label, tone)}"
    elif problem.label:
        yield f"{gutter} {paint('=', _BLUE)} {_safe(problem.label)}"
    for note in notes_of(problem):
        yield f"{gutter} {paint('=', _BLUE)} {_safe(note)}"


def notes_of(problem: Problem) -> tuple[str, ...]:
    """Return a problem's further lines, the related place among them."""
    if problem.related is None:
        return problem.notes
    place, words = problem.related
    return (*problem.notes, f"{words}: {spelled(place)}")


def spelled(place: "Place") -> str:
    """Return a place as editors understand it: `rules.yaml:78:48`."""
    file = visible(place.file)
    return f"{file}:{place.line}:{place.column}" if place.line else file


def _safe(text: str) -> str:
    from watchdog.config.secrets import cover

    return cover(visible(text))


def _line(loaded: "Loaded", place: "Place") -> str | None:
    """Return the line of a place with its secrets covered, or None for a file as a whole."""
    if not place.line or place.file not in loaded.texts:
        return None
    lines = loaded.texts[place.file].split("\n")
    if place.line > len(lines):
        return None
    return loaded.masks.line(lines[place.line - 1].rstrip("\r"), place.file, place.line)


def _excerpt(line: str, problem: Problem) -> tuple[str, int, int]:
    """Return what to show of a line, and start and width of the mark in terminal columns."""
    start = problem.place.column - 1
    end = problem.end_column - 1 if problem.end_column else len(line.rstrip())
    first = 0
    if len(line) > EXCERPT_MAX:
        first = max(0, min(start - EXCERPT_MAX // 3, len(line) - EXCERPT_MAX))
    part = line[first : first + EXCERPT_MAX]
    head = "…" if first else ""
    tail = "…" if first + EXCERPT_MAX < len(line) else ""
    before = head + _flat(part[: start - first])
    marked = _flat(part[start - first : max(end, start + 1) - first])
    return f"{head}{_flat(part)}{tail}", _width(before), max(1, _width(marked))


def _flat(text: str) -> str:
    return visible(text.replace("\t", " "))


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    import unicodedata

    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def as_json(results: "Mapping[str, Loaded]") -> str:
    """Return everything for machines; `results` holds what came of each root file."""
    problems = [
        {"root": root, **_values(problem)}
        for root, loaded in results.items()
        for problem in loaded.problems
    ]
    document = {
        "files": list(results),
        "errors": sum(len(loaded.errors) for loaded in results.values()),
        "warnings": sum(len(loaded.warnings) for loaded in results.values()),
        "rules": sum(loaded.rules for loaded in results.values()),
        "problems": problems,
    }
    import json

    text = json.dumps(document, indent=2, ensure_ascii=False)
    # Half a character, as of a file name that is no UTF-8, could not be written out.
    return _HALF.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _values(problem: Problem) -> dict[str, Any]:
    related = None
    if problem.related:
        place, words = problem.related
        related = {"file": place.file, "line": place.line, "column": place.column, "words": words}
    return {
        "level": str(problem.level),
        "code": problem.code,
        "message": _safe(problem.message),
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "end_column": problem.end_column or None,
        "label": _safe(problem.label),
        "notes": [_safe(note) for note in problem.notes],
        "related": related,
    }


def as_github(results: "Mapping[str, Loaded]") -> str:
    """Return annotations for GitHub Actions, as many as are shown, and how many there are more."""
    problems = [problem for loaded in results.values() for problem in loaded.problems]
    lines: list[str] = []
    for level in ("error", "warning"):
        chosen = [problem for problem in problems if problem.level == level]
        lines += [_annotation(problem) for problem in chosen[:ANNOTATIONS_MAX]]
    lines += [summary(loaded, root) for root, loaded in results.items()]
    left = len(problems) + len(results) - len(lines)
    return "\n".join([*lines, *([f"{left} more: run `watchdog check`"] if left else [])])


def _annotation(problem: Problem) -> str:
    place = problem.place
    where = {"file": _HALF.sub("?", place.file)}
    if place.line:
        where |= {"line": str(place.line), "col": str(place.column)}
    if problem.end_column:
        where["endColumn"] = str(problem.end_column)
    where["title"] = f"watchdog {problem.code}"
    said = [problem.message, problem.label, *notes_of(problem)]
    body = _escaped("\n".join(_safe(text) for text in said if text))
    inside = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in where.items())
    return f"::{problem.level} {inside}::{body}"


def _escaped(text: str, more: Sequence[str] = "") -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for character in more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
