"""Rules that are declared and cannot be watched, each with its reason."""

from collections.abc import Mapping

from watchdog.config.endpoints import databases_of
from watchdog.config.model import BUILT_IN, BrokenRule, Rule, Source
from watchdog.config.problems import shown
from watchdog.config.rulebook import Draft, Rulebook
from watchdog.config.sections import Settings, check_name, said


def sources_of(kind: object) -> tuple[str, ...]:
    """Return the names of the declared sources that a rule asks: its own, and databases beside."""
    found = (getattr(kind, "source", None), *(name for _, name in databases_of(kind)))
    return tuple(name for name in found if name is not None and name not in BUILT_IN)


def broken_rules(
    book: Rulebook,
    watched: Mapping[str, Rule],
    sources: Mapping[str, Source],
    settings: Settings,
) -> tuple[BrokenRule, ...]:
    """Return the rules that are not among the watched ones, each with its first reason."""
    found = []
    for draft in book.drafts:
        if draft.name in watched:
            continue
        errors = [problem for problem in draft.problems if problem.is_error]
        reason = errors[0].message if errors else _missing_part(draft, sources, settings)
        team = draft.shape.team if draft.shape else None
        team = team or settings.defaults.team or ""
        place = errors[0].place if errors else draft.entry.key.span.place
        name = said(draft.entry.key) if check_name(draft.entry) else draft.name
        found.append(BrokenRule(name, team, reason, place))
    return tuple(found)


def _missing_part(draft: Draft, sources: Mapping[str, Source], settings: Settings) -> str:
    if draft.rule and draft.rule.team not in settings.teams:
        return "its team is wrong"
    beside = draft.shape.ask if draft.shape else None
    asked = (*sources_of(draft.kind), *((beside,) if beside else ()))
    missing = [name for name in asked if name not in sources]
    return f"its source `{shown(missing[0])}` is wrong" if missing else "its team is wrong"
