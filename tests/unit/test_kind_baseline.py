"""What is usual, and what is far from it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rules.base import Severity
from rules.baseline import Usual, crossed_by, usual_of
from rules.fields import Limits, Ranges
from rules.ranges import Range

WARNING = Severity.WARNING
BOTH = Limits(plain=Range(0.3, 3.0))
counts = st.floats(0, 1e9)


def crossed(value: float, past: list[float], *, floor: float = 10, allow: Any = BOTH) -> str | None:
    found = crossed_by(value, usual_of(past), allow, ignore_below=floor, severity=WARNING)
    return found.word if found else None


@pytest.mark.parametrize(
    ("past", "usual"),
    [
        ([5.0], Usual(5, 0, 1)),
        ([1, 2, 3, 4], Usual(2.5, 1.0, 4)),
        ([100, 100, 100, 9000], Usual(100, 0, 4)),
        ([0, 0, 0, 0], Usual(0, 0, 4)),
    ],
)
def test_an_outlier_moves_what_is_usual_little(past: list[float], usual: Usual) -> None:
    assert usual_of(past) == usual


@pytest.mark.parametrize(
    ("value", "past", "word"),
    [
        (100, [100, 110, 90, 100], None),
        (301, [100, 110, 90, 100], "max"),
        (300, [100, 100, 100, 100], None),
        (29, [100, 110, 90, 100], "min"),
        (30, [100, 100, 100, 100], None),
        (0, [9, 9, 9, 9], None),
        (0, [10, 10, 10, 10], "min"),
        (9, [0, 0, 0, 0], None),
        (10, [0, 0, 0, 0], "max"),
        (5000, [0, 0, 1, 0], "max"),
        (0, [0, 0, 0, 0], None),
        (10, [100, 160, 40, 220], None),
        (400, [100, 10, 300, 190], None),
    ],
)
def test_it_takes_a_part_a_number_and_more_than_noise(
    value: float, past: list[float], word: str | None
) -> None:
    assert crossed(value, past) == word


@pytest.mark.parametrize(
    ("value", "severity", "limit"), [(350, WARNING, 300), (1001, Severity.CRITICAL, 1000)]
)
def test_the_most_severe_range_is_told(value: float, severity: Severity, limit: float) -> None:
    allow = Limits(warning=Range(None, 3), critical=Range(None, 10))
    usual = Usual(100, 0, 4)
    found = crossed_by(value, usual, allow, ignore_below=0, severity=Severity.INFO)
    assert found
    assert (found.severity, found.limit) == (severity, limit)


@given(st.lists(counts, min_size=1), counts, st.floats(0, 1e9))
def test_what_is_further_away_is_never_better(past: list[float], value: float, more: float) -> None:
    for sign in (1, -1):
        near, far = value, max(0.0, value + sign * more)
        word = "max" if sign > 0 else "min"
        if crossed(near, past) == word:
            assert crossed(far, past) == word


@given(st.lists(counts, min_size=1))
def test_the_order_of_the_past_does_not_matter(past: list[float]) -> None:
    assert usual_of(past) == usual_of(sorted(past)) == usual_of(past[::-1])


@pytest.mark.parametrize("text", ["30%..300%", "30%..", "..400%", "0%..", "99.5%..100.1%"])
def test_a_range_is_written_as_it_is_read(text: str) -> None:
    (range_,) = (TypeAdapter(Ranges).validate_python(text).plain,)
    assert str(range_) == text


@pytest.mark.parametrize(
    "given_",
    ["", "..", "30..300", "30%", "300%..30%", "100%..", "..100%", "-5%..", 3, None, "x%.."],
)
def test_anything_else_is_no_range(given_: object) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Ranges).validate_python(given_)
    assert caught.value.errors()[0]["type"] == "bad_range"


def test_critical_begins_farther_out_than_warning() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Ranges)
    adapter.validate_python({"warning": "30%..300%", "critical": "10%.."})
    with pytest.raises(ValidationError, match="is not around"):
        adapter.validate_python({"warning": "30%..300%", "critical": "40%..400%"})
