"""How values are said: whatever the value, it fits on a phone and reads as a sentence."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.spans import short_span
from rules.wording import (
    DETAIL_MAX,
    ERROR_MAX,
    FACT_MAX,
    brief_span,
    clipped,
    error_line,
    fact,
    long_span,
    number,
    rows,
)

spans = st.timedeltas(timedelta(days=-10), timedelta(days=999_999))


@given(spans, spans)
def test_an_age_against_its_limit_fits_on_a_phone(age: timedelta, limit: timedelta) -> None:
    said = f"oldest waits {short_span(age)} (max {short_span(limit)})"
    assert fact(said) == said


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300))
def test_any_number_fits_on_a_phone(value: float) -> None:
    assert 0 < len(number(value)) <= 20


@given(st.text(max_size=200))
def test_any_text_becomes_a_fact_of_forty_characters(text: str) -> None:
    said = fact(text)
    assert len(said) <= FACT_MAX
    assert said == said.strip()
    said.encode()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1, "1"),
        (-1, "-1"),
        (999, "999"),
        (1000, "1,000"),
        (-1204, "-1,204"),
        (0.1, "0.10"),
        (1.5, "1.50"),
        (1234.5, "1,234.50"),
        (999_999_999.25, "999,999,999.25"),
        (1_000_000_000.5, "1,000,000,000"),
        (10_000_000_000_000.5, "10,000,000,000,000"),
        (999_999_999_999_999.0, "999,999,999,999,999"),
        (999_999_999_999_999.9, "1e+15"),
        (-999_999_999_999_999.9, "-1e+15"),
        (1e15, "1e+15"),
        (10**300, "1e+300"),
        (0.0999, "0.0999"),
        (1e-9, "1e-09"),
        (-0.0, "0"),
    ],
)
def test_a_number_has_as_many_digits_as_help(value: float, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1000, "1,000 rows"), (10**7, "10,000,000 rows")],
)
def test_one_row_is_singular_and_all_else_plural(count: int, said: str) -> None:
    assert rows(count) == said


@pytest.mark.parametrize(
    ("span", "short", "long"),
    [
        (timedelta(seconds=1), "1s", "1 s"),
        (timedelta(seconds=59.9), "59s", "59 s"),
        (timedelta(seconds=60), "1m", "1 min"),
        (timedelta(minutes=59, seconds=59), "59m", "59 min"),
        (timedelta(hours=1), "1h", "1 h"),
        (timedelta(hours=1, minutes=1), "1h01m", "1 h 01 min"),
        (timedelta(hours=24), "24h", "24 h"),
        (timedelta(hours=47, minutes=59), "47h59m", "47 h 59 min"),
        (timedelta(hours=48), "2d", "2 d"),
        (timedelta(days=3, hours=4, minutes=59), "3d04h", "3 d 04 h"),
        (timedelta(days=365), "365d", "365 d"),
        (timedelta(days=36_500, hours=23), "36500d23h", "36500 d 23 h"),
        (timedelta(seconds=-1), "0s", "0 s"),
        (timedelta(), "0s", "0 s"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(span: timedelta, short: str, long: str) -> None:
    assert (short_span(span), brief_span(span), long_span(span)) == (short, short, long)


@pytest.mark.parametrize(
    ("microseconds", "brief", "long"),
    [
        (1, "0ms", "0 ms"),
        (999, "0ms", "0 ms"),
        (1000, "1ms", "1 ms"),
        (120_400, "120ms", "120 ms"),
        (999_000, "999ms", "999 ms"),
        (999_900, "999ms", "999 ms"),
    ],
)
def test_less_than_a_second_is_said_in_milliseconds(
    microseconds: int, brief: str, long: str
) -> None:
    span = timedelta(microseconds=microseconds)
    assert (brief_span(span), long_span(span)) == (brief, long)


@given(spans, spans)
def test_a_longer_span_never_sounds_shorter(one: timedelta, other: timedelta) -> None:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

    def read(text: str) -> int:
        total, digits = 0, ""
        for character in text:
            digits += character if character.isdigit() else ""
            if character in units:
                total, digits = total + int(digits) * units[character], ""
        return total

    shorter, longer = sorted((one, other))
    assert read(short_span(shorter)) <= read(short_span(longer))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\tc", "a b c"),
        ("  spaced  ", "spaced"),
        ("\x00\x1b[31mred\x07", "[31mred"),
        ("a\u2028b\u2029c", "a b c"),
        ("evil\u202etxt", "evil txt"),
        ("\u2066hidden\u2069", "hidden"),
        ("half \ud800 of a pair", "half   of a pair"),
        ("naïve 日本 🚨", "naïve 日本 🚨"),
        ("non\u00a0breaking", "non\u00a0breaking"),
        ("\x85\x9fx", "x"),
    ],
)
def test_what_cannot_be_seen_is_taken_out(text: str, line: str) -> None:
    assert clipped(text, 100) == line


@pytest.mark.parametrize(
    ("length", "found"), [(39, 39), (40, 40), (41, 40), (1000, 40), (1_000_000, 40)]
)
def test_only_words_that_are_too_long_are_cut(length: int, found: int) -> None:
    said = fact("x" * length)
    assert len(said) == found
    assert said.endswith("…") == (length > FACT_MAX)


def test_a_cut_leaves_no_space_before_its_mark() -> None:
    assert clipped("one two three", 9) == "one two…"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, ""),
        ("", ""),
        (401, "401"),
        (False, "False"),
        ({"code": 7}, "{'code': 7}"),
        (b"raw", "b'raw'"),
        (ValueError("no\nway"), "no way"),
    ],
)
def test_an_error_of_any_type_becomes_one_line(value: object, line: str) -> None:
    assert error_line(value) == line


def test_an_error_is_cut_to_its_beginning() -> None:
    line = error_line("first " + "x" * 1_000_000 + " last")
    assert (len(line), line[:6], line[-1]) == (ERROR_MAX, "first ", "…")
    assert DETAIL_MAX > ERROR_MAX
