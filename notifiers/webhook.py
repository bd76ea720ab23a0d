"""A webhook of your own: each event of an incident as signed JSON, for programs. See docs/webhook.md."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from notifiers.base import DeliveryError, Facts, Message, Pace, Part, Receipt, Rendered
from notifiers.clean import cut
from notifiers.line import render_line
from notifiers.posting import Poster
from notifiers.waits import retry_after

VERSION = 1
"""Of the payload. Keys may be added within a version; none is renamed or given another meaning."""

TEXT_MAX = 4000
"""Characters of any text."""

_NOT_NOW = {408, 409, 423, 425}
_OF_THE_EVENT = ("event", "at", "actor", "words")
_OF_THE_INCIDENT = (
    *("id", "url", "state", "severity", "previous_severity", "title", "fact", "detail", "rule"),
    *("team", "zone", "entity", "failure_class", "impact", "do_first", "steps", "runbook"),
    *("owner", "owner_took_it", "next_person", "next_at", "opened_at", "taken_at", "recovered_at"),
    *("first_bad_at", "first_good_at", "cause", "cause_kind", "risk", "prevention"),
)


class Webhook:
    """Posts to one address. Redirects are not followed, and of an answer only its status counts.

    A message is sent again under the same id until it is taken, so a receiver that drops ids which it
    knows gets each once.

    Args:
        url: Address, which may hold a secret. It is in no error.
        secret: Signs what is sent.
        now: Returns the present instant, which is signed, too.
        deadline: For one message.
    """

    at_once = 4
    paces: Mapping[Part, Pace] = {}
    is_one_place = False
    keeps_rendered = False

    def __init__(
        self,
        url: str,
        secret: str,
        now: Callable[[], datetime],
        *,
        deadline: timedelta = timedelta(seconds=10),
    ) -> None:
        self._poster = Poster(url, "the webhook", deadline)
        self._secret = secret
        self._now = now

    def render(self, message: Message) -> Rendered:
        """Return the message as its JSON. Pure; never fails."""
        facts = message.incident
        line = render_line(facts)
        body = {
            "version": VERSION,
            "id": message.key,
            "number": message.number,
            "text": line,
            **_told(facts, _OF_THE_EVENT),
            "incident": _told(facts, _OF_THE_INCIDENT),
        }
        return Rendered(line, body)

    async def send(self, message: Message, rendered: Rendered) -> Receipt:
        """Post the message; any 2xx is its receipt.

        Raises:
            DeliveryError: It did not, or may not, have arrived.
        """
        raw = json.dumps(rendered.body, separators=(",", ":")).encode()
        stamp = str(int(self._now().timestamp()))
        headers = {
            "User-Agent": "incident-watchdog",
            "Watchdog-Id": message.key,
            "Watchdog-Timestamp": stamp,
            "Watchdog-Signature": signature(self._secret, stamp, raw),
        }
        answer = await self._poster.post(raw, headers)
        if not 200 <= answer.status < 300:
            raise _refused(answer.status, answer.headers.get("Retry-After"))
        return Receipt()

    async def look_up(self, message: Message) -> Receipt | None:  # noqa: ARG002
        """Return None: it is sent again, under the same id."""
        return None

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()


def signature(secret: str, stamp: str, raw: bytes) -> str:
    """Return how a body is signed: `v1=` and the HMAC-SHA256, in hex, of `STAMP.BODY`.

    Args:
        stamp: Seconds since 1970, as they stand in the header.
        raw: The body, byte for byte as it is sent.
    """
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + raw, hashlib.sha256)
    return f"v1={digest.hexdigest()}"


def _refused(status: int, wait: str | None) -> DeliveryError:
    if status in {429, 503}:
        return DeliveryError(
            f"the webhook asks to wait: HTTP {status}", retry_after=retry_after(wait)
        )
    if status >= 500:
        return DeliveryError(f"the webhook failed: HTTP {status}", unknown=True, is_outage=True)
    if status in _NOT_NOW:
        return DeliveryError(f"the webhook does not take it now: HTTP {status}")
    if 300 <= status < 400:
        reason = f"the webhook leads elsewhere, HTTP {status}: give the address that takes messages"
        return DeliveryError(reason, permanent=True)
    return DeliveryError(f"the webhook refused: HTTP {status}", permanent=True)


def _told(facts: Facts, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(facts, name)) for name in names}


def _plain(value: object) -> Any:
    """Return a value as JSON has it: a text is cut, an instant is in UTC."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC).isoformat()
    if isinstance(value, str):
        return cut(str(value), TEXT_MAX)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value
