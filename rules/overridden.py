"""A kind with exceptions: it asks once for all, and judges each entity by its own limits.

The statement gets the mildest of all limits, so that it still returns only what may be bad.
"""

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from rules.base import Answers, Context, Finding, Judgement, Question, Reading
from rules.fields import Least, Limits
from rules.overrides import Override, override_of
from rules.settings import mildest, ordered, ordered_readings
from rules.values import dataclass

_FALLING = get_args(Least[int])[1:]


@dataclass(frozen=True)
class Overridden:
    """A kind with exceptions; in all else it is the kind that it was made of.

    Attributes:
        widest: The kind with the mildest limits of all; it is what asks.
    """

    base: Any
    overrides: tuple[Override, ...]
    widest: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the mildest limits."""
        kinds = [self.base, *(one.kind for one in self.overrides if not one.is_off)]
        object.__setattr__(self, "widest", _widest(kinds))

    def __getattr__(self, name: str) -> Any:
        """Return what the kind itself has; asked only for what is not here."""
        return getattr(object.__getattribute__(self, "base"), name)

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Ask for what may be bad by any of the limits."""
        questions: tuple[Question, ...] = self.widest.ask(context, answers)
        return questions

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Judge each entity by the limits that hold for it."""
        judged: Judgement = self.base.judge(context, answers)
        findings = [one for one in judged.findings if self._holds(None, one)]
        readings = [one for one in judged.readings if self._holds(None, one)]
        for override in (one for one in self.overrides if not one.is_off):
            its = override.kind.judge(context, answers)
            findings += [
                replace(one, severity=override.severity or one.severity)
                for one in its.findings
                if self._holds(override, one)
            ]
            readings += [one for one in its.readings if self._holds(override, one)]
        return replace(judged, findings=ordered(findings), readings=ordered_readings(readings))

    def _holds(self, override: Override | None, one: Finding | Reading) -> bool:
        return override_of(self.overrides, one.entity) is override


def limits_of(kind: Any) -> dict[str, Limits[Any]]:
    """Return the limits that an override may change: those that the kind has, by field."""
    names = kind.LIMITS if isinstance(kind, BaseModel) else ()  # type: ignore[attr-defined]
    found = {name: getattr(kind, name) for name in sorted(names)}
    return {name: value for name, value in found.items() if isinstance(value, Limits)}


def _widest(kinds: Sequence[Any]) -> Any:
    """Return the first kind with the limits that are crossed first."""
    hints = get_type_hints(type(kinds[0]), include_extras=True)
    changes = {}
    for name in limits_of(kinds[0]):
        mild: Callable[..., Any] = max if _falls(hints[name]) else min
        changes[name] = Limits(plain=mild(mildest(getattr(kind, name)) for kind in kinds))
    return kinds[0].model_copy(update=changes)


def _falls(annotation: Any) -> bool:
    """Return whether limits of this type are crossed downwards."""
    if get_origin(annotation) is Annotated:
        return set(_FALLING) <= set(get_args(annotation)[1:])
    return any(map(_falls, get_args(annotation)))
