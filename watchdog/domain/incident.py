"""What an incident is: open, taken, recovered or resolved, with one owner all the time."""

from dataclasses import field, fields
from datetime import datetime
from enum import StrEnum
from operator import attrgetter

from notifiers.base import Event
from rules.base import Entity, Severity
from rules.values import dataclass
from watchdog.domain.closing import Answer

WATCHDOG = "watchdog"
"""The actor of everything the service does by itself."""

STORM = "storm"
"""The kind of an incident that stands for many of one team and source."""


class State(StrEnum):
    """Where an incident is in its life."""

    OPEN = "open"
    TAKEN = "taken"
    RECOVERED = "recovered"
    RESOLVED = "resolved"


class Refused(Exception):  # noqa: N818 (a refusal is not an error)
    """The incident does not allow this now; the text says why and what to do instead.

    Attributes:
        about: Which of the things that were said is wrong or missing; empty: none of them.
    """

    def __init__(self, text: str, *, about: str = "") -> None:
        super().__init__(text)
        self.about = about


class OwnedByOther(Refused):
    """Somebody else has it; whoever insists may take it over.

    Attributes:
        version: Version of the incident of which the text tells.
    """

    def __init__(self, text: str, version: int) -> None:
        super().__init__(text)
        self.version = version


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that is wrong.

    Attributes:
        version: Number of its latest event; 1 is the opening.
        identity: What the rule watched when it opened; another identity is another thing.
        offered_to: Who was asked to become the owner and has not answered; empty for nobody.
        audience: Receivers that were told of it and must hear how it goes on: `slack:#channel`,
            `slack:@U01ANA`, `email:ana@example.com`.
        bad_now: The latest check was bad.
        repeat_of: The earlier incident that it repeats.
        storm: The storm that it joined, or was split out of.
        rung: How many rungs of its team's escalation it has climbed; one more: nobody is left.
        paged_at: When its present owner was, or is to be, paged for it; None: nobody is.
        acted_at: When a person last did something with it.
        risk: What may still happen, as whoever resolved it saw it.
        answer: What stops it next time; None until somebody has resolved it.
        silence: Number of the silence that hides it, until `silenced_until`; None: none does.
        waits_for: The incident above it that explains it, and hides it until that is over.
        missed: Why the page to its owner does not reach them; empty: it does, as far as is known.
        snoozed_until: Until then its owner is not reminded of it, nor does it expire.
        reopened_at: When a person said that it is not well though its checks are good: it ends when
            its owner says so, or as everything does once its checks have been bad again.
        noted_at: When somebody last wrote a note.
        reminded_at: When somebody was last reminded of it.
        unneeded: Why it needed nobody, as one of `closing.UNNEEDED`; empty: nobody says so.
        unneeded_words: What they said besides.
    """

    id: int
    fingerprint: bytes
    rule: str
    identity: str
    source: str
    kind: str
    team: str
    entity: Entity
    title: str
    severity: Severity
    state: State
    owner: str
    version: int
    opened_at: datetime
    failure_class: str = ""
    offered_to: str = ""
    value: float | None = None
    limit: float | None = None
    fact: str = ""
    detail: str = ""
    impact: str = ""
    do_first: str = ""
    steps: tuple[str, ...] = ()
    runbook: str = ""
    bad_now: bool = True
    audience: tuple[str, ...] = ()
    taken_at: datetime | None = None
    recovered_at: datetime | None = None
    resolved_at: datetime | None = None
    first_bad_at: datetime | None = None
    first_good_at: datetime | None = None
    cause: str = ""
    cause_kind: str = ""
    repeat_of: int | None = None
    storm: int | None = None
    rung: int = 0
    paged_at: datetime | None = None
    acted_at: datetime | None = None
    risk: str = ""
    answer: Answer | None = None
    silence: int | None = None
    silenced_until: datetime | None = None
    waits_for: int | None = None
    missed: str = ""
    snoozed_until: datetime | None = None
    reopened_at: datetime | None = None
    noted_at: datetime | None = None
    reminded_at: datetime | None = None
    unneeded: str = ""
    unneeded_words: str = ""

    @property
    def ends_by_hand(self) -> bool:
        """Return whether only its owner ends it: it was reopened, and its checks are good."""
        is_bad = self.state in {State.OPEN, State.TAKEN}
        return is_bad and self.reopened_at is not None and not self.bad_now

    @property
    def is_storm(self) -> bool:
        """Return whether it stands for its members."""
        return self.kind == STORM

    @property
    def is_live(self) -> bool:
        """Return whether it is bad, as far as anybody knows."""
        return self.state in {State.OPEN, State.TAKEN}


@dataclass(frozen=True, slots=True)
class Ended:
    """What has recovered, as far as its repetition is to know: an incident, or one thing in a storm."""

    id: int
    recovered_at: datetime
    failure_class: str


_NAMES = tuple(one.name for one in fields(Incident))
_VALUES = attrgetter(*_NAMES)
_AUDIENCE, _PAGED_AT = _NAMES.index("audience"), _NAMES.index("paged_at")


def told(incident: Incident, audience: tuple[str, ...], paged_at: datetime | None) -> Incident:
    """Return the incident as told to these; a third of the time of `replace`, which storms notice."""
    values = list(_VALUES(incident))
    values[_AUDIENCE], values[_PAGED_AT] = audience, paged_at
    return Incident(*values)


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of an incident's timeline.

    Attributes:
        words: What was said: a note, a cause, the reason of a machine's move.
        previous_severity: For a change of level, what it was before.
    """

    event: Event
    at: datetime
    actor: str
    words: str = ""
    previous_severity: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """A step in an incident's life: what it was (None: nothing), what it is, and what happened."""

    before: Incident | None
    after: Incident
    happened: Happened
    evidence: dict[str, list[dict[str, object]]] = field(default_factory=dict)
