"""Weekly summaries as data may make them: hostile names, huge numbers, nothing at all."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from notifiers.summary import (
    ActionLine,
    BackLine,
    Counted,
    DayLine,
    GapLine,
    LoadLine,
    NoiseLine,
    OpenLine,
    StatisticsPart,
    Summary,
    UnseenLine,
)
from tests.any_facts import NASTY

_MONDAY = date(2025, 6, 2)
text = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
_count = st.integers(0, 10**7)
_span = st.timedeltas(timedelta(), timedelta(days=400))
_at = st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_day = st.dates(date(2024, 1, 1), date(2026, 1, 1))
_counted = st.builds(
    Counted, _count, st.none() | _span, st.none() | _span, st.none() | _span, _span, _count
)


@st.composite
def _noise(draw: st.DrawFn) -> NoiseLine:
    fired = draw(st.integers(1, 10**6))
    needed, useful = draw(st.integers(0, fired)), draw(st.integers(0, fired))
    return NoiseLine(draw(text), fired, needed, useful, draw(_count), draw(text))


@st.composite
def _statistics(draw: st.DrawFn) -> StatisticsPart:
    columns = tuple(draw(st.lists(text, min_size=1, max_size=5)))
    value = st.none() | st.floats(-1e12, 1e12)
    days = draw(st.lists(_day, max_size=7))
    rows = tuple((day, tuple(draw(value) for _ in columns)) for day in days)
    return StatisticsPart(draw(text), columns, rows)


def _some(lines: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(lines, max_size=8).map(tuple)


def any_summaries() -> st.SearchStrategy[Summary]:
    """Any summary, also such as our own code never makes."""
    opened = st.builds(OpenLine, _count, text, text, text, text, _span)
    causes = _some(st.tuples(text, _count))
    back = st.builds(BackLine, text, text, _count, _count, _span, causes)
    load = st.builds(LoadLine, text, _count, _count, _count, _count, st.none() | _at)
    action = st.builds(ActionLine, _count, text, text, _day, _count)
    days = st.builds(DayLine, _day, st.integers(50, 10**6), st.integers(0, 50), _count)
    return st.builds(
        Summary,
        report=text,
        teams=_some(text),
        year=st.just(2025),
        week=st.just(23),
        monday=st.just(_MONDAY),
        at=_at,
        zone=st.one_of(st.sampled_from(["Europe/Berlin", "No/Where"]), text),
        counted=_counted,
        before=_counted,
        is_over=st.booleans(),
        rules=_count,
        slowest_every=_span,
        unlooked=st.none() | _count,
        not_taken=_count,
        worst_day=st.none() | _day,
        still_open=_some(opened),
        open_total=_count,
        came_back=_some(back),
        noisy=_some(_noise()),
        days=_some(days),
        people=_some(load),
        actions=_some(action),
        gaps=_some(st.builds(GapLine, text, text, _at, _at)),
        unseen=_some(st.builds(UnseenLine, text, text)),
        statistics=_some(_statistics()),
        url=text,
        title=text,
    )
