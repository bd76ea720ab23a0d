"""The switch that stops all recovery actions."""

from datetime import datetime

from rules.spans import short_span
from rules.values import dataclass
from watchdog.domain.incident import Refused


@dataclass(frozen=True, slots=True)
class Stop:
    """All actions are stopped: who has done it, why, and when."""

    person: str
    words: str
    stopped_at: datetime


def stopped(stop: Stop | None, now: datetime) -> str:
    """Return who has stopped all actions, and why; empty: nobody has."""
    if stop is None:
        return ""
    return (
        f"{stop.person} stopped all actions {short_span(now - stop.stopped_at)} ago: {stop.words}. "
        f"{stop.person} or an admin lets them run again: watchdog stop-actions --lift"
    )


def stop_words(words: str) -> str:
    """Return why somebody stops all actions.

    Raises:
        Refused: There are no words.
    """
    said = " ".join(words.split())
    if not said:
        raise Refused("say why all actions are to stop; whoever wants to run one reads it")
    return said
