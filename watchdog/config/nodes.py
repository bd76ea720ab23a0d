"""A parsed file as plain nodes that know where they stand."""

from collections.abc import Iterator
from dataclasses import field
from typing import TypeAlias

from rules.values import dataclass
from watchdog.config.model import Place


@dataclass(slots=True)
class Span:
    """Where a node stands: line and columns count from 1; `end_column` is behind its last character.

    Of a node of several lines only the first one is spanned; `end_column` is then 0, and
    `last_line` and `last_column` say where the node ends, behind its last character.
    """

    file: str
    line: int
    column: int
    end_column: int
    last_line: int = 0
    last_column: int = 0

    @property
    def place(self) -> Place:
        """Return where it starts."""
        return Place(self.file, self.line, self.column)


@dataclass(slots=True)
class Scalar:
    """A single value, still as text.

    Attributes:
        text: What stands there, with secrets in place.
        written: What the file says, without secrets.
        is_plain: It stands without quotes, so that it may be a number, a truth value or nothing.
        is_block: It is a `|` or `>` text, which starts on the next line.
        is_tainted: A part of `text` came from outside the file and must not be shown.
        is_secret: It stands in clear text where secrets do, so it must not be shown, either.
        is_lost: A part of `text` could not be had; that has been said, so nothing more is said of it.
    """

    text: str
    span: Span
    is_plain: bool = True
    is_block: bool = False
    is_tainted: bool = False
    is_secret: bool = False
    is_lost: bool = False
    written: str = ""

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is written at all."""
        return self.is_plain and not self.text and not self.written


@dataclass(slots=True)
class Listing:
    """A list of nodes."""

    items: list["Node"]
    span: Span


@dataclass(slots=True)
class Entry:
    """A key with its value."""

    key: Scalar
    value: "Node"


@dataclass(slots=True)
class Table:
    """A mapping; its keys are unique."""

    entries: dict[str, Entry]
    span: Span = field(default_factory=lambda: Span("", 0, 0, 0))

    def get(self, key: str) -> "Node | None":
        """Return the value of a key, or None."""
        entry = self.entries.get(key)
        return entry.value if entry else None


Node: TypeAlias = Scalar | Listing | Table


@dataclass(slots=True)
class Spot:
    """What a path leads to: the key, if the last step was one, and the value."""

    key: Scalar | None
    value: Node

    @property
    def key_span(self) -> Span:
        """Return where its key stands, or the value where there is none."""
        return self.key.span if self.key else self.value.span

    @property
    def span(self) -> Span:
        """Return what to mark when the value is wrong: an empty value is marked at its key."""
        if isinstance(self.value, Scalar) and not self.value.is_empty:
            return self.value.span
        return self.key_span


def find(node: Node, path: tuple[int | str, ...], key: Scalar | None = None) -> Spot:
    """Return the deepest spot that `path` leads to; steps that name nothing are passed over."""
    spot = Spot(key, node)
    for step in path:
        value = spot.value
        if isinstance(value, Table) and str(step) in value.entries:
            entry = value.entries[str(step)]
            spot = Spot(entry.key, entry.value)
        elif isinstance(value, Listing) and isinstance(step, int) and step < len(value.items):
            spot = Spot(None, value.items[step])
    return spot


def scalars(node: Node) -> Iterator[Scalar]:
    """Yield every value below `node`, keys left out."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Listing):
        for item in node.items:
            yield from scalars(item)
    else:
        for entry in node.entries.values():
            yield from scalars(entry.value)


def is_lost(node: Node) -> bool:
    """Return whether anything below `node` could not be had."""
    return any(scalar.is_lost for scalar in scalars(node))


def is_tainted(node: Node) -> bool:
    """Return whether anything below `node` came from outside the file."""
    return any(scalar.is_tainted for scalar in scalars(node))
