"""What the numbers of a bucket are read from, and how they are said."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from rules.base import Answers, Rows
from rules.baseline import Usual
from rules.buckets import DAY, Bucket
from rules.fields import column_name
from rules.volume_statement import Counting
from rules.wording import number

IDS_MIN = 10
DENSE = 0.9
"""Ids run in sequence when there are so many, and so much of their span is there."""


def parsed_counts(counts: str) -> dict[int, tuple[int, float]]:
    """Return rows and value of each bucket that has rows, by its number: `0:3:3.0,2:140:140.0`."""
    each = (part.split(":") for part in counts.split(","))
    return {int(place): (int(seen), float(value)) for place, seen, value in each if seen != "0"}


def second_rows(answers: Answers) -> Rows:
    """Return what the second question brought; no rows when it was not asked."""
    answer = answers[1][0] if len(answers) > 1 else None
    return answer if isinstance(answer, Rows) else Rows(())


def run_of_ids(told: Mapping[str, Any], seen: int) -> str:
    """Return that ids run in sequence, if they do.

    Args:
        told: Their `least` and `greatest`, and how many `ids` differ.
        seen: How many rows there are; ids that come again and again are no run.
    """
    least, greatest, ids = told.get("least"), told.get("greatest"), told.get("ids") or 0
    if least is None or greatest is None or ids < max(IDS_MIN, DENSE * seen):
        return ""
    if ids < DENSE * (greatest - least + 1):
        return ""
    return f" Ids run in sequence ({least} to {greatest})."


def sentence(
    counting: Counting, judged: Bucket, zone: ZoneInfo, value: float, usual: Usual | None
) -> str:
    """Return what there was in a bucket, and what is usual if that is known."""
    since, until = judged.since.astimezone(zone), judged.until.astimezone(zone)
    when = f"on {since:%Y-%m-%d}"
    if judged.until - judged.since < DAY - DAY / 12:
        when = f"from {since:%H:%M} to {until:%H:%M} {zone}"
    if counting.of is None:
        what = f"{number(value)} row{'' if value == 1 else 's'}"
    else:
        what = f"{counting.measure.title()} of {column_name(counting.of)} is {number(value)}"
    return f"{what} {when}{f', usually {number(usual.median)}' if usual else ''}."
