"""What the delivery worker counts, for the metrics page."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from watchdog.store.outbox import Claimed, Result, Settled


@dataclass(slots=True)
class Figures:
    """Counts since this process started.

    Attributes:
        attempts: By outcome: `sent`, `found`, `failed`, `unknown`.
        dead: Messages given up. `fallbacks`: messages written to somebody else instead.
        superseded: Edits that a newer one replaced.
        withheld: Messages that a silence has hidden.
        fenced: Results that came too late: another worker had taken the message over.
        withdrawn: Claims given back unsent.
        lag_seconds_sum, lag_count: From a message's due time to its arrival, over all that arrived.
        store_troubles: Passes that the store has broken off.
    """

    attempts: Counter[str] = field(default_factory=Counter)
    dead: int = 0
    fallbacks: int = 0
    superseded: int = 0
    withheld: int = 0
    fenced: int = 0
    withdrawn: int = 0
    lag_seconds_sum: float = 0.0
    lag_count: int = 0
    store_troubles: int = 0

    def count(self, settled: Iterable[tuple[Claimed, Result]], now: datetime) -> None:
        """Add what was written of claimed messages."""
        for row, result in settled:
            if result.outcome is not None:
                self.attempts[result.outcome.value] += 1
            if result.state is Settled.DEAD:
                self.dead += 1
            elif result.outcome is None:
                self.withdrawn += 1
            if result.state is Settled.SENT:
                self.lag_seconds_sum += max(0.0, (now - row.due_at).total_seconds())
                self.lag_count += 1
