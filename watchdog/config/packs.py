"""Packs: rules and reports that are ready for a known system, with a team's own names and limits in them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from rules.values import dataclass
from watchdog.config.filling import Filling, asked_names, at_key
from watchdog.config.gather import Gathered
from watchdog.config.nodes import Entry, Listing, Node, Scalar, Spot, Table, find, scalars
from watchdog.config.packfile import (
    NAME,
    NEEDS,
    Pack,
    Parameter,
    Section,
    declared_pack,
    merged,
    parameters_model,
)
from watchdog.config.problems import Problem, did_you_mean, listed
from watchdog.config.scalars import plain
from watchdog.config.sections import said
from watchdog.config.templates import Made
from watchdog.config.validate import validated

if TYPE_CHECKING:
    from pydantic import BaseModel

FREE_KEYS = ("ask", "title", "impact", "do_first", "steps", "runbook", "labels", "repeat")
FREE_KIND_KEYS = (
    "source", "url", "headers", "body", "timezone", "cron", "path", "files", "key", "expect", "hours", "allow"
)  # fmt: skip
"""Where a text of a team may stand: nothing of it becomes part of a statement."""
QUERY_KEYS = ("evidence", "verify", "unless")
_ASKED = asked_names("pack")


@dataclass(frozen=True, slots=True)
class Switched:
    """What a team says about the rules or reports of a pack beside its parameters.

    Attributes:
        bodies: All of them, as the pack has them, by name.
        changes: What to change, by name.
    """

    bodies: Mapping[str, Table]
    off: frozenset[str]
    changes: Mapping[str, Table]


def expand(entry: Entry, gathered: Gathered, section: Section = "rules") -> Iterator[Made]:
    """Yield the rules, or reports, of a pack as a team uses it, each with what is wrong with that use.

    A pack that is not there, or whose file is wrong, yields one that cannot be read.
    """
    pack, problems = declared_pack(entry, gathered)
    if pack is None:
        yield Made(entry, tuple(problems), is_whole=False)
        return
    if not isinstance(entry.value, Table):
        words = f"`{said(entry.key)}` must be a mapping of the pack's parameters"
        problem = at_key(entry, "wrong-type", words, "write `{ source: NAME }`")
        yield Made(entry, (problem,), is_whole=False)
        return
    model = parameters_model(pack)
    settings, problems = validated(model, entry, gathered.texts, f"the pack `{pack.name}`")
    problems = _told(problems, pack)
    filling = _filling(entry, pack, settings, problems)
    switched, wrong = _switched(entry.value, pack, section)
    yield from _made(entry, pack, filling, switched, tuple(problems + wrong))


def _told(problems: Iterable[Problem], pack: Pack) -> list[Problem]:
    """Return problems that say of a missing parameter what it is."""
    told = []
    for one in problems:
        missing = [
            p for p in pack.parameters.values() if one.message.endswith(f" needs `{p.name}`")
        ]
        told.append(replace(one, label=missing[0].about) if missing else one)
    return told


def _filling(
    entry: Entry, pack: Pack, settings: "BaseModel | None", problems: list[Problem]
) -> Filling:
    """Return what fills the pack's texts; a wrong value is lost, so that it is told only once."""
    wrong = {problem.place for problem in problems}
    given = {NAME: replace(entry.key, is_plain=False)}
    lost = Scalar("", entry.key.span, is_plain=False, is_lost=True)
    for name, parameter in pack.parameters.items():
        spot = _keys(entry.value).get(name)
        if spot is None and parameter.is_optional:
            continue
        if spot is None:
            given[name] = parameter.default or lost
        elif isinstance(spot.value, Scalar) and spot.value.span.place not in wrong:
            given[name] = _canonical(spot.value, getattr(settings, name, None))
        else:
            given[name] = lost
    absent = frozenset(pack.parameters.keys() - given.keys())
    return Filling("pack", given, f"parameter of the pack `{pack.name}`", absent, True)


def _keys(node: Node | None) -> Mapping[str, Entry]:
    return node.entries if isinstance(node, Table) else {}


def _at(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, Table) else None


def _canonical(scalar: Scalar, value: object) -> Scalar:
    """Return a value as every reader spells it: `0x10` is `16` in SQL, too."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return replace(scalar, text=f"{plain(scalar)}") if is_number and scalar.is_plain else scalar


def _switched(table: Table, pack: Pack, section: Section) -> tuple[Switched, list[Problem]]:
    off = _items(table.get("without"))
    changes = _keys(table.get(section))
    bodies = pack.bodies(section)
    everything = [*pack.rules, *pack.reports]
    problems = [
        _unknown(one, pack, "rule", everything) for one in off if one.text not in everything
    ]
    changed = [one.key for one in changes.values() if one.key.text not in bodies]
    problems += [_unknown(one, pack, section.removesuffix("s"), bodies) for one in changed]
    tables = {key: one.value for key, one in changes.items() if isinstance(one.value, Table)}
    return Switched(bodies, frozenset(one.text for one in off), tables), problems


def _unknown(name: Scalar, pack: Pack, what: str, known: Collection[str]) -> Problem:
    words = f"the pack `{pack.name}` has no {what} `{said(name)}`"
    label = did_you_mean(name.text, known)
    problem = at_key(Spot(None, name), f"unknown-{what}", words, label)
    return replace(problem, notes=(f"it has: {listed(known)}",)) if known else problem


def _made(
    entry: Entry, pack: Pack, filling: Filling, switched: Switched, problems: tuple[Problem, ...]
) -> Iterator[Made]:
    bodies = switched.bodies
    needs = {name: {one.text for one in _items(body.get(NEEDS))} for name, body in bodies.items()}
    away = {name for name in bodies if name in switched.off or needs[name] & filling.absent}
    gone = {f"{entry.key.text}-{name}" for name in away}
    for name, whole in bodies.items():
        if name in away:
            continue
        body = _with_possible_actions(whole, filling.absent)
        before = len(filling.problems)
        table = filling.table(body)
        stray = _stray_texts(body, pack.parameters)
        own = merged(table, switched.changes.get(name, Table({}, table.span)))
        made = _named(entry, name, Table(_without(own.entries, gone), own.span))
        yield Made(made, (*problems, *stray, *filling.problems[before:]))


def _with_possible_actions(body: Table, absent: Collection[str]) -> Table:
    """Return a rule with those actions for which a team has given what they need."""
    actions = body.get("actions")
    if not isinstance(actions, Table):
        return body
    left = {
        name: one
        for name, one in actions.entries.items()
        if not any(need.text in absent for need in _items(_at(one.value, NEEDS)))
    }
    entries = {key: one for key, one in body.entries.items() if key != "actions"}
    if left:
        entries["actions"] = Entry(body.entries["actions"].key, Table(left, actions.span))
    return Table(entries, body.span)


def _items(node: Node | None) -> list[Scalar]:
    return list(scalars(node)) if node else []


def _named(entry: Entry, name: str, table: Table) -> Entry:
    """Return a rule or report under its name, which stands where the pack is used."""
    text, written = f"{entry.key.text}-{name}", f"{entry.key.written}-{name}"
    return Entry(
        replace(entry.key, text=text, written=written, span=replace(entry.key.span)), table
    )


def _without(entries: Mapping[str, Entry], away: set[str]) -> dict[str, Entry]:
    """Return entries that no longer wait for rules that a team has switched off."""
    found = dict(entries)
    parents = found.get("depends_on")
    if parents and away:
        items = parents.value.items if isinstance(parents.value, Listing) else [parents.value]
        left = [one for one in items if not (isinstance(one, Scalar) and one.text in away)]
        found["depends_on"] = Entry(parents.key, Listing(left, parents.value.span))
    opened = find(found["unless"].value, ("open",)).value if "unless" in found else None
    if isinstance(opened, Scalar) and opened.text in away:
        del found["unless"]
    return found


def _stray_texts(rule: Table, parameters: Mapping[str, Parameter]) -> list[Problem]:
    """Return a problem for each text of a team that would become part of a statement."""
    free = {name for name, one in parameters.items() if one.is_free_text}
    words = "`pack.{}` may hold anything, so no statement may ask for it"
    return [
        at_key(Spot(None, scalar), "bad-sql", words.format(name))
        for scalar in _statements(rule)
        for name in _ASKED.findall(scalar.text)
        if name in free
    ]


def _statements(rule: Table) -> Iterator[Scalar]:
    """Yield every text that is, or may become, part of a statement."""
    for key, entry in rule.entries.items():
        if key in QUERY_KEYS:
            yield from scalars(entry.value)
        elif key == "actions":
            for action in _keys(entry.value).values():
                yield from _items(_at(_at(action.value, "sql"), "statement"))
        elif key not in FREE_KEYS and not key.startswith("x-") and _keys(entry.value):
            yield from _asked_texts(entry.value)


def _asked_texts(kind: Node | None) -> Iterator[Scalar]:
    for key, entry in _keys(kind).items():
        if key not in FREE_KIND_KEYS:
            is_table = isinstance(entry.value, Table)
            yield from _asked_texts(entry.value) if is_table else scalars(entry.value)
