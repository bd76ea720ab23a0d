"""How the weekly summary looks in Slack, where a reader's mail could not be delivered. Pure."""

import logging

from notifiers.base import Message, Rendered
from notifiers.clean import cut, one_line, slack_escape, slack_text
from notifiers.slack_blocks import body_of
from notifiers.slack_parts import Block, mrkdwn_section
from notifiers.summary import Summary
from notifiers.summary_sections import decisions, page
from notifiers.summary_words import GLYPH, cards, line, opening, subject, tidy_summary

logger = logging.getLogger(__name__)


def render_summary_slack(message: Message) -> Rendered:
    """Return the week's one message: at most 4 blocks. If data breaks its looks, the week's name."""
    assert isinstance(message.facts, Summary)
    try:
        summary = tidy_summary(message.facts)
        told, blocks = line(summary), _blocks(summary)
    except Exception:  # the edge of rendering: whatever data did, people must be told
        logger.exception("summary %s does not render; its name goes out alone", message.key)
        told, blocks = cut(f"{GLYPH} {one_line(message.facts.title)}", 80), []
    return Rendered(told, body_of(message, slack_text(told), blocks))


def _blocks(summary: Summary) -> list[Block]:
    said = f"{GLYPH} {slack_text(subject(summary))}"
    url = slack_escape(f"{summary.url}{page(summary)}") if summary.url else ""
    figures = (f"{slack_text(one.label)} *{slack_text(one.value)}*" for one in cards(summary))
    asked = [f"• {slack_text(one.head)}: {slack_text(one.detail)}" for one in decisions(summary)]
    texts = [
        f"*<{url}|{said}>*" if url else f"*{said}*",
        slack_text(opening(summary)),
        " · ".join(figures),
        "\n".join(["*Please decide*", *asked]) if asked else "",
    ]
    return [mrkdwn_section(one) for one in texts if one]
