"""When the service does something with an incident unless somebody does before."""

from collections.abc import Callable
from datetime import datetime

from rules.values import dataclass
from watchdog.domain.incident import Transition


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the service does something with an incident unless somebody does before.

    Attributes:
        act: Returns what it does then; it is given the instant.
    """

    at: datetime
    act: Callable[[datetime], Transition]
