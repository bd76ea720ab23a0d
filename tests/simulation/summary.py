"""The line that a run of the simulated year ends with, from what its quarters have reported. Pure."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from tests.simulation.verdict import Verdict

HEALTHY, PLANTED_IN = "healthy quarter", "planted quarter"
"""What tests report under: how many moments and how many incidents, or a verdict in plain values."""


def as_plain(one: Verdict) -> dict[str, list[Any]]:
    """Return a verdict as values that pass from one process to another."""
    return {
        "delays": [delay.total_seconds() for delay in one.delays],
        "missed": list(one.missed),
        "false": list(one.false),
    }


def summary(reported: Iterable[tuple[str, Any]]) -> str:
    """Return the line; empty when no quarter was played."""
    told = list(reported)
    healthy = [value for name, value in told if name == HEALTHY]
    planted = [value for name, value in told if name == PLANTED_IN]
    parts = []
    if healthy:
        moments, incidents = (sum(one[index] for one in healthy) for index in (0, 1))
        parts.append(f"{incidents} incidents in {moments:,} healthy moments")
    if planted:
        parts.append(str(_together(planted)))
    return f"year: {'; '.join(parts)}" if parts else ""


def _together(planted: Iterable[Mapping[str, list[Any]]]) -> Verdict:
    quarters = list(planted)
    delays, missed, false = (
        [one for quarter in quarters for one in quarter[name]]
        for name in ("delays", "missed", "false")
    )
    return Verdict([timedelta(seconds=one) for one in delays], missed, false, [])
