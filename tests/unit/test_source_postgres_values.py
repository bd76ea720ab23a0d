from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asyncpg.types import Type
from hypothesis import given
from hypothesis import strategies as st

from watchdog.sources.postgres_values import UnfitError, adapt_all, adapter

KINDS = ["int2", "int8", "float8", "numeric", "bool", "timestamptz", "timestamp", "date", "time"]
KINDS += ["interval", "text", "uuid", "mood", "jsonb"]


def of(name: str, value: Any, zone: str = "UTC") -> Any:
    kind = "array" if name.endswith("[]") else "scalar"
    return adapt_all([value], [adapter(Type(0, name, kind, "pg_catalog"))], zone)[0]


@pytest.mark.parametrize(
    ("name", "value", "becomes"),
    [
        ("int8", "42", 42),
        ("int8", 42.0, 42),
        ("float8", "0.5", 0.5),
        ("numeric", 0.1, Decimal("0.1")),
        ("bool", "OFF", False),
        ("text", True, "true"),
        ("text", 7, "7"),
        ("date", "2025-06-13", date(2025, 6, 13)),
        ("interval", 90, timedelta(seconds=90)),
        ("int4[]", ("1", "2"), [1, 2]),
        ("text[]", "one", ["one"]),
        ("mood", "good", "good"),
        ("int8", None, None),
    ],
)
def test_a_value_becomes_what_its_type_needs(name: str, value: Any, becomes: Any) -> None:
    assert of(name, value) == becomes


def test_a_time_without_offset_is_read_in_the_zone_of_the_question() -> None:
    at = of("timestamptz", "2025-06-13 12:00", "America/New_York")
    assert at.astimezone(UTC) == datetime(2025, 6, 13, 16, tzinfo=UTC)
    wall = of("timestamp", datetime(2025, 6, 13, 16, tzinfo=UTC), "America/New_York")
    assert wall == datetime(2025, 6, 13, 12)  # noqa: DTZ001 (a wall time has none)
    midnight = datetime(2025, 6, 13, 2, tzinfo=UTC)
    assert of("date", midnight, "America/New_York") == date(2025, 6, 12)


@given(st.sampled_from(KINDS), st.one_of(st.text(), st.floats(), st.integers(), st.booleans()))
def test_a_value_fits_or_is_told_without_being_shown(name: str, value: Any) -> None:
    told = "no trouble"
    try:
        of(name, value)
    except UnfitError as error:
        told = str(error)
    assert told in {"no trouble", "parameter $1 does not fit the type of its place"}


@given(st.integers(0, 5), st.integers(0, 5))
def test_too_few_and_too_many_parameters_are_counted(given_count: int, wanted: int) -> None:
    adapters = [adapter(Type(25, "text", "scalar", "pg_catalog"))] * wanted
    if given_count == wanted:
        assert len(adapt_all(["x"] * given_count, adapters, "UTC")) == wanted
        return
    with pytest.raises(UnfitError, match=f"takes {wanted} parameters, {given_count} were given"):
        adapt_all(["x"] * given_count, adapters, "UTC")
