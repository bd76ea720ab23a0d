"""What kinds remember of entities between looks, as text by key."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from rules.base import Context, Entity
from rules.numbers import as_float

KEPT_FOR = timedelta(days=7)
"""How long something is remembered of an entity that is no longer there."""


def key_of(entity: Entity) -> str:
    """Return the key under which something is remembered of an entity."""
    return compact([value for _, value in entity])


def entity_of(key: str, columns: Iterable[str]) -> Entity | None:
    """Return the entity of such a key; None for keys of another kind."""
    values, names = parsed(key), tuple(columns)
    if not isinstance(values, list) or len(values) != len(names):
        return None
    return tuple((name, str(value)) for name, value in zip(names, values, strict=True))


def compact(value: object) -> str:
    """Return a value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parsed(text: str | None) -> Any:
    """Return what stands in a text; None for no text, or for one that is no JSON."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def record(text: str | None, *needed: str) -> Mapping[str, Any] | None:
    """Return a mapping that was remembered; None when it is none or lacks one of its parts."""
    found = parsed(text)
    is_whole = isinstance(found, dict) and all(name in found for name in needed)
    return found if is_whole else None


def changed_only(
    context: Context, current: Mapping[str, str | None], *, truncated: bool
) -> dict[str, str | None]:
    """Return what has to be written: what differs, and what has long been gone is forgotten.

    Args:
        current: What is known now of the entities that were seen; None forgets.
        truncated: Not all entities were seen, so that none can be gone.
    """
    remembered = context.remembered
    differing = {key: text for key, text in current.items() if remembered.get(key) != text}
    if truncated:
        return differing
    oldest = (context.now - KEPT_FOR).timestamp()
    for key in remembered.keys() - current.keys():
        known = record(remembered[key], "at")
        at = as_float(known["at"]) if known else None
        if at is None or at < oldest:
            differing[key] = None
    return differing
