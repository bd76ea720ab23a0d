"""The file of a pack: its parameters, and its rules and reports as nodes that wait to be filled."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, Field, create_model

from rules.fields import Count, Number, Percent, PositiveDuration
from rules.parsing import ParsedBy
from rules.values import dataclass
from watchdog.config.files import pack_path
from watchdog.config.gather import Gathered, pack_name
from watchdog.config.nodes import Entry, Scalar, Table
from watchdog.config.problems import Problem, did_you_mean, listed, shown
from watchdog.config.shapes import Shape
from watchdog.config.types import Every, Names, Text, Url, Zone, refusal
from watchdog.config.validate import validated

Section: TypeAlias = Literal["rules", "reports"]
"""What a pack has, by the key under which it stands."""
NAME: Final = "name"
"""`{{ pack.name }}`: what a team calls its use of the pack."""
NEEDS: Final = "x-needs"
"""Parameters without which a rule or an action is left out: it has nothing to ask, or nobody to."""
IDENTIFIER_MAX: Final = 63
"""Most characters of a name in PostgreSQL."""

_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
_PATTERNS = {
    "column": (re.compile(_IDENTIFIER), "a plain name of a column", "write it like `updated_at`"),
    "table": (
        re.compile(rf"(?:{_IDENTIFIER}\.)?{_IDENTIFIER}"),
        "a plain name of a table",
        "write it like `orders` or `shop.orders`",
    ),
    "prefix": (
        re.compile(rf"(?:{_IDENTIFIER}\.)?(?:{_IDENTIFIER})?"),
        "a prefix of tables",
        "write it like `shop.` or `shop.sync_`",
    ),
}


def _plain_name(type_: str) -> Any:
    pattern, what, hint = _PATTERNS[type_]

    def parse(given: object) -> str:
        parts = given.split(".") if isinstance(given, str) else []
        is_short = all(len(part) <= IDENTIFIER_MAX for part in parts)
        if not isinstance(given, str) or not pattern.fullmatch(given) or not is_short:
            raise refusal(
                "bad_identifier", f"`{{given}}` is not {what}", hint, given=shown(str(given))
            )
        return given

    return Annotated[str, ParsedBy(parse, {"type": "string"})]


TYPES: Final[Mapping[str, Any]] = {
    "source": Text,
    "team": Text,
    "prefix": _plain_name("prefix"),
    "table": _plain_name("table"),
    "column": _plain_name("column"),
    "duration": PositiveDuration,
    "every": Every,
    "count": Count,
    "number": Number,
    "share": Percent,
    "zone": Zone,
    "url": Url,
    "text": Text,
}
"""What a parameter may be, and how its value is checked before it stands anywhere."""

_FREE: Final = ("source", "team", "zone", "url", "text")
"""Types whose values may hold anything: no statement may ask for them."""


class ParameterShape(Shape):
    """What a pack's file says about a parameter."""

    type: Literal[
        "source", "team", "prefix", "table", "column", "duration", "every", "count", "number",
        "share", "zone", "url", "text",
    ]  # fmt: skip
    about: Text
    default: str | int | float | None = None
    optional: bool = False


class PackShape(Shape):
    """What the file of a pack may hold."""

    title: Text
    about: Text
    parameters: dict[str, ParameterShape]
    defaults: dict[str, Any] = Field(default={})
    rules: dict[str, dict[str, Any]]
    reports: dict[str, dict[str, Any]] = Field(default={})


@dataclass(frozen=True, slots=True)
class Parameter:
    """A name or a limit that differs from team to team.

    Attributes:
        about: One sentence: what it is.
        default: Its value where a team gives none.
        is_optional: Without a value the keys that ask for it are left out.
    """

    name: str
    type: str
    about: str
    default: Scalar | None = None
    is_optional: bool = False

    @property
    def is_free_text(self) -> bool:
        """Return whether its value may hold anything."""
        return self.type in _FREE


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as its file has it."""

    name: str
    title: str
    about: str
    parameters: Mapping[str, Parameter]
    defaults: Table
    rules: Mapping[str, Table]
    reports: Mapping[str, Table]

    def bodies(self, section: Section) -> Mapping[str, Table]:
        """Return the rules, or the reports, each with what the pack's defaults say for all."""
        if section == "rules":
            return {name: merged(self.defaults, rule) for name, rule in self.rules.items()}
        shared = {key: one for key, one in self.defaults.entries.items() if key == "team"}
        defaults = Table(shared, self.defaults.span)
        return {name: merged(defaults, report) for name, report in self.reports.items()}


def declared_pack(entry: Entry, gathered: Gathered) -> tuple[Pack | None, list[Problem]]:
    """Return the pack that an entry of `packs:` uses, or why there is none."""
    asked = pack_name(entry)
    path = pack_path(asked.text)
    if path not in gathered.packs:
        if path in gathered.texts or asked.is_lost:
            return None, [one for one in gathered.problems if one.place.file == path]
        name = shown(asked.written if asked.is_tainted else asked.text)
        words, span = f"no pack is called `{name}`", asked.span
        label = did_you_mean(asked.text, gathered.known_packs)
        note = f"there are: {listed(gathered.known_packs)}"
        wrong = Problem("unknown-pack", words, span.place, span.end_column, label, (note,))
        return None, [wrong]
    file = Entry(Scalar(asked.text, gathered.packs[path].span), gathered.packs[path])
    shape, problems = validated(PackShape, file, gathered.texts, f"the pack `{asked.text}`")
    if shape is None or problems:
        return None, problems
    return _pack(asked.text, shape, gathered.packs[path]), []


def _pack(name: str, shape: PackShape, file: Table) -> Pack:
    parameters = {
        key: Parameter(
            key, one.type, one.about, _default(file, key), one.optional
        )
        for key, one in shape.parameters.items()
    }  # fmt: skip
    defaults = _table(file, "defaults")
    rules = {key: _table(_table(file, "rules"), key) for key in shape.rules}
    reports = {key: _table(_table(file, "reports"), key) for key in shape.reports}
    return Pack(name, shape.title, shape.about, parameters, defaults, rules, reports)


def _default(file: Table, name: str) -> Scalar | None:
    node = _table(_table(file, "parameters"), name).get("default")
    return node if isinstance(node, Scalar) else None


def _table(above: Table, key: str) -> Table:
    found = above.get(key)
    return found if isinstance(found, Table) else Table({}, above.span)


def merged(below: Table, above: Table) -> Table:
    """Return a mapping with the keys of both; where both have one, mappings are merged in turn."""
    entries = dict(below.entries)
    for key, entry in above.entries.items():
        first = entries.get(key)
        if first and isinstance(first.value, Table) and isinstance(entry.value, Table):
            entries[key] = Entry(entry.key, merged(first.value, entry.value))
        else:
            entries[key] = entry
    return Table(entries, above.span)


class _Instance(Shape):
    """What stands in every use of a pack beside its parameters."""

    pack: Text | None = Field(default=None, description="The pack, if the name is another one.")
    without: Names = Field(default=(), description="What is switched off.")
    rules: dict[Text, dict[str, Any]] = Field(default={}, description="Keys that differ.")
    reports: dict[Text, dict[str, Any]] = Field(default={}, description="The same of reports.")


def parameters_model(pack: Pack) -> type[BaseModel]:
    """Return the model of what a team writes under the name of a pack."""
    fields = tuple(
        (name, one.type, one.default is None and not one.is_optional)
        for name, one in pack.parameters.items()
    )
    return _model(fields)


@lru_cache(maxsize=64)
def _model(parameters: tuple[tuple[str, str, bool], ...]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (TYPES[type_] if is_needed else TYPES[type_] | None, ... if is_needed else None)
        for name, type_, is_needed in parameters
    }
    return create_model("PackParameters", __base__=_Instance, **fields)
