"""How a message looks in Slack: pure, and within Slack's limits for any facts."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from notifiers.base import Facts, Message, Part, Rendered
from notifiers.clean import cut, fair_cuts, one_line, safe_url, slack_escape, slack_text, tidy
from notifiers.line import render_line
from notifiers.pushing import is_broadcast
from notifiers.slack_buttons import elements_of
from notifiers.slack_parts import TIME_MAX, Block, instant, mrkdwn, mrkdwn_section, plain_text
from notifiers.story import tell
from notifiers.telling import Row, Story
from notifiers.thread_line import below

EVENT_TYPE = "watchdog_notification"
"""Type of the metadata that each message carries; its payload is the notification's key."""

VISIBLE_MAX = 475
"""Characters that a reader sees of a message, at most; a thread line may be a little longer."""

_TITLE_MAX = 60
_ROW_MAX = 44
_CONTEXT_MAX = 80
_BELOW_MAX = 600

logger = logging.getLogger(__name__)


def render_slack(message: Message, *, has_buttons: bool = False) -> Rendered:
    """Return the message with the arguments of `chat.postMessage` and `chat.update`, without a channel.

    At most 5 blocks and 475 visible characters. If anything about the facts breaks the layout, the
    body is the facts as plain text: a message is never lost to its looks.

    Args:
        has_buttons: Somebody listens to what is pressed; without, there are links only.
    """
    try:
        return _render(message, has_buttons)
    except Exception:  # the edge of rendering: whatever data did, people must be told
        logger.exception("message %s does not render; it goes out as plain facts", message.key)
        return plain(message)


def _render(message: Message, has_buttons: bool) -> Rendered:
    facts = tidy(message.incident)
    line = render_line(facts)
    if message.part is Part.THREAD:
        blocks = [mrkdwn_section(slack_text(cut(below(facts), _BELOW_MAX)))]
    else:
        elements = elements_of(facts, message.number, has_buttons=has_buttons)
        blocks = _blocks(facts, tell(facts), elements)
    return Rendered(line, body_of(message, slack_text(line), blocks))


def plain(message: Message) -> Rendered:
    """Return the message without any layout: what cannot be drawn is still told."""
    facts = message.incident
    told = " · ".join(one_line(part) for part in (facts.title, facts.fact, facts.owner) if part)
    line = cut(f"❗ {facts.event.value.upper()} {told} · #{facts.id}", 80)
    return Rendered(line, body_of(message, slack_text(line), []))


def body_of(message: Message, text: str, blocks: list[Block]) -> dict[str, Any]:
    """Return the arguments of a post with this push line and these blocks."""
    body: dict[str, Any] = {
        "text": text,
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
        "parse": "none",
        "link_names": False,
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": message.key}},
    }
    if message.part is Part.THREAD and is_broadcast(message.incident, message.address):
        body["reply_broadcast"] = True
    return body


def _blocks(facts: Facts, story: Story, elements: Sequence[Block]) -> list[Block]:
    free = [story.lead, story.quote, *(row.text for row in story.guide)]
    lead, quote, *guide = fair_cuts(free, _room(story, elements))
    said = [_headline(facts, story), slack_text(lead)]
    if quote:
        said.append("&gt; " + slack_text(quote))
    blocks = [mrkdwn_section("\n".join(one for one in said if one))]
    if story.who:
        blocks.append({"type": "section", "fields": [_field(row, facts) for row in story.who]})
    if guide:
        rows = zip(story.guide, guide, strict=True)
        told = [f"*{row.label}* {slack_text(text)}" for row, text in rows]
        blocks.append(mrkdwn_section("\n".join(told)))
    if elements:
        blocks.append({"type": "actions", "elements": list(elements)})
    if story.facts_line:
        blocks.append({"type": "context", "elements": [plain_text(_context(story))]})
    return blocks


def _room(story: Story, elements: Sequence[Block]) -> int:
    """Return how many characters are left for the free texts beside all that is short anyway."""
    who = sum(len(row.label) + min(len(row.text), _ROW_MAX) + TIME_MAX for row in story.who)
    labels = sum(len(row.label) + len("** ") for row in story.guide)
    headline = len(story.word) + min(len(story.title), _TITLE_MAX)
    buttons = sum(len(one["text"]["text"]) for one in elements if "text" in one)
    frame = len("** · **") + 2 * len("\n> ") + buttons
    return VISIBLE_MAX - who - labels - headline - frame - len(_context(story)) - 16


def _context(story: Story) -> str:
    return cut(" · ".join(cut(one, 24) for one in story.facts_line), _CONTEXT_MAX)


def _headline(facts: Facts, story: Story) -> str:
    title = slack_text(cut(story.title, _TITLE_MAX))
    text = f"{story.glyph} {slack_text(story.word)} · {title}"
    return f"*<{slack_escape(facts.url)}|{text}>*" if facts.url else f"*{text}*"


def _field(row: Row, facts: Facts) -> Block:
    text = slack_text(cut(row.text, _ROW_MAX))
    time = f" {instant(row.at, facts.zone, facts.at)}" if row.at else ""
    return mrkdwn(f"*{row.label}*\n{text}{time}")


def shorter(body: Mapping[str, Any], message: Message, times: int) -> dict[str, Any]:
    """Return the body with less in it, after Slack refused its layout or length.

    Args:
        times: 1: the push line without blocks. 2: a stub that names the incident and nothing else.
    """
    facts = message.facts
    less = dict(body) | {"blocks": []}
    if times >= 2:
        what = f"Incident {facts.id}" if isinstance(facts, Facts) else "Report"
        stub = f"{what}: its message could not be shown here."
        less["text"] = f"{stub} {slack_escape(safe_url(facts.url))}".strip()
    return less
