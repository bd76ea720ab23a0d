"""Every spelling of a one-word setting: what is taken for what, and what is refused in which words."""

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from rules.hours import WeeklyHours
from watchdog.config import types
from watchdog.config.problems import did_you_mean, listed, nearest, shown, visible

WEEK = frozenset(range(5))


def refused(parse: Callable[[Any], object], given: object) -> tuple[str, str, str]:
    """Return code, message and hint of a refusal."""
    with pytest.raises(PydanticCustomError) as caught:
        parse(given)
    error = caught.value
    return error.type, error.message(), str((error.context or {})["hint"])


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("00:00", time(0)),
        ("08:00", time(8)),
        ("23:59", time(23, 59)),
        (" 10:30 ", time(10, 30)),
    ],
)
def test_a_time_has_two_digits_twice(text: str, at: time) -> None:
    assert types.parse_time(text) == at


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("8:00", "write `08:00`"),
        ("8", "write `08:00`"),
        (8, "write `08:00`"),
        ("8h", "write `08:00`"),
        ("8 Uhr", "write `08:00`"),
        ("8am", "write `08:00`"),
        ("8 PM", "write `20:00`"),
        ("12pm", "write `12:00`"),
        ("12:30 am", "write `00:30`"),
        ("17pm", "write `17:00`"),
        ("24:00", "write `00:00`"),
        ("08:60", "write it like `08:00` or `23:30`"),
        ("08:00:00", "write it like `08:00` or `23:30`"),
        ("0٣:00", "write it like `08:00` or `23:30`"),
        ("", "write it like `08:00` or `23:30`"),
        (True, "write it like `08:00` or `23:30`"),
        ([8], "write it like `08:00` or `23:30`"),
        (None, "write it like `08:00` or `23:30`"),
        (8.5, "write it like `08:00` or `23:30`"),
    ],
)
def test_another_time_is_refused_with_the_right_spelling(given: object, hint: str) -> None:
    assert refused(types.parse_time, given) == (
        "bad_time",
        f"`{given}` is not a time of day",
        hint,
    )


@given(st.integers(0, 99), st.sampled_from(["", "am", "pm", " h"]), st.integers(0, 99))
def test_a_suggested_time_is_a_time(hour: int, half: str, minute: int) -> None:
    try:
        types.parse_time(f"{hour}:{minute:02d}{half}")
    except PydanticCustomError as refusal:
        hint = str((refusal.context or {})["hint"])
        assert all(types.parse_time(word) is not None for word in hint.split("`")[1::2])


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("mon-fri 09:00-18:00", WeeklyHours(WEEK, time(9), time(18))),
        ("MON-Fri 09:00-18:00", WeeklyHours(WEEK, time(9), time(18))),
        ("mon - fri 09:00 - 18:00", WeeklyHours(WEEK, time(9), time(18))),
        ("mon, wed 09:00-18:00", WeeklyHours(frozenset({0, 2}), time(9), time(18))),
        ("mon-tue, thu-fri 09:00-18:00", WeeklyHours(WEEK - {2}, time(9), time(18))),
        ("  sun   10:00-12:00 ", WeeklyHours(frozenset({6}), time(10), time(12))),
        ("mon-mon 10:00-12:00", WeeklyHours(frozenset({0}), time(10), time(12))),
        ("fri-tue 10:00-12:00", WeeklyHours(frozenset({4, 5, 6, 0, 1}), time(10), time(12))),
        ("mon,mon 10:00-12:00", WeeklyHours(frozenset({0}), time(10), time(12))),
        ("mon 18:00-24:00", WeeklyHours(frozenset({0}), time(18), time(0))),
        ("mon 00:00-00:00", WeeklyHours(frozenset({0}), time(0), time(0))),
    ],
)
def test_working_hours_may_be_written_with_spaces(text: str, hours: WeeklyHours) -> None:
    assert types.parse_working_hours(text) == hours


HOURS = "write it like `mon-fri 09:00-18:00`, or `always`"
CLOCK = "write it like `08:00` or `23:30`"


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        ("", "bad_hours", "`` is not a set of working hours", HOURS),
        ("mon-fri", "bad_hours", "`mon-fri` is not a set of working hours", HOURS),
        ("09:00-18:00", "bad_hours", "`09:00-18:00` is not a set of working hours", HOURS),
        ("mon 9", "bad_hours", "`mon 9` is not a set of working hours", HOURS),
        ("Always", "bad_hours", "`Always` is not a set of working hours", HOURS),
        ("mon 10:00-10:00", "bad_hours", "the working hours end when they begin", HOURS),
        ("mon-fri 9-18", "bad_time", "`18` is not a time of day", "write `18:00`"),
        ("mon-fri 09:00-", "bad_time", "`` is not a time of day", CLOCK),
        ("mon-fri 09:00-18:00-20:00", "bad_time", "`18:00-20:00` is not a time of day", CLOCK),
        ("monday 09:00-18:00", "bad_day", "`monday` is not a day of the week", "write `mon`"),
        ("montag-fri 09:00-18:00", "bad_day", "`montag` is not a day of the week", "write `mon`"),
        ("mon- 09:00-18:00", "bad_day", "`` is not a day of the week", HOURS),
        ("mon,,tue 09:00-18:00", "bad_day", "`` is not a day of the week", HOURS),
        ("mo-fr 09:00-18:00", "bad_day", "`mo` is not a day of the week", HOURS),
    ],
)
def test_other_working_hours_are_refused(text: str, code: str, message: str, hint: str) -> None:
    assert refused(types.parse_working_hours, text) == (code, message, hint)


@given(
    st.lists(st.sampled_from(types.DAYS), min_size=1, max_size=4),
    st.integers(0, 23),
    st.integers(0, 23),
)
def test_named_days_and_no_others_are_working_days(days: list[str], start: int, end: int) -> None:
    if start == end:
        end = (end + 1) % 24
    hours = types.parse_working_hours(f"{','.join(days)} {start:02d}:00-{end:02d}:00")
    assert hours.days == {types.DAYS.index(day) for day in days}
    assert (hours.start, hours.end) == (time(start), time(end))


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Salta", "Etc/GMT+5"])
def test_a_zone_is_called_by_its_name(name: str) -> None:
    assert types.parse_zone(name) == ZoneInfo(name)


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("Berlin", "write `Europe/Berlin`"),
        ("new york", "write `America/New_York`"),
        ("Kolkata", "write `Asia/Kolkata`"),
        ("Europe/Pariss", "did you mean `Europe/Paris`?"),
        ("Europe\\Berlin", "did you mean `Europe/Berlin`?"),
        ("+02:00", "write it like `Europe/Berlin` or `UTC`"),
        ("", "write it like `Europe/Berlin` or `UTC`"),
        (7, "write it like `Europe/Berlin` or `UTC`"),
        ("/etc/passwd", "write it like `Europe/Berlin` or `UTC`"),
        ("Europe/Berlin\0", "did you mean `Europe/Berlin`?"),
        ("A" * 500, "write it like `Europe/Berlin` or `UTC`"),
    ],
)
def test_another_zone_is_refused(given: object, hint: str) -> None:
    assert refused(types.parse_zone, given) == (
        "bad_zone",
        f"`{shown(str(given))}` is not a time zone",
        hint,
    )


@pytest.mark.parametrize(
    ("text", "count"), [("1 check", 1), ("1 checks", 1), ("2 checks", 2), ("1000 checks", 1000)]
)
def test_checks_are_counted(text: str, count: int) -> None:
    assert types.parse_checks(text) == count


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        (3, "write `3 checks`"),
        (1, "write `1 check`"),
        ("0 checks", "write `1 check`"),
        ("1001 checks", "write `2 checks`"),
        ("2checks", "write `2 checks`"),
        ("3 times", "write `3 checks`"),
        ("two checks", "write `2 checks`"),
        ("٣ checks", "write `2 checks`"),
        ("-1 checks", "write `2 checks`"),
        (2.5, "write `2 checks`"),
        (None, "write `2 checks`"),
    ],
)
def test_another_number_of_checks_is_refused(given: object, hint: str) -> None:
    words = f"`{given}` is not a number of checks"
    assert refused(types.parse_checks, given) == ("bad_checks", words, hint)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ("1", 1),
        (1, 1),
        ("1B", 1),
        ("1 B", 1),
        ("2kB", 2000),
        ("100MB", 100_000_000),
        (100_000_000, 100_000_000),
    ],
)
def test_a_size_is_bytes_or_has_a_unit(given: object, size: int) -> None:
    assert types.parse_size(given) == size


@pytest.mark.parametrize(
    "given",
    ["0", 0, -1, "101MB", "1KB", "1 mb", "1MiB", "1.5MB", "1  B", "1\nB", "٣", "", None, [], 1.0],
)
def test_another_size_is_refused(given: object) -> None:
    hint = "write it like `500kB` or `1MB`, at most `100MB`"
    words = f"`{shown(str(given))}` is not a size"
    assert refused(types.parse_size, given) == ("bad_size", words, hint)


@pytest.mark.parametrize(
    ("of", "given"),
    [
        (types.Url, "https://a"),
        (types.Url, "http://a.example.com:65535/x?y#z"),
        (types.Url, " https://a "),
        (types.Url, "https://bücher.example"),
        (types.Email, "a@b"),
        (types.Email, "first.last+tag@sub.example.com"),
        (types.Member, "W0123"),
        (types.ChannelName, "ops"),
        (types.ChannelName, "C0123"),
        (types.ChannelName, "störung_1"),
        (types.Listen, "127.0.0.1:0"),
        (types.Listen, "localhost:65535"),
        (types.Listen, "[::]:80"),
        (types.Listen, "my-host.example:80"),
        (types.Listen, "[fe80::1%eth0]:80"),
        (types.Every, "1s"),
        (types.Every, "1d"),
    ],
)
def test_an_address_is_taken_as_it_stands(of: Any, given: str) -> None:
    value = TypeAdapter(of).validate_python(given)
    assert value == given.strip() or isinstance(value, timedelta)


@pytest.mark.parametrize(
    ("of", "given", "code", "hint"),
    [
        (types.Url, "a.example.com", "bad_url", "write an address that begins with `https://`"),
        (types.Url, "https://", "bad_url", "write an address that begins with `https://`"),
        (types.Url, "https:///x", "bad_url", "write an address that begins with `https://`"),
        (types.Url, "https://a:99999", "bad_url", "write an address that begins with `https://`"),
        (types.Url, "https://a:٣", "bad_url", "write an address that begins with `https://`"),
        (types.Url, "https://a b", "bad_url", "write an address that begins with `https://`"),
        (types.Url, "javascript:1", "bad_url", "write an address that begins with `https://`"),
        (types.Url, 7, "bad_url", "write an address that begins with `https://`"),
        (types.Url, "https://" + "a" * 1000, "bad_url", "write an address that begins with `https://`"),
        (types.Email, "ana", "bad_email", "write it like `ana@example.com`"),
        (types.Email, "@b", "bad_email", "write it like `ana@example.com`"),
        (types.Email, "a@", "bad_email", "write it like `ana@example.com`"),
        (types.Email, "a@b@c", "bad_email", "write it like `ana@example.com`"),
        (types.Email, "a@b, c@d", "bad_email", "write it like `ana@example.com`"),
        (types.Email, "a" * 65 + "@b", "bad_email", "write it like `ana@example.com`"),
        (types.Member, "@ana", "bad_slack", "copy the member id from the Slack profile, such as `U01ANA`"),
        (types.Member, "C01ANA", "bad_slack", "copy the member id from the Slack profile, such as `U01ANA`"),
        (types.ChannelName, "#ops", "bad_slack", "write `ops`, without the hash"),
        (types.ChannelName, "Ops", "bad_slack", "write the channel's name without the hash"),
        (types.ChannelName, "a b", "bad_slack", "write the channel's name without the hash"),
        (types.ChannelName, "a" * 81, "bad_slack", "write the channel's name without the hash"),
        (types.Listen, ":80", "bad_listen", "write it like `127.0.0.1:8711`"),
        (types.Listen, "host", "bad_listen", "write it like `127.0.0.1:8711`"),
        (types.Listen, "host:", "bad_listen", "write it like `127.0.0.1:8711`"),
        (types.Listen, "host:65536", "bad_listen", "write it like `127.0.0.1:8711`"),
        (types.Listen, "http://host:80", "bad_listen", "write it like `127.0.0.1:8711`"),
        (types.Listen, "a b:80", "bad_listen", "write it like `127.0.0.1:8711`"),
        (types.Listen, "host:٣", "bad_listen", "write it like `127.0.0.1:8711`"),
        (types.Listen, "::1:80", "bad_listen", "write it like `127.0.0.1:8711`"),
        (types.Every, "500ms", "bad_duration", "write `1s` or more"),
        (types.Text, " ", "empty_value", "write a text"),
    ],
)  # fmt: skip
def test_another_address_is_refused(of: Any, given: object, code: str, hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(of).validate_python(given)
    (error,) = caught.value.errors()
    assert (error["type"], error.get("ctx", {})["hint"]) == (code, hint)


@pytest.mark.parametrize(("given", "names"), [("a", ("a",)), (["a", "b"], ("a", "b")), ([], ())])
def test_one_name_or_a_list_of_names(given: object, names: tuple[str, ...]) -> None:
    assert TypeAdapter(types.Names).validate_python(given) == names


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("a\tb\nc", "a\\tb\\nc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202e", "\\u202e"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("é 例 ✅", "é 例 ✅"),
    ],
)
def test_what_a_terminal_obeys_is_spelled_out(text: str, line: str) -> None:
    assert visible(text) == line


def test_a_long_text_is_cut_with_a_mark() -> None:
    assert shown("x" * 60) == "x" * 60
    assert shown("x" * 61) == "x" * 59 + "…"


def test_a_long_list_says_how_much_it_leaves_out() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed("abcde", most=3) == "a, b, c and 2 more"


@pytest.mark.parametrize(
    ("word", "label"),
    [("sauce", ""), ("sources", "did you mean `sources`?"), ("Rulse", "did you mean `rules`?")],
)
def test_only_a_near_word_is_asked_for(word: str, label: str) -> None:
    assert did_you_mean(word, ["sources", "rules"]) == label


@given(st.text(max_size=300), st.lists(st.text(max_size=10), max_size=5))
def test_the_nearest_word_is_one_of_the_known(word: str, known: list[str]) -> None:
    assert nearest(word, known) in {None, *known}
