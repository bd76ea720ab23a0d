"""Texts with `{{ each.x }}` or `{{ pack.x }}` in them, filled from the nodes that were given."""

import re
from collections.abc import Mapping
from dataclasses import field, replace

from rules.values import dataclass
from watchdog.config.nodes import Entry, Listing, Node, Scalar, Spot, Table
from watchdog.config.problems import Problem, did_you_mean, listed, shown
from watchdog.config.secrets import part_span


def asked_names(word: str) -> re.Pattern[str]:
    """Return the pattern of `{{ word.x }}`, whose group is the `x`."""
    return re.compile(rf"\{{\{{\s*{word}\.([A-Za-z_]\w*)\s*\}}\}}")


@dataclass(slots=True)
class Filling:
    """Fills nodes; what could not be filled is in `problems`.

    Attributes:
        word: What stands before the point: `each` or `pack`.
        given: The values by name.
        place: Where values come from, for messages: `set of values`.
        absent: Names that nobody gave a value, which is fine: a key that asks for nothing else
            is left out.
        keeps_places: A value that stands alone is found where it was given, not where it is asked
            for.
    """

    word: str
    given: Mapping[str, Scalar]
    place: str
    absent: frozenset[str] = frozenset()
    keeps_places: bool = False
    problems: list[Problem] = field(default_factory=list)
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Read what is asked for."""
        self.pattern = asked_names(self.word)

    def entry(self, entry: Entry) -> Entry:
        """Return an entry with key and value filled."""
        return Entry(self.scalar(entry.key), self.node(entry.value))

    def node(self, node: Node) -> Node:
        """Return a node with everything below it filled."""
        if isinstance(node, Scalar):
            return self.scalar(node)
        if isinstance(node, Listing):
            return Listing([self.node(item) for item in node.items], node.span)
        return self.table(node)

    def table(self, node: Table) -> Table:
        """Return a mapping with keys and values filled."""
        table = Table({}, node.span)
        for entry in node.entries.values():
            if self._is_absent(entry.value):
                continue
            filled = self.entry(entry)
            first = table.entries.setdefault(filled.key.text, filled)
            if first is not filled:
                words = f"`{shown(filled.key.written)}` stands here twice"
                self.problems.append(at_key(filled, "duplicate-key", words))
        return table

    def _is_absent(self, node: Node) -> bool:
        whole = self.pattern.fullmatch(node.text.strip()) if isinstance(node, Scalar) else None
        return whole is not None and whole.group(1) in self.absent

    def scalar(self, scalar: Scalar) -> Scalar:
        """Return a filled text; one that is nothing but a placeholder takes the value's type."""
        if "{{" not in scalar.text:
            return replace(scalar)
        whole = self.pattern.fullmatch(scalar.text.strip())
        if whole and whole.group(1) in self.given:
            value = self.given[whole.group(1)]
            span = value.span if self.keeps_places else scalar.span
            return replace(value, span=span, is_tainted=value.is_tainted or scalar.is_tainted)
        return self._replaced(scalar)

    def _replaced(self, scalar: Scalar) -> Scalar:
        tainted, lost = scalar.is_tainted, scalar.is_lost

        def value_of(match: re.Match[str]) -> str:
            nonlocal tainted, lost
            value = self.given.get(match.group(1))
            if value is None:
                self.problems.append(self._unknown_value(scalar, match))
                return match.group(1)
            tainted, lost = tainted or value.is_tainted, lost or value.is_lost
            return value.text

        text = self.pattern.sub(value_of, scalar.text)
        return replace(scalar, text=text, is_tainted=tainted, is_lost=lost)

    def _unknown_value(self, scalar: Scalar, match: re.Match[str]) -> Problem:
        name = match.group(1)
        span = part_span(scalar, match.start(), match.end())
        message = f"`{self.word}.{shown(name)}` is in no {self.place}"
        label = did_you_mean(name, self.given)
        note = f"known: {listed(self.given)}"
        return Problem("unknown-value", message, span.place, span.end_column, label, (note,))


def at_key(spot: Spot | Entry, code: str, message: str, label: str = "") -> Problem:
    """Return a problem at a key, or at the value where there is none."""
    span = (spot.key or spot.value).span
    return Problem(code, message, span.place, span.end_column, label)
