"""What only shows when all parts are read: dependencies and routes."""

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase

from rules.base import Severity
from rules.durations import format_duration
from watchdog.config.model import Rule
from watchdog.config.nodes import Entry, find
from watchdog.config.problems import Level, Problem, did_you_mean, shown
from watchdog.config.rulebook import Draft, Rulebook
from watchdog.config.sections import Settings, item_span, mark, said, written
from watchdog.domain.people import Route


def check_dependencies(book: Rulebook, settings: Settings, *, is_whole: bool) -> None:
    """Complain in each rule about names that are not there, and about circles.

    Args:
        is_whole: Every file could be read, so that a missing name is really missing.
    """
    drafts = {draft.name: draft for draft in book.drafts}
    known = {*drafts, *settings.declared["sources"]}
    for draft in book.drafts if is_whole and book.is_whole else ():
        for name in draft.shape.depends_on if draft.shape else ():
            _check_known(draft, ("depends_on",), name, known, "rule or source")
        for name in _muting(draft):
            _check_known(draft, ("unless", "open"), name, drafts, "rule")
    for circle in circles({name: _parents(draft) for name, draft in drafts.items()}):
        for name, parent in zip(circle, [*circle[1:], circle[0]], strict=True):
            is_muted = parent in _muting(drafts[name])
            path = ("unless", "open") if is_muted else ("depends_on",)
            spot = find(drafts[name].entry.value, path, drafts[name].entry.key)
            chain = " → ".join(said(drafts[one].entry.key) for one in [*circle, circle[0]])
            words = f"the rules wait for each other: {chain}"
            drafts[name].add("depends-cycle", words, item_span(spot, parent))


def check_order(book: Rulebook) -> list[Problem]:
    """Return warnings about rules that may open before what they depend on was looked at."""
    rules = book.rules
    return [
        mark("parent-later", words, item_span(spot, name), label, level=Level.WARNING)
        for draft in book.drafts
        if (rule := rules.get(draft.name))
        for name in rule.depends_on
        if name in rules
        for words, label in _opens_first(rule, rules[name])
        for spot in [find(draft.entry.value, ("depends_on",), draft.entry.key)]
    ]


def _opens_first(child: Rule, parent: Rule) -> Iterator[tuple[str, str]]:
    """Yield why a rule may open before its parent is looked at; nothing if it cannot."""
    opens_after = child.policy.opens_after(child.every)
    if parent.every > max(opens_after, child.every):
        words = f"`{shown(parent.name)}` is looked at every {format_duration(parent.every)}"
        label = f"this rule may open before that: {format_duration(opens_after)} after it broke"
        yield words, label


def _check_known(
    draft: Draft, path: tuple[str, ...], name: str, known: Collection[str], what: str
) -> None:
    if name not in known:
        spot = find(draft.entry.value, path, draft.entry.key)
        words = f"no {what} is called `{written(spot, name)}`"
        draft.add("unknown-rule", words, item_span(spot, name), did_you_mean(name, known))


def _muting(draft: Draft) -> tuple[str, ...]:
    unless = draft.shape.unless if draft.shape else None
    return (unless.open_rule,) if unless and unless.open_rule else ()


def _parents(draft: Draft) -> tuple[str, ...]:
    return (*draft.shape.depends_on, *_muting(draft)) if draft.shape else ()


def circles(parents: dict[str, tuple[str, ...]]) -> Iterator[list[str]]:
    """Yield circles of names, each once; a name is in at most one of them."""
    done: set[str] = set()
    for start in parents:
        path: list[str] = []
        at: dict[str, int] = {}
        pending: list[tuple[str, int]] = [(start, 0)]
        while pending:
            name, depth = pending.pop()
            for left in path[depth:]:
                del at[left]
                done.add(left)  # all above it is known: other paths need not go there again
            del path[depth:]
            if name in at:
                circle = path[at[name] :]
                if not done.intersection(circle):
                    yield circle
                done.update(circle)
                continue
            if name in done or name not in parents:
                continue
            at[name] = len(path)
            path.append(name)
            pending += [(parent, len(path)) for parent in parents[name]]
        done.update(path)


def check_routes(book: Rulebook, settings: Settings, *, is_whole: bool) -> list[Problem]:
    """Return warnings about routes that nothing can take.

    Args:
        is_whole: Every file could be read, so that a rule without a name here has none elsewhere.
    """
    problems = []
    earlier: list[Route] = []
    names = [draft.name for draft in book.drafts]
    for route, entry in settings.routes:
        cause = _named_by_none(route, names) if is_whole and book.is_whole else ""
        cause = cause or _taken_before(route, earlier)
        earlier.append(route)
        if cause:
            problems.append(_never(cause, entry))
    return problems


def _never(cause: str, entry: Entry) -> Problem:
    return mark("route-never-matches", cause, entry.value.span, level=Level.WARNING)


def _named_by_none(route: Route, names: list[str]) -> str:
    patterns = [one for one in route.rules if not any(fnmatchcase(name, one) for name in names)]
    if route.rules and len(patterns) == len(route.rules):
        return f"no rule is called `{shown(patterns[0])}`, so this route never matches"
    return ""


def _taken_before(route: Route, earlier: list[Route]) -> str:
    if any(_covers(first, route) for first in earlier):
        return "an earlier route takes everything that this one matches"
    return ""


def _covers(first: Route, second: Route) -> bool:
    return (
        _within(second.severities or frozenset(Severity), first.severities or frozenset(Severity))
        and _within(second.teams, first.teams)
        and (not first.rules or (bool(second.rules) and set(second.rules) <= set(first.rules)))
    )


def _within(second: frozenset[str], first: frozenset[str]) -> bool:
    return not first or (bool(second) and second <= first)
