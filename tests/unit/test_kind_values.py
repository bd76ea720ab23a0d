# ruff: noqa: DTZ001, DTZ901 - clocks without a zone are what is tested.
"""Instants, numbers, documents and words at their edges."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import jsonpath
from rules.instants import before, from_column, from_epoch, iso_text, wall_offsets
from rules.numbers import as_float, from_sql
from rules.wording import brief_span, clipped, error_line, fact, long_span, number, rows

NOON = datetime(2025, 6, 13, 12, tzinfo=UTC)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC)))
def test_an_instant_survives_as_epoch_seconds(at: datetime) -> None:
    found = from_epoch(at.timestamp())
    assert found is not None
    assert abs(found - at) < timedelta(milliseconds=1)


@given(st.floats() | st.integers() | st.none() | st.text())
def test_epoch_seconds_of_any_size_are_an_instant_or_none(seconds: Any) -> None:
    found = from_epoch(seconds)
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "unit", "instant"),
    [
        (NOON, "native", NOON),
        (datetime(2025, 6, 13, 14), "native", NOON),
        (date(2025, 6, 13), "native", datetime(2025, 6, 12, 22, tzinfo=UTC)),
        ("2025-06-13T12:00:00Z", "iso", NOON),
        ("2025-06-13 14:00:00", "iso", NOON),
        ("not a time", "iso", None),
        (NOON.timestamp(), "epoch_s", NOON),
        (int(NOON.timestamp() * 1000), "epoch_ms", NOON),
        (Decimal(str(NOON.timestamp())), "epoch_s", NOON),
        (17, "native", None),
        (10**30, "epoch_s", None),
        (None, "native", None),
        (datetime.min, "native", None),
    ],
)
def test_a_column_of_any_type_may_hold_an_instant(
    value: object, unit: str, instant: datetime | None
) -> None:
    assert from_column(value, zone="Europe/Berlin", unit=unit) == instant


@given(
    st.datetimes(datetime(2024, 8, 1), datetime(2025, 6, 14)),
    st.sampled_from(["America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_wall_clocks_are_read_in_their_zone(wall: datetime, zone: str) -> None:
    seconds = wall.replace(tzinfo=UTC).timestamp()
    changes = wall_offsets(zone, date(2025, 6, 13))
    offset = next(offset for since, offset in changes if seconds >= since)
    place = ZoneInfo(zone)
    read = {wall.replace(tzinfo=place, fold=fold).astimezone(UTC).timestamp() for fold in (0, 1)}
    assert seconds - offset in read


@pytest.mark.parametrize(
    ("wall", "offset"),
    [("2025-04-06T01:29", 11.0), ("2025-04-06T02:01", 10.5), ("2024-10-06T02:30", 11.0)],
)
def test_a_zone_may_change_by_half_an_hour(wall: str, offset: float) -> None:
    seconds = datetime.fromisoformat(f"{wall}Z").timestamp()
    changes = wall_offsets("Australia/Lord_Howe", date(2025, 6, 13))
    assert next(after for since, after in changes if seconds >= since) == offset * 3600


def test_a_limit_before_all_time_is_the_first_day() -> None:
    assert before(NOON, timedelta(days=999_999)).year == 1


def test_an_instant_is_written_in_its_zone() -> None:
    assert iso_text(NOON, "UTC") == "2025-06-13T12:00:00.000Z"
    assert iso_text(NOON, "Europe/Berlin") == "2025-06-13T14:00:00.000"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (True, 1.0),
        (Decimal("1.5"), 1.5),
        (timedelta(minutes=1), 60.0),
        (7, 7.0),
        ("7", None),
        (None, None),
        (Decimal("NaN"), None),
        (math.nan, None),
        (math.inf, None),
        (10**400, 1.7e308),
    ],
)
def test_a_column_of_any_type_may_hold_a_number(value: object, found: float | None) -> None:
    assert from_sql(value) == found


@given(st.floats() | st.integers())
def test_a_number_can_be_said(value: float) -> None:
    found = as_float(value)
    if found is not None:
        assert 0 < len(number(found)) <= 20


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (1204.0, "1,204"),
        (0.351, "0.35"),
        (0.01234, "0.0123"),
        (1e20, "1e+20"),
        (-5, "-5"),
    ],
)
def test_a_number_is_said_without_needless_digits(value: float, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize(
    ("seconds", "long", "brief"),
    [
        (0, "0 s", "0s"),
        (0.12, "120 ms", "120ms"),
        (45, "45 s", "45s"),
        (3720, "1 h 02 min", "1h02m"),
        (86_400 * 3 + 3600 * 4, "3 d 04 h", "3d04h"),
        (-5, "0 s", "0s"),
    ],
)
def test_a_span_is_said_for_a_sentence_and_for_a_phone(
    seconds: float, long: str, brief: str
) -> None:
    span = timedelta(seconds=seconds)
    assert (long_span(span), brief_span(span)) == (long, brief)


@given(st.text(), st.integers(2, 50))
def test_words_are_cut_to_one_clean_line(text: str, most: int) -> None:
    line = clipped(text, most)
    assert len(line) <= most
    assert not any(ord(one) < 32 or 0xD800 <= ord(one) <= 0xDFFF for one in line)
    assert clipped(line, most) == line


def test_words_that_fit_stay_as_they_are() -> None:
    assert fact("1h02m old (max 1h)") == "1h02m old (max 1h)"
    assert fact("x" * 41) == "x" * 39 + "…"
    assert (error_line(None), error_line("a\nb")) == ("", "a b")
    assert (rows(1), rows(1200)) == ("1 row", "1,200 rows")


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("a.b.c", ("a", "b", "c")),
        ("items[0].id", ("items", "0", "id")),
        ("items.0.id", ("items", "0", "id")),
        ("a..b", None),
        ("", None),
        ("[0]", None),
        ("a[b]", None),
        ("a.", None),
    ],
)
def test_a_path_has_steps(path: str, steps: tuple[str, ...] | None) -> None:
    assert jsonpath.steps(path) == steps


@given(st.lists(st.sampled_from(["a", "0", "1", "٣", "-1"]), max_size=4))
def test_a_path_leads_to_a_value_or_nowhere(path: list[str]) -> None:
    document = {"a": [{"a": 1}, [2, 3]], "0": "x"}
    found = jsonpath.value_at(document, tuple(path))
    assert found is jsonpath.MISSING or found == document or found in ["x", 1, 2, 3] or found
