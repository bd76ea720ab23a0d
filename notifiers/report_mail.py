"""What the mail of a report says: subject, headers, text part and HTML part. Pure."""

import logging
from collections.abc import Iterator, Sequence

from notifiers.base import Message, Rendered, Report, ReportPart
from notifiers.clean import cut, header_text, one_line
from notifiers.mail_text import COLUMNS, envelope, template, wrapped
from notifiers.report import (
    ON_CALL,
    asked_when,
    report_line,
    said_first,
    tidy_report,
    trouble_of,
)

_GAP = 2
_COLUMN_MIN = 6

logger = logging.getLogger(__name__)


def render_report_mail(message: Message, sender: str, domain: str) -> Rendered:
    """Return the mail: `subject`, `text`, `html`, and `headers` by name.

    If anything about the data breaks it, the mail says so under the report's title.

    Args:
        sender: The address it comes from, as configured.
        domain: Right side of message ids and list ids.
    """
    assert isinstance(message.facts, Report)
    headers = _headers(message, message.facts, sender, domain)
    try:
        report = tidy_report(message.facts)
        told = {"subject": subject(report), "text": text_part(report), "html": html_part(report)}
        return Rendered(report_line(report), told | {"headers": headers})
    except Exception:  # the edge of rendering: whatever data did, people must be told
        logger.exception("report %s does not render; its title goes out alone", message.key)
        word, title = header_text(message.facts.word, 20), header_text(message.facts.title, 120)
        told = {"subject": f"[{word}] {title}", "text": f"{title}: cannot be shown.\n", "html": ""}
        return Rendered(cut(f"❗ {word} {one_line(title)}", 80), told | {"headers": headers})


def _headers(message: Message, report: Report, sender: str, domain: str) -> dict[str, str]:
    return envelope(message, report, "reports", sender, domain) | {
        "X-Watchdog-Report": header_text(report.name, 60),
        "X-Watchdog-Reason": "report",
    }


def subject(report: Report) -> str:
    """Return the subject of a tidy report: it says the result."""
    fact = said_first(report)
    told = f"{report.title}: {fact}" if fact else report.title
    return f"[{report.word}] {header_text(told, 120)}"


def because(report: Report) -> str:
    """Return why this recipient gets it."""
    if report.word == ON_CALL:
        return f"You get this because you are on call for team {report.team}."
    if not report.team:
        return f"You get this because `{report.name}` under `reports:` goes to you."
    return f"You get this report because it goes to team {report.team}."


def text_part(report: Report) -> str:
    """Return the mail as plain text, 76 columns wide; only links may be longer."""
    return "\n\n".join(_paragraphs(report)) + "\n"


def _paragraphs(report: Report) -> Iterator[str]:
    yield f"{wrapped(f'{report.word}: {report.title}')}\n{wrapped(asked_when(report))}"
    if report.fact:
        yield wrapped(report.fact)
    for part in report.parts:
        yield "\n".join([wrapped(part.title), *_lines(part)])
    if report.url:
        yield f"Open it: {report.url}"
    yield wrapped(f"{report.name} · {because(report)}")


def _lines(part: ReportPart) -> Iterator[str]:
    if part.trouble:
        yield wrapped(trouble_of(part))
    elif part.columns:
        yield from _table(part)
    elif part.figures:
        width = min(max(len(label) for label, _ in part.figures), COLUMNS // 2)
        yield from (f"  {cut(label, width):{width}}  {cut(v, 30)}" for label, v in part.figures)
    else:
        yield "  None."


def _table(part: ReportPart) -> Iterator[str]:
    if not part.rows:
        yield "  None."
        return
    header = [one.upper() for one in part.columns]
    widths = _widths([header, *part.rows])
    for row in (header, *part.rows):
        cells = (f"{cut(cell, width):{width}}" for cell, width in zip(row, widths, strict=True))
        yield f"  {(' ' * _GAP).join(cells)}".rstrip()
    if part.is_cut:
        yield "  … and more"


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the width of each column; the widest give way until a row fits."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = COLUMNS - _GAP * len(widths)
    while sum(widths) > room and max(widths) > _COLUMN_MIN:
        widths[widths.index(max(widths))] -= 1
    return widths


def html_part(report: Report) -> str:
    """Return the mail as HTML: the same parts in the same order, nothing from outside."""
    return template("report.html.j2").render(
        report=report,
        when=asked_when(report),
        preheader=f"{said_first(report)}. {asked_when(report)}.",
        because=because(report),
        trouble_of=trouble_of,
    )
