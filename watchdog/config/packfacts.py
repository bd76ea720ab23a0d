"""What there is to say about packs: for people who choose one, and for the pages."""

import re
from collections.abc import Iterator, Mapping

from rules.registry import KINDS
from rules.values import dataclass
from watchdog.config.files import Stored
from watchdog.config.filling import asked_names
from watchdog.config.gather import gather
from watchdog.config.nodes import Entry, Node, Scalar, Table, scalars
from watchdog.config.packfile import NEEDS, Pack, declared_pack

_ASKED = asked_names("pack")


def shipped_pack(name: str) -> Pack:
    """Return a pack that came with us.

    Raises:
        LookupError: There is none of that name.
    """
    text = f"version: 1\npacks: {{ {name}: {{ }} }}\n"
    gathered = gather("rules.yaml", {}, Stored({"rules.yaml": text}))
    entry = gathered.named("packs").get(name)
    pack = declared_pack(entry, gathered)[0] if entry else None
    if pack is None:
        raise LookupError(name)
    return pack


def used_packs(texts: Mapping[str, str]) -> list[str]:
    """Return the names under which the files of a configuration use packs."""
    gathered = gather(next(iter(texts)), {}, Stored(texts))
    return list(gathered.named("packs"))


@dataclass(frozen=True, slots=True)
class PackRule:
    """What the file of a pack says about one of its rules.

    Attributes:
        severity: `critical`, or `warning to critical` where thresholds or classes decide.
        watches: Ids of the failures that it is there for.
        question: What its runbook asks.
    """

    name: str
    kind: str
    severity: str
    every: str
    watches: tuple[str, ...]
    question: str
    title: str


def rules_of(pack: Pack) -> list[PackRule]:
    """Return what there is to say about the rules of a pack."""
    return [_pack_rule(pack, name, table) for name, table in pack.rules.items()]


@dataclass(frozen=True, slots=True)
class PackAction:
    """What the file of a pack says about an action of one of its rules.

    Attributes:
        needs: Parameters without which there is no such action.
    """

    rule: str
    name: str
    label: str
    does: str
    needs: tuple[str, ...]


def actions_of(pack: Pack) -> list[PackAction]:
    """Return what there is to say about the recovery actions of a pack."""
    return [
        PackAction(
            rule,
            name,
            _said(table.get("label"), pack),
            next((key for key in ("http", "sql") if key in table.entries), ""),
            tuple(one.text for one in scalars(needs)) if (needs := table.get(NEEDS)) else (),
        )
        for rule, body in pack.bodies("rules").items()
        if isinstance(actions := body.get("actions"), Table)
        for name, entry in actions.entries.items()
        if isinstance(table := entry.value, Table)
    ]


def _pack_rule(pack: Pack, name: str, table: Table) -> PackRule:
    ids = table.get("x-watches")
    return PackRule(
        name,
        next(key for key in table.entries if key in KINDS),
        _severity(table),
        _said(table.get("every") or pack.defaults.get("every"), pack),
        tuple(one.text for one in scalars(ids)) if ids else (),
        _said(table.get("x-question"), pack),
        _said(table.get("title"), pack),
    )


def _severity(table: Table) -> str:
    plain = table.get("severity")
    lowest = plain.text if isinstance(plain, Scalar) else "warning"
    has_critical = any(
        "critical" in (key, getattr(entry.value, "text", "")) for key, entry in _entries(table)
    )
    return "warning to critical" if has_critical and lowest != "critical" else lowest


def _entries(table: Table) -> Iterator[tuple[str, Entry]]:
    for key, entry in table.entries.items():
        yield key, entry
        if isinstance(entry.value, Table):
            yield from _entries(entry.value)


def _said(node: Node | None, pack: Pack) -> str:
    """Return a text with the defaults of parameters in it, or their names where they have none."""
    text = node.text if isinstance(node, Scalar) else ""

    def value_of(match: re.Match[str]) -> str:
        parameter = pack.parameters.get(match.group(1))
        default = parameter.default if parameter else None
        return default.text if default else ""

    return _ASKED.sub(value_of, text).strip()
