"""How a report looks in Slack: pure, and within Slack's limits for any data."""

import logging
from collections.abc import Iterator

from notifiers.base import Message, Rendered, Report, ReportPart
from notifiers.clean import cut, one_line, slack_escape, slack_text
from notifiers.report import (
    asked_when,
    glyph,
    report_line,
    tidy_report,
    trouble_of,
)
from notifiers.slack_blocks import body_of
from notifiers.slack_parts import Block, mrkdwn_section, plain_text

_SECTIONS_MAX = 3
_SECTION_MAX = 2800
_ROW_MAX = 120

logger = logging.getLogger(__name__)


def render_report_slack(message: Message) -> Rendered:
    """Return the report's one message: at most 5 blocks. If data breaks its looks, its push line."""
    assert isinstance(message.facts, Report)
    try:
        report = tidy_report(message.facts)
        line, blocks = report_line(report), _blocks(report)
    except Exception:  # the edge of rendering: whatever data did, people must be told
        logger.exception("report %s does not render; its line goes out alone", message.key)
        line, blocks = cut(_plain(message.facts), 80), []
    return Rendered(line, body_of(message, slack_text(line), blocks))


def _plain(report: Report) -> str:
    return f"{glyph(report)} {one_line(report.word)} {one_line(report.title)}"


def _blocks(report: Report) -> list[Block]:
    told = f"{glyph(report)} {slack_text(report.word)} · {slack_text(report.title)}"
    headline = f"*<{slack_escape(report.url)}|{told}>*" if report.url else f"*{told}*"
    if report.fact:
        headline += f"\n{slack_text(report.fact)}"
    whose = f" · team {report.team}" if report.team else ""
    context = cut(f"{asked_when(report)} · {report.name}{whose}", 200)
    return [
        mrkdwn_section(headline),
        *map(mrkdwn_section, _sections(report)),
        {"type": "context", "elements": [plain_text(context)]},
    ]


def _sections(report: Report) -> list[str]:
    """Return the parts in as few texts as hold them; what fits into none is counted at the end."""
    texts: list[str] = []
    left_out = 0
    for part in report.parts:
        gap = "\n\n"
        for line in _lines(part):
            if texts and not left_out and len(texts[-1]) + len(gap) + len(line) <= _SECTION_MAX:
                texts[-1] += gap + line
            elif len(texts) < _SECTIONS_MAX:
                texts.append(line)
            else:
                left_out += 1
            gap = "\n"
    if left_out:
        texts[-1] += f"\n… and {left_out} more lines: see the mail"
    return texts


def _lines(part: ReportPart) -> Iterator[str]:
    """Yield a part line by line, its title first; escaped."""
    columns = f" ({slack_text(', '.join(part.columns))})" if part.rows else ""
    yield f"*{slack_text(part.title)}*{columns}"
    if part.trouble:
        yield slack_text(trouble_of(part))
    if part.figures:
        yield " · ".join(
            f"{slack_text(label)} *{slack_text(value)}*" for label, value in part.figures
        )
    for row in part.rows:
        yield "• " + slack_text(cut(" · ".join(row), _ROW_MAX))
    if part.is_cut:
        yield "… and more"
    if not (part.trouble or part.figures or part.rows):
        yield "None."
