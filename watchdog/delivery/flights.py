"""Messages that the outbox's worker holds, and how many of them it may."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from notifiers.base import Notifier, Pace, Part
from watchdog.domain.fallback import channel_of
from watchdog.store.outbox import Claimed, Result, Settled, Tried


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the worker.

    Attributes:
        batch: Messages claimed at once, and held at most for each channel.
        at_once: Messages on their way at the same time, for each channel; a notifier may want fewer.
        lease: How long a claim holds; after a crash its messages wait for its end.
        renew_every: How often the leases of what is still held are prolonged, in real time. No
            message is begun with less than this left.
        send_within: Bound on one attempt, look-up included; longer than any notifier's own.
        poll_every: How often the outbox is looked at when nobody wakes the worker.
        grace: How long a stop waits for what is on its way.
    """

    batch: int = 100
    at_once: int = 20
    lease: timedelta = timedelta(seconds=10)
    renew_every: timedelta = timedelta(seconds=3)
    send_within: timedelta = timedelta(seconds=50)
    poll_every: timedelta = timedelta(seconds=2)
    grace: timedelta = timedelta(seconds=5)


@dataclass(slots=True, eq=False)
class Flight:
    """A message that this worker holds.

    Attributes:
        lease_ends: On this machine's monotonic clock, counted from before it was claimed or renewed.
        has_begun: A byte of it may have been sent.
    """

    row: Claimed
    lease_ends: float
    notifier: Notifier | None
    has_begun: bool = False
    task: asyncio.Task[None] | None = None
    result: Result | None = None

    def end(self, state: Settled, outcome: Tried | None = None, error: str = "") -> None:
        """Say what becomes of it."""
        self.result = Result(self.row.id, self.row.token, state, outcome, error)

    @property
    def is_left(self) -> bool:
        """Whether nothing has become of it yet."""
        return self.task is None and self.result is None

    def why_hopeless(self, tries: int) -> str:
        """Return why it is not tried again, whatever its receiver would say; empty: it is.

        Args:
            tries: How many workers may have gone away while they sent it.
        """
        if self.notifier is None:
            return f"no channel `{channel_of(self.row.receiver)}` is configured"
        if self.row.is_headless:
            return "its first message is dead"
        if self.row.unsaid >= tries:  # it may well be this message that ends us
            return f"whoever sent it went away {self.row.unsaid} times"
        return ""

    @property
    def pace(self) -> Pace | None:
        """How fast its lane goes; None for as fast as anybody can."""
        if self.notifier is None:
            return None
        is_posted = self.row.part is Part.EDIT and self.row.lane == self.row.receiver
        return self.notifier.paces.get(Part.ROOT if is_posted else self.row.part)
