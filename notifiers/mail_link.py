"""Links by which a person takes an incident from a mail without signing in first.

A link is good for one thing: that one person takes one incident, for a while. Nothing of it is stored;
its last part proves that it was written with our key.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from notifiers.keys import KEY_MIN

LASTS = timedelta(hours=24)
"""How long a link works, at most: what has been taken or is over cannot be taken by it."""

TOKEN_MAX = 400
_PARTS = 4
_SECONDS_MAX = 2**40


@dataclass(frozen=True, slots=True)
class Grant:
    """That a person may take an incident, until an instant in whole seconds."""

    incident: int
    person: str
    ends_at: datetime


def write(grant: Grant, opened_at: datetime, key: str) -> str:
    """Return the token that stands in a link: the same for the same grant and key.

    Args:
        opened_at: When the incident opened: in a store that was made anew, the same number is
            another incident.
    """
    person = urlsafe_b64encode(grant.person.encode("utf-8", "surrogatepass")).decode().rstrip("=")
    claim = f"{grant.incident}.{int(grant.ends_at.timestamp()):x}.{person}"
    opened = opened_at.astimezone(UTC).isoformat(timespec="microseconds")
    proof = hmac.new(key.encode(), f"take {opened} {claim}".encode(), hashlib.sha256).digest()
    return f"{claim}.{urlsafe_b64encode(proof).decode().rstrip('=')}"


def read(token: str) -> Grant | None:
    """Return what a token claims, before anybody has proven it; None: it is none."""
    parts = token.split(".")
    if len(token) > TOKEN_MAX or len(parts) != _PARTS or not token.isascii():
        return None
    try:
        number, seconds, name = int(parts[0]), int(parts[1], 16), parts[2]
        person = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode("utf-8", "surrogatepass")
    except ValueError:
        return None
    if not 0 < number < 2**63 or not 0 < seconds < _SECONDS_MAX:
        return None
    try:
        return Grant(number, person, datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError):  # no calendar goes that far
        return None


def is_ours(token: str, grant: Grant, opened_at: datetime, key: str) -> bool:
    """Return whether the token was written for this grant and incident with this key, and so only."""
    if len(key) < KEY_MIN:
        return False
    return hmac.compare_digest(token.encode(), write(grant, opened_at, key).encode())
