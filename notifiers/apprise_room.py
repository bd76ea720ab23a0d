"""Any service that Apprise knows (Teams, Telegram, PagerDuty and some 170 more), by its Apprise URL.

It can post and nothing else: each event that is worth a line is a message of its own. Apprise says
whether a message was taken, but not why not, so a failure may have arrived and is counted as unknown.
"""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from notifiers.base import DeliveryError, Facts, Message, Pace, Part, Receipt, Rendered
from notifiers.clean import cut, one_line, tidy
from notifiers.line import render_line
from notifiers.story import tell

if TYPE_CHECKING:
    import apprise

BODY_MAX = 1000
"""Characters of a message below its push line; the strictest services take little more."""

_POSTS = Pace(timedelta(seconds=1))


class AppriseRoom:
    """Posts to one Apprise URL, in threads of its own: the library blocks, and may hang.

    Args:
        url: The Apprise URL, which is a secret. It is in no error, and what the library logs is dropped.
        deadline: For one message. The library goes on beyond it in its thread, and may succeed.

    Raises:
        ImportError: Apprise is not installed.
    """

    at_once = 2
    paces: Mapping[Part, Pace] = dict.fromkeys(Part, _POSTS)
    is_one_place = False
    keeps_rendered = False

    def __init__(self, url: str, *, deadline: timedelta = timedelta(seconds=20)) -> None:
        self._url = url
        self._deadline_s = deadline.total_seconds()
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="apprise")

    def render(self, message: Message) -> Rendered:
        """Return the push line as title, and a sentence with the links below it. Pure; never fails."""
        facts = tidy(message.incident)
        line = render_line(facts)
        return Rendered(line, {"title": line, "body": _body(facts) or line, "type": _kind(facts)})

    async def send(self, message: Message, rendered: Rendered) -> Receipt:  # noqa: ARG002
        """Post the message.

        Raises:
            DeliveryError: Nobody knows whether it has arrived; it has not if others kept the threads.
        """
        begun = self._threads.submit(_notify, self._url, dict(rendered.body))
        try:
            async with asyncio.timeout(self._deadline_s):
                is_taken = await asyncio.wrap_future(begun)
        except TimeoutError:
            unknown = not begun.cancelled()
            raise DeliveryError("apprise did not come to its end", unknown=unknown) from None
        except Exception as error:  # noqa: BLE001 (170 services: what they raise is theirs, and may hold the URL)
            reason = f"apprise failed: {type(error).__name__}"
            raise DeliveryError(reason, unknown=True) from None
        if not is_taken:
            raise DeliveryError("apprise could not deliver it, and does not say why", unknown=True)
        return Receipt()

    async def look_up(self, message: Message) -> Receipt | None:  # noqa: ARG002
        """Return None: it cannot be asked."""
        return None

    async def close(self) -> None:
        """Let its threads end when they are done."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def is_known(url: str) -> bool:
    """Return whether Apprise knows what to do with a URL.

    Raises:
        ImportError: Apprise is not installed.
    """
    return bool(_opened(url))


def _opened(url: str) -> "apprise.Apprise":
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines repeat parts of URLs
    found = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
    found.add(url)
    return found


def _notify(url: str, body: dict[str, Any]) -> bool:
    return bool(
        _opened(url).notify(title=body["title"], body=body["body"], notify_type=body["type"])
    )


def _body(facts: Facts) -> str:
    told = (tell(facts).lead, facts.do_first, facts.url)
    return cut("\n".join(one for one in map(one_line, told) if one), BODY_MAX)


def _kind(facts: Facts) -> str:
    """Return what services colour by."""
    if facts.state in {"recovered", "resolved"}:
        return "success"
    return {"critical": "failure", "warning": "warning"}.get(facts.severity, "info")
