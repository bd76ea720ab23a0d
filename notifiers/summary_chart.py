"""The days of a week beside those of the week before, as a picture; our own SVG, without any text."""

import logging
from functools import lru_cache

from notifiers.summary import DayLine

logger = logging.getLogger(__name__)

WIDTH, HEIGHT = 1104, 240
"""Twice the room that it gets, so that it is sharp on every screen."""

_SLOT = WIDTH / 7
_BAR, _GAP = 52, 8
_COLOURS = {"before": "#aeb8c4", "by_day": "#4c6ef5", "by_night": "#1f2a5c"}


def svg(days: tuple[DayLine, ...]) -> str:
    """Return the picture of at most seven days: the week before, and this one with its nights."""
    days = days[:7]
    fullest = max((max(one.incidents, one.before) for one in days), default=0) or 1
    unit = (HEIGHT - 8) / fullest
    bars = "".join(_bars(number, day, unit) for number, day in enumerate(days))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="#f4f6f8"/>{bars}</svg>'
    )


def _bars(number: int, day: DayLine, unit: float) -> str:
    left = number * _SLOT + (_SLOT - 2 * _BAR - _GAP) / 2
    own = left + _BAR + _GAP
    by_day = day.incidents - day.at_night
    return "".join(
        (
            _bar("before", left, 0, day.before * unit),
            _bar("by_day", own, 0, by_day * unit),
            _bar("by_night", own, by_day * unit, day.at_night * unit),
        )
    )


def _bar(kind: str, left: float, above: float, height: float) -> str:
    if not height:
        return ""
    top = HEIGHT - above - height
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{_BAR}" height="{height:.1f}" '
        f'fill="{_COLOURS[kind]}"/>'
    )


@lru_cache(maxsize=8)
def png(drawing: str) -> bytes:
    """Return an SVG as a PNG; empty without the extra `chart`, or if it cannot be drawn.

    The mail says the same in words.
    """
    try:
        import resvg_py
    except ImportError:
        return b""
    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=drawing, skip_system_fonts=True))
    except ValueError:
        logger.exception("the days of a week cannot be drawn")
        return b""
