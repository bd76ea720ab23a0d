"""Dataclasses as plain JSON, read back by this release and by others."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings

from notifiers.summary import Summary
from tests.any_summaries import any_summaries
from watchdog.store.plain import decode, encode


@dataclass(frozen=True)
class Inner:
    span: timedelta = timedelta()


@dataclass(frozen=True)
class Outer:
    name: str
    at: datetime
    day: date
    pairs: tuple[tuple[str, int], ...] = ()
    inner: Inner | None = None
    all: tuple[Inner, ...] = ()


WHOLE = Outer(
    "x",
    datetime(2025, 6, 13, tzinfo=UTC),
    date(2025, 6, 13),
    (("a", 1),),
    Inner(timedelta(minutes=1)),
    (Inner(),),
)


def test_instants_are_iso_texts_and_spans_are_seconds() -> None:
    assert encode(WHOLE) == {
        "name": "x",
        "at": "2025-06-13T00:00:00+00:00",
        "day": "2025-06-13",
        "pairs": [["a", 1]],
        "inner": {"span": 60.0},
        "all": [{"span": 0.0}],
    }


def test_what_was_written_is_read_back() -> None:
    assert decode(Outer, json.loads(json.dumps(encode(WHOLE)))) == WHOLE


def test_what_another_release_has_written_is_read_as_far_as_it_is_known() -> None:
    written = {"name": "x", "at": "2025-06-13T00:00:00+00:00", "day": "2025-06-13", "new": 1}
    read = decode(Outer, written)
    assert (read.pairs, read.inner, read.all) == ((), None, ())


def test_what_is_missing_without_a_default_is_named() -> None:
    with pytest.raises(ValueError, match=r"^Outer without at, day$"):
        decode(Outer, {"name": "x"})


@settings(max_examples=20, deadline=None)
@given(any_summaries())
def test_any_summary_is_read_back(summary: Summary) -> None:
    assert decode(Summary, json.loads(json.dumps(encode(summary)))) == summary
