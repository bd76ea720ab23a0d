"""How people name what a rule watches: `orders-stale shop=eu`."""

from collections.abc import Iterable

from rules.base import Entity


def named(rule: str, entity: Entity) -> str:
    """Return a rule and an entity as they are typed."""
    return " ".join((rule, *(f"{column}={value}" for column, value in entity)))


def entity_in(words: Iterable[str]) -> Entity:
    """Return the columns and values that words name, each `COLUMN=VALUE`.

    Raises:
        ValueError: The text is the word that is none.
    """
    pairs = []
    for word in words:
        column, _, value = (part.strip() for part in word.partition("="))
        if not (column and value):
            raise ValueError(word.strip())
        pairs.append((column, value))
    return tuple(pairs)
