"""What a value of a database reads like in a report, and which of them are figures."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.report import label
from rules.base import Rows
from watchdog.reports.make import _numbers, said
from watchdog.store.text import json_text

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "reads"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (12_345, "12345"),
        (12.0, "12"),
        (12.04, "12"),
        (12.05, "12.1"),
        (Decimal("12.26"), "12.3"),
        (Decimal("0.30"), "0.3"),
        (-0.04, "0"),
        (-0.0, "0"),
        (Decimal("-0.01"), "0"),
        (-0.06, "-0.1"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (Decimal("NaN"), "NaN"),
        ("12.0", "12.0"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(days=-1), "0s"),
        (date(2026, 11, 23), "2026-11-23"),
        (datetime(2026, 11, 23, 5, 0, tzinfo=UTC), "06:00"),
        (datetime(2026, 11, 22, 22, 30, tzinfo=UTC), "Sun 23:30"),
        (datetime(2026, 11, 23, 5, 0), "2026-11-23 05:00:00"),  # noqa: DTZ001 (as a column may be)
        ("2026-11-22T22:30:00Z", "Sun 23:30"),
        ("2026-11-23 05:00:00.125+00:00", "06:00"),
        ("2026-11-23T05:00:00", "2026-11-23T05:00:00"),
        ("2026-02-30T05:00:00Z", "2026-02-30T05:00:00Z"),
        ("since 2026-11-23T05:00:00Z", "since 2026-11-23T05:00:00Z"),
        (b"\xff", "b'\\xff'"),
        ([1, 2], "[1, 2]"),
    ],
)
def test_a_value_reads_as_people_say_it(value: object, reads: str) -> None:
    assert said(value, "Europe/Berlin", NOW) == reads


@pytest.mark.parametrize(
    ("column", "reads"),
    [
        ("open_tickets", "Open tickets"),
        ("waiting", "Waiting"),
        ("Open", "Open"),
        ("open tickets", "open tickets"),
        ("eTag", "eTag"),
        ("42", "42"),
        ("", ""),
        ("größe_mb", "Größe mb"),
    ],
)
def test_a_column_reads_as_its_name_unless_somebody_chose_how_it_is_written(
    column: str, reads: str
) -> None:
    assert label(column) == reads


def test_only_finite_numbers_are_kept_as_figures() -> None:
    row = {
        "count": 7,
        "share": Decimal("0.5"),
        "nan": float("nan"),
        "endless": Decimal("Infinity"),
        "large": Decimal("1e400"),
        "flag": True,
        "text": "7",
        "null": None,
        "span": timedelta(1),
    }
    kept = {name: value for name, value in _numbers(Rows([row])).items() if value is not None}
    assert kept == {"count": 7, "share": 0.5}
    assert _numbers(Rows([])) == {}
    assert _numbers(Rows([{"a": 1}, {"a": 2}])) == {"a": 1}


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.decimals().filter(lambda one: not one.is_snan()),  # no database has these
        st.text(max_size=20),
        st.binary(max_size=9),
        st.datetimes(),
        st.datetimes(timezones=st.just(UTC)),
        st.timedeltas(),
    ),
    st.sampled_from(["UTC", "Pacific/Apia", "No/Where"]),
)
def test_any_value_can_be_said_and_kept(value: object, zone: str) -> None:
    assert isinstance(said(value, zone, NOW), str)
    assert "NaN" not in json_text(dict(_numbers(Rows([{"value": value}]))))
