"""Channels that nothing gets through: left alone but for a try now and then, until they are back."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from notifiers.base import DeliveryError

_FIRST_WAIT = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=1)
_DOUBLINGS_MAX = 10


@dataclass(slots=True)
class _Outage:
    """A channel that is out: how often it was tried, when last, and when it is tried again."""

    tries: int
    tried_at: datetime
    until: datetime

    def is_left_alone(self, now: datetime) -> bool:
        """Return whether it waits; what was tried after now was tried before the clock was put back."""
        return self.tried_at <= now < self.until


@dataclass(slots=True)
class Outages:
    """What this worker knows of its channels.

    Attributes:
        returned: Channels through which something got for the first time, or again; whoever has
            looked after what waits there takes them out.
    """

    returned: set[str] = field(default_factory=set)
    _out: dict[str, _Outage] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def note(self, channel: str, error: DeliveryError | None, now: datetime) -> None:
        """Learn from how an attempt ended: None is that it arrived."""
        if error is not None and error.is_outage:
            self._note_outage(channel, now)
            return
        self._out.pop(channel, None)
        if error is None and channel not in self._open:
            self._open.add(channel)
            self.returned.add(channel)

    def _note_outage(self, channel: str, now: datetime) -> None:
        self._open.discard(channel)
        known = self._out.get(channel)
        if known and known.is_left_alone(now):
            return  # of several that were on their way together, one counts
        tries = known.tries + 1 if known else 1
        wait = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(tries - 1, _DOUBLINGS_MAX))
        self._out[channel] = _Outage(tries, now, now + wait)

    @property
    def out(self) -> list[str]:
        """Return the channels that nothing got through the last time."""
        return list(self._out)

    def closed(self, now: datetime) -> list[str]:
        """Return the channels that are left alone now."""
        return [name for name, one in self._out.items() if one.is_left_alone(now)]
