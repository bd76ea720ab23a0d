"""Pages that take too long: the same page goes out by another channel while they are still tried."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from watchdog.delivery.roads import ALL_WAIT, fall_back, tell_meanwhile
from watchdog.domain.people import Directory
from watchdog.store import fallbacks

PAGE_WAITS = timedelta(seconds=60)
"""A page that has not arrived by then also goes to the same person by another channel."""

_AT_ONCE_MAX = 1000


@dataclass(slots=True)
class Overdue:
    """Looks for overdue messages when there may be some.

    Attributes:
        look_at: When to look next: in a minute, or when something known is overdue; None: before the
            first pass.
    """

    look_at: datetime | None = None
    _asked: dict[int, bool] = field(default_factory=dict)

    def is_due(self, now: datetime) -> bool:
        """Return whether to look: not for a minute, or something known is overdue.

        Others write pages, also into channels where nothing can be begun: none is overdue before a
        look has seen it. The first is a minute after the start: what waited for us is tried first.
        """
        self.note(now)  # never later than that, also where a clock was put back
        return self.look_at is not None and now >= self.look_at

    def note(self, now: datetime) -> None:
        """Look a minute from now at the latest: something has not arrived, or had to wait."""
        later = now + PAGE_WAITS
        self.look_at = min(self.look_at or later, later)

    def forget(self, now: datetime) -> None:
        """What was looked at last may not have been written: look at all of it again."""
        self._asked.clear()
        self.look_at = now

    async def look(
        self,
        conn: asyncpg.Connection,
        directory: Directory,
        channels: Collection[str],
        out: Collection[str],
        now: datetime,
    ) -> int:
        """Send what is overdue by other roads, each at most once by each rule; return how many were sent.

        Args:
            channels: Those that are configured; `out`: those that nothing gets through.
        """
        waiting = await fallbacks.overdue(conn, now, PAGE_WAITS, ALL_WAIT, out)
        late = {one: since <= now - ALL_WAIT for one, since in waiting.items()}
        known = {one: was_late for one, was_late in self._asked.items() if one in late}
        new = [one for one, is_late in late.items() if known.get(one) is not is_late]
        fresh = {one: late[one] for one in new[:_AT_ONCE_MAX]}
        next_at = await fallbacks.next_overdue_at(conn, now, PAGE_WAITS, ALL_WAIT)
        self._asked = known | fresh
        self.look_at = now if len(new) > len(fresh) else next_at
        if not fresh:
            return 0
        # Both kinds at once: everybody locks incidents in the order of their numbers.
        await fallbacks.lock_incidents(conn, fresh)
        soon = [one for one, is_late in fresh.items() if not is_late]
        given_up = [one for one, is_late in fresh.items() if is_late]
        sent = await tell_meanwhile(conn, soon, directory, channels, now)
        return sent + await fall_back(conn, given_up, directory, channels, now)
