"""Spans of time: every spelling that is read, and the spelling that is suggested for the others."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from rules.durations import DURATION_MAX, format_duration, parse_duration, shown

GENERIC = "write it like `45s`, `30m`, `1h30m` or `2d`"
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86_400))


def hint_for(given_: object) -> str:
    with pytest.raises(PydanticCustomError) as caught:
        parse_duration(given_)
    assert caught.value.type == "bad_duration"
    assert caught.value.context is not None
    return str(caught.value.context["hint"])


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0s", timedelta()),
        ("1ms", timedelta(milliseconds=1)),
        ("1500ms", 1.5 * SECOND),
        ("1s", SECOND),
        ("90s", 90 * SECOND),
        ("59m59s", HOUR - SECOND),
        ("1m", MINUTE),
        ("1440m", DAY),
        ("1h1s", HOUR + SECOND),
        ("1h1m1s", HOUR + MINUTE + SECOND),
        ("36h", 36 * HOUR),
        ("1d", DAY),
        ("1d1s", DAY + SECOND),
        ("1d23h59m59s", 2 * DAY - SECOND),
        ("7d12h", 7 * DAY + 12 * HOUR),
        ("3650d", DURATION_MAX),
        ("87600h", DURATION_MAX),
    ],
)
def test_units_fall_from_left_to_right(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("1 week", "7d"),
        ("1w", "7d"),
        ("2wk", "14d"),
        ("3 days", "3d"),
        ("1 day, 2 hours", "1d2h"),
        ("1 day and 2 hours", "1d2h"),
        ("2hrs", "2h"),
        ("1 hr 30 mins", "1h30m"),
        ("1hour", "1h"),
        ("10 min", "10m"),
        ("10 Minutes", "10m"),
        ("45 secs", "45s"),
        ("45sec", "45s"),
        ("1 second", "1s"),
        ("250 msec", "250ms"),
        ("5 milliseconds", "5ms"),
        ("0.5h", "30m"),
        ("0.25d", "6h"),
        ("1.5s", "1500ms"),
        ("30s1m", "1m30s"),
        ("1m1h", "1h1m"),
        ("1s500ms", "1500ms"),
        ("5m5m", "10m"),
        ("60m60m", "2h"),
        (" 30m", "30m"),
        ("30m ", "30m"),
        ("30 m", "30m"),
        ("1H", "1h"),
    ],
)
def test_a_near_miss_is_told_the_right_spelling(text: str, right: str) -> None:
    assert hint_for(text) == f"write `{right}`"
    assert parse_duration(right)


@pytest.mark.parametrize(
    ("text", "right"),
    [("1m60s", "2m"), ("1h60m", "2h"), ("1d24h", "2d"), ("1h59m60s", "2h"), ("23h3600s", "1d")],
)
def test_a_unit_stays_below_the_next_larger_one(text: str, right: str) -> None:
    assert hint_for(text) == f"write `{right}`"


@pytest.mark.parametrize(
    "given_",
    [
        "month",
        "1 month",
        "1y",
        "30",
        "m",
        "-1h",
        "+1h",
        "1h-5m",
        "PT30M",
        "00:30:00",
        "1e3s",
        ".5h",
        "1,5h",
        "1h\x00",
        "½h",
        "٣m",
        "３０m",
        "every 5m",
        "1" * 30 + "s",
        None,
        True,
        -5,
        1.5,
        10**9,
        [],
        {"h": 1},
        b"30m",
    ],
)
def test_what_cannot_be_guessed_is_told_how_durations_look(given_: object) -> None:
    assert hint_for(given_) == GENERIC


@pytest.mark.parametrize("number", [0, 1, 30, 999_999_999])
def test_a_bare_number_lacks_its_unit(number: int) -> None:
    assert hint_for(number) == f"write `{number}s` or `{number}m`: a duration has a unit"


@pytest.mark.parametrize("text", ["3651d", "3650d1s", "87601h", "999999999s", "99999999m"])
def test_ten_years_are_the_most(text: str) -> None:
    assert hint_for(text) == "write at most `3650d`"


@pytest.mark.parametrize("text", ["999999d99h", "999999d24h", "9999 weeks", "999999999 days"])
def test_what_is_suggested_is_never_too_long_itself(text: str) -> None:
    assert hint_for(text) == "write `3650d`"


@pytest.mark.parametrize("span", [timedelta(milliseconds=-1), DURATION_MAX + SECOND])
def test_a_span_that_is_given_as_such_has_the_same_bounds(span: timedelta) -> None:
    assert hint_for(span) == "write at most `3650d`"
    assert parse_duration(DURATION_MAX) == DURATION_MAX


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(milliseconds=1), "1ms"),
        (timedelta(microseconds=400), "0s"),
        (timedelta(seconds=61), "1m1s"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(days=1, seconds=1), "1d1s"),
        (timedelta(seconds=61, milliseconds=1), "61001ms"),
    ],
)
def test_a_span_is_written_in_its_one_spelling(span: timedelta, text: str) -> None:
    assert format_duration(span) == text


def refusal(given_: object) -> PydanticCustomError | None:
    """Return the error that `given_` meets, if it meets one."""
    try:
        assert timedelta() <= parse_duration(given_) <= DURATION_MAX
    except PydanticCustomError as error:
        return error
    return None


@given(st.text(alphabet="0123456789dhmsw .,and", max_size=25))
def test_what_is_suggested_can_be_read(text: str) -> None:
    error = refusal(text)
    hint = str((error.context or {})["hint"]) if error else GENERIC
    assert hint == GENERIC or refusal(hint.split("`")[1]) is None


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans() | st.binary())
def test_anything_is_read_or_refused_in_few_words(given_: object) -> None:
    error = refusal(given_)
    assert error is None or (error.type == "bad_duration" and len(error.message()) < 80)


def test_what_was_written_is_shown_short() -> None:
    assert shown("x" * 40) == "x" * 40
    assert shown("x" * 41) == "x" * 39 + "…"
    assert shown(None) == "None"
