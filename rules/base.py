"""What a rule kind is: a pure value that asks questions and judges their answers.

A kind does no I/O and reads no clock. The engine calls `ask` with the answers it has so far until
`ask` returns no more questions, then calls `judge` once with all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from rules.file_questions import FileQuestion, LogQuestion, LogReply
from rules.hours import ActiveHours
from rules.values import dataclass

ROWS_MAX = 10_000
"""Most rows one question returns; more become one finding that says so."""


class Severity(StrEnum):
    """How bad a finding is, in rising order."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return 0 for info, 1 for warning, 2 for critical."""
        return list(Severity).index(self)


class Outcome(StrEnum):
    """What one evaluation of a rule came to."""

    OK = "ok"
    BAD = "bad"
    NO_DATA = "no_data"
    ERROR = "error"
    MISSED = "missed"


Entity: TypeAlias = tuple[tuple[str, str], ...]
"""The watched thing a finding is about: (column, value as text) in the rule's order; () for the whole."""

SqlValue: TypeAlias = str | int | float | bool | datetime | tuple[str, ...] | None
"""A bound parameter. Text stays text unless the statement casts it; a tuple is an array of text."""


@dataclass(frozen=True, slots=True)
class SqlQuestion:
    """One read-only SELECT for a database source.

    Attributes:
        text: The statement, with `$1`-style parameters in every dialect.
        zone: Zone in which the source reads timestamps that carry no offset.
        rows_max: Rows wanted at most; the answer says when there were more.
    """

    source: str
    text: str
    params: tuple[SqlValue, ...] = ()
    zone: str = "UTC"
    rows_max: int = ROWS_MAX


@dataclass(frozen=True, slots=True)
class HttpQuestion:
    """One request to an HTTP source.

    Attributes:
        url: Path below the source's address, or an absolute http(s) address.
        within: Total deadline of the request, from name look-up to the last byte.
        is_alone: On a connection of its own; a kept one still shows the certificate that it
            began with.
    """

    source: str
    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    within: timedelta = timedelta(seconds=10)
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class PingQuestion:
    """What the job that reports under `key` has said lately; the answer is rows, newest first."""

    source: str
    key: str = field(repr=False)


Question: TypeAlias = SqlQuestion | HttpQuestion | PingQuestion | FileQuestion | LogQuestion


@dataclass(frozen=True, slots=True)
class Rows:
    """What a database said. `truncated`: there were more rows than the question allowed."""

    rows: Sequence[Mapping[str, Any]]
    truncated: bool = False
    took: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What an endpoint said. `truncated`: the body was longer than the source's cap and is cut.

    Attributes:
        certificate_ends_at: When the endpoint's certificate ends; None without TLS.
    """

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    truncated: bool = False
    took: timedelta = timedelta()
    certificate_ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HttpFailure:
    """The endpoint itself failed: refused, reset, timed out, broke TLS or the protocol.

    Attributes:
        reason: `refused`, `reset`, `timeout`, `tls`, `protocol` or `too_large`.
        detail: One sentence for people, without secrets.
    """

    reason: str
    detail: str
    took: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Unanswered:
    """We could not ask: our trouble, or the source's, never the target's.

    Attributes:
        whole_source: True when nothing can be asked of the source (down, password, silence);
            False when only this question failed (no such table, no permission).
    """

    reason: str
    whole_source: bool = False


Answer: TypeAlias = Rows | HttpReply | HttpFailure | LogReply | Unanswered
Answers: TypeAlias = tuple[tuple[Answer, ...], ...]
"""Answers so far: one tuple for each earlier return of `ask`, in its order."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a database source speaks.

    Attributes:
        name: `postgres` or `sqlite`.
        time: How columns hold instants: `native`, `iso` (text), `epoch_s` or `epoch_ms`.
        zone: Zone of instants without an offset.
    """

    name: str = "postgres"
    time: str = "native"
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class FailureClass:
    """What an error text was recognised as, and what the rule says about that class.

    Attributes:
        severity, in_a_row, open_after: None where the rule's own setting holds.
    """

    name: str
    severity: Severity | None = None
    in_a_row: int | None = None
    open_after: int | None = None


class Classifier(Protocol):
    """Recognises error texts. Implemented in `rules.classify`."""

    @property
    def classes(self) -> Sequence[FailureClass]:
        """Return every class it knows."""
        ...

    def classify(self, text: str) -> FailureClass | None:
        """Return the class of `text`, or None when no pattern matches."""
        ...


@dataclass(frozen=True, slots=True)
class Past:
    """A span in which an entity was bad: an incident of this rule, its impact as the data knows it.

    Attributes:
        until: When it was good again; None while it is not.
    """

    entity: Entity
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a rule from earlier looks.

    Attributes:
        watched: Entities with a pending or open state: their value is wanted even when it is good.
        remembered: What the kind asked to remember, by its own keys; text in the kind's own form.
        past: Incidents of this rule within `past_within` of the kind, oldest first.
    """

    watched: tuple[Entity, ...] = ()
    remembered: Mapping[str, str] = field(default_factory=dict)
    past: tuple[Past, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """What a kind is told besides its own settings.

    Attributes:
        now: The slot's instant; aware, UTC.
        dialect: Of the source that is asked.
        severity: Of findings whose limit has no level of its own.
        watched, remembered, past: As in `Known`.
        active: The hours in which something can be bad, and in which ages grow; None: always.
    """

    now: datetime
    watched: tuple[Entity, ...] = ()
    dialect: Dialect = Dialect()
    severity: Severity = Severity.WARNING
    classifier: Classifier | None = None
    remembered: Mapping[str, str] = field(default_factory=dict)
    past: tuple[Past, ...] = ()
    active: ActiveHours | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One bad entity.

    Attributes:
        value: Measured value in the kind's unit (seconds for ages and durations, else a count or ratio).
        limit: The limit that was crossed, same unit.
        fact: Value against limit for a phone, at most 40 characters: `1h02m old (max 1h)`.
        detail: The same as a sentence: `Newest row is 1 h 02 min old, limit 1 h.`
        error_text: What the failing thing said about itself, at most 500 characters.
        first_bad_at: Since when it has been bad according to the data, if the data knows.
        open_after: Bad checks before an incident opens, when the failure class says so.
    """

    entity: Entity
    severity: Severity
    value: float | None
    limit: float | None
    fact: str
    detail: str
    failure_class: str | None = None
    error_text: str = ""
    first_bad_at: datetime | None = None
    open_after: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A watched entity that is good now, with its new value.

    Attributes:
        first_good_at: Since when it has been good according to the data, if the data knows.
    """

    entity: Entity
    value: float | None
    fact: str
    detail: str
    first_good_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the answers mean.

    Attributes:
        readings: The watched entities that are good.
        unknown: Entities that could not be asked for; nothing is decided about them.
        has_data: False when the answer held nothing to judge; the outcome is then `no_data`.
        truncated: There were more findings than `ROWS_MAX`.
        remember: What later looks are told under the same keys; None forgets a key. It is written
            in batches after the incidents of the same look, so a crash may lose the latest of it:
            a kind must find the same again from what was remembered before.

    A watched entity that is in none of the three is gone from the data: no_data for it, never ok.
    """

    findings: tuple[Finding, ...] = ()
    readings: tuple[Reading, ...] = ()
    unknown: tuple[Entity, ...] = ()
    has_data: bool = True
    truncated: bool = False
    remember: Mapping[str, str | None] = field(default_factory=dict)

    def without_entities(self) -> "Judgement":
        """Return a judgement that says nothing of any entity, and remembers what it would."""
        return replace(self, findings=(), readings=(), truncated=False)

    @property
    def outcome(self) -> Outcome:
        """Return `bad`, `no_data` or `ok`."""
        if self.findings:
            return Outcome.BAD
        return Outcome.OK if self.has_data else Outcome.NO_DATA


class Kind(Protocol):
    """One kind of rule: its settings are its fields (a frozen pydantic model), its methods are pure."""

    @property
    def source(self) -> str:
        """Return the name of the source that is asked first."""
        ...

    @property
    def entity(self) -> tuple[str, ...]:
        """Return the columns that tell one watched thing from another; () for one thing."""
        ...

    @property
    def opens_at_once(self) -> bool:
        """Return whether one bad check is enough, whatever its rule says."""
        ...

    @property
    def past_within(self) -> timedelta:
        """Return how far back it must be told of its rule's incidents; zero for not at all."""
        ...

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        """Return what to ask next, given the answers so far; () when there is nothing left to ask."""
        ...

    def judge(self, context: Context, answers: Answers) -> Judgement:
        """Return what the answers mean. An `Unanswered` among several leaves its entity unknown."""
        ...

    def identity(self) -> str:
        """Return what is watched, without the limits: state is kept across a reload while it is equal."""
        ...
