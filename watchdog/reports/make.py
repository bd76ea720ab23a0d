"""From the questions of a report to what its message says, and to the figures that are kept."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

import notifiers.base as told
from notifiers.report import label
from notifiers.times import short_span, time_of_day
from rules.base import Answer, Rows, Unanswered
from rules.instants import from_column
from watchdog.config.model import Query, Report, ReportPart
from watchdog.domain.samples import Figures
from watchdog.engine.look import answer_all
from watchdog.sources.base import Source

ROWS_MAX = 20

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
"""With its offset: without one nobody knows when that is."""


async def make(
    report: Report,
    due_at: datetime,
    now: datetime,
    sources: Mapping[str, Source],
    url: str = "",
    more: Sequence[told.ReportPart] = (),
) -> told.Report:
    """Ask the questions of a report; a part that could not be asked says so.

    Args:
        more: Parts that are known, to come last.
    """
    answers = await _answers([part.query for part in report.parts], now, sources)
    zone = report.zone.key
    return told.Report(
        name=report.name,
        title=report.title,
        team=report.team,
        at=now,
        due_at=due_at,
        parts=(
            *(
                _part(part, answer, zone, now)
                for part, answer in zip(report.parts, answers, strict=True)
            ),
            *more,
        ),
        zone=zone,
        url=url,
    )


async def sample(
    report: Report, now: datetime, sources: Mapping[str, Source]
) -> tuple[dict[str, Figures], list[Unanswered]]:
    """Return the figures of now by the name of their sample, and why others could not be asked."""
    answers = await _answers([one.query for one in report.samples], now, sources)
    named = zip(report.samples, answers, strict=True)
    kept = {one.name: _numbers(answer) for one, answer in named if isinstance(answer, Rows)}
    return kept, [answer for answer in answers if isinstance(answer, Unanswered)]


async def _answers(
    queries: Sequence[Query], now: datetime, sources: Mapping[str, Source]
) -> list[Answer]:
    questions = [query.question(now, rows_max=ROWS_MAX) for query in queries]
    answers = await answer_all(questions, sources)
    return [answers[question] for question in questions]


def _numbers(answer: Rows) -> Figures:
    first = answer.rows[0] if answer.rows else {}
    return {name: _number(value) for name, value in dict(first).items()}


def _number(value: object) -> float | None:
    """Return a number as JSON can hold it; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = value if isinstance(value, int) else float(value)
    return number if isfinite(number) else None


def _part(part: ReportPart, answer: Answer, zone: str, now: datetime) -> told.ReportPart:
    if isinstance(answer, Unanswered):
        return told.ReportPart(part.title, trouble=answer.reason)
    assert isinstance(answer, Rows)
    rows = [dict(row) for row in answer.rows[:ROWS_MAX]]
    columns = tuple(map(label, rows[0])) if rows else ()
    cells = [tuple(said(value, zone, now) for value in row.values()) for row in rows]
    if part.is_table:
        return told.ReportPart(
            part.title, columns=columns, rows=tuple(cells), is_cut=answer.truncated
        )
    figures = tuple(zip(columns, cells[0], strict=True)) if cells else ()
    return told.ReportPart(part.title, figures=figures)


def said(value: Any, zone: str, now: datetime) -> str:
    """Return a value of a database as people read it: numbers with one decimal, times in the zone.

    A text that is a whole instant, as SQLite holds them, is read as one.
    """
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        value = from_column(value, zone="UTC", unit="") or value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | Decimal):
        return f"{value:z.1f}".removesuffix(".0")  # z: what rounds to nothing has no minus
    if isinstance(value, datetime) and value.tzinfo is not None:
        return time_of_day(value, zone, now)
    return short_span(value) if isinstance(value, timedelta) else str(value)
