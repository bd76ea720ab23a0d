"""How long a receiver asks us to wait. Pure."""

from datetime import timedelta

RETRY_AFTER_DEFAULT = timedelta(seconds=30)
_RETRY_AFTER_MAX_S = 3600


def retry_after(said: str | None) -> timedelta:
    """Return how long to wait: what `Retry-After` says in whole seconds, from 1 s to 1 h; else 30 s."""
    if said is None or not (said.isascii() and said.isdigit()) or len(said) > 9:
        return RETRY_AFTER_DEFAULT
    return timedelta(seconds=min(max(1, int(said)), _RETRY_AFTER_MAX_S))
