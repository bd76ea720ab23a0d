"""Failure classes of a rule: a classifier from what the team wrote."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from rules.base import Classifier, FailureClass
from watchdog.config.nodes import Entry, find
from watchdog.config.problems import Problem, shown
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
    classes: Mapping[str, ClassShape] | None, rule: Entry
) -> tuple[Classifier | None, list[Problem]]:
    """Return the classifier of a rule, and what is wrong with its patterns."""
    if not classes:
        return _BUILT_IN, []
    from rules.classify import ClassSpec, PatternError

    specs = {
        name: ClassSpec(one.patterns or None, one.severity, one.in_a_row, one.open_after)
        for name, one in classes.items()
    }
    try:
        return _built(tuple(specs.items())), []
    except PatternError as error:
        path = ("classify", error.failure_class, "patterns", error.index)
        span = find(rule.value, path, rule.key).span
        message = f"not a regular expression: {shown(str(error), 120)}"
        return None, [Problem("bad-pattern", message, span.place, span.end_column)]


@lru_cache(maxsize=256)
def _built(specs: _Specs) -> "PatternClassifier":
    """Return a classifier; many rules share one, so that its patterns are compiled once."""
    from rules.classify import build_classifier

    return build_classifier(dict(specs))
