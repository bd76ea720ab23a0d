"""Failure classes of a rule: a classifier from what the team wrote."""

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from rules.base import Classifier, FailureClass
from watchdog.config.nodes import Entry, find
from watchdog.config.problems import Problem, did_you_mean, shown
from watchdog.config.shapes import ClassShape

if TYPE_CHECKING:
    from rules.classify import ClassSpec, PatternClassifier

_Specs: TypeAlias = "tuple[tuple[str, ClassSpec], ...]"


class BuiltInClasses:
    """The classifier of rules that say nothing of classes; made when the first error is looked at.

    Compiling its patterns takes longer than checking a file of rules.
    """

    @property
    def classes(self) -> Sequence[FailureClass]:
        """Return the built-in classes."""
        return _built(()).classes

    def classify(self, text: str) -> FailureClass | None:
        """Return the built-in class of `text`, or None."""
        return _built(()).classify(text)


_BUILT_IN = BuiltInClasses()


def classifier_of(
    classes: Mapping[str, ClassShape] | None, rule: Entry, named: Container[str | None] = ()
) -> tuple[Classifier | None, list[Problem]]:
    """Return the classifier of a rule, and what is wrong with its classes.

    Args:
        named: Classes that findings have without any pattern, as the rule's `class` says.
    """
    if not classes:
        return _BUILT_IN, []
    from rules.classify import BUILT_IN, ClassSpec, PatternError

    known = [name for name, one in classes.items() if one.patterns or name in named]
    nobodys = [
        _never(name, rule, [*BUILT_IN, *known])
        for name in classes
        if name not in known and name not in BUILT_IN
    ]

    specs = {
        name: ClassSpec(one.patterns or None, one.severity, one.in_a_row, one.open_after)
        for name, one in classes.items()
    }
    try:
        return _built(tuple(specs.items())), nobodys
    except PatternError as error:
        path = ("classify", error.failure_class, "patterns", error.index)
        span = find(rule.value, path, rule.key).span
        message = f"not a regular expression: {shown(str(error), 120)}"
        return None, [*nobodys, Problem("bad-pattern", message, span.place, span.end_column)]


def _never(name: str, rule: Entry, known: Iterable[str]) -> Problem:
    span = find(rule.value, ("classify", name), rule.key).key_span
    label = did_you_mean(name, known) or "write its `patterns`, or `class:` in the kind"
    message = f"no failure is ever of the class `{shown(name)}`"
    return Problem("no-such-class", message, span.place, span.end_column, label)


@lru_cache(maxsize=256)
def _built(specs: _Specs) -> "PatternClassifier":
    """Return a classifier; many rules share one, so that its patterns are compiled once."""
    from rules.classify import build_classifier

    return build_classifier(dict(specs))
