"""What the readers of all sections share: where values go, and how mistakes are told."""

from collections.abc import Iterable
from dataclasses import field
from typing import Any, TypeVar

from pydantic import BaseModel

from rules.values import dataclass
from watchdog.config.files import Files
from watchdog.config.gather import Gathered
from watchdog.config.model import (
    AppriseChannel,
    EmailChannel,
    Service,
    SlackChannel,
    Source,
    WebhookChannel,
)
from watchdog.config.nodes import (
    Entry,
    Listing,
    Node,
    Scalar,
    Span,
    Spot,
    Table,
    scalars,
)
from watchdog.config.problems import Problem, did_you_mean, nearest, shown
from watchdog.config.secrets import Masks, is_hard_to_see, read_secret_file
from watchdog.config.shapes import (
    DefaultsShape,
    EmailShape,
    ServiceShape,
    SlackShape,
    SourceShape,
)
from watchdog.config.validate import keys_of, validated
from watchdog.domain.maintenance import Maintenance
from watchdog.domain.people import Person, Route, Storms, Team

M = TypeVar("M", bound=BaseModel)
NAME_MAX = 100
_WITH_SECRETS = (ServiceShape, SlackShape, EmailShape, SourceShape)
_SECRETS = (
    "store",
    "token",
    "app_token",
    "signing_secret",
    "smtp",
    "link_key",
    "postgres",
    "http",
    "headers",
)


def _no_defaults() -> DefaultsShape:
    return DefaultsShape()


@dataclass(slots=True)
class Settings:
    """Values of all sections beside the rules; only what is right is in them.

    Attributes:
        declared: The names each section declares, right or wrong.
    """

    service: Service = field(default_factory=Service)
    slack: SlackChannel = field(default_factory=SlackChannel)
    email: EmailChannel = field(default_factory=EmailChannel)
    webhook: WebhookChannel = field(default_factory=WebhookChannel)
    apprise: AppriseChannel = field(default_factory=AppriseChannel)
    defaults: DefaultsShape = field(default_factory=_no_defaults)
    sources: dict[str, Source] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    routes: list[tuple[Route, Entry]] = field(default_factory=list)
    maintenance: list[Maintenance] = field(default_factory=list)
    storms: Storms | None = Storms()
    declared: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    masked: list[Span] = field(default_factory=list)

    @property
    def masks(self) -> Masks:
        """Return where secrets stand in the files."""
        return Masks(tuple(self.masked))


def mark(code: str, message: str, span: Span, label: str = "", **more: Any) -> Problem:
    """Return a problem at a span."""
    return Problem(code, message, span.place, span.end_column, label, **more)


def opens_twice(table: Table) -> list[Problem]:
    """Return the problem of a rule, or of `defaults:`, that says in two ways when something opens."""
    if not {"for", "open_after"} <= table.entries.keys():
        return []
    words = "`for` says in time what `open_after` says in checks"
    return [mark("open-twice", words, table.entries["for"].key.span, "leave out one of them")]


def check_name(entry: Entry) -> Problem | None:
    """Return the problem of a name that no address, file or command line could carry."""
    name = entry.key.text
    body = name.replace("-", "").replace("_", "").replace(".", "")
    if body.isalnum() and body.isascii() and name[0].isalnum() and len(name) <= NAME_MAX:
        return None
    label = "a name is made of letters, digits, `-`, `_` and `.`"
    return mark("bad-name", f"`{said(entry.key)}` is not a name", entry.key.span, label)


def said(key: Scalar) -> str:
    """Return a name as a message may show it: as the file has it, if it came from outside."""
    return shown(key.written if key.is_tainted else key.text)


def written(spot: Spot, name: str) -> str:
    """Return a name as the file has it, so that nothing from outside is shown."""
    node = spot.value
    if isinstance(node, Listing):
        found = next((i for i in node.items if isinstance(i, Scalar) and i.text == name), None)
        node = found or node
    return shown(node.written if isinstance(node, Scalar) and node.is_tainted else name)


def writer_read(spot: Spot, name: str) -> Problem:
    """Return the problem of a rule or report that reads what is there for actions alone."""
    words = f"`{written(spot, name)}` is there for actions, which change it"
    label = "name a source without `writes: true`; what is watched is only read"
    return mark("writer-source", words, spot.span, label)


def is_nothing(entry: Entry) -> bool:
    """Return whether a section is written without any content, which is fine."""
    return isinstance(entry.value, Scalar) and entry.value.is_empty


def item_span(spot: Spot, name: str) -> Span:
    """Return where a name stands in a value that may be a list."""
    if isinstance(spot.value, Listing):
        for item in spot.value.items:
            if isinstance(item, Scalar) and item.text == name:
                return item.span
    return spot.span


@dataclass(slots=True)
class SectionReader:
    """Reads entries of one section into the settings."""

    gathered: Gathered
    files: Files
    into: Settings

    def named(self, section: str) -> Iterable[tuple[str, Entry]]:
        """Yield the entries of a section whose names are names; complain about the others."""
        for name, entry in self.gathered.named(section).items():
            problem = check_name(entry)
            if problem:
                self.into.problems.append(problem)
            else:
                yield name, entry

    def shape(self, model: type[M], entry: Entry, name: str = "") -> M | None:
        """Return an entry as its model has it; complain about what does not fit."""
        self.mask_strange(model, entry)
        value, problems = validated(model, entry, self.gathered.texts, name)
        self.into.problems += problems
        return value

    def mask_strange(self, model: type[BaseModel], entry: Entry) -> None:
        """Keep values out of excerpts that may be secrets under a key that nobody knows."""
        known = keys_of(model, ())
        if model not in _WITH_SECRETS or not isinstance(entry.value, Table):
            return
        for key, strange in entry.value.entries.items():
            if key not in known and nearest(key, known) in {None, *_SECRETS}:
                self.into.masked += [one.span for one in scalars(strange.value) if one.text]

    def add(self, *args: Any, **more: Any) -> None:
        """Add a problem; the arguments are those of `mark`."""
        self.into.problems.append(mark(*args, **more))

    def known(self, section: str, name: str, spot: Spot) -> bool:
        """Return whether a name is declared; complain if it cannot be anywhere."""
        declared = self.into.declared[section]
        if name not in declared and self.gathered.is_whole:
            one = {"people": "person", "teams": "team"}[section]
            given = written(spot, name)
            words = f"no {one} is called `{given}`"
            span = item_span(spot, name)
            self.add(f"unknown-{one}", words, span, did_you_mean(name, declared))
        return name in declared

    def secret(self, node: Node | None, *, always: bool = False) -> None:
        """Read a `file:` value; remember where a secret stands in clear text.

        Args:
            always: The value is a secret whatever it looks like.
        """
        if not isinstance(node, Scalar) or not node.text:
            return
        if node.text.startswith("file:") and not node.is_tainted:
            problem = read_secret_file(node, self.files.read_secret)
            if problem:
                self.into.problems.append(problem)
        elif not node.is_tainted and "${" not in node.written and (always or is_hard_to_see(node)):
            self.into.masked.append(node.span)
            node.is_secret = True
