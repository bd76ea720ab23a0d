"""What a notifier is: renders one message for one receiver, and sends it.

Rendering is pure. Sending raises `DeliveryError` and says whether another try can help and whether
the receiver may have the message already.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from notifiers.summary import Summary

EARLIER_DAYS = 7
"""How far back an incident counts as another time of the same."""


class Part(StrEnum):
    """What a message is to its receiver."""

    PAGE = "page"
    """A push to a person: a direct message, or a mail."""
    ROOT = "root"
    """The incident's one message in a channel."""
    EDIT = "edit"
    """That message (or a person's page), brought up to date in place."""
    THREAD = "thread"
    """A line below the root message."""


class Event(StrEnum):
    """What happened to an incident that people are told of."""

    OPENED = "opened"
    LEVEL = "level"
    TAKEN = "taken"
    OFFERED = "offered"
    DECLINED = "declined"
    HANDED_OVER = "handed_over"
    SNOOZED = "snoozed"
    ESCALATED = "escalated"
    MISSED = "missed"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    LAPSED = "lapsed"
    GIVEN_BACK = "given_back"
    NOTED = "noted"
    ACTION_ASKED = "action_asked"
    ACTION_BEGUN = "action_begun"
    ACTION_RAN = "action_ran"
    NOT_ACTIONABLE = "not_actionable"
    STILL_OPEN = "still_open"
    RECOVERED = "recovered"
    BACK_AGAIN = "back_again"
    REOPENED = "reopened"
    CAUSE_ASKED = "cause_asked"
    RESOLVED = "resolved"
    ACTION_LATE = "action_late"
    ACTION_DONE = "action_done"
    WITHDRAWN = "withdrawn"
    STORM = "storm"
    MEMBERS = "members"
    JOINED = "joined"
    SPLIT = "split"
    FLAPPING = "flapping"
    SILENCED = "silenced"
    RELEASED = "released"
    SILENCE_ENDS = "silence_ends"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a message may say about an incident, as it was when the event happened. Plain values.

    Attributes:
        id: The incident's number, shown as `#1042`; 0 for a test message.
        title: One line, as the team wrote it with the entity filled in. Comes partly from data: escape it.
        fact: Value against limit, short. `detail`: the same as a sentence. Both may hold data.
        actor: Who did it: a person's name, or `watchdog`.
        words: What the actor wrote (a note, a cause), or what the event needs besides: `ana → raj`.
        steps: What may help, each in a sentence.
        risk: What may still happen. `prevention`: what stops it next time, or why nothing is needed.
        owner_took_it: The owner has confirmed by taking it.
        bad_members: How many things are bad that a storm stands for; 0 for any other incident.
        ends_by_hand: It was reopened and its checks are good, so that only its owner ends it.
        on_call_until: When somebody else follows its owner on call, if that is soon.
        times: How many times this has been an incident within `EARLIER_DAYS`, this one included.
        last_cause: What ended it the last time, under `last_owner`, at `last_at`; empty: nobody knows.
        next_person: Who is paged if nobody takes it, at `next_at`; nobody: the team is told then.
        zone: The team's zone, for times in plain text.
        url: The incident's page, or empty when no base URL is configured.
    """

    id: int
    event: Event
    at: datetime
    state: str
    severity: str
    title: str
    fact: str
    detail: str
    rule: str
    team: str
    owner: str
    owner_took_it: bool
    opened_at: datetime
    actor: str = "watchdog"
    words: str = ""
    failure_class: str = ""
    entity: Mapping[str, str] = field(default_factory=dict)
    impact: str = ""
    do_first: str = ""
    steps: tuple[str, ...] = ()
    runbook: str = ""
    taken_at: datetime | None = None
    recovered_at: datetime | None = None
    first_bad_at: datetime | None = None
    first_good_at: datetime | None = None
    cause: str = ""
    cause_kind: str = ""
    risk: str = ""
    prevention: str = ""
    previous_severity: str = ""
    ends_by_hand: bool = False
    bad_members: int = 0
    zone: str = "UTC"
    url: str = ""
    next_person: str = ""
    next_at: datetime | None = None
    on_call_until: datetime | None = None
    times: int = 1
    last_cause: str = ""
    last_owner: str = ""
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportPart:
    """One part of a report: figures or a table, or why there is neither.

    Attributes:
        figures: Labels with their values. Like the cells of `rows` they are text, and may hold data.
        is_cut: There are more rows than these.
        trouble: Why it could not be asked; empty where it was.
    """

    title: str
    figures: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    is_cut: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a message may say of a report, as it was when its questions were asked.

    Attributes:
        at: When they were asked; `due_at`: when it should have come.
        zone: The team's zone, for times in plain text.
        url: Where to read on, or empty.
        word: What it is, in capitals.
        fact: What it says in a line; empty: what could not be asked, else its first figures.
    """

    name: str
    title: str
    team: str
    at: datetime
    due_at: datetime
    parts: tuple[ReportPart, ...]
    zone: str = "UTC"
    url: str = ""
    word: str = "REPORT"
    fact: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one receiver.

    Attributes:
        key: Stable id of the notification: the same on every attempt, so receivers can tell duplicates.
        address: Within the channel: `#support-alerts`, `@U01ANA` or `ana@example.com`.
        number: The incident's event this tells of; 1 is its opening, and a report.
        reader: The person who reads there; empty: several do, or nobody knows who.
        stop: By this token its receiver says that no more of the kind shall come; empty: it cannot.
        remote: Where this receiver's root message is (`channel`, `ts`), once it was sent.
        due_at: Until when it was held; None: it went out when it happened.
    """

    key: str
    address: str
    part: Part
    number: int
    facts: Facts | Report | Summary
    remote: Mapping[str, str] = field(default_factory=dict)
    reader: str = ""
    stop: str = ""
    due_at: datetime | None = None

    @property
    def incident(self) -> Facts:
        """Return the facts of a message that is about an incident."""
        assert isinstance(self.facts, Facts)
        return self.facts


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as its receiver will see it.

    Attributes:
        line: The push line, at most 80 characters.
        body: What is sent: Slack's arguments (`text`, `blocks`, …), or a mail's `subject`, `text`,
            `html` and `headers`. Plain JSON values.
    """

    line: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiver took the message.

    Attributes:
        remote: Where it is, for later edits.
        silences: Spans in which the receiver's phone stays silent, as far as anybody says; each
            from its first instant to the first one after it.
    """

    remote: Mapping[str, str] = field(default_factory=dict)
    silences: tuple[tuple[datetime, datetime], ...] = ()


class DeliveryError(Exception):
    """The receiver did not, or may not, have taken the message.

    Attributes:
        permanent: True when another try cannot help (bad token, unknown channel, refused recipient).
        unknown: True when the message may have arrived (time-out after it was sent).
        retry_after: How long the receiver asks us to wait, if it said.
        put_off: True when it lives and asks us to come again, without saying when.
        is_outage: True when it is not about this message: nobody gets any through.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        unknown: bool = False,
        retry_after: timedelta | None = None,
        put_off: bool = False,
        is_outage: bool = False,
    ) -> None:
        super().__init__(reason)
        self.put_off = put_off
        self.permanent = permanent
        self.unknown = unknown
        self.retry_after = retry_after
        self.is_outage = is_outage


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast messages are taken.

    Attributes:
        every: Between one and the next, in the long run.
        burst: So many may come at once after a calm, at least 1.
    """

    every: timedelta
    burst: int = 1


class Notifier(Protocol):
    """One way to reach people.

    Attributes:
        at_once: Most messages that may be on their way at the same time.
        paces: How fast each receiver takes messages of a part. Edits are counted for all receivers
            together. A part that is missing may come at any pace; with none, nothing is paced.
        is_one_place: All its receivers end in one place, which has the pace of one.
        keeps_rendered: What its readers see is kept beside the message: there is no other place.
    """

    at_once: int
    paces: Mapping[Part, Pace]
    is_one_place: bool
    keeps_rendered: bool

    def render(self, message: Message) -> Rendered:
        """Return the message as its receiver will see it. Pure; never fails for any facts."""
        ...

    async def send(self, message: Message, rendered: Rendered) -> Receipt:
        """Send it within the notifier's total deadline.

        Raises:
            DeliveryError: It did not, or may not, have arrived.
        """
        ...

    async def look_up(self, message: Message) -> Receipt | None:
        """Return the receipt of an earlier attempt of unknown outcome, or None if it is not there.

        A notifier that cannot look returns None.

        Raises:
            DeliveryError: It could not look.
        """
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...
