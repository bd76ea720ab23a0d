"""Which incident a button or a dialog is about. It names one, and grants nothing."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VALUE = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})\.(-?[0-9a-f]{1,16})")


@dataclass(frozen=True, slots=True)
class Target:
    """An incident, and how old the message is that the button stands in.

    Attributes:
        version: Number of the event that the message tells of.
        opened: When the incident opened, in microseconds since 1970: a store that was made anew has
            other incidents of the same numbers.
    """

    incident: int
    version: int
    opened: int

    @staticmethod
    def of(incident: int, version: int, opened_at: datetime) -> "Target":
        """Return the target of an incident's message."""
        return Target(incident, version, (opened_at - _EPOCH) // timedelta(microseconds=1))

    def __str__(self) -> str:
        return f"{self.incident}.{self.version}.{self.opened:x}"


def target_in(text: str) -> Target | None:
    """Return the target that was written; None for any other text."""
    found = _VALUE.fullmatch(text)
    return Target(int(found[1]), int(found[2]), int(found[3], 16)) if found else None
