"""How an incident ends: its cause, what risk is left, and one answer to what stops it next time."""

from datetime import date, datetime, timedelta
from enum import StrEnum

from rules.values import dataclass

FALSE_ALARM = "false alarm"

CAUSE_KINDS = ("code", "data", "vendor", "infrastructure", "config", FALSE_ALARM)
"""What people may say of a cause."""

WITHDRAWN, NOT_GIVEN, JOINED = "withdrawn", "not given", "joined"
"""What the service says where nobody knows of one."""

ANSWER_WITHIN = timedelta(days=3)
"""How long after its recovery an incident waits for its cause."""

UNNEEDED = ("false positive", "not actionable", "poor details")
"""Why an incident needed nobody."""

_DUE_AFTER = timedelta(days=14)


class Prevention(StrEnum):
    """What kind of thing stops it next time."""

    ALERTING = "alerting"
    RETRY_TUNING = "retry tuning"
    VALIDATION_GUARDRAIL = "validation guardrail"
    OTHER = "other"
    NOTHING_NEEDED = "nothing needed"


@dataclass(frozen=True, slots=True)
class Answer:
    """The one answer of an incident: a preventive action, or why none is needed.

    Attributes:
        words: What is to be done; or why nothing is.
        owner: Who does it; empty where nothing is needed.
        due_on: The day by which it is done.
        is_done: Somebody has said so.
    """

    prevention: Prevention
    words: str
    owner: str = ""
    due_on: date | None = None
    is_done: bool = False

    def __str__(self) -> str:
        """Say it in a line."""
        if self.prevention is Prevention.NOTHING_NEEDED:
            return f"nothing needed: {self.words}"
        state = "done" if self.is_done else f"due {self.due_on}"
        return f"{self.words} ({self.prevention}; {self.owner}, {state})"

    def days_late(self, today: date) -> int:
        """Return by how many days it is late; 0: it is not, or it is done."""
        if self.is_done or self.due_on is None:
            return 0
        return max(0, (today - self.due_on).days)


@dataclass(frozen=True, slots=True)
class Closing:
    """What the owner says at the end.

    Attributes:
        cause: In one sentence.
        cause_kind: One of `CAUSE_KINDS`.
        risk: What may still happen; empty for nothing.
        window: When it was bad, in words, where that is not as its data say; empty: it is.
    """

    cause: str
    cause_kind: str
    answer: Answer
    risk: str = ""
    window: str = ""


def closing_of_unneeded(reason: str, words: str) -> Closing:
    """Return how an incident that needed nobody ends: as a false alarm, with nothing to be done."""
    cause = f"{reason}: {words}" if words else reason
    return Closing(cause, FALSE_ALARM, Answer(Prevention.NOTHING_NEEDED, f"it was {reason}"))


def usual_due(now: datetime) -> date:
    """Return when a preventive action is due, if nobody says: in two weeks, in UTC."""
    return (now + _DUE_AFTER).date()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is missing or wrong in a closing.

    Attributes:
        about: `cause`, `cause_kind`, `answer` or `owner`.
        words: What, as a sentence without its subject.
    """

    about: str
    words: str


def problem_of(closing: Closing) -> Problem | None:
    """Return what is missing or wrong in a closing; None: nothing."""
    answer = closing.answer
    if not closing.cause.strip():
        return Problem("cause", "needs its cause in one sentence")
    if closing.cause_kind not in CAUSE_KINDS:
        kinds = ", ".join(CAUSE_KINDS)
        words = f"cannot have a cause of the kind `{closing.cause_kind}`; use one of {kinds}"
        return Problem("cause_kind", words)
    if not answer.words.strip():
        return Problem("answer", "needs one preventive action, or why nothing is needed")
    is_action = answer.prevention is not Prevention.NOTHING_NEEDED
    if is_action and not (answer.owner and answer.due_on):
        return Problem("owner", "needs somebody who does its preventive action, and by when")
    return None
