"""From facts to HTML: the templates, and how instants, spans and texts are written in them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from notifiers.clean import one_line, safe_url
from rules.spans import short_span
from watchdog.store.deeds import new_action_id
from watchdog.web.slack_view import mrkdwn

_HERE = Path(__file__).parent
STATIC = _HERE / "static"


def _plain(value: Any) -> Any:
    """Return data as one line without marks that would make it read otherwise than it is stored."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return one_line(value)
    return value


def _lines(text: object) -> Markup:
    """Return a text of several lines for a `pre`, each of them plain."""
    return Markup("\n").join(escape(_indented(line)) for line in str(text).splitlines())


def _indented(line: str) -> str:
    indent = len(line) - len(line.lstrip(" "))
    return " " * min(indent, 20) + one_line(line)


def at(instant: datetime | None, words: str = "") -> Markup:
    """Return an instant as people read it, in UTC; the page's script says it in the reader's zone.

    Args:
        words: Shown instead of the time of day, such as `4m ago`.
    """
    if instant is None:
        return Markup("never")
    utc = instant.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}"{}>{}</time>').format(
        utc.isoformat(timespec="seconds"),
        f"{utc:%Y-%m-%d %H:%M:%S} UTC",
        "" if words else Markup(' class="at"'),
        words or f"{utc:%d %b %H:%M} UTC",
    )


def ago(instant: datetime | None, now: datetime) -> Markup:
    """Return how long ago it was."""
    if instant is None:
        return Markup("never")
    return at(instant, f"{short_span(max(timedelta(), now - instant))} ago")


def _span_since(instant: datetime, now: datetime) -> Markup:
    return at(instant, short_span(max(timedelta(), now - instant)))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_plain,
    )
    environment.filters |= {
        "ago": ago,
        "at": at,
        "since": _span_since,
        "lines": _lines,
        "link": safe_url,
        "mrkdwn": mrkdwn,
        "span": short_span,
    }
    environment.globals["new_action_id"] = new_action_id
    return environment


_ENVIRONMENT = _environment()


def render(template: str, status_code: int = 200, /, **facts: Any) -> Response:
    """Return a page, or a part of one."""
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(facts), status_code)
