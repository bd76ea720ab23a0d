"""The built-in outbox: where messages go that have no server to go to."""

import hashlib
from collections.abc import Mapping

from notifiers.base import Message, Notifier, Pace, Part, Receipt, Rendered


class Outbox:
    """Renders as another notifier would, and delivers to nobody: people read it in the outbox page.

    Args:
        like: Renders; it is never asked to send.

    Attributes:
        keeps_rendered: What its reader would have seen is kept beside the message.
    """

    at_once = 20
    paces: Mapping[Part, Pace] = {}
    is_one_place = False
    keeps_rendered = True

    def __init__(self, like: Notifier) -> None:
        self._like = like

    def render(self, message: Message) -> Rendered:
        """Return what the receiver would have seen."""
        return self._like.render(message)

    async def send(self, message: Message, rendered: Rendered) -> Receipt:  # noqa: ARG002
        """Return a receipt that hangs on the key only: a second attempt gives the same.

        Edits and lines below keep to the message they belong to.
        """
        if message.remote:
            return Receipt(dict(message.remote))
        digest = hashlib.sha256(message.key.encode("utf-8", "surrogatepass")).hexdigest()
        return Receipt(
            {
                "channel": message.address,
                "ts": f"outbox.{digest[:16]}",
                "message_id": f"<{digest[:16]}@outbox>",
            }
        )

    async def look_up(self, message: Message) -> Receipt | None:  # noqa: ARG002
        """Return None: nothing ever arrived anywhere."""
        return None

    async def close(self) -> None:
        """Close the notifier that renders."""
        await self._like.close()
