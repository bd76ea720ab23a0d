"""The configuration once it is known to be right: frozen values, names resolved, secrets in place."""

import os
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from rules.base import Classifier, Dialect, Entity, Kind, Severity, SqlQuestion
from rules.hours import ActiveHours, span_at
from rules.overrides import Override, override_of
from rules.values import dataclass
from watchdog.domain.maintenance import Maintenance
from watchdog.domain.people import Directory, Policy, Storms

if TYPE_CHECKING:
    from rules.cron import Cron
    from watchdog.config.recovery import Action
    from watchdog.domain.samples import Reading

BUILT_IN: Final[Mapping[str, str]] = {"@files": "files", "@pings": "pings"}
"""Type of each source that nobody declares, by its name; a kind has it instead of a `source` key."""

BUILT_IN_TIMEOUT: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file; line and column count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """Something that can be asked.

    Attributes:
        type: `postgres`, `sqlite` or `http`; or one of `BUILT_IN`.
        address: DSN, file path or base URL; `demo://name` stands for a part of the demo. Of a
            built-in source: the folder that relative paths begin at.
        timeout: Total deadline of one question.
        connections: Most questions asked at once.
        dialect: How a database source speaks; unused for http.
        direct: PostgreSQL is reached without a pooler, so statements may be kept prepared;
            None: find out.
        body_bytes_max: Most bytes of an HTTP body that are read, after decompression.
        writes: Recovery actions change it; no rule reads it.
    """

    name: str
    type: str
    address: SecretStr
    team: str
    timeout: timedelta = timedelta(seconds=5)
    connections: int = 4
    dialect: Dialect = Dialect()
    direct: bool | None = None
    body_bytes_max: int = 1_000_000
    headers: tuple[tuple[str, SecretStr], ...] = ()
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A query a team wrote, with `{{ now }}`, `{{ opened_at }}` and `{{ entity.x }}` in it.

    `question` turns it into a bound statement; nothing is ever put into the text.
    """

    source: str
    text: str
    dialect: Dialect = Dialect()

    def about(
        self, now: datetime, entity: Entity, opened_at: datetime | None = None, *, rows_max: int
    ) -> SqlQuestion | None:
        """Return the statement about an entity; None where it names one and there is none.

        What is about a whole table, such as that it is empty, is about no entity.
        """
        from rules.placeholders import PlaceholderError

        try:
            return self.question(now, entity, opened_at, rows_max)
        except PlaceholderError:
            if entity:
                raise
            return None

    def question(
        self,
        now: datetime,
        entity: Entity = (),
        opened_at: datetime | None = None,
        rows_max: int = 20,
    ) -> SqlQuestion:
        """Return the statement with its parameters bound."""
        from rules.placeholders import bind

        return bind(
            self.source,
            self.text,
            self.dialect,
            now=now,
            entity=entity,
            opened_at=opened_at,
            rows_max=rows_max,
        )


@dataclass(frozen=True, slots=True)
class UnlessOpen:
    """Another rule whose incident makes a finding expected.

    Attributes:
        or_within: For how long after its end the incident still counts.
    """

    rule: str
    or_within: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what to watch (its kind), how often, and what the incident says.

    Attributes:
        title: Template over `entity`, `value` and `limit`; rendered by `watchdog.config.titles`.
        depends_on: Rules and sources whose trouble holds this rule's findings.
        unless: While this query returns a row for an entity, its finding is expected.
        unless_open: While this rule has an incident about the same thing, it is expected, too.
        active: The hours in which something can be bad; None: always.
        verify: Each of these must return a row before a recovery counts.
        overrides: What holds for some entities.
        actions: What the owner of its incidents may run.
        place: Where it is declared.
    """

    name: str
    kind_name: str
    kind: Kind
    team: str
    title: str
    severity: Severity
    every: timedelta
    policy: Policy
    dialect: Dialect = Dialect()
    classifier: Classifier | None = None
    depends_on: tuple[str, ...] = ()
    unless: Query | None = None
    unless_open: UnlessOpen | None = None
    evidence: Mapping[str, Query] = field(default_factory=dict)
    verify: Mapping[str, Query] = field(default_factory=dict)
    active: ActiveHours | None = None
    overrides: tuple[Override, ...] = ()
    actions: "Mapping[str, Action]" = field(default_factory=dict)
    impact: str = ""
    do_first: str = ""
    steps: tuple[str, ...] = ()
    runbook: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    place: Place = Place("", 0, 0)
    _identity: str = field(default="", init=False, repr=False, compare=False)

    @property
    def parents(self) -> tuple[str, ...]:
        """Return the rules and sources that must be known before its findings are weighed."""
        return (*self.depends_on, self.unless_open.rule) if self.unless_open else self.depends_on

    @property
    def queried(self) -> set[str]:
        """Return the names of the databases that are asked what stands beside its kind."""
        found = (self.unless, *self.evidence.values(), *self.verify.values())
        return {one.source for one in found if one}

    def team_of(self, entity: Entity) -> str:
        """Return whose an incident about an entity is."""
        override = override_of(self.overrides, entity)
        return override.team or self.team if override else self.team

    def is_off(self, entity: Entity) -> bool:
        """Return whether an entity is not watched."""
        override = override_of(self.overrides, entity)
        return override is not None and override.is_off

    def is_active(self, now: datetime) -> bool:
        """Return whether something can be bad now; where rows name zones, that is theirs to say."""
        active = self.active
        return (
            active is None
            or bool(active.column)
            or span_at(now, active.hours, active.zone) is not None
        )

    @property
    def heeds_for(self) -> bool:
        """Return whether a `for` holds for all that it may find."""
        classes = self.classifier.classes if self.classifier else ()
        return not self.kind.opens_at_once and all(one.open_after is None for one in classes)

    @property
    def identity(self) -> str:
        """Return what it watches; its state survives a reload while this stays equal."""
        if not self._identity:  # a digest of all that it says, wanted several times at every look
            object.__setattr__(self, "_identity", f"{self.kind_name} {self.kind.identity()}")
        return self._identity


@dataclass(frozen=True, slots=True)
class ReportPart:
    """One part of a report: one row of figures, or a table."""

    title: str
    query: Query
    is_table: bool


@dataclass(frozen=True, slots=True)
class ReportSample:
    """Figures that are kept once a day; `reading` says how those of several days are read."""

    name: str
    title: str
    query: Query
    reading: "Reading"


@dataclass(frozen=True, slots=True)
class Report:
    """What is asked at a time of the day and sent to a team.

    Attributes:
        cron: A line with one time of the day, in the team's `zone`. On the days that it leaves out,
            samples are kept all the same.
        send: `slack` for the team's channel, `email` for its address; empty for its lead.
        open_info: Rules whose open incidents of severity info it lists, as patterns.
    """

    name: str
    title: str
    team: str
    cron: "Cron"
    zone: ZoneInfo
    send: tuple[str, ...]
    parts: tuple[ReportPart, ...]
    samples: tuple[ReportSample, ...] = ()
    open_info: tuple[str, ...] = ()
    place: Place = Place("", 0, 0)


@dataclass(frozen=True, slots=True)
class WeeklyReport:
    """The weekly summary: when it is sent, and to whom.

    Attributes:
        cron: A line with one time of one day of the week, in the `zone` whose weeks it tells of.
        to: Mail addresses, each once.
    """

    name: str
    cron: "Cron"
    zone: ZoneInfo
    to: tuple[str, ...]
    place: Place = Place("", 0, 0)


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that could not be loaded. It is reported as not watched, by its team if that is known."""

    name: str
    team: str
    reason: str
    place: Place


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """Slack by bot token, or by incoming webhook. Without either messages go to the built-in outbox.

    Attributes:
        signing_secret: Slack signs with it what it sends when somebody presses a button.
        app_token: Opens a socket over which Slack tells the same.
        workspace: Where presses must come from; empty for anywhere.
        webhook: Address to post to without a token.
    """

    token: SecretStr = SecretStr("")
    api: str = "https://slack.com/api/"
    signing_secret: SecretStr = SecretStr("")
    workspace: str = ""
    app_token: SecretStr = SecretStr("")
    webhook: SecretStr = SecretStr("")

    @property
    def has_buttons(self) -> bool:
        """Return whether presses reach us and are known as Slack's; else buttons would do nothing."""
        return bool(self.signing_secret.get_secret_value() or self.app_token.get_secret_value())


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """Mail by SMTP: `smtp://user:password@host:587`, `smtps://…`. Without it: the built-in outbox.

    Attributes:
        link_key: Signs the links by which people take incidents; empty: they have to sign in.
    """

    smtp: SecretStr = SecretStr("")
    sender: str = "watchdog@localhost"
    link_key: SecretStr = SecretStr("")


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """A webhook of the user's own, for programs. Without an address there is none."""

    url: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")


@dataclass(frozen=True, slots=True)
class AppriseChannel:
    """A room of another service, by its Apprise URL. Without one there is none."""

    url: SecretStr = SecretStr("")


@dataclass(frozen=True, slots=True)
class Service:
    """The service's own settings.

    Attributes:
        url: Base of the links in messages, without a slash at the end; empty for none.
        store: DSN of the store; empty for the embedded one.
        listen: Address and port of the web page.
        dead_man: Address that hears from us while everything works; empty for none.
        store_is_known: False where `service:` has mistakes that may hide which store is meant;
            an empty `store` must then not be taken for the embedded one.
    """

    url: str = ""
    store: SecretStr = SecretStr("")
    listen: str = "127.0.0.1:8711"
    store_is_known: bool = True
    dead_man: SecretStr = SecretStr("")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that `rules.yaml` and its includes say.

    Attributes:
        maintenance: When trouble is expected.
        storms: How many incidents are too many to be told one by one; None: never.
        broken: Rules that are declared but wrong; only ever filled by a start without a good one.
        files: Text of every file read, by path, as it was read; the digest is over all of them.
    """

    service: Service
    slack: SlackChannel
    email: EmailChannel
    sources: Mapping[str, Source]
    directory: Directory
    rules: Mapping[str, Rule]
    reports: Mapping[str, Report] = field(default_factory=dict)
    weeklies: Mapping[str, WeeklyReport] = field(default_factory=dict)
    maintenance: tuple[Maintenance, ...] = ()
    storms: Storms | None = Storms()
    webhook: WebhookChannel = WebhookChannel()
    apprise: AppriseChannel = AppriseChannel()
    broken: tuple[BrokenRule, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: bytes = b""

    @property
    def asked(self) -> dict[str, Source]:
        """Return every source that is asked: those that are only read, and what rules need of the built-in.

        A built-in source belongs to nobody: what cannot be asked of it is told to the rule's team.
        """
        folder = os.path.dirname(next(iter(self.files), ""))
        needed = {rule.kind.source for rule in self.rules.values()}
        built_in = {
            name: Source(name, kind, SecretStr(folder), team="", timeout=BUILT_IN_TIMEOUT)
            for name, kind in BUILT_IN.items()
            if name in needed
        }
        read = {name: one for name, one in self.sources.items() if not one.writes}
        return {**read, **built_in}
