"""In which order messages go out when not all can go at once. Pure."""

from functools import lru_cache

from notifiers.base import Part
from rules.base import Severity

_RANKS = [one.value for one in Severity]
_PLACES = {Part.PAGE: 0, Part.ROOT: 2, Part.EDIT: 3, Part.THREAD: 4}
_BROADCAST = 1


@lru_cache
def urgency(part: Part, severity: str, *, is_broadcast: bool = False) -> int:
    """Return 0 for a page about something critical, more for what can wait.

    Pages go first, then lines that are shown in the channel, such as escalations, then first
    messages, edits, and all other lines; among equals what is worse.
    """
    place = _BROADCAST if is_broadcast else _PLACES[part]
    rank = _RANKS.index(severity) if severity in _RANKS else 0
    return place * len(_RANKS) + len(_RANKS) - 1 - rank
