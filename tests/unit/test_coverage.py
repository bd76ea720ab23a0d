"""Which hours of a week no layer covers."""

from datetime import time

import pytest

from rules.hours import WeeklyHours
from watchdog.domain.coverage import uncovered
from watchdog.domain.people import DAILY, Rotation

WORKDAYS, WEEKEND, ALL = frozenset(range(5)), frozenset({5, 6}), frozenset(range(7))
OFFICE = WeeklyHours(WORKDAYS, time(8), time(18))


def said(*hours: WeeklyHours | None) -> list[str]:
    return [str(one) for one in uncovered([Rotation(DAILY, ("ana",), hours=one) for one in hours])]


def test_a_layer_without_hours_leaves_nothing() -> None:
    assert said(OFFICE, None) == []
    assert said() == []


def test_what_office_hours_leave_is_the_nights_and_the_weekend_from_monday_on() -> None:
    assert said(OFFICE) == [
        "mon 18:00 to tue 08:00",
        "tue 18:00 to wed 08:00",
        "wed 18:00 to thu 08:00",
        "thu 18:00 to fri 08:00",
        "fri 18:00 to mon 08:00",
    ]


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ((WeeklyHours(WORKDAYS, time(18), time(8)),), ["sat 08:00 to mon 08:00"]),
        ((WeeklyHours(WORKDAYS, time(18), time(8)), WeeklyHours(WEEKEND, time(8), time(8))), []),
        ((WeeklyHours(ALL, time(0), time(0)),), []),
        (
            (WeeklyHours(ALL, time(17), time(7, 59)),),
            [f"{day} 07:59 to {day} 08:00" for day in ("mon", "tue", "wed", "thu", "fri")]
            + ["sat 07:59 to sat 17:00", "sun 07:59 to sun 17:00"],
        ),
    ],
)
def test_what_further_layers_leave_of_it(others: tuple[WeeklyHours, ...], left: list[str]) -> None:
    assert said(OFFICE, *others) == left
