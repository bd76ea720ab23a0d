"""What the mail of the weekly summary says: subject, headers, text part and HTML part. Pure."""

import base64
import logging
import textwrap
from collections.abc import Iterator
from typing import Any

from notifiers.base import Message, Rendered
from notifiers.clean import cut, header_text, one_line
from notifiers.mail_text import COLUMNS, envelope, template, wrapped
from notifiers.summary import Summary
from notifiers.summary_chart import png, svg
from notifiers.summary_sections import (
    ROWS_MAX,
    Bar,
    Section,
    bars,
    page,
    sections_above,
    sections_below,
)
from notifiers.summary_words import (
    DEFINITIONS,
    Card,
    cards,
    line,
    opening,
    preheader,
    subject,
    tidy_summary,
    when,
)

CHART = "days"
"""Content id of the one picture."""

_BAR_COLUMNS = 40
_LABEL_COLUMNS = 26
_CELL_COLUMNS = 14

logger = logging.getLogger(__name__)


def render_summary_mail(message: Message, sender: str, domain: str) -> Rendered:
    """Return the mail: `subject`, `text`, `html`, and `headers` by name.

    If anything about the data breaks it, the mail says so under the week's name.

    Args:
        sender: The address it comes from, as configured.
        domain: Right side of message ids and list ids.
    """
    assert isinstance(message.facts, Summary)
    headers = _headers(message, message.facts, sender, domain)
    try:
        summary = tidy_summary(message.facts)
        stop = stop_link(summary, message.stop)
        picture = chart(summary)
        told = {
            "subject": subject(summary),
            "text": text_part(summary, stop),
            "html": html_part(summary, stop, f"cid:{CHART}" if picture else ""),
            "images": {CHART: picture} if picture else {},
        }
        return Rendered(line(summary), told | {"headers": headers})
    except Exception:  # the edge of rendering: whatever data did, people must be told
        logger.exception("summary %s does not render; its name goes out alone", message.key)
        title = header_text(message.facts.title, 120) or "The week"
        told = {"subject": title, "text": f"{title}: cannot be shown.\n", "html": ""}
        return Rendered(cut(f"❗ {one_line(title)}", 80), told | {"headers": headers})


def stop_link(summary: Summary, token: str) -> str:
    """Return where this reader stops these mails; empty where no public address is configured."""
    return f"{summary.url}/u/{token}" if summary.url and token else ""


def _headers(message: Message, summary: Summary, sender: str, domain: str) -> dict[str, str]:
    named = envelope(message, summary, "reports", sender, domain) | {
        "List-Id": f"the week <weekly.{domain}>",
        "X-Watchdog-Report": header_text(summary.report, 60),
        "X-Watchdog-Reason": "report",
    }
    link = stop_link(tidy_summary(summary), message.stop)
    if link.startswith("https://"):  # RFC 8058 knows no other
        named |= {
            "List-Unsubscribe": f"<{link}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    return named


def because(summary: Summary) -> str:
    """Return why this recipient gets it."""
    return f"You get this every week because `{summary.report}` under `reports:` goes to you."


def text_part(summary: Summary, stop: str = "") -> str:
    """Return the mail as plain text, 76 columns wide; only links may be longer."""
    return "\n\n".join(_paragraphs(summary, stop)) + "\n"


def _paragraphs(summary: Summary, stop: str) -> Iterator[str]:
    yield f"{cut(summary.title, COLUMNS).upper()}\n{wrapped(when(summary))}"
    yield wrapped(opening(summary))
    yield "\n".join(
        cut(f"{one.label:{_LABEL_COLUMNS}}{one.value:>12}   {one.change}", COLUMNS)
        for one in cards(summary)
    )
    for section in sections_above(summary):
        yield "\n".join(_section(section, summary.url))
    if summary.counted.incidents:
        yield "\n".join(["BY DAY", *map(_bar, bars(summary)), "(# by day, = at night)"])
    for section in sections_below(summary):
        yield "\n".join(_section(section, summary.url))
    yield "\n".join(["WHAT THE FIGURES MEAN", *map(wrapped, DEFINITIONS)])
    if summary.url:
        yield f"The whole week: {summary.url}{page(summary)}"
    stops = f"\nStop these mails: {stop}" if stop else ""
    yield f"{wrapped(because(summary))}{stops}"


def _section(section: Section, url: str) -> Iterator[str]:
    yield _row(section.title.upper(), section.columns[1:])
    for one in section.lines:
        yield _row(one.head, one.cells)
        if one.detail:
            yield textwrap.fill(one.detail, COLUMNS, initial_indent="  ", subsequent_indent="  ")
    if section.note:
        yield wrapped(section.note)
    if section.more:
        yield f"and {section.more} more" + (f": {url}{section.path}" if url else "")


def _row(head: str, cells: tuple[str, ...]) -> str:
    """Return what it is at the left, in further lines where it is long, and the cells at the right."""
    right = "".join(f"{cut(one, _CELL_COLUMNS):>{_CELL_COLUMNS + 1}}" for one in cells)
    first, *further = textwrap.wrap(head, COLUMNS - len(right)) or [""]
    return "\n".join([f"{first:{COLUMNS - len(right)}}{right}".rstrip(), *further])


def _bar(bar: Bar) -> str:
    by_day, by_night = (round(one * _BAR_COLUMNS / 100) for one in (bar.by_day, bar.by_night))
    drawn = f"{'#' * by_day}{'=' * by_night}"
    return f"{bar.day}  {drawn}{' ' if drawn else ''}{bar.words}"


def chart(summary: Summary) -> str:
    """Return the picture of the days as PNG in base64; empty without incidents, or the extra `chart`."""
    if not summary.counted.incidents:
        return ""
    return base64.b64encode(png(svg(summary.days))).decode()


def html_part(summary: Summary, stop: str = "", picture: str = "") -> str:
    """Return the mail as HTML: the same parts in the same order, nothing from outside.

    Args:
        picture: Where the picture of the days is; without it they are bars of table cells.
    """
    return _html(
        summary,
        ROWS_MAX,
        stop=stop,
        has_links=bool(summary.url),
        base=summary.url,
        picture=picture,
    )


def html_page(summary: Summary, rows_max: int) -> str:
    """Return the same as a page of ours, with more rows, and links that hang on no address."""
    return _html(tidy_summary(summary), rows_max, is_page=True, has_links=True, base="")


def _html(summary: Summary, rows_max: int, *, is_page: bool = False, **facts: Any) -> str:
    return template("summary.html.j2").render(
        summary=summary,
        is_page=is_page,
        subject=subject(summary),
        preheader=preheader(summary),
        when=when(summary),
        opening=opening(summary),
        rows_of_cards=_in_pairs(cards(summary)),
        above=sections_above(summary, rows_max),
        bars=bars(summary) if summary.counted.incidents else (),
        below=sections_below(summary, rows_max),
        definitions=DEFINITIONS,
        page=page(summary),
        because=because(summary),
        **{"stop": "", "picture": ""} | facts,
    )


def _in_pairs(all_cards: tuple[Card, ...]) -> list[tuple[Card, ...]]:
    return [all_cards[at : at + 2] for at in range(0, len(all_cards), 2)]
