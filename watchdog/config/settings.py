"""The sections beside the rules: shapes to values, names resolved."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr

from rules.base import Dialect
from watchdog.config.files import Files
from watchdog.config.gather import Gathered
from watchdog.config.model import EmailChannel, Service, SlackChannel, Source
from watchdog.config.nodes import (
    Entry,
    Listing,
    Node,
    Scalar,
    Span,
    Spot,
    Table,
    find,
    is_lost,
    scalars,
)
from watchdog.config.problems import Level, Problem, did_you_mean, nearest, shown
from watchdog.config.secrets import Masks, read_secret_file
from watchdog.config.shapes import (
    DefaultsShape,
    EmailShape,
    OncallShape,
    PersonShape,
    RouteShape,
    ServiceShape,
    SlackShape,
    SourceShape,
    TeamShape,
)
from watchdog.config.types import Handover
from watchdog.config.validate import keys_of, unknown_key, validated
from watchdog.domain.people import UTC_ZONE, Person, Role, Rotate, Rotation, Route, Team

M = TypeVar("M", bound=BaseModel)
NAME_MAX = 100

_TYPES = ("postgres", "sqlite", "http")
_ONLY_FOR = {
    "time": ("postgres", "sqlite"),
    "zone": ("postgres", "sqlite"),
    "direct": ("postgres",),
    "headers": ("http",),
    "body_max": ("http",),
}
_WITH_SECRETS = (ServiceShape, SlackShape, EmailShape, SourceShape)
_SECRETS = ("store", "token", "smtp", "postgres", "http", "headers")
_SCHEMES = {
    "postgres": ("postgres://", "postgresql://", "demo://"),
    "http": ("http://", "https://", "demo://"),
}


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
    defaults: DefaultsShape = field(default_factory=_no_defaults)
    sources: dict[str, Source] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    routes: list[tuple[Route, Entry]] = field(default_factory=list)
    declared: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    masked: list[Span] = field(default_factory=list)

    @property
    def masks(self) -> Masks:
        """Return where secrets stand in the files."""
        return Masks(tuple(self.masked))


def read_settings(gathered: Gathered, files: Files) -> Settings:
    """Return the values of all sections beside the rules."""
    settings = Settings()
    settings.declared = {
        section: tuple(gathered.named(section))
        for section in ("sources", "people", "teams", "rules")
    }
    reader = _SettingsReader(gathered, files, settings)
    reader.read_service()
    reader.read_channels()
    reader.read_defaults()
    for name, entry in reader.named("people"):
        reader.read_person(name, entry)
    for name, entry in reader.named("teams"):
        reader.read_team(name, entry)
    for name, entry in reader.named("sources"):
        reader.read_source(name, entry)
    reader.read_routes()
    return settings


def mark(code: str, message: str, span: Span, label: str = "", **more: Any) -> Problem:
    """Return a problem at a span."""
    return Problem(code, message, span.place, span.end_column, label, **more)


def check_name(entry: Entry) -> Problem | None:
    """Return the problem of a name that no address, file or command line could carry."""
    name = entry.key.text
    body = name.replace("-", "").replace("_", "").replace(".", "")
    if body.isalnum() and body.isascii() and name[0].isalnum() and len(name) <= NAME_MAX:
        return None
    label = "a name is made of letters, digits, `-`, `_` and `.`"
    return mark("bad-name", f"`{shown(name)}` is not a name", entry.key.span, label)


def written(spot: Spot, name: str) -> str:
    """Return a name as the file has it, so that nothing from outside is shown."""
    node = spot.value
    if isinstance(node, Listing):
        found = next((i for i in node.items if isinstance(i, Scalar) and i.text == name), None)
        node = found or node
    return shown(node.written if isinstance(node, Scalar) and node.is_tainted else name)


@dataclass(slots=True)
class _SettingsReader:
    gathered: Gathered
    files: Files
    into: Settings

    def named(self, section: str) -> Iterable[tuple[str, Entry]]:
        for name, entry in self.gathered.named(section).items():
            problem = check_name(entry)
            if problem:
                self.into.problems.append(problem)
            else:
                yield name, entry

    def shape(self, model: type[M], entry: Entry, name: str = "") -> M | None:
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
        elif always and not node.is_tainted and "${" not in node.written:
            self.into.masked.append(node.span)

    def read_service(self) -> None:
        entry = self.gathered.sections.get("service")
        if entry is None or is_nothing(entry):
            return
        self.secret(find(entry.value, ("store",)).value)
        shape = self.shape(ServiceShape, entry)
        if shape:
            url = (shape.url or "").rstrip("/")
            self.into.service = Service(url, shape.store, shape.listen)

    def read_channels(self) -> None:
        channels = self.gathered.named("channels")
        for name, entry in channels.items():
            if name == "slack":
                self.read_slack(entry)
            elif name == "email":
                self.secret(find(entry.value, ("smtp",)).value)
                shape = self.shape(EmailShape, entry)
                if shape:
                    self.into.email = EmailChannel(shape.smtp, shape.sender)
            else:
                problem = unknown_key(name, "`channels`", entry.key.span, ["slack", "email"])
                self.into.problems.append(problem)

    def read_slack(self, entry: Entry) -> None:
        if isinstance(entry.value, Table):
            token = entry.value.get("token")
            self.secret(token, always=True)
            if token is not None and token.span in self.into.masked:
                self.warn_written(token.span)
        shape = self.shape(SlackShape, entry)
        if shape:
            self.into.slack = SlackChannel(shape.token, shape.api)

    def warn_written(self, span: Span) -> None:
        seen = any(
            one.code == "written-secret" and one.place.line == span.line
            for one in self.gathered.problems
        )
        if not seen:
            words, label = "a secret stands in the file", "write `${NAME}` and set it outside"
            self.add("written-secret", words, span, label, level=Level.WARNING)

    def read_defaults(self) -> None:
        entry = self.gathered.sections.get("defaults")
        if entry is None or is_nothing(entry):
            return
        shape = self.shape(DefaultsShape, entry)
        if shape is None:
            return
        self.into.defaults = shape
        if shape.team:
            self.known("teams", shape.team, find(entry.value, ("team",), entry.key))

    def read_person(self, name: str, entry: Entry) -> None:
        shape = self.shape(PersonShape, entry, "a person")
        if shape:
            self.into.people[name] = Person(
                name,
                shape.email or "",
                shape.slack or "",
                shape.timezone or UTC_ZONE,
                Role(shape.role),
            )

    def read_team(self, name: str, entry: Entry) -> None:
        shape = self.shape(TeamShape, entry, "a team")
        if shape is None:
            return
        lead_spot = find(entry.value, ("lead",), entry.key)
        order = shape.oncall.order if shape.oncall else ()
        order_spot = find(entry.value, ("oncall", "order"), entry.key)
        self.known("people", shape.lead, lead_spot)
        for person in order:
            self.known("people", person, order_spot)
        if shape.oncall:
            self.check_handover(shape.oncall, entry)
        self.check_reachable(shape.lead, lead_spot, order, order_spot)
        there = [person for person in order if person in self.into.people]
        lead = next((one for one in (shape.lead, *there) if one in self.into.people), None)
        if lead is None:
            return
        self.into.teams[name] = _team(name, shape, lead, tuple(there))

    def check_handover(self, oncall: OncallShape, entry: Entry) -> None:
        spot = find(entry.value, ("oncall", "handover"), entry.key)
        if oncall.handover is None:
            return
        if oncall.rotate is Rotate.WEEKLY and oncall.handover.weekday is None:
            words, label = "a weekly hand-over needs its day", "write it like `mon 10:00`"
            self.add("bad-time", words, spot.span, label)
        elif oncall.rotate is Rotate.DAILY and oncall.handover.weekday is not None:
            words, label = "a daily hand-over has no day of the week", "write it like `10:00`"
            self.add("bad-time", words, spot.span, label)

    def check_reachable(
        self, lead: str, lead_spot: Spot, order: tuple[str, ...], order_spot: Spot
    ) -> None:
        for name, spot in [(lead, lead_spot), *((one, order_spot) for one in order)]:
            person = self.into.people.get(name)
            if person and not self.has_ways(name):
                words = f"`{written(spot, name)}` has neither `email` nor `slack`"
                label = "nobody can be reached here"
                span = item_span(spot, name)
                self.add("nobody-reachable", words, span, label, level=Level.WARNING)

    def has_ways(self, person: str) -> bool:
        """Return whether the file means to say how to reach somebody, rightly or not."""
        entry = self.gathered.named("people")[person]
        return isinstance(entry.value, Table) and not {"email", "slack"}.isdisjoint(
            entry.value.entries
        )

    def read_source(self, name: str, entry: Entry) -> None:
        if isinstance(entry.value, Table):
            self.secret(entry.value.get("postgres"))
            self.secret(entry.value.get("http"))
            headers = entry.value.get("headers")
            for header in headers.entries.values() if isinstance(headers, Table) else ():
                self.secret(header.value, always=True)
        before = len(self.into.problems)
        shape = self.shape(SourceShape, entry, "a source")
        if shape is None:
            return
        # A source that is read other than it was meant would judge wrongly: all or nothing.
        whole = not any(problem.is_error for problem in self.into.problems[before:])
        kind = self.source_type(shape, entry)
        right = self.check_fitting(shape, kind, entry) if kind else False
        team = self.source_team(shape, entry)
        if kind and right and team and whole:
            self.into.sources[name] = _source(name, kind, team, shape)

    def source_type(self, shape: SourceShape, entry: Entry) -> str | None:
        found = [one for one in _TYPES if one in shape.model_fields_set]
        if not found:
            keys = entry.value.entries if isinstance(entry.value, Table) else {}
            if not any(one in keys for one in _TYPES):
                words = "a source says where it is"
                label = "write one of: postgres, sqlite, http"
                self.add("missing-key", words, entry.key.span, label)
            return None
        if len(found) > 1:
            span = find(entry.value, (found[1],)).key_span
            words = f"a source is one thing: `{found[0]}` or `{found[1]}`"
            self.add("two-types", words, span, "make it two sources")
            return None
        return found[0]

    def check_fitting(self, shape: SourceShape, kind: str, entry: Entry) -> bool:
        right = self.check_address(shape, kind, entry)
        for key, kinds in _ONLY_FOR.items():
            if key in shape.model_fields_set and kind not in kinds:
                span = find(entry.value, (key,)).key_span
                allowed = [
                    one
                    for one in keys_of(SourceShape, ())
                    if one not in _TYPES and kind in _ONLY_FOR.get(one, _TYPES)
                ]
                words = f"a `{kind}` source"
                self.into.problems.append(unknown_key(key, words, span, [kind, *allowed]))
                right = False
        return right

    def check_address(self, shape: SourceShape, kind: str, entry: Entry) -> bool:
        schemes = _SCHEMES.get(kind)
        value = getattr(shape, kind)
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value or "")
        spot = find(entry.value, (kind,), entry.key)
        if is_lost(spot.value):
            return False
        if not text.strip():
            self.add("empty-value", f"`{kind}` is empty", spot.span, "write its address")
        elif schemes and not text.startswith(schemes):
            words = f"this is no address of a `{kind}` source"
            self.add("bad-url", words, spot.span, f"write it like `{schemes[-2]}host`")
        else:
            return True
        return False

    def source_team(self, shape: SourceShape, entry: Entry) -> str | None:
        if shape.team:
            spot = find(entry.value, ("team",), entry.key)
            return shape.team if self.known("teams", shape.team, spot) else None
        if not self.into.defaults.team and self.gathered.is_whole:
            words = "a source needs a `team`, which is told when it cannot be asked"
            self.add("missing-key", words, entry.key.span, "write `team:` here or in `defaults:`")
        return self.into.defaults.team

    def read_routes(self) -> None:
        section = self.gathered.sections.get("routes")
        if section is None or is_nothing(section):
            return
        if not isinstance(section.value, Listing):
            self.add("wrong-type", "`routes` is a list", section.key.span, "begin each with `- `")
            return
        for node in section.value.items:
            key = Scalar("route", node.span)
            entry = Entry(key, node)
            shape = self.shape(RouteShape, entry, "a route")
            if shape and self.check_route_teams(shape, entry):
                self.into.routes.append((_route(shape), entry))

    def check_route_teams(self, shape: RouteShape, entry: Entry) -> bool:
        spot = find(entry.value, ("when", "team"))
        known = [self.known("teams", team, spot) for team in shape.when.team or ()]
        return all(known)


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


def _team(name: str, shape: TeamShape, lead: str, order: tuple[str, ...]) -> Team:
    rotation = None
    if shape.oncall and order:
        handover = shape.oncall.handover or Handover(Rotation(Rotate.DAILY, ()).at, 0)
        rotation = Rotation(shape.oncall.rotate, order, handover.at, handover.weekday or 0)
    return Team(
        name,
        lead,
        shape.slack or "",
        shape.email or "",
        shape.timezone or UTC_ZONE,
        shape.working_hours,
        rotation,
    )


def _source(name: str, kind: str, team: str, shape: SourceShape) -> Source:
    address = getattr(shape, kind)
    time = shape.time or {"sqlite": "iso"}.get(kind, "native")
    return Source(
        name,
        kind,
        address if isinstance(address, SecretStr) else SecretStr(address),
        team,
        timeout=shape.timeout or timedelta(seconds=5),
        connections=shape.connections or 4,
        dialect=Dialect(
            "sqlite" if kind == "sqlite" else "postgres",
            time,
            str(shape.zone) if shape.zone else "UTC",
        ),
        direct=shape.direct,
        body_bytes_max=shape.body_max or 1_000_000,
        headers=tuple((shape.headers or {}).items()),
    )


def _route(shape: RouteShape) -> Route:
    return Route(
        send=shape.send,
        severities=frozenset(shape.when.severity or ()),
        teams=frozenset(shape.when.team or ()),
        rules=shape.when.rule or (),
        hold_until_working_hours=shape.hold_until is not None,
    )
