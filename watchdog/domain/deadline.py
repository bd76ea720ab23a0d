"""When the service does something with an incident unless somebody does before."""

from collections.abc import Callable
from datetime import UTC, datetime

from rules.values import dataclass
from watchdog.domain.incident import Transition

LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Before everything: stands for an instant that there is none of."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the service does something with an incident unless somebody does before.

    Attributes:
        act: Returns what it does then; it is given the instant.
    """

    at: datetime
    act: Callable[[datetime], Transition]
