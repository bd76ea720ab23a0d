"""How turns of on-call are written: what is taken, and what is refused in which words."""

from collections.abc import Callable
from datetime import date, time

import pytest
from pydantic_core import PydanticCustomError

from tests.config_files import GOOD, config_of
from watchdog.config.turns import Handover, ordinal, parse_first_day, parse_handover, parse_turn
from watchdog.domain.people import DAILY, HOURLY, MONTHLY, WEEKLY, Rotation, Turn, Unit

LIKE = "write it like `weekly`, `12 hours` or `2 weeks`"
HANDOVER = "write it like `mon 10:00`, `1st 10:00`, or `10:00` for every day"


def refused(parse: Callable[[object], object], given: object) -> tuple[str, str, str]:
    """Return code, message and hint of a refusal."""
    with pytest.raises(PydanticCustomError) as caught:
        parse(given)
    error = caught.value
    return error.type, error.message(), str((error.context or {})["hint"])


@pytest.mark.parametrize(
    ("text", "turn"),
    [
        ("hourly", HOURLY),
        ("daily", DAILY),
        ("weekly", WEEKLY),
        ("monthly", MONTHLY),
        ("12 hours", Turn(12, Unit.HOURS)),
        ("168 hours", Turn(168, Unit.HOURS)),
        ("90 days", Turn(90, Unit.DAYS)),
        ("26 weeks", Turn(26, Unit.WEEKS)),
        ("6 months", Turn(6, Unit.MONTHS)),
    ],
)
def test_a_turn_is_a_word_or_several_of_a_unit(text: str, turn: Turn) -> None:
    assert parse_turn(text) == turn


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("12h", "write `12 hours`"),
        ("every 2 weeks", "write `2 weeks`"),
        ("2W", "write `2 weeks`"),
        ("1 week", "write `weekly`"),
        ("1 days", "write `daily`"),
        ("0 days", "write `daily`"),
        ("day", "write `daily`"),
        ("169 hours", "write `168 hours`"),
        ("12 months", "write `6 months`"),
        ("montly", "did you mean `monthly`?"),
        ("fortnight", LIKE),
        ("2", LIKE),
        (2, LIKE),
        ("1h30m", LIKE),
        ("", LIKE),
    ],
)
def test_another_turn_is_refused(given: object, hint: str) -> None:
    assert refused(parse_turn, given) == (
        "bad_turn",
        f"`{given}` is not how long a turn lasts",
        hint,
    )


@pytest.mark.parametrize(
    ("text", "handover"),
    [
        ("10:00", Handover(time(10))),
        ("mon 10:00", Handover(time(10), weekday=0)),
        ("sun 23:59", Handover(time(23, 59), weekday=6)),
        ("1st 10:00", Handover(time(10), day=1)),
        ("22nd 00:00", Handover(time(0), day=22)),
        ("28th 08:30", Handover(time(8, 30), day=28)),
    ],
)
def test_a_handover_is_a_time_with_or_without_a_day(text: str, handover: Handover) -> None:
    assert parse_handover(text) == handover


@pytest.mark.parametrize(
    ("given", "code", "message", "hint"),
    [
        ("mon", "bad_time", "`mon` is not a time of day", "write it like `08:00` or `23:30`"),
        ("mon 10", "bad_time", "`10` is not a time of day", "write `10:00`"),
        ("someday 10:00", "bad_day", "`someday` is not a day of the week", HANDOVER),
        (10, "bad_time", "`10` is not a time to hand over", HANDOVER),
        ("mon-fri 10:00", "bad_day", "`mon-fri` is not a day of the week", "write `mon`"),
        ("1 10:00", "bad_day", "`1` is not a day of every month", "write `1st`"),
        ("3th 10:00", "bad_day", "`3th` is not a day of every month", "write `3rd`"),
        (
            "31st 10:00",
            "bad_day",
            "`31st` is not a day of every month",
            "write `28th`: not every month has a later day",
        ),
    ],
)
def test_another_handover_is_refused(given: object, code: str, message: str, hint: str) -> None:
    assert refused(parse_handover, given) == (code, message, hint)


def test_days_of_a_month_are_said_as_people_say_them() -> None:
    said = " ".join(ordinal(day) for day in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 28))
    assert said == "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 28th"


@pytest.mark.parametrize("given", ["15.6.2026", "2026-02-30", "1969-12-31", "2026-6-1", 20260615])
def test_a_first_day_that_is_none_is_refused(given: object) -> None:
    code, message, hint = refused(parse_first_day, given)
    assert (code, message) == ("bad_date", f"`{given}` is not a day")
    assert hint == "write it like `2026-06-15`"


@pytest.mark.parametrize(
    ("written", "rotation"),
    [
        ("order: [ana, raj]", Rotation(WEEKLY, ("ana", "raj"))),
        (
            "rotate: 12 hours, handover: 08:00, order: [ana]",
            Rotation(Turn(12, Unit.HOURS), ("ana",), time(8)),
        ),
        (
            "rotate: 2 weeks, handover: wed 09:00, from: 2026-06-15, order: [ana]",
            Rotation(Turn(2, Unit.WEEKS), ("ana",), time(9), 2, since=date(2026, 6, 15)),
        ),
        (
            "rotate: monthly, handover: 15th 09:00, order: [ana]",
            Rotation(MONTHLY, ("ana",), time(9), day=15),
        ),
    ],
)
def test_what_the_file_says_is_the_rotation_of_the_team(written: str, rotation: Rotation) -> None:
    text = GOOD.replace("handover: mon 10:00, order: [ana, raj]", written)
    assert config_of(text).directory.teams["data"].oncall == (rotation,)
