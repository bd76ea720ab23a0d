"""What the sections of a configuration may hold, as the file writes them."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)
from pydantic_core import PydanticCustomError

from rules.base import Severity
from rules.fields import Duration, PositiveDuration, Words
from watchdog.config.types import (
    Checks,
    Email,
    Every,
    IncidentCount,
    Listen,
    Names,
    Size,
    Text,
    Url,
    Workspace,
    Zone,
    one_or_many,
)
from watchdog.config.windows import DayHours, Days, Wall, ZoneOrColumn
from watchdog.domain.people import NoData, Storms

STEPS_MAX = 10
"""More than that belong into the runbook."""

Severities = Annotated[tuple[Severity, ...], BeforeValidator(one_or_many)]
Channels = Annotated[
    tuple[Literal["slack", "email", "webhook", "apprise", "weekly"], ...],
    Field(min_length=1),
    BeforeValidator(one_or_many),
]


class Shape(BaseModel):
    """A mapping with known keys; any other key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def _nothing_if_empty(given: object) -> object:
    """Return None for an empty text: `${WATCHDOG_URL:-}` where the variable is not set."""
    return None if given == "" else given


class ServiceShape(Shape):
    """The service's own settings."""

    url: Annotated[Url | None, BeforeValidator(_nothing_if_empty)] = Field(
        default=None, description="Base of the links in messages; empty for none."
    )
    store: SecretStr = Field(
        default=SecretStr(""), description="DSN of the store; empty for an embedded PostgreSQL."
    )
    listen: Listen = Field(
        default="127.0.0.1:8711", description="Address and port of the web page."
    )
    dead_man: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "Address outside that hears from us each minute while everything works, and tells you "
            "when it does not; empty: none."
        ),
    )


class SlackShape(Shape):
    """Slack, by the token of a bot or by an incoming webhook."""

    token: SecretStr = Field(
        default=SecretStr(""), description="Bot token; empty: messages go to the built-in outbox."
    )
    webhook: SecretStr = Field(
        default=SecretStr(""),
        description="Instead of a token: address of an incoming webhook, for short messages with links.",
    )
    app_token: SecretStr = Field(
        default=SecretStr(""),
        description="App token, `xapp-…`: Slack tells over a socket what is pressed.",
    )
    signing_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Or: signs what Slack sends to `/slack/actions` when a button is pressed.",
    )
    workspace: Annotated[Workspace | None, BeforeValidator(_nothing_if_empty)] = Field(
        default=None,
        description="Id of the workspace whose members may press buttons; empty: any that has the app.",
    )
    api: Url = Field(default="https://slack.com/api/", description="Address of the Slack API.")


class EmailShape(Shape):
    """Mail, by SMTP."""

    smtp: SecretStr = Field(
        default=SecretStr(""),
        description="`smtp://user:password@host:587`; empty: the built-in outbox.",
    )
    sender: Email = Field(
        default="watchdog@localhost", alias="from", description="Sender of every mail."
    )
    link_key: SecretStr = Field(
        default=SecretStr(""),
        description=(
            "At least 32 characters of your own: with it a mail's button takes the incident "
            "without signing in first; empty: it leads to the sign-in."
        ),
    )


class WebhookShape(Shape):
    """A webhook of your own: signed JSON for programs, see [Webhook](webhook.md)."""

    url: SecretStr = Field(
        default=SecretStr(""), description="Address that each event is posted to; empty: none."
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="At least 32 characters that sign what is posted; `openssl rand -hex 32` makes them.",
    )


class AppriseShape(Shape):
    """A room of another service: Teams, Telegram, PagerDuty and many more."""

    url: SecretStr = Field(
        default=SecretStr(""), description="Its Apprise URL, such as `tgram://…`; empty: none."
    )


class MaintenanceShape(Shape):
    """Trouble that is announced: one span, or hours that come again each week."""

    reason: Text = Field(description="What is done then; it is shown.")
    zone: Zone = Field(description="Zone of the days and times.")
    begins: Wall | None = Field(default=None, alias="from", description="Begin of one span.")
    ends: Wall | None = Field(default=None, alias="to", description="Its end.")
    days: Days | None = Field(default=None, description="Days of each week; every day by default.")
    hours: DayHours | None = Field(
        default=None, description="Hours of these days; the whole day by default."
    )

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "MaintenanceShape":
        is_span = self.begins is not None or self.ends is not None
        if is_span == (self.days is not None or self.hours is not None):
            hint = {"hint": "one span has `from` and `to`, one that comes again `days` and `hours`"}
            raise PydanticCustomError("one_of", "needs `from` and `to`, or `days` or `hours`", hint)
        if is_span and (self.begins is None or self.ends is None or self.begins >= self.ends):
            raise PydanticCustomError("bad_window", "needs a `from` and a later `to`", {})
        return self


class StormsShape(Shape):
    """When many incidents of one team and source are told as one."""

    more_than: IncidentCount = Field(
        default=Storms().more_than, description="So many are still told one by one."
    )
    within: PositiveDuration = Field(
        default=Storms().within, description="The span in which they open."
    )


Announced = Annotated[
    tuple[MaintenanceShape, ...],
    BeforeValidator(lambda given: [given] if isinstance(given, dict) else given),
]
"""One maintenance or a list of them."""


class SourceShape(Shape):
    """Something that can be asked; exactly one of `postgres`, `sqlite` and `http` says what it is."""

    postgres: SecretStr | None = Field(
        default=None, description="DSN: `postgres://user@host/name`."
    )
    sqlite: Text | None = Field(default=None, description="Path of the database file.")
    http: SecretStr | None = Field(default=None, description="Base address: `https://host`.")
    team: Text | None = Field(default=None, description="Owner of its 'not watched' incidents.")
    timeout: PositiveDuration | None = Field(default=None, description="Deadline of one question.")
    connections: int | None = Field(
        default=None, ge=1, le=100, description="Questions asked at once."
    )
    time: Literal["native", "iso", "epoch_s", "epoch_ms"] | None = Field(
        default=None, description="How columns hold instants."
    )
    zone: Zone | None = Field(default=None, description="Zone of instants that carry no offset.")
    direct: bool | None = Field(default=None, description="PostgreSQL is reached without a pooler.")
    headers: dict[Text, SecretStr] | None = Field(
        default=None, description="Sent with every request."
    )
    body_max: Size | None = Field(default=None, description="Most of a body that is read: `1MB`.")
    writes: bool = Field(
        default=False, description="Only [actions](#actions) use it; they change it."
    )
    maintenance: Announced = Field(default=(), description="When its trouble is expected.")


class WhenShape(Shape):
    """What a route is for; nothing named matches everything."""

    severity: Severities | None = Field(default=None, description="One severity or several.")
    team: Names | None = Field(default=None, description="One team or several.")
    rule: Names | None = Field(default=None, description="Names of rules, `*` stands for anything.")


class RouteShape(Shape):
    """Where incidents go; the first route that matches wins."""

    when: WhenShape = Field(default=WhenShape(), description="What the route is for.")
    send: Channels = Field(description="Channels, the preferred one first.")
    hold_until: Literal["working_hours"] | None = Field(
        default=None, description="Messages wait for the team's working hours."
    )


class DefaultsShape(Shape):
    """What every rule starts from."""

    team: Text | None = Field(
        default=None, description="Whose the rule is; in `defaults:` also sources that name nobody."
    )
    severity: Severity | None = Field(default=None, description="How bad a finding is.")
    every: Every | None = Field(default=None, description="How often to look.")
    open_after: Checks | None = Field(
        default=None, description="Bad checks before an incident opens."
    )
    open_for: Duration | None = Field(
        default=None, alias="for", description="Instead: it must have been bad for this long."
    )
    recover_after: Checks | None = Field(
        default=None, description="Good checks before it recovers."
    )
    reopen_within: Duration | None = Field(
        default=None, description="Bad again within this span: the same incident."
    )
    runbook: Url | None = Field(default=None, description="Page that says what to do.")
    labels: dict[Text, Text] | None = Field(default=None, description="Free words for searching.")


class UnlessShape(Shape):
    """When a finding is expected: by a query, by the incident of another rule, or by either."""

    exists: Text | None = Field(
        default=None, description="A query; while it returns a row, the finding is expected."
    )
    open_rule: Text | None = Field(
        default=None,
        alias="open",
        description="A rule; while it has an incident about the same thing, it is expected.",
    )
    or_within: PositiveDuration | None = Field(
        default=None, description="For how long after that incident's end it still is."
    )
    at_most: PositiveDuration | None = Field(default=None, description="How long it may excuse.")

    @model_validator(mode="after")
    def _says_when(self) -> "UnlessShape":
        if self.exists is None and self.open_rule is None:
            raise PydanticCustomError("one_of", "needs `exists` or `open`", {})
        if self.or_within is not None and self.open_rule is None:
            hint = {"hint": "name the rule after whose incident it is expected"}
            raise PydanticCustomError("needs", "has `or_within` without `open`", hint)
        return self


class ActiveShape(Shape):
    """The hours in which something can be bad."""

    days: Days | None = Field(default=None, description="On these days; on all by default.")
    hours: DayHours | None = Field(
        default=None, description="In these hours; the whole day by default."
    )
    zone: ZoneOrColumn = Field(
        description="Their zone, or the column in which each row names its own."
    )

    @model_validator(mode="after")
    def _says_when(self) -> "ActiveShape":
        if self.days is None and self.hours is None:
            raise PydanticCustomError("one_of", "needs `days` or `hours`", {})
        return self


def _names_one(columns: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    if not columns:
        raise PydanticCustomError("no_words", "must name at least one column", {})
    return columns


class OverrideShape(Shape):
    """What holds for some entities; beside these keys stand limits of the rule's kind."""

    match: Annotated[dict[Text, Words], AfterValidator(_names_one)] = Field(
        description="Columns of the `entity`, each with a value or a list of values."
    )
    severity: Severity | None = Field(default=None, description="How bad their findings are.")
    team: Text | None = Field(default=None, description="Whose their incidents are.")
    off: bool = Field(default=False, description="They are not watched.")


class RepeatShape(Shape):
    """What happens when the same comes back after a recovery."""

    within: PositiveDuration = Field(description="How soon after the recovery it is a repetition.")
    escalate_to: Text = Field(
        default="", description="Team whose person on call owns the new incident, if not its own."
    )


class ClassShape(Shape):
    """What a rule says about one class of failures."""

    patterns: tuple[Text, ...] = Field(default=(), description="Regular expressions (RE2).")
    severity: Severity | None = Field(default=None, description="Severity of this class.")
    in_a_row: int | None = Field(default=None, ge=1, le=1000, description="Failures of this class.")
    open_after: Checks | None = Field(default=None, description="Bad checks of this class.")


class RuleShape(DefaultsShape):
    """What stands beside the kind in a rule."""

    title: Text | None = Field(
        default=None, description="Symptom in one line; `{{ entity.x }}` is filled."
    )
    depends_on: Names = Field(
        default=(), description="Rules or sources whose trouble holds this one back."
    )
    unless: UnlessShape | None = Field(default=None, description="When the finding is expected.")
    classify: dict[Text, ClassShape] | None = Field(default=None, description="Failure classes.")
    ask: Text | None = Field(
        default=None,
        description="Database that `unless`, `evidence` and `verify` ask, if not the rule's own.",
    )
    evidence: dict[Text, Text] | None = Field(
        default=None, description="Queries whose first 20 rows are kept with the incident."
    )
    no_data: NoData = Field(
        default=NoData.KEEP,
        description="What it means that there is nothing to judge: `alert` opens an incident of its own.",
    )
    active: ActiveShape | None = Field(
        default=None, description="Hours outside of which nothing becomes bad."
    )
    maintenance: Announced = Field(
        default=(), description="When its findings are expected: held, unless they outlast it."
    )
    overrides: tuple[Any, ...] = Field(
        default=(), description="Other limits, severity or team for some entities."
    )
    actions: dict[Text, Any] | None = Field(
        default=None, description="What the owner of an incident may run, by name."
    )
    verify: dict[Text, Text] | None = Field(
        default=None, description="Queries that must all find a row before a recovery counts."
    )
    repeat: RepeatShape | None = Field(
        default=None, description="Bad again in the same way after the reopen window."
    )
    impact: Text | None = Field(default=None, description="Who suffers, and how.")
    do_first: Text | None = Field(default=None, description="The first step.")
    steps: tuple[Text, ...] = Field(
        default=(), max_length=STEPS_MAX, description="What else may help, each in a sentence."
    )
