"""Text to nodes: YAML without its traps, every refusal at its place.

Built on the parser's events in one loop, so that no nesting can exhaust a stack; the limits hold
before anything grows.
"""

import re
from dataclasses import field, replace
from typing import Any

from rules.values import dataclass
from watchdog.config.files import BYTES_MAX
from watchdog.config.model import Place
from watchdog.config.nodes import Entry, Listing, Node, Scalar, Span, Table
from watchdog.config.problems import PROBLEMS_MAX, Problem, shown

DEPTH_MAX = 50

_ODD_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
"""Line breaks to the parser alone: with them, lines would be counted other than editors do."""

_COLON_HINT = "put quotes around a value that holds `: `"
_PLACEHOLDER_HINT = "a value that starts with `{{` needs quotes around it"


@dataclass(slots=True)
class Parsed:
    """A file as nodes; `root` is None when nothing of it can be used."""

    root: Node | None
    problems: list[Problem]


class _StopError(Exception):
    """The rest of the file is not worth reading."""


@dataclass(slots=True)
class _Open:
    """A collection that is being filled; `key` waits for its value."""

    node: Listing | Table
    key: Scalar | None = None
    is_skipped: bool = False
    has_lost_key: bool = False


@dataclass(slots=True)
class _Reader:
    file: str
    lines: int
    problems: list[Problem] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    root: Node | None = None
    documents: int = 0

    def span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        if start.line >= self.lines:  # nothing, after the `---` that ends a file
            return Span(self.file, self.lines, 1, 0)
        line, column = start.line + 1, start.column + 1
        if start.line == end.line:
            return Span(self.file, line, column, end.column + 1)
        return Span(self.file, line, column, 0, end.line + 1, end.column + 1)

    def refuse(self, code: str, message: str, span: Span, label: str = "", **more: Any) -> None:
        self.problems.append(
            Problem(code, message, span.place, span.end_column, label=label, **more)
        )
        if len(self.problems) >= PROBLEMS_MAX:
            raise _StopError

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            span = self.span(event)
            self.refuse(
                "several-documents",
                "a file holds one document",
                span,
                "put what follows `---` into a file of its own and `include:` it",
            )
            raise _StopError

    def scalar(self, event: Any) -> None:
        span = self.span(event)
        self.check_marks(event, span)
        self.add(
            Scalar(
                event.value,
                span,
                is_plain=bool(event.implicit[0]) and event.style in (None, ""),
                is_block=event.style in ("|", ">"),
                written=event.value,
            )
        )

    def alias(self, event: Any) -> None:
        span = self.span(event)
        self.refuse(
            "alias", f"`*{event.anchor}`: aliases are not part of the language", span, _REUSE
        )
        self.add(Scalar("", span, is_plain=False, is_lost=True))

    def start(self, event: Any, node: Listing | Table) -> None:
        self.check_marks(event, node.span)
        if len(self.stack) >= DEPTH_MAX:
            self.refuse("too-deep", f"nested deeper than {DEPTH_MAX} levels", node.span)
            raise _StopError
        self.stack.append(_Open(node))

    def end(self) -> None:
        top = self.stack.pop()
        if top.has_lost_key and isinstance(top.node, Table) and not top.node.entries:
            # Such as `{{ value }}` without quotes: that has been said, and it is no mapping.
            self.add(Scalar("", top.node.span, is_plain=False, is_lost=True))
        else:
            self.add(top.node)

    def check_marks(self, event: Any, span: Span) -> None:
        if event.anchor is not None:
            mark = Span(span.file, span.line, span.column, span.column + len(event.anchor) + 1)
            words = f"`&{event.anchor}`: anchors are not part of the language"
            self.refuse("anchor", words, mark, _REUSE)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.refuse("tag", f"`{shown(tag)}`: tags are not part of the language", span)

    def add(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if isinstance(top.node, Listing):
            top.node.items.append(node)
        elif top.key is None and not top.is_skipped:
            self.open_key(top, node)
        else:
            if top.key is not None:
                top.node.entries[top.key.text] = Entry(top.key, node)
            top.key, top.is_skipped = None, False

    def open_key(self, top: _Open, node: Node) -> None:
        assert isinstance(top.node, Table)
        refusal = _key_refusal(node, top.node)
        if refusal is None:
            assert isinstance(node, Scalar)
            top.key = node
            return
        top.is_skipped = top.has_lost_key = True
        self.problems.append(refusal)
        if len(self.problems) >= PROBLEMS_MAX:
            raise _StopError


_REUSE = "use `defaults:` or `templates:` for what repeats"


def _key_refusal(node: Node, table: Table) -> Problem | None:
    """Return what is wrong with a key; nothing for nearly all of them."""
    if isinstance(node, Scalar) and node.text not in table.entries:
        if node.text == "<<" and node.is_plain:
            return _refused_key(
                "merge-key", "merge keys are not part of the language", node, _REUSE
            )
        if node.is_empty:
            return _refused_key("bad-key", "a key is missing before `:`", node)
        return None
    if not isinstance(node, Scalar):
        return _refused_key("bad-key", "a key must be text", node, _PLACEHOLDER_HINT)
    message = f"`{shown(node.text)}` stands here twice"
    first = table.entries[node.text].key.span.place
    problem = _refused_key("duplicate-key", message, node, "remove one of them")
    return replace(problem, related=(first, "the first one is here"))


def _refused_key(code: str, message: str, node: Node, label: str = "") -> Problem:
    return Problem(code, message, node.span.place, node.span.end_column, label)


def parse(text: str, file: str) -> Parsed:
    """Return `text` as nodes, with everything in it that the language refuses."""
    import yaml

    if len(text) > BYTES_MAX:
        return Parsed(None, [_whole(file, "too-large", "is larger than 1 MiB")])
    reader = _Reader(file, text.count("\n") + 1)
    if _ODD_BREAK.search(text):
        return Parsed(None, [_character_problem(text, file)])
    try:
        _read(text, reader)
    except _StopError:
        reader.root = None
    except yaml.YAMLError as error:
        reader.root = None
        reader.problems.append(_syntax_problem(error, text, file))
    if reader.root is None and not reader.problems:
        reader.problems.append(_whole(file, "empty-file", "is empty"))
    return Parsed(reader.root, reader.problems)


def _whole(file: str, code: str, words: str) -> Problem:
    return Problem(code, f"`{visible_path(file)}` {words}", Place(file, 0, 0))


def visible_path(file: str) -> str:
    """Return a path as it may stand in a message."""
    return shown(file, 300)


def _parser(text: str) -> Any:
    import yaml

    return yaml.CLoader(text) if yaml.__with_libyaml__ else yaml.Loader(text)


def _read(text: str, reader: _Reader) -> None:
    import yaml

    parser = _parser(text)
    try:
        while parser.check_event():
            event = parser.get_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                reader.scalar(event)
            elif kind is yaml.MappingStartEvent:
                reader.start(event, Table({}, reader.span(event)))
            elif kind is yaml.SequenceStartEvent:
                reader.start(event, Listing([], reader.span(event)))
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                reader.end()
            elif kind is yaml.AliasEvent:
                reader.alias(event)
            elif kind is yaml.DocumentStartEvent:
                reader.document(event)
    finally:
        parser.dispose()


def _syntax_problem(error: Any, text: str, file: str) -> Problem:
    """Return the parser's refusal in our words, the same for both parsers of PyYAML."""
    import yaml

    if isinstance(error, yaml.reader.ReaderError):
        return _character_problem(text, file)
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = text.split("\n")
    line = min(line, len(lines) - 1)
    here = lines[line][column:].rstrip("\r") if line < len(lines) else ""
    context, problem = str(error.context or ""), str(error.problem or "")
    message, label = _syntax_words(context, problem, here, lines[line])
    opened = error.context_mark
    related = None
    if opened and "flow" in context and opened.line < line:
        # The parser stops where the next line makes no sense; the slip is where it was opened.
        related = (Place(file, line + 1, column + 1), "the parser stopped here")
    if opened and (related or not here.strip()):
        line, column = min(opened.line, len(lines) - 1), opened.column
    place = Place(file, line + 1, column + 1)
    return Problem("syntax", message, place, column + 2, label=label, related=related)


_SLIPS = (
    # words of either parser, what was wrong, what to do
    ("mapping values are not allowed", "a `:` stands where no key can be", _COLON_HINT),
    ("flow sequence", "this `[` is not closed, or a comma is missing in it", "it ends with `]`"),
    ("flow mapping", "this `{` is not closed, or a comma is missing in it", "it ends with `}`"),
    ("quoted scalar", "a quote is not closed, or `\\` stands before a strange character", ""),
    ("simple key", "a `:` is missing behind the key", "write `key: value`"),
    ("block", "this line is indented unlike the lines around it", ""),
)


def _syntax_words(context: str, problem: str, here: str, line: str) -> tuple[str, str]:
    """Return message and label for the commonest slips; the parser's own words for the rest."""
    cannot_start = "cannot start any token" in problem
    if here.startswith("\t") or (line.startswith("\t") and cannot_start):
        return "a tab cannot indent YAML", "use spaces"
    if cannot_start:
        return f"`{shown(here[:1])}` cannot start a value", "put quotes around the value"
    for words, message, label in _SLIPS:
        if words in problem or words in context:
            return message, label
    return f"not YAML: {shown(problem or context, 120)}", ""


def _character_problem(text: str, file: str) -> Problem:
    """Return the place of the first character that cannot stand in a file."""
    import yaml

    match = _ODD_BREAK.search(text) or yaml.reader.Reader.NON_PRINTABLE.search(text)
    at = match.start() if match else 0
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    code = ord(text[at]) if match else 0
    message = f"the character U+{code:04X} cannot stand in YAML"
    return Problem("syntax", message, Place(file, line, column), column + 1)
