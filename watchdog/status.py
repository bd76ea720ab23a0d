"""Is everything watched? Pure: the configuration and the latest looks go in, the answer comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.spans import short_span
from watchdog.config.model import Config, Rule
from watchdog.engine.blind import ERRORS_MAX
from watchdog.store.looks import RuleLook

_SLACK = timedelta(seconds=30)
"""How much later than two of its intervals a rule may have been looked at: looks are flushed in batches."""


@dataclass(frozen=True, slots=True)
class Status:
    """Whether everything is watched.

    Attributes:
        reasons: Why a rule is not watched, by its name; watched ones are not in it.
        sentences: The same for people, the summary first.
    """

    reasons: Mapping[str, str]
    sentences: tuple[str, ...]

    @property
    def is_all_watched(self) -> bool:
        """Return True when no rule is without a recent look."""
        return not self.reasons


def describe(config: Config, looks: Mapping[str, RuleLook], now: datetime) -> Status:
    """Return whether each declared rule was looked at lately, and if not, why."""
    reasons = {one.name: f"broken at {one.place.file}:{one.place.line}" for one in config.broken}
    for name, rule in config.rules.items():
        reason = _why_not(rule, looks.get(name), now)
        if reason:
            reasons[name] = reason
    total = len(config.rules) + len(config.broken)
    if reasons:
        summary = f"{len(reasons)} of {total} rules are not watched."
    else:
        summary = f"All {total} rules are watched." if total != 1 else "The one rule is watched."
    lines = [f"Not watched: {name}: {reason}" for name, reason in sorted(reasons.items())]
    return Status(reasons, (summary, *lines))


def _why_not(rule: Rule, look: RuleLook | None, now: datetime) -> str:
    if look is None or look.looked_at is None:
        return "not looked at yet"
    if look.errors_in_a_row >= ERRORS_MAX:
        return f"failed {look.errors_in_a_row} times in a row: {look.reason}"
    age = now - look.looked_at
    if age > 2 * rule.every + _SLACK:
        return f"last looked at {short_span(age)} ago, every {short_span(rule.every)}"
    return ""
