"""`overrides:` of a rule: what holds for some of its entities."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from rules.overrides import Override
from watchdog.config.model import Rule
from watchdog.config.nodes import Entry, Listing, Scalar, Table, find
from watchdog.config.problems import did_you_mean
from watchdog.config.shapes import OverrideShape
from watchdog.config.validate import keys_of, unknown_key, validated

if TYPE_CHECKING:
    from watchdog.config.rulebook import Draft


def read_overrides(
    draft: "Draft",
    model: type[BaseModel],
    texts: Mapping[str, str],
    refuse_team: "Callable[[Draft, str, tuple[str | int, ...]], None]",
) -> Iterator[Override]:
    """Yield the overrides of a rule; what is wrong with them goes to the draft.

    Args:
        refuse_team: Complains about the name of a team that is not there, and where it stands.
    """
    table = draft.entry.value
    entry = table.entries.get("overrides") if isinstance(table, Table) else None
    if entry is None or not isinstance(entry.value, Listing) or draft.kind_entry is None:
        return
    for place, node in enumerate(entry.value.items):
        if isinstance(node, Table):
            here = Entry(Scalar("override", node.span), node)
            if override := _override(draft, model, texts, here, node):
                refuse_team(draft, override.team, ("overrides", place, "team"))
                yield override
        else:
            draft.add("wrong-type", "an override is a mapping", node.span)


def with_overrides(rule: Rule, overrides: Sequence[Override]) -> Rule:
    """Return a rule whose kind judges some entities by limits of their own."""
    if not overrides:
        return rule
    from rules.overridden import Overridden

    kind = Overridden(rule.kind, tuple(overrides))
    return replace(rule, kind=kind, overrides=tuple(overrides))


def _override(
    draft: "Draft",
    model: type[BaseModel],
    texts: Mapping[str, str],
    here: Entry,
    table: Table,
) -> Override | None:
    from rules.overridden import limits_of

    own = keys_of(OverrideShape, ())
    beside = {key: one for key, one in table.entries.items() if key in own}
    rest = {key: one for key, one in table.entries.items() if key not in own}
    shape, problems = validated(
        OverrideShape, Entry(here.key, Table(beside, table.span)), texts, "an override"
    )
    draft.problems += problems
    known = [model.model_fields[name].alias or name for name in limits_of(draft.kind)]
    for key in rest.keys() - set(known):
        if not key.startswith("x-"):
            allowed = [*own, *known]
            span = rest.pop(key).key.span
            draft.problems.append(unknown_key(key, "an override", span, allowed))
    kind = _with_limits(draft, model, texts, rest)
    if shape is None or kind is None:
        return None
    for column in shape.match.keys() - set(draft.kind.entity):
        span = find(table, ("match", column), here.key).key_span
        words = f"`{column}` is not a column of the rule's `entity`"
        draft.add("unknown-column", words, span, did_you_mean(column, draft.kind.entity))
    return Override(shape.match, kind, shape.severity, shape.team or "", shape.off)


def _with_limits(
    draft: "Draft", model: type[BaseModel], texts: Mapping[str, str], limits: dict[str, Entry]
) -> Any:
    """Return the rule's kind with other limits."""
    assert draft.kind_entry is not None
    table = draft.kind_entry.value
    entries = table.entries if isinstance(table, Table) else {}
    merged = Entry(draft.kind_entry.key, Table({**entries, **limits}, draft.kind_entry.key.span))
    kind, problems = validated(model, merged, texts)
    draft.problems += problems
    return kind
