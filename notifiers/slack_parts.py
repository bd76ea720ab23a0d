"""Pieces that everything in Slack is made of."""

from collections.abc import Mapping
from typing import Any

from notifiers.clean import cut

SECTION_MAX = 3000
"""Characters of a text, by Slack's own limit."""

Block = dict[str, Any]


def mrkdwn(text: str) -> Block:
    """Return a text in Slack's markup, so data in it must have been escaped."""
    # verbatim: Slack must not look for links and names in the text by itself.
    return {"type": "mrkdwn", "text": cut(text, SECTION_MAX), "verbatim": True}


def mrkdwn_section(text: str) -> Block:
    """Return a section; the text is mrkdwn, so data in it must have been escaped."""
    return {"type": "section", "text": mrkdwn(text)}


def plain_text(text: str) -> Block:
    """Return a text in which nothing can come alive."""
    return {"type": "plain_text", "text": text, "emoji": False}


def mapping(value: object) -> Mapping[str, Any]:
    """Return what Slack has sent, if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}
