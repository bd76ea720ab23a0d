"""Templates: one body with `for_each:` becomes one rule for each set of values."""

from collections.abc import Iterator
from dataclasses import replace

from rules.values import dataclass
from watchdog.config.filling import Filling, asked_names, at_key
from watchdog.config.nodes import Entry, Listing, Scalar, Spot, Table, find, scalars
from watchdog.config.problems import Problem, did_you_mean, shown

RULES_MAX = 1000
"""Most rules of one template."""

_EACH = asked_names("each")
_OWN_KEYS = ("name", "for_each")


@dataclass(frozen=True, slots=True)
class Made:
    """A rule that a template or a pack made.

    Attributes:
        entry: Its name, standing where the values stand, and its body.
        problems: What was wrong with its values.
        is_whole: Its body is a rule's; a pack that cannot be used has none.
    """

    entry: Entry
    problems: tuple[Problem, ...] = ()
    is_whole: bool = True


def expand(template: Entry) -> tuple[list[Made], list[Problem]]:
    """Return the rules of a template, and what is wrong with the template itself."""
    name = f"`{shown(template.key.text)}`"
    if not isinstance(template.value, Table):
        words = f"the template {name} must be a mapping"
        return [], [at_key(template, "wrong-type", words)]
    problems = [
        at_key(template, "missing-key", f"{name} needs `{key}`", hint)
        for key, hint in _HINTS.items()
        if key not in template.value.entries
    ]
    if problems:
        return [], problems
    found = find(template.value, ("name",))
    if not isinstance(found.value, Scalar):
        return [], [at_key(found, "wrong-type", "`name` must be a text", _HINTS["name"])]
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
        problems.append(at_key(spot, "wrong-type", "`for_each` must be a list", _HINTS["for_each"]))
        return
    if len(spot.value.items) > RULES_MAX:
        problems.append(at_key(spot, "too-large", f"a template makes at most {RULES_MAX} rules"))
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
            problems.append(at_key(wrong, "wrong-type", words, "write it like `{ x: a, y: b }`"))
        elif isinstance(item, Table):
            yield item


def _make(body: Table, name: Scalar, values: Table) -> Made:
    known = {key: entry.value for key, entry in values.entries.items()}
    given = {key: value for key, value in known.items() if isinstance(value, Scalar)}
    filling = Filling("each", given, "set of values")
    key = filling.scalar(name)
    entries = {
        one: filling.entry(entry) for one, entry in body.entries.items() if one not in _OWN_KEYS
    }
    # Its name stands where its values stand: that is what tells it from the template's other rules.
    place = replace(values.span, end_column=values.span.column + 1)
    key = Scalar(key.text, place, is_plain=False, is_tainted=key.is_tainted, written=key.written)
    return Made(Entry(key, Table(entries, body.span)), tuple(filling.problems))


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
                return [at_key(Spot(entry.key, entry.key), "unknown-value", words, label)]
    return []
