"""Slack by an incoming webhook: short messages with links, into the one channel that it was made for.

It edits nothing, has no threads and no buttons, and cannot be asked what it has posted: a message of
which nobody knows whether it arrived may come again with each try. A page names its reader, so that
their phone rings.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from notifiers.base import (
    DeliveryError,
    Event,
    Facts,
    Message,
    Pace,
    Part,
    Receipt,
    Rendered,
    Report,
)
from notifiers.clean import cut, safe_url, slack_escape, slack_text, tidy
from notifiers.line import render_line
from notifiers.posting import Poster
from notifiers.report_slack import render_report_slack
from notifiers.slack_answers import refused
from notifiers.slack_blocks import plain
from notifiers.slack_parts import Block
from notifiers.story import tell
from notifiers.summary import Summary
from notifiers.summary_slack import render_summary_slack

logger = logging.getLogger(__name__)

_MEMBER = re.compile(r"@[UW][A-Z0-9]{2,20}")
_CODE = re.compile(r"[a-z_]{1,60}")
_LEAD_MAX = 300
_POSTS = Pace(timedelta(seconds=1))


class SlackHook:
    """Posts to an incoming webhook.

    Args:
        url: The webhook's address, which is a secret. It is in no error.
        deadline: For one message.
    """

    at_once = 4
    paces: Mapping[Part, Pace] = dict.fromkeys(set(Part) - {Part.EDIT}, _POSTS)
    is_one_place = True
    keeps_rendered = False

    def __init__(self, url: str, *, deadline: timedelta = timedelta(seconds=15)) -> None:
        self._poster = Poster(url, "slack", deadline)

    def render(self, message: Message) -> Rendered:
        """Return the message as a push line, a sentence and links. Pure; never fails."""
        if isinstance(message.facts, Report):
            return _with_blocks(render_report_slack(message))
        if isinstance(message.facts, Summary):
            return _with_blocks(render_summary_slack(message))
        try:
            return _render(message)
        except Exception:  # the edge of rendering: whatever data did, people must be told
            logger.exception("message %s does not render; it goes out as plain facts", message.key)
            told = plain(message)
            return Rendered(told.line, _body(told.body["text"]))

    async def send(self, message: Message, rendered: Rendered) -> Receipt:
        """Post the message; an edit is no message, and what it would say was told below.

        Raises:
            DeliveryError: It did not, or may not, have arrived.
        """
        if message.part is Part.EDIT:
            return Receipt(dict(message.remote))
        await self._post(rendered.body)
        return Receipt()

    async def _post(self, body: Mapping[str, Any]) -> None:
        answer = await self._poster.post(json.dumps(body).encode())
        if answer.status == 200 and answer.said.strip() == b"ok":
            return
        code = answer.said.decode("ascii", "replace").strip()
        meaning = refused(answer.status, code if _CODE.fullmatch(code) else None, answer.headers)
        is_final = 400 <= answer.status < 500 and answer.status != 429
        raise DeliveryError(str(meaning), permanent=True) if is_final else meaning

    async def look_up(self, message: Message) -> Receipt | None:  # noqa: ARG002
        """Return None: a webhook cannot be asked."""
        return None

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()


def _render(message: Message) -> Rendered:
    facts = tidy(message.incident)
    line = render_line(facts)
    lead = slack_text(cut(tell(facts).lead, _LEAD_MAX))
    links = {
        "Take": f"{facts.url}/take" if facts.url and _waits_for_somebody(facts) else "",
        "Open": facts.url,
        "Runbook": safe_url(facts.runbook),
    }
    if facts.event is Event.TEST:
        links = {"Open": facts.url}
    linked = " · ".join(f"<{slack_escape(url)}|{name}>" for name, url in links.items() if url)
    told = "\n".join(filter(None, (_addressed(message, slack_text(line)), lead, linked)))
    return Rendered(line, _body(told))


def _waits_for_somebody(facts: Facts) -> bool:
    return facts.state == "open" or facts.event is Event.OFFERED


def _addressed(message: Message, line: str) -> str:
    """Return the line with the name of whom it is to reach, if that is a person."""
    is_member = _MEMBER.fullmatch(message.address)
    return f"<{message.address}> {line}" if is_member else line


def _with_blocks(rendered: Rendered) -> Rendered:
    return Rendered(rendered.line, _body(rendered.body["text"], rendered.body["blocks"]))


def _body(text: str, blocks: Sequence[Block] = ()) -> dict[str, Any]:
    body: dict[str, Any] = {"text": text, "unfurl_links": False, "unfurl_media": False}
    return body | ({"blocks": blocks} if blocks else {})
