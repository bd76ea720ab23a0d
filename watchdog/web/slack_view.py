"""Slack's markup as HTML, near enough to see a message as its reader would.

Only what our own notifier writes is known; everything else is shown as the characters it is. Each piece
is escaped by itself, so nothing in a message can become markup of ours.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape

from markupsafe import Markup, escape

from notifiers.clean import one_line, safe_url

_ANGLE = re.compile(r"<([^<>]*)>")
_BOLD = re.compile(r"\*([^*\n]+)\*")
_SECONDS = re.compile(r"[0-9]{1,12}")
_LATEST = 253_402_300_799


def mrkdwn(text: str) -> Markup:
    """Return Slack's `mrkdwn` text as HTML: bold, links, dates, quotes, line breaks."""
    return Markup("<br>").join(_line(line) for line in text.split("\n"))


def _line(line: str) -> Markup:
    if line.startswith("&gt;"):
        return Markup("<q>{}</q>").format(_bold(line.removeprefix("&gt;").strip()))
    return _bold(line)


def _bold(text: str) -> Markup:
    return _split(_BOLD, text, lambda found: Markup("<b>{}</b>").format(_angles(found[1])), _angles)


def _angles(text: str) -> Markup:
    return _split(_ANGLE, text, lambda found: _angle(found[1]), _text)


def _split(
    pattern: re.Pattern[str],
    text: str,
    inside: Callable[[re.Match[str]], Markup],
    outside: Callable[[str], Markup],
) -> Markup:
    pieces, end = [], 0
    for found in pattern.finditer(text):
        pieces += [outside(text[end : found.start()]), inside(found)]
        end = found.end()
    return Markup("").join([*pieces, outside(text[end:])])


def _angle(inner: str) -> Markup:
    target, _, words = inner.partition("|")
    if target.startswith("!date^"):
        return _date(target, words)
    url = safe_url(unescape(target))
    if not url:
        return _text(words or target)
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, _text(words or target))


def _date(target: str, words: str) -> Markup:
    _, seconds, *_ = target.split("^")
    if not _SECONDS.fullmatch(seconds) or int(seconds) > _LATEST:
        return _text(words)
    instant = datetime.fromtimestamp(int(seconds), UTC)
    return Markup('<time class="at" datetime="{}">{}</time>').format(
        instant.isoformat(), _text(words)
    )


def _text(text: str) -> Markup:
    """Return text whose three control characters Slack wants as entities."""
    plain = unescape(text)
    padded = one_line(f".{plain}.")[1:-1]  # spaces at the ends part words from what is beside them
    return escape(padded)
