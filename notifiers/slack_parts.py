"""Pieces that everything in Slack is made of."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from notifiers.clean import cut, slack_text
from notifiers.times import time_of_day, zone_word

SECTION_MAX = 3000
"""Characters of a text, by Slack's own limit."""

_SHORT_TEXT_MAX = 200

TIME_MAX = 24
"""Characters that a reader sees of an instant, at most."""

Block = dict[str, Any]


def mrkdwn(text: str) -> Block:
    """Return a text in Slack's markup, so data in it must have been escaped."""
    # verbatim: Slack must not look for links and names in the text by itself.
    return {"type": "mrkdwn", "text": cut(text, SECTION_MAX), "verbatim": True}


def mrkdwn_section(text: str) -> Block:
    """Return a section; the text is mrkdwn, so data in it must have been escaped."""
    return {"type": "section", "text": mrkdwn(text)}


def sections(lines: Iterable[str]) -> list[Block]:
    """Return lines of mrkdwn in as few sections as they fit; none is longer than a section."""
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + 1 + len(line) <= SECTION_MAX:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line)
    return [mrkdwn_section(text) for text in packed]


def plain_text(text: str) -> Block:
    """Return a text in which nothing can come alive."""
    return {"type": "plain_text", "text": text, "emoji": False}


def instant(at: datetime, zone: str, now: datetime) -> str:
    """Return an instant in mrkdwn, so that each reader sees it in their own zone.

    Args:
        zone: For a reader whose client does not show it so.
    """
    plainly = cut(f"{time_of_day(at, zone, now)} {zone_word(zone)}", TIME_MAX - 5)
    if at.timestamp() < 0:
        return slack_text(plainly)  # Slack counts from 1970
    is_today = abs(at - now).total_seconds() < 12 * 3600
    shape = "{time}" if is_today else "{date_short_pretty} {time}"
    return f"<!date^{int(at.timestamp())}^{shape}|{slack_text(plainly)}>"


def mapping(value: object) -> Mapping[str, Any]:
    """Return what Slack has sent, if it is an object; else an empty one."""
    return value if isinstance(value, dict) else {}


def short_text(told: Mapping[str, Any], name: str) -> str:
    """Return a short text that Slack has sent; empty for what is none."""
    value = told.get(name)
    return value if isinstance(value, str) and len(value) <= _SHORT_TEXT_MAX else ""
