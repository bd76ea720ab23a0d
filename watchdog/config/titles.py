"""Titles of incidents: one line from a rule's template over `entity`, `value` and `limit`.

A template is data from a team's file: expressions only, no calls, no loops, nothing that grows.
Rendering never fails; what cannot be rendered shows the template itself.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rules.base import Entity
from rules.values import dataclass
from watchdog.config.problems import did_you_mean, listed, shown

if TYPE_CHECKING:
    from jinja2 import Template, nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment

TITLE_MAX = 200
TEMPLATE_MAX = 1000
NAMES = ("entity", "value", "limit")
FILTERS = ("default", "lower", "round", "title", "upper")

_SIMPLE = re.compile(r"\{\{\s*(?:entity\.([^\W\d]\w{0,62})|(value|limit))\s*\}\}")
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+"
)
_ENTITY = re.compile(r"entity\.([^\W\d]\w*)")


@dataclass(frozen=True, slots=True)
class TitleProblem:
    """What is wrong with a template; `at` is an offset in it, `length` how much to mark."""

    at: int
    length: int
    code: str
    message: str
    hint: str = ""


def render(
    template: str, entity: Entity = (), value: float | None = None, limit: float | None = None
) -> str:
    """Return one line of at most 200 characters, free of control characters."""
    known: dict[str, Any] = {"entity": dict(entity), "value": value, "limit": limit}
    filled = _fill(template, known)
    title = one_line(_with_jinja(template, known) if filled is None else filled)
    return title or one_line(template)


def one_line(text: str) -> str:
    """Return `text` as a title may be shown anywhere."""
    line = " ".join(_CONTROL.sub(" ", text[: 4 * TITLE_MAX]).split())
    return line if len(line) <= TITLE_MAX else f"{line[: TITLE_MAX - 1]}…"


def _fill(template: str, known: Mapping[str, Any]) -> str | None:
    """Return the template filled without Jinja, or None when it holds more than plain names."""
    missing = False

    def text_of(match: re.Match[str]) -> str:
        nonlocal missing
        column, name = match.groups()
        value = known["entity"].get(column) if column else known[name]
        missing = missing or value is None
        return number_text(value)

    filled = _SIMPLE.sub(text_of, template)
    around = _around_names(template)
    if missing or len(around) > TEMPLATE_MAX:
        return template
    return None if _has_syntax(around) else filled


@lru_cache(maxsize=2048)
def _around_names(template: str) -> str:
    return _SIMPLE.sub("", template)


def _has_syntax(text: str) -> bool:
    return any(mark in text for mark in ("{{", "{%", "{#"))


def number_text(value: object) -> str:
    """Return a number as people write it: without an empty fraction."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _with_jinja(template: str, known: Mapping[str, Any]) -> str:
    compiled = _compiled(template)
    if compiled is None:
        return template
    from jinja2 import TemplateError

    try:
        return compiled.render(known)
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError):
        return template


@lru_cache(maxsize=2048)
def _compiled(template: str) -> "Template | None":
    if _jinja_problems(template):
        return None
    return _environment().from_string(template)


@lru_cache(maxsize=1)
def _environment() -> "ImmutableSandboxedEnvironment":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, finalize=number_text, cache_size=0
    )
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.tests = {}
    environment.globals = {}
    return environment


def check(template: str, columns: Sequence[str]) -> list[TitleProblem]:
    """Return everything that would keep a title from being rendered.

    Args:
        columns: Names that may follow `entity.`.
    """
    if len(template) > TEMPLATE_MAX:
        words = f"a title's template has at most {TEMPLATE_MAX} characters"
        return [TitleProblem(0, 1, "bad-title", words)]
    problems = list(_unknown_columns(template, columns))
    if _has_syntax(_SIMPLE.sub("", template)):
        problems += _jinja_problems(template)
    return problems


def _unknown_columns(template: str, columns: Sequence[str]) -> Iterable[TitleProblem]:
    for inside in re.finditer(r"\{\{.*?\}\}", template, re.DOTALL):
        for match in _ENTITY.finditer(inside.group()):
            column = match.group(1)
            if column in columns:
                continue
            hint = did_you_mean(column, columns) or (
                f"known: {listed(columns)}" if columns else "the rule has no `entity`"
            )
            words = f"`{shown(column)}` is not a column of the rule's `entity`"
            at = inside.start() + match.start()
            yield TitleProblem(at, len(match.group()), "unknown-column", words, hint)


@lru_cache(maxsize=2048)
def _jinja_problems(template: str) -> tuple[TitleProblem, ...]:
    from jinja2 import TemplateError

    if len(template) > TEMPLATE_MAX:
        return (TitleProblem(0, 1, "bad-title", "is too long"),)
    at = max(0, template.find("{"))
    try:
        tree = _environment().parse(template)
    except TemplateError as error:
        words = f"the title is not a template: {shown(error.message or 'bad syntax', 100)}"
        return (TitleProblem(at, 2, "bad-title", words),)
    except RecursionError:
        return (TitleProblem(at, 2, "bad-title", "the title is nested too deep"),)
    words = _refused(tree)
    hint = f"allowed: {listed(NAMES)}, `entity.column`, `~` and {listed(FILTERS)}"
    return (TitleProblem(at, 2, "bad-title", words, hint),) if words else ()


def _refused(tree: "nodes.Node") -> str:
    """Return what a title may not hold, or nothing. Everything that is not listed is refused."""
    pending: list[nodes.Node] = [tree]
    while pending:
        node = pending.pop()
        words = _refused_node(node)
        if words:
            return words
        pending.extend(node.iter_child_nodes())
    return ""


def _refused_node(node: "nodes.Node") -> str:
    from jinja2 import nodes

    match node:
        case nodes.Template() | nodes.Output() | nodes.TemplateData() | nodes.Concat():
            return ""
        case nodes.Keyword() | nodes.Const() if _is_small(node):
            return ""
        case nodes.Name(name=name):
            return "" if name in NAMES else f"a title knows nothing called `{shown(name)}`"
        case nodes.Getattr(node=nodes.Name(name="entity"), attr=attr):
            return "" if not attr.startswith("_") else f"`{shown(attr)}` cannot be asked for"
        case nodes.Filter(name=name):
            return "" if name in FILTERS else f"a title has no filter called `{shown(name)}`"
        case _:
            return f"a title cannot hold `{type(node).__name__.lower()}`"


def _is_small(node: "nodes.Node") -> bool:
    from jinja2 import nodes

    if not isinstance(node, nodes.Const):
        return True
    value = node.value
    if isinstance(value, int | float):
        return abs(value) <= 1000  # the precision of `round`
    return value is None or (isinstance(value, str) and len(value) <= TITLE_MAX)
