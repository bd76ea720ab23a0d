"""How often Slack lets itself be called, as it documents it, counted by the clock of a test."""

from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta

_POST_EVERY = timedelta(seconds=1)
_EDITS_MAX = 50
_MINUTE = timedelta(minutes=1)


class SlackPace:
    """A post a second in each channel, and 50 edits in any minute over all channels.

    Attributes:
        refused: How often somebody came too early.
        taken_at: By channel: when each of its posts was taken.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._edits: deque[datetime] = deque()
        self.refused = 0
        self.taken_at: dict[str, list[datetime]] = defaultdict(list)

    def wait(self, method: str, channel: str) -> timedelta | None:
        """Return how long to wait before this call; None if it counts as made now."""
        left = timedelta()
        if method == "chat.postMessage":
            left = self._left_for_post(self.taken_at[channel])
        elif method == "chat.update":
            left = self._left_for_edit()
        if left > timedelta():
            self.refused += 1
            return left
        return None

    def _left_for_post(self, taken_at: list[datetime]) -> timedelta:
        now = self._now()
        if taken_at and now - taken_at[-1] < _POST_EVERY:
            return taken_at[-1] + _POST_EVERY - now
        taken_at.append(now)
        return timedelta()

    def _left_for_edit(self) -> timedelta:
        now = self._now()
        while self._edits and now - self._edits[0] >= _MINUTE:
            self._edits.popleft()
        if len(self._edits) >= _EDITS_MAX:
            return self._edits[0] + _MINUTE - now
        self._edits.append(now)
        return timedelta()
