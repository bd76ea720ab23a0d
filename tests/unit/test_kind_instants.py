# ruff: noqa: S608 - the expression is our own.
"""Instants in texts, as SQLite reads them."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Dialect
from rules.sql_text import Statement

NOW = datetime(2026, 11, 2, 9, 2, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seconds_of(text: str | None) -> float | None:
    """Return the epoch seconds that SQLite makes of a text."""
    key = Statement(Dialect("sqlite", "iso"), NOW).key("at")
    with closing(sqlite3.connect(":memory:")) as file:
        (seconds,) = file.execute(f"select {key} from (select ? as at)", (text,)).fetchone()
    return seconds  # type: ignore[no-any-return]


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_text_is_read_to_the_millisecond_before_and_after_1970(one: datetime) -> None:
    at = one.replace(microsecond=one.microsecond // 1000 * 1000)
    milliseconds = (at - EPOCH) // timedelta(milliseconds=1)
    assert seconds_of(at.isoformat()) == milliseconds / 1000


@pytest.mark.parametrize("text", [None, "", "soon", "2026-13-01T00:00:00Z"])
def test_a_text_that_is_no_instant_is_null(text: str | None) -> None:
    assert seconds_of(text) is None
