"""Keys of a rule that nobody knows where they stand: some belong to the other side of its kind."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pydantic import BaseModel

from watchdog.config.nodes import Entry, Scalar, Table
from watchdog.config.problems import Problem
from watchdog.config.validate import keys_of, unknown_key

_NOT_MEANT = {
    "on_error": "our errors say nothing about what is watched; three in a row are an incident of theirs",
    "cron": "write `every: 1h`, and in which hours by `active`",
}
"""Keys that are expected of a rule and not there, with what is instead."""


def beside(
    entry: Entry,
    known: Iterable[str],
    kinds: Mapping[str, type[BaseModel]],
    kind: Entry | None,
) -> Problem:
    """Return the problem of a key beside a rule's kind.

    Args:
        known: Keys that may stand there, besides those of `kinds`.
        kind: The rule's kind, if it has one.
    """
    key, value = entry.key.text, entry.value
    problem = unknown_key(key, "a rule", entry.key.span, [*kinds, *known])
    if kind and key in keys_of(kinds[kind.key.text], ()):
        return replace(problem, label=f"write it inside `{kind.key.text}`", notes=())
    if key in _NOT_MEANT:
        return replace(problem, label=_NOT_MEANT[key], notes=())
    if kind is None and isinstance(value, Scalar) and value.text in kinds:
        label = f"write `{value.text}:`, and its settings inside"
        return replace(problem, label=label, notes=())
    return problem


def inside(problems: Iterable[Problem], kind: Entry, known: Iterable[str]) -> Iterator[Problem]:
    """Yield the problems of a kind's settings; of keys that belong beside it, they say so.

    Args:
        known: Keys that may stand beside it.
    """
    entries = kind.value.entries.values() if isinstance(kind.value, Table) else ()
    strays = {one.key.span.place for one in entries if one.key.text in known}
    for problem in problems:
        if problem.code == "unknown-key" and problem.place in strays:
            yield replace(problem, label=f"write it beside `{kind.key.text}`", notes=())
        else:
            yield problem
