"""How values are said: short for a phone, in words for a sentence."""

import re
from datetime import timedelta

from rules.spans import short_span

FACT_MAX = 40
ERROR_MAX = 500
DETAIL_MAX = 1000
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def fact(text: str) -> str:
    """Return `text` on one line, cut to what a phone shows."""
    return clipped(text, FACT_MAX)


def error_line(value: object) -> str:
    """Return what a failing thing said, on one line and at most 500 characters; '' for null."""
    return "" if value is None else clipped(str(value)[: 4 * ERROR_MAX], ERROR_MAX)


def clipped(text: str, most: int) -> str:
    """Return `text` without control characters, cut to `most` characters."""
    line = text if text.isprintable() else _UNSEEN.sub(" ", text)
    line = line.strip()
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def long_span(span: timedelta) -> str:
    """Return a span for a sentence: `45 s`, `4 min`, `1 h 02 min`, `3 d 04 h`."""
    if timedelta() < span < timedelta(seconds=1):
        return f"{span // timedelta(milliseconds=1)} ms"
    words = short_span(span).replace("d", " d ").replace("h", " h ").replace("m", " min")
    return words.replace("s", " s").rstrip()


def brief_span(span: timedelta) -> str:
    """Return a span for a phone, below a second in milliseconds."""
    if timedelta() < span < timedelta(seconds=1):
        return f"{span // timedelta(milliseconds=1)}ms"
    return short_span(span)


def number(value: float) -> str:
    """Return a number without needless digits: `1,204`, `0.35`, `1.2e+20`."""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}" if abs(value) < 1e15 else f"{float(value):.3g}"
    if abs(value) >= 1e9:
        # Nobody reads hundredths of billions.
        return number(float(round(value)))
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.3g}"


def rows(count: int) -> str:
    """Return `1 row`, `5 rows`."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
