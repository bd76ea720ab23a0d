"""Spans of time in words."""

from datetime import timedelta


def short_span(span: timedelta) -> str:
    """Return a span for a phone: `45s`, `4m`, `1h02m`, `3d04h`. Negative spans read as `0s`."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours == 0:
        return f"{minutes}m"
    if days < 2:
        return f"{hours}h{minutes % 60:02d}m" if minutes % 60 else f"{hours}h"
    return f"{days}d{hours % 24:02d}h" if hours % 24 else f"{days}d"
