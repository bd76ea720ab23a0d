"""What comes from outside the file: `${NAME}`, `${NAME:-default}` and `file:` values; and masks.

Replaced after parsing and only in values, so that nothing in a secret can change the meaning of
the file. A value that holds a secret is never shown again: messages say what the file says.
"""

import re
from collections.abc import Callable, Mapping

from rules.values import dataclass
from watchdog.config.nodes import Node, Scalar, Span, scalars
from watchdog.config.problems import Level, Problem, did_you_mean, shown

SECRET_BYTES_MAX = 65_536

_REFERENCE = re.compile(r"\$(\$(?=\{))?\{([^}\n]*)(\}?)")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)

TOKEN_SHAPES = re.compile(
    r"xox[abeprs]-[\w-]{6,}|xapp-[\w-]{6,}|(?<=://)[^\s:/@'\"{}$]*:[^\s/'\"{}$]+(?=@)|(?<=password=)[^\s&'\"{}$]+"
    r"|gh[pousr]_\w{20,}|AKIA[0-9A-Z]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
"""Texts that are secrets by their looks, passwords inside addresses among them."""

_PASSWORD = re.compile(r"(?<=://)[^\s:/@'\"{}$]*:[^\s'\"{}$]+(?=@)")
"""As above, but with what a careless password may hold: rather too much covered than too little."""

_SECRET_KEYS = re.compile(
    r"""(?i)\b([\w-]*(?:token|secret|passw|api[_-]?key|authorization|credential)[\w-]*["']?\s*:\s*)"""
    r"""("(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|[^\s,}\[\]{](?:[^,}\n]|,(?=\S))*?(?=\s*(?:,\s|,$|[}\n]|$)))"""
)


def replace_references(node: Node, env: Mapping[str, str]) -> list[Problem]:
    """Put the values of `env` into every scalar below `node`; return what could not be replaced."""
    problems: list[Problem] = []
    for scalar in scalars(node):
        if "${" in scalar.text:
            _replace_in(scalar, env, problems)
    return problems


def _replace_in(scalar: Scalar, env: Mapping[str, str], problems: list[Problem]) -> None:
    def value_of(match: re.Match[str]) -> str:
        if match.group(1):  # `$${` stands for `${` itself
            return match.group()[1:]
        found = _NAME.fullmatch(match.group(2)) if match.group(3) else None
        if found is None:
            problems.append(_at(scalar, match, "bad-reference", _BAD, "write `${NAME}`"))
            scalar.is_lost = True
            return ""
        name, default = found.groups()
        if env.get(name) or (default is None and name in env):
            scalar.is_tainted = True
            return env[name]
        if default is None:
            words = f"the environment has no variable `{shown(name)}`"
            label = did_you_mean(name, env) or f"set it, or write `${{{shown(name)}:-default}}`"
            problems.append(_at(scalar, match, "missing-variable", words, label))
            scalar.is_lost = True
        return default or ""

    scalar.text = _REFERENCE.sub(value_of, scalar.text)
    if not scalar.text:
        scalar.is_plain = False  # an empty variable is an empty text, not a forgotten value


_BAD = "a reference is not finished"


def _at(scalar: Scalar, match: re.Match[str], code: str, message: str, label: str) -> Problem:
    span = part_span(scalar, match.start(), match.end())
    return Problem(code, message, span.place, span.end_column, label=label)


def part_span(scalar: Scalar, start: int, end: int) -> Span:
    """Return where a part of a scalar stands; the whole of it where that cannot be told."""
    span = scalar.span
    raw = span.end_column - span.column
    quotes = 0 if scalar.is_plain else 1
    if scalar.is_block or not span.end_column or raw != len(scalar.written) + 2 * quotes:
        return span
    column = span.column + quotes
    return Span(span.file, span.line, column + start, column + max(end, start + 1))


def located(scalar: Scalar, texts: Mapping[str, str], at: int) -> Span:
    """Return where the word at an offset of a scalar stands, also in a text of several lines.

    What a scalar says differs from what the file says by its line breaks only, so the nth
    occurrence of a word in one is the nth in the other. The whole scalar is returned where that
    does not hold.
    """
    word = re.match(r"\S{1,30}", scalar.text[at:])
    if scalar.text != scalar.written or word is None:
        return part_span(scalar, at, at + 1)
    if part_span(scalar, at, at + 1) is not scalar.span:
        return part_span(scalar, at, at + len(word.group()))
    text = texts.get(scalar.span.file, "")
    found = _offset(text, scalar.span.line, scalar.span.column)
    for _ in range(scalar.text.count(word.group(), 0, at) + 1):
        found = text.find(word.group(), found + 1)
        if found < 0:
            return scalar.span
    line = text.count("\n", 0, found) + 1
    column = found - (text.rfind("\n", 0, found) + 1) + 1
    return Span(scalar.span.file, line, column, column + len(word.group()))


def _offset(text: str, line: int, column: int) -> int:
    """Return the offset just before a place, so that a search from behind it finds what is there."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column - 2


def read_secret_file(scalar: Scalar, read: Callable[[str], bytes]) -> Problem | None:
    """Put the content of the file that `file:path` names into a scalar, without its last newline."""
    path = scalar.text.removeprefix("file:").strip()
    span = scalar.span
    scalar.text, scalar.is_lost = "", True
    try:
        content = read(path)
    except (OSError, ValueError) as error:  # ValueError: no file can have such a name
        reason = (getattr(error, "strerror", None) or "its name is not one").lower()
        words = f"cannot read the secret's file: {reason}"
        return Problem("missing-secret-file", words, span.place, span.end_column)
    if len(content) > SECRET_BYTES_MAX:
        words = f"the secret's file is larger than {SECRET_BYTES_MAX} bytes"
        return Problem("missing-secret-file", words, span.place, span.end_column)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        words = "the secret's file is not UTF-8"
        return Problem("missing-secret-file", words, span.place, span.end_column)
    scalar.text, scalar.is_tainted, scalar.is_lost = text.rstrip("\r\n"), True, False
    return None


def written_secrets(node: Node) -> list[Problem]:
    """Return a warning for each value that is a secret by its looks and stands in the file."""
    problems: list[Problem] = []
    for scalar in scalars(node):
        match = TOKEN_SHAPES.search(scalar.written)
        if match:
            span = part_span(scalar, match.start(), match.end())
            problems.append(
                Problem(
                    "written-secret",
                    "a secret stands in the file",
                    span.place,
                    span.end_column,
                    label="write `${NAME}` and set it in the environment",
                    level=Level.WARNING,
                )
            )
    return problems


@dataclass(frozen=True, slots=True)
class Masks:
    """Where secrets stand in the files, so that excerpts can leave them out."""

    spans: tuple[Span, ...] = ()

    def line(self, text: str, file: str, number: int) -> str:
        """Return a line with every secret in it covered, each character by one, so columns stay."""
        for span in self.spans:
            if span.file == file and span.line <= number <= max(span.line, span.last_line):
                start = span.column - 1 if number == span.line else 0
                end = span.last_column if number == span.last_line else span.end_column
                if number not in (span.line, span.last_line) or not end:
                    end = len(text) + 1
                text = text[:start] + _covered(text[start : end - 1]) + text[end - 1 :]
        return cover(text)


_UNSEEN = re.compile(r"://[^@]*:[^@]*[\s'\"{}$].*@", re.DOTALL)


def is_hard_to_see(scalar: Scalar) -> bool:
    """Return whether a password in an address may escape `cover`, which sees line by line."""
    has_password = re.search(r"://[^@]*:.*@", scalar.written, re.DOTALL) is not None
    return has_password and (not scalar.span.end_column or bool(_UNSEEN.search(scalar.written)))


def cover(text: str) -> str:
    """Return `text` with everything covered that looks like a secret or stands where one would."""
    text = _SECRET_KEYS.sub(lambda match: match.group(1) + _covered(match.group(2)), text)
    text = _PASSWORD.sub(lambda match: "•" * len(match.group()), text)
    return TOKEN_SHAPES.sub(lambda match: "•" * len(match.group()), text)


def _covered(text: str) -> str:
    return text if "${" in text or "file:" in text else "•" * len(text)
