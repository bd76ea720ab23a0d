"""Settings of one word: what may be written, and what is told when it is something else."""

from collections.abc import Callable
from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from rules.hours import WeeklyHours
from watchdog.config import turns, types
from watchdog.config.crosschecks import circles
from watchdog.config.problems import did_you_mean, nearest, shown, visible

ANY_DAY = frozenset(range(7))


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("mon-fri 09:00-18:00", WeeklyHours(frozenset(range(5)), time(9), time(18))),
        ("mon,wed 08:30-12:00", WeeklyHours(frozenset({0, 2}), time(8, 30), time(12))),
        ("sat-mon 00:00-24:00", WeeklyHours(frozenset({5, 6, 0}), time(0), time(0))),
        ("fri 22:00-06:00", WeeklyHours(frozenset({4}), time(22), time(6))),
        ("mon-wed,sun 10:00-11:00", WeeklyHours(frozenset({0, 1, 2, 6}), time(10), time(11))),
        ("always", WeeklyHours(ANY_DAY, time(0), time(0))),
    ],
)
def test_working_hours_are_days_and_times(text: str, hours: WeeklyHours) -> None:
    assert types.parse_working_hours(text) == hours


def hint_of(parse: Callable[[object], object], given: object) -> tuple[str, str]:
    with pytest.raises(PydanticCustomError) as caught:
        parse(given)
    return caught.value.type, str((caught.value.context or {})["hint"])


@pytest.mark.parametrize(
    ("parse", "given", "code", "hint"),
    [
        (types.parse_time, "9", "bad_time", "write `09:00`"),
        (types.parse_time, "9:30pm", "bad_time", "write `21:30`"),
        (types.parse_time, "12 am", "bad_time", "write `00:00`"),
        (types.parse_time, "24:00", "bad_time", "write `00:00`"),
        (types.parse_time, "noon", "bad_time", "write it like `08:00` or `23:30`"),
        (turns.parse_handover, "Monday 10:00", "bad_day", "write `mon`"),
        (types.parse_working_hours, "mon-fri", "bad_hours", types._HOURS_HINT),
        (types.parse_working_hours, 5, "bad_hours", types._HOURS_HINT),
        (types.parse_zone, "New York", "bad_zone", "write `America/New_York`"),
        (types.parse_zone, "Europe/Belin", "bad_zone", "did you mean `Europe/Berlin`?"),
        (types.parse_zone, "../etc/passwd", "bad_zone", "write it like `Europe/Berlin` or `UTC`"),
        (types.parse_checks, 3, "bad_checks", "write `3 checks`"),
        (types.parse_checks, "1", "bad_checks", "write `1 check`"),
        (types.parse_checks, "5000 checks", "bad_checks", "write `2 checks`"),
        (types.parse_checks, True, "bad_checks", "write `2 checks`"),
        (types.parse_size, "1GB", "bad_size", "write it like `500kB` or `1MB`, at most `100MB`"),
        (types.parse_size, True, "bad_size", "write it like `500kB` or `1MB`, at most `100MB`"),
    ],
)
def test_a_wrong_spelling_shows_the_right_one(
    parse: Callable[[object], object], given: object, code: str, hint: str
) -> None:
    assert hint_of(parse, given) == (code, hint)


@pytest.mark.parametrize(
    ("given", "size"), [("500kB", 500_000), ("1 MB", 1_000_000), (4096, 4096), ("7B", 7)]
)
def test_a_size_has_a_unit_or_is_in_bytes(given: object, size: int) -> None:
    assert types.parse_size(given) == size


@pytest.mark.parametrize(
    ("of", "right", "wrong"),
    [
        (types.Url, "https://a.example.com:8080/x?y=1#z", "ftp://a"),
        (types.Url, "http://localhost", "https://me:pw@host/"),
        (types.Email, "ana+x@example.com", "Ana <ana@example.com>"),
        (types.Email, "a@b", "a@b\r\nBcc: c@d"),
        (types.Member, "U01ANA", "ana"),
        (types.Member, "W123", "u01ana"),
        (types.ChannelName, "support-alerts", "Support Alerts"),
        (types.ChannelName, "C024BE91L", "#support"),
        (types.Listen, "[::1]:8711", "8711"),
        (types.Listen, "0.0.0.0:80", "host:99999"),
        (types.Every, "1s", "999ms"),
        (types.Text, " x ", "  "),
    ],
)
def test_addresses_are_what_they_look_like(of: Any, right: str, wrong: str) -> None:
    adapter = TypeAdapter(of)
    adapter.validate_python(right)
    with pytest.raises(ValidationError):
        adapter.validate_python(wrong)


PARSERS = [
    types.parse_time,
    types.parse_working_hours,
    turns.parse_handover,
    turns.parse_turn,
    turns.parse_first_day,
    types.parse_zone,
    types.parse_checks,
    types.parse_size,
]


@given(st.sampled_from(PARSERS), st.text(max_size=30) | st.integers() | st.lists(st.integers()))
def test_a_parser_gives_a_value_or_a_refusal(
    parse: Callable[[object], object], given: object
) -> None:
    result: object = None
    try:
        result = parse(given)
    except PydanticCustomError as refusal:
        result = (refusal.context or {}).get("hint")
    assert result is not None


@given(st.text())
def test_what_is_shown_is_one_short_line(text: str) -> None:
    assert len(visible(text).splitlines()) <= 1
    assert "\x1b" not in shown(text)


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("max_aeg", "max_age"),
        ("MaxAge", "max_age"),
        ("Max_Age", "max_age"),
        ("max-age", "max_age"),
        ("x", None),
        ("", None),
    ],
)
def test_the_nearest_word_is_found(word: str, known: str | None) -> None:
    assert nearest(word, ["max_age", "column", "where"]) == known
    assert did_you_mean("zzz", ["max_age"]) == ""


names = st.sampled_from("abcdefgh")


@given(st.dictionaries(names, st.lists(names, max_size=3).map(tuple)))
def test_circles_are_circles_and_none_is_missed(parents: dict[str, tuple[str, ...]]) -> None:
    found = list(circles(parents))
    for circle in found:
        for name, parent in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert parent in parents[name]
    assert bool(found) == any(name in _above(name, parents) for name in parents)


def test_rules_that_share_their_parents_are_each_gone_through_once() -> None:
    layers = range(40)  # path by path this takes days
    parents: dict[str, tuple[str, ...]] = {
        f"{one}{side}": (f"{one + 1}a", f"{one + 1}b") for one in layers for side in "ab"
    }
    assert list(circles(parents)) == []


def _above(name: str, parents: dict[str, tuple[str, ...]]) -> set[str]:
    """Return everything that can be reached from a name."""
    reached: set[str] = set()
    pending = list(parents[name])
    while pending:
        one = pending.pop()
        if one not in reached:
            reached.add(one)
            pending += parents.get(one, ())
    return reached
