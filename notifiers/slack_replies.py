"""What only the presser of a button sees: made here, and sent where Slack says it can be sent to."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from notifiers.base import DeliveryError
from notifiers.clean import cut, slack_text
from notifiers.nearby import proxy_for
from notifiers.slack_parts import Block, mrkdwn_section

REPLY_SECONDS = 5.0
"""Deadline of a reply, connection and all."""

_HOOKS = "https://hooks.slack.com"
_PATH = re.compile(r"(?:/[A-Za-z0-9_%-]{1,200}){1,8}")
_WORDS_MAX = 600


def reply(
    words: str, *, code: str = "", button: Block | None = None, replaces: bool = False
) -> dict[str, Any]:
    """Return a message that only the presser sees.

    Args:
        words: One or two sentences; may hold data.
        code: Lines to copy; they hold no data that has not been cleaned.
        replaces: It takes the place of the message that was pressed, which only they see, too.
    """
    told = slack_text(cut(words, _WORDS_MAX))
    blocks = [mrkdwn_section(told)]
    if code:
        blocks.append(mrkdwn_section(f"```\n{code}\n```"))
    if button:
        blocks.append({"type": "actions", "elements": [button]})
    return {
        "response_type": "ephemeral",
        "replace_original": replaces,
        "text": told,
        "blocks": blocks,
    }


def may_be_sent_to(url: str, api: str) -> bool:
    """Return whether a reply may go there: to Slack's own host for it, or to that of a Slack of one's own.

    Whatever else the address is, nothing is sent: it came from outside.

    Args:
        api: Base of the web API, as configured.
    """
    parts = urlsplit(api)
    for origin in (_HOOKS, f"{parts.scheme}://{parts.netloc}"):
        if url.startswith(f"{origin}/") and _PATH.fullmatch(url.removeprefix(origin)):
            return True
    return False


async def send_reply(url: str, body: Mapping[str, Any]) -> None:
    """Send a reply to an address that it may be sent to, once.

    Raises:
        DeliveryError: It did not, or may not, have arrived.
    """
    proxy = proxy_for(url)
    try:
        async with (
            asyncio.timeout(REPLY_SECONDS),
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None)
            ) as session,
            session.post(url, json=body, allow_redirects=False, proxy=proxy) as answer,
        ):
            status = answer.status
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise DeliveryError(f"slack did not take the reply: {type(error).__name__}") from error
    if status != 200:
        raise DeliveryError(f"slack refused the reply: HTTP {status}")
