"""Templates: one body with `for_each:` becomes one rule for each set of values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from watchdog.config.nodes import Entry, Listing, Node, Scalar, Spot, Table, find, scalars
from watchdog.config.problems import Problem, did_you_mean, listed, shown
from watchdog.config.secrets import part_span

RULES_MAX = 1000
"""Most rules of one template."""

_EACH = re.compile(r"\{\{\s*each\.([A-Za-z_]\w*)\s*\}\}")
_OWN_KEYS = ("name", "for_each")


@dataclass(frozen=True, slots=True)
class Made:
    """A rule that a template made.

    Attributes:
        entry: Its name, standing where the values stand, and its body.
        problems: What was wrong with its values.
    """

    entry: Entry
    problems: tuple[Problem, ...] = ()


def expand(template: Entry) -> tuple[list[Made], list[Problem]]:
    """Return the rules of a template, and what is wrong with the template itself."""
    name = f"`{shown(template.key.text)}`"
    if not isinstance(template.value, Table):
        words = f"the template {name} must be a mapping"
        return [], [_at(Spot(template.key, template.value), "wrong-type", words)]
    problems = [
        _at(Spot(template.key, template.value), "missing-key", f"{name} needs `{key}`", hint)
        for key, hint in _HINTS.items()
        if key not in template.value.entries
    ]
    if problems:
        return [], problems
    found = find(template.value, ("name",))
    if not isinstance(found.value, Scalar):
        return [], [_at(found, "wrong-type", "`name` must be a text", _HINTS["name"])]
    made: list[Made] = []
    for values in _each(template.value, problems):
        made.append(_make(template.value, found.value, values))
    return made, [*problems, *_unused(template.value)]


_HINTS = {
    "name": 'write `name: "{{ each.x }}-stale"`, from which each rule gets its name',
    "for_each": "write a list of values: `for_each: [{ x: a }, { x: b }]`",
}


def _each(body: Table, problems: list[Problem]) -> Iterator[Table]:
    spot = find(body, ("for_each",))
    if not isinstance(spot.value, Listing) or not spot.value.items:
        problems.append(_at(spot, "wrong-type", "`for_each` must be a list", _HINTS["for_each"]))
        return
    if len(spot.value.items) > RULES_MAX:
        problems.append(_at(spot, "too-large", f"a template makes at most {RULES_MAX} rules"))
        return
    for item in spot.value.items:
        wrong = None
        if not isinstance(item, Table):
            wrong = Spot(None, item)
        else:
            nested = (e for e in item.entries.values() if not isinstance(e.value, Scalar))
            wrong = next((Spot(e.key, e.value) for e in nested), None)
        if wrong:
            words = "each set of values is a mapping of single values"
            problems.append(_at(wrong, "wrong-type", words, "write it like `{ x: a, y: b }`"))
        elif isinstance(item, Table):
            yield item


def _make(body: Table, name: Scalar, values: Table) -> Made:
    known = {key: entry.value for key, entry in values.entries.items()}
    given = {key: value for key, value in known.items() if isinstance(value, Scalar)}
    problems: list[Problem] = []
    key = _filled(name, given, problems)
    entries = {
        one: _filled_entry(entry, given, problems)
        for one, entry in body.entries.items()
        if one not in _OWN_KEYS
    }
    # Its name stands where its values stand: that is what tells it from the template's other rules.
    place = replace(values.span, end_column=values.span.column + 1)
    key = Scalar(key.text, place, is_plain=False, is_tainted=key.is_tainted, written=key.written)
    return Made(Entry(key, Table(entries, body.span)), tuple(problems))


def _filled_entry(entry: Entry, given: Mapping[str, Scalar], problems: list[Problem]) -> Entry:
    return Entry(_filled(entry.key, given, problems), _filled_node(entry.value, given, problems))


def _filled_node(node: Node, given: Mapping[str, Scalar], problems: list[Problem]) -> Node:
    if isinstance(node, Scalar):
        return _filled(node, given, problems)
    if isinstance(node, Listing):
        return Listing([_filled_node(item, given, problems) for item in node.items], node.span)
    filled = [_filled_entry(entry, given, problems) for entry in node.entries.values()]
    table = Table({}, node.span)
    for entry in filled:
        first = table.entries.setdefault(entry.key.text, entry)
        if first is not entry:
            words = f"`{shown(entry.key.written)}` stands here twice"
            problems.append(_at(Spot(entry.key, entry.value), "duplicate-key", words))
    return table


def _filled(scalar: Scalar, given: Mapping[str, Scalar], problems: list[Problem]) -> Scalar:
    """Return a scalar with `{{ each.x }}` replaced; one that is nothing else takes the value's type."""
    if "{{" not in scalar.text:
        return replace(scalar)
    whole = _EACH.fullmatch(scalar.text.strip())
    if whole and whole.group(1) in given:
        value = given[whole.group(1)]
        return replace(value, span=scalar.span, is_tainted=value.is_tainted or scalar.is_tainted)
    tainted = scalar.is_tainted

    def value_of(match: re.Match[str]) -> str:
        nonlocal tainted
        value = given.get(match.group(1))
        if value is None:
            problems.append(_unknown_value(scalar, match, given))
            return match.group(1)
        tainted = tainted or value.is_tainted
        return value.text

    text = _EACH.sub(value_of, scalar.text)
    return replace(scalar, text=text, is_tainted=tainted)


def _unknown_value(scalar: Scalar, match: re.Match[str], given: Mapping[str, Scalar]) -> Problem:
    name = match.group(1)
    span = part_span(scalar, match.start(), match.end())
    message = f"`each.{shown(name)}` is in no set of values"
    label = did_you_mean(name, given)
    note = f"known: {listed(given)}"
    return Problem("unknown-value", message, span.place, span.end_column, label, (note,))


def _unused(body: Table) -> list[Problem]:
    """Return the problem of values that no text of the body asks for."""
    texts = " ".join(
        scalar.text
        for key, entry in body.entries.items()
        if key != "for_each"
        for scalar in [*scalars(entry.value), entry.key]
    )
    asked = set(_EACH.findall(texts))
    spot = find(body, ("for_each",))
    items = spot.value.items if isinstance(spot.value, Listing) else []
    for item in items:
        for key, entry in item.entries.items() if isinstance(item, Table) else ():
            if key not in asked and not key.startswith("x-"):
                words = f"no text of the template asks for `each.{shown(key)}`"
                label = did_you_mean(key, asked)
                return [_at(Spot(entry.key, entry.key), "unknown-value", words, label)]
    return []


def _at(spot: Spot, code: str, message: str, label: str = "") -> Problem:
    span = spot.key_span
    return Problem(code, message, span.place, span.end_column, label)
