"""Reports as data may make them: hostile cells, too many of them, nothing at all."""

from datetime import UTC

from hypothesis import strategies as st

from notifiers.base import Message, Part, Report, ReportPart
from tests.any_facts import NASTY

text = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
_at = st.datetimes(timezones=st.one_of(st.just(UTC), st.none()))


@st.composite
def _any_part(draw: st.DrawFn) -> ReportPart:
    columns = tuple(draw(st.lists(text, max_size=8)))
    row = st.tuples(*(text for _ in columns))
    return ReportPart(
        title=draw(text),
        figures=tuple(draw(st.lists(st.tuples(text, text), max_size=15))),
        columns=columns,
        rows=tuple(draw(st.lists(row, max_size=25))) if columns else (),
        is_cut=draw(st.booleans()),
        trouble=draw(st.one_of(st.just(""), text)),
    )


@st.composite
def any_report_messages(draw: st.DrawFn, address: str = "#data-alerts") -> Message:
    """Any report to a receiver, also such as our own code never makes."""
    report = Report(
        name=draw(text),
        title=draw(text),
        team=draw(text),
        at=draw(_at),
        due_at=draw(_at),
        parts=tuple(draw(st.lists(_any_part(), max_size=8))),
        zone=draw(st.one_of(st.sampled_from(["Europe/Berlin", "No/Where"]), text)),
        url=draw(text),
        word=draw(st.sampled_from(["REPORT", "ON CALL"]) | text),
        fact=draw(text),
    )
    return Message("n-9", address, Part.ROOT, 1, report)
