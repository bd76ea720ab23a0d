"""Flapping: what changes between good and bad so often that each change says nothing.

Counted over the latest 20 results of an entity, 19 changes at most: it begins at 30 % of those, so
never with fewer than 6, and ends below 25 %. Meanwhile its incident stays open.
"""

import itertools
from collections.abc import Sequence
from datetime import datetime

from notifiers.base import Event
from rules.base import Severity
from rules.spans import short_span
from rules.values import dataclass
from watchdog.domain.incident import WATCHDOG, Happened, Incident, Transition
from watchdog.domain.step import step

RESULTS_MAX = 20
STARTS_AT = 0.30
STOPS_BELOW = 0.25
ENTITIES_MAX = 10_000
"""Entities of a rule whose results are remembered; of others nobody can say that they flap."""

GOOD = 0


def level_of(severity: Severity) -> int:
    """Return the result of a bad check; a change between two severities is a change, too."""
    return 1 + severity.rank


@dataclass(frozen=True, slots=True)
class Results:
    """The latest results of an entity that is, or lately was, bad; the newest last.

    Attributes:
        levels: `GOOD`, or how bad.
        at: When each was seen.
        is_told: People have been told that it flaps.
    """

    levels: tuple[int, ...] = ()
    at: tuple[datetime, ...] = ()
    is_flapping: bool = False
    is_told: bool = False

    def and_then(self, level: int, now: datetime) -> "Results":
        """Return them with the result of another check."""
        levels = (*self.levels, level)[-RESULTS_MAX:]
        share = changes(levels) / (RESULTS_MAX - 1)
        is_flapping = share >= (STOPS_BELOW if self.is_flapping else STARTS_AT)
        at = (*self.at, now)[-RESULTS_MAX:]
        return Results(levels, at, is_flapping, self.is_told and is_flapping)

    @property
    def is_forgotten(self) -> bool:
        """Return whether nothing in them is worth remembering: no result is bad."""
        return not any(self.levels)

    def said(self) -> str:
        """Return how often it has changed, and in what time: `6 times in 1h`."""
        return f"{changes(self.levels)} times in {short_span(self.at[-1] - self.at[0])}"


def changes(levels: Sequence[int]) -> int:
    """Return how often a result differs from the one before it."""
    return sum(one != other for one, other in itertools.pairwise(levels))


def flapping(incident: Incident, words: str, now: datetime) -> Transition:
    """Return that an incident stays open until what it is about is calm; nobody is pushed.

    Args:
        words: How often it has changed.
    """
    return step(incident, Happened(Event.FLAPPING, now, WATCHDOG, words))
