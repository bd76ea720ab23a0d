"""What a rule must say that may wake somebody."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from rules.base import Severity
from rules.fields import Limits
from watchdog.config.nodes import Table
from watchdog.config.shapes import DefaultsShape, RuleShape

if TYPE_CHECKING:
    from watchdog.config.rulebook import Draft


FIND_MORE = ("http", "heartbeat")
"""Kinds that find more than what is beyond their limits: that has the rule's severity."""


def check_critical(draft: "Draft", shape: RuleShape, defaults: DefaultsShape) -> None:
    """Refuse a critical rule that does not say what the woken person needs to know."""
    if not _can_be_critical(draft, shape, defaults):
        return
    runbook = shape.runbook or defaults.runbook
    needed = {
        "title": (shape.title, "write the symptom in one line"),
        "impact": (shape.impact, "write who suffers, and how"),
        "do_first": (shape.do_first, "write the first step"),
        "runbook": (runbook, "write the address of the page that says what to do"),
    }
    for key, (value, hint) in needed.items():
        table = draft.entry.value
        if not value and not (isinstance(table, Table) and key in table.entries):
            words = f"a rule that can be critical needs `{key}`"
            draft.add(
                f"critical-without-{key.replace('_', '-')}", words, draft.entry.key.span, hint
            )


def _can_be_critical(draft: "Draft", shape: RuleShape, defaults: DefaultsShape) -> bool:
    severity = shape.severity or defaults.severity
    says_levels_only = draft.has_only_levels and draft.kind_name not in FIND_MORE
    if severity is Severity.CRITICAL and (shape.severity or not says_levels_only):
        return True
    if any(limit.critical is not None for limit in draft.limits):
        return True
    if any(one.severity is Severity.CRITICAL for one in draft.overrides):
        return True
    classes = (shape.classify or {}).values()
    return any(one.severity is Severity.CRITICAL for one in classes)


def limits_of(settings: object) -> Iterable[Limits[Any]]:
    """Yield every threshold below a kind's settings."""
    if isinstance(settings, Limits):
        yield settings
    elif settings is None or isinstance(settings, str | int | float | timedelta):
        return
    elif isinstance(settings, BaseModel):
        for value in settings.__dict__.values():
            yield from limits_of(value)
    elif isinstance(settings, Mapping):
        for value in settings.values():
            yield from limits_of(value)
    elif isinstance(settings, tuple | list):
        for value in settings:
            yield from limits_of(value)
