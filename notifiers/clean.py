"""Text that came from data, made fit to be shown: one line, bounded, and without powers of its own."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from notifiers.base import Facts

READ_MAX = 20_000
"""Code points looked at; whatever comes after cannot be shown anyway."""

_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
# Marks that turn the direction of what follows, take no room, or cannot be encoded: with them data could
# make a line read otherwise than it is stored. Joiners stay: emoji and Persian need them.
_UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Joiner, variation selectors, combining marks of common scripts, skin tones: never first in a piece.
_EXTENDS = re.compile("[\u200d\ufe00-\ufe0f\u0300-\u036f\u20d0-\u20f0\U0001f3fb-\U0001f3ff]")
_FLAG_LETTER = re.compile("[\U0001f1e6-\U0001f1ff]")
_CLUSTER_MAX = 16


def one_line(text: object) -> str:
    """Return the text on one line: fit for a terminal, a log, a title.

    Line breaks, control characters and escape sequences' first byte become spaces; marks that
    override the direction of writing, invisible characters and lone surrogates are dropped.
    """
    shown = _UNSEEN.sub("", str(text)[:READ_MAX])
    return _BREAKS.sub(" ", shown).strip()


def cut(text: str, length_max: int) -> str:
    """Return the text in at most `length_max` code points, ending in `…` if something is missing.

    Code points are the strictest count that all receivers agree on: what a reader sees as one
    character is one or more of them. Such a character is not torn apart, unless it is longer than 16.
    """
    if len(text) <= length_max:
        return text
    if length_max <= 1:
        return "…"[:length_max]
    end = length_max - 1
    for shorter in range(end, max(0, end - _CLUSTER_MAX), -1):
        if _is_between_characters(text, shorter):
            end = shorter
            break
    return text[:end].rstrip() + "…"


def _is_between_characters(text: str, at: int) -> bool:
    if _EXTENDS.match(text[at]) or text[at - 1] == "\u200d":
        return False
    flags = 0
    while flags < at and _FLAG_LETTER.match(text[at - 1 - flags]):
        flags += 1
    return not (_FLAG_LETTER.match(text[at]) and flags % 2)


def fair_cuts(texts: Sequence[str], room: int) -> list[str]:
    """Return the texts cut so that together they fit the room; short ones stay whole.

    Each gets the same share; what a short one leaves over goes to the longer ones.
    """
    cuts = list(texts)
    shortest_first = sorted(range(len(cuts)), key=lambda number: len(cuts[number]))
    for done, number in enumerate(shortest_first):
        cuts[number] = cut(cuts[number], room // (len(cuts) - done))
        room -= len(cuts[number])
    return cuts


# Slack formats by these; the stand-ins look alike and do nothing.
_STAND_INS = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_LOOSE_UNDERSCORE = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")
_EMOJI_CODE = re.compile(r":(?=[a-z0-9_+'-]+:)")
_NO_BREAK = "\u2060"


def slack_text(data: object) -> str:
    """Return data for Slack's mrkdwn: no mention, link, format, emoji code or quote comes alive.

    `&`, `<` and `>` become entities, formatting characters look-alikes. An underscore inside a word
    formats nothing and stays, so that `sync_runs` can be copied. An invisible word joiner keeps
    clients from making links and emoji of `https://…` and `:name:`.
    """
    text = one_line(data).translate(_STAND_INS)
    text = _LOOSE_UNDERSCORE.sub(lambda found: "ˍ" * len(found[0]), text)
    text = _EMOJI_CODE.sub(":" + _NO_BREAK, text).replace("://", f":{_NO_BREAK}//")
    text = text.replace("@", f"@{_NO_BREAK}")
    if text.startswith(">"):
        text = "›" + text[1:]
    return slack_escape(text)


def slack_escape(text: str) -> str:
    """Return the text with Slack's three control characters as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def header_text(data: object, length_max: int) -> str:
    """Return data for a mail header: printable, on one line, bounded, and never an encoded word.

    Before 3.11.10 Python decodes an encoded word in a header's value and writes what is in it without
    a look at line ends (CVE-2024-6923), so none may be left, whatever interpreter runs.
    """
    printable = "".join(one for one in one_line(data) if one.isprintable())
    return cut(printable.replace("=?", "= ?"), length_max)


def safe_url(url: str, length_max: int = 500) -> str:
    """Return a link that is fit to be followed from a message, or an empty string.

    Only http and https, with a host and without a password; characters with a meaning in Slack's or
    HTML's markup are percent-encoded.
    """
    url = url.strip()
    if not url or len(url) > length_max or one_line(url) != url or " " in url:
        return ""
    try:
        parts = urlsplit(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or not has_port:
        return ""
    if "@" in parts.netloc or not parts.netloc.isascii():
        return ""
    encoded = quote(url, safe=":/?#[]@!$&'()+,;=%~-._")
    return encoded if len(encoded) <= length_max else ""


def tidy(facts: Facts) -> Facts:
    """Return the facts with all texts on one line and bounded, and all instants aware in UTC.

    Renderers work on tidy facts only. Tidying twice changes nothing.
    """
    return replace(
        facts,
        at=_aware(facts.at),
        state=_short(facts.state, 20),
        severity=_short(facts.severity, 20),
        title=_short(facts.title, 200) or _short(facts.rule, 80) or "Incident",
        fact=_short(facts.fact, 200),
        detail=_short(facts.detail, 500),
        rule=_short(facts.rule, 80),
        team=_short(facts.team, 60),
        owner=_short(facts.owner, 60),
        opened_at=_aware(facts.opened_at),
        actor=_short(facts.actor, 60),
        words=_short(facts.words, 500),
        failure_class=_short(facts.failure_class, 40),
        entity={
            _short(name, 40): _short(value, 80) for name, value in list(facts.entity.items())[:8]
        },
        impact=_short(facts.impact, 300),
        do_first=_short(facts.do_first, 500),
        steps=tuple(_short(one, 300) for one in facts.steps[:10]),
        runbook=_short(facts.runbook, 500),
        taken_at=_aware_or_none(facts.taken_at),
        recovered_at=_aware_or_none(facts.recovered_at),
        first_bad_at=_aware_or_none(facts.first_bad_at),
        first_good_at=_aware_or_none(facts.first_good_at),
        cause=_short(facts.cause, 300),
        cause_kind=_short(facts.cause_kind, 40),
        risk=_short(facts.risk, 300),
        prevention=_short(facts.prevention, 300),
        previous_severity=_short(facts.previous_severity, 20),
        zone=_short(facts.zone, 60),
        url=safe_url(facts.url),
        next_person=_short(facts.next_person, 60),
        next_at=_aware_or_none(facts.next_at),
        on_call_until=_aware_or_none(facts.on_call_until),
        last_cause=_short(facts.last_cause, 200),
        last_owner=_short(facts.last_owner, 60),
        last_at=_aware_or_none(facts.last_at),
    )


def _short(text: object, length_max: int) -> str:
    return cut(one_line(text), length_max)


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _aware_or_none(at: datetime | None) -> datetime | None:
    return None if at is None else _aware(at)
