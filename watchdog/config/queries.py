"""The queries that stand beside a rule's kind: what excuses, is kept, or proves."""

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from rules.values import dataclass
from watchdog.config.endpoints import databases_of
from watchdog.config.model import BUILT_IN, Query, Source
from watchdog.config.nodes import Scalar, find
from watchdog.config.secrets import located
from watchdog.config.shapes import RuleShape

if TYPE_CHECKING:
    from watchdog.config.rulebook import Draft


@dataclass(slots=True)
class Queries:
    """The queries of one rule."""

    unless: Query | None = None
    evidence: dict[str, Query] = field(default_factory=dict)
    verify: dict[str, Query] = field(default_factory=dict)


def read_queries(
    draft: "Draft", source: Source | None, database: Source | None, texts: Mapping[str, str]
) -> Queries:
    """Return the queries of a rule; what is wrong with them becomes problems of the draft.

    Args:
        database: What the queries ask; None where the rule has none.
    """
    reader = _QueryReader(draft, database, texts)
    if source and database is None:
        reader.refuse_without_database(source)
    shape = draft.shape
    assert shape is not None
    if shape.ask and not _asking(shape):
        words = "`ask` means nothing without `evidence`, `verify` or `exists` under `unless`"
        draft.add("idle-key", words, draft.key_span("ask"), "leave it out")
    found = Queries()
    if shape.unless and shape.unless.exists:
        path = ("unless", "exists")
        found.unless = reader.query(shape.unless.exists, path, opened_at=False)
    found.evidence = reader.named("evidence", shape.evidence)
    found.verify = reader.named("verify", shape.verify)
    return found


def _asking(shape: RuleShape) -> list[str]:
    """Return the keys beside a rule's kind that ask a database."""
    asking = {
        "unless": shape.unless and shape.unless.exists,
        "evidence": shape.evidence,
        "verify": shape.verify,
    }
    return [key for key, queries in asking.items() if queries]


@dataclass(slots=True)
class _QueryReader:
    draft: "Draft"
    database: Source | None
    texts: Mapping[str, str]

    def refuse_without_database(self, source: Source) -> None:
        shape = self.draft.shape
        assert shape is not None
        for key in _asking(shape) if not databases_of(self.draft.kind) and not shape.ask else ():
            words = f"`{key}` asks a database, and {_asked(source, self.draft)}"
            is_none = self.draft.kind_name == "http" or source.name in BUILT_IN
            label = "say which one: `ask: NAME`" if is_none else ""
            self.draft.add("wrong-source-type", words, self.draft.key_span(key), label)

    def named(self, key: str, texts: Mapping[str, str] | None) -> dict[str, Query]:
        return {
            name: query
            for name, text in (texts or {}).items()
            if (query := self.query(text, (key, name), opened_at=True))
        }

    def query(self, text: str, path: tuple[str, ...], *, opened_at: bool) -> Query | None:
        from rules.placeholders import check

        draft, database = self.draft, self.database
        node = find(draft.entry.value, path, draft.entry.key).value
        for problem in check(text, draft.kind.entity, opened_at=opened_at):
            span = node.span
            if isinstance(node, Scalar):
                at = problem.at + max(0, node.text.find(text))
                span = located(node, self.texts, at)
            draft.add("bad-sql", problem.text, span, problem.hint)
        return Query(database.name, text, database.dialect) if database else None


def _asked(source: Source, draft: "Draft") -> str:
    if source.name not in BUILT_IN:
        return f"`{source.name}` is none"
    assert draft.kind_entry is not None
    return f"`{draft.kind_entry.key.text}` asks none"
