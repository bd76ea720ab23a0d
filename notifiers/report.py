"""A report made fit to be shown, its push line, and what of it the receivers share."""

from dataclasses import replace
from datetime import UTC, timedelta

from notifiers.base import Report, ReportPart
from notifiers.clean import cut, one_line, safe_url
from notifiers.line import LINE_MAX, TITLE_MAX
from notifiers.times import day_word, time_of_day, zone_word

PARTS_MAX = 6
FIGURES_MAX = 12
ROWS_MAX = 20
COLUMNS_MAX = 6
LABEL_MAX = 40
CELL_MAX = 60
NOTHING = "–"
"""Stands for an empty cell."""

WORD, ON_CALL = "REPORT", "ON CALL"
_GLYPHS = {ON_CALL: "🗓"}
_GLYPH = "📋"
_LATE = timedelta(minutes=10)


def tidy_report(report: Report) -> Report:
    """Return the report with all texts on one line and bounded, and its instants aware.

    Renderers work on tidy reports only. Tidying twice changes nothing.
    """
    return replace(
        report,
        name=_short(report.name, 80),
        title=_short(report.title, 120) or _short(report.name, 80) or "Report",
        team=_short(report.team, 60),
        at=report.at if report.at.tzinfo else report.at.replace(tzinfo=UTC),
        due_at=report.due_at if report.due_at.tzinfo else report.due_at.replace(tzinfo=UTC),
        parts=tuple(map(_tidy_part, report.parts[:PARTS_MAX])),
        zone=_short(report.zone, 60),
        url=safe_url(report.url),
        word=_short(report.word, 20) or WORD,
        fact=_short(report.fact, 200),
    )


def _tidy_part(part: ReportPart) -> ReportPart:
    columns = tuple(_short(one, LABEL_MAX) for one in part.columns[:COLUMNS_MAX])
    rows = part.rows[:ROWS_MAX]
    return replace(
        part,
        title=_short(part.title, LABEL_MAX * 2),
        figures=tuple(
            (_short(label, LABEL_MAX), _cell(value)) for label, value in part.figures[:FIGURES_MAX]
        ),
        columns=columns,
        rows=tuple(tuple(map(_cell, row[: len(columns)])) for row in rows),
        is_cut=part.is_cut or len(part.rows) > ROWS_MAX,
        trouble=_short(part.trouble, 200),
    )


def _short(text: object, length_max: int) -> str:
    return cut(one_line(text), length_max)


def _cell(value: object) -> str:
    return _short(value, CELL_MAX) or NOTHING


def label(column: str) -> str:
    """Return what people read for the name of a column; one with capitals or spaces stays."""
    if not column.islower() or " " in column:
        return column
    return column.replace("_", " ").capitalize()


def glyph(report: Report) -> str:
    """Return the sign before a report's word."""
    return _GLYPHS.get(report.word, _GLYPH)


def report_line(report: Report) -> str:
    """Return the push line of a tidy report: `📋 REPORT {title}: {fact}`, at most 80 code points."""
    fact = said_first(report)
    told = f"{glyph(report)} {report.word} {cut(report.title, TITLE_MAX)}"
    return cut(f"{told}: {fact}" if fact else told, LINE_MAX)


def said_first(report: Report) -> str:
    """Return what matters most of a tidy report."""
    if report.fact:
        return report.fact
    lost = sum(bool(part.trouble) for part in report.parts)
    if lost:
        return f"{lost} of {len(report.parts)} parts could not be asked"
    first = next((part.figures for part in report.parts if part.figures), ())
    return ", ".join(f"{label[:1].lower()}{label[1:]} {value}" for label, value in first)


def asked_when(report: Report) -> str:
    """Return when a tidy report was made, and that it is late if it is."""
    zone = report.zone
    made = f"{day_word(report.at, zone)}, {time_of_day(report.at, zone, report.at)}"
    if report.at - report.due_at > _LATE:
        due = time_of_day(report.due_at, zone, report.at)
        return f"{made} {zone_word(zone)}; it was due {due}"
    return f"{made} {zone_word(zone)}"


def trouble_of(part: ReportPart) -> str:
    """Return the sentence about a part that could not be asked."""
    return f"Could not be asked: {part.trouble}"
