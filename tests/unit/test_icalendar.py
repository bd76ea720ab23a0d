"""Shifts as a calendar file."""

import re
from dataclasses import replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.golden_files import assert_golden
from tests.postgres import NIGHT
from watchdog.domain.icalendar import calendar
from watchdog.domain.oncall import By, Shift, shifts
from watchdog.domain.people import WEEKLY, Cover, Directory, Person, Rotation, Team

BERLIN = ZoneInfo("Europe/Berlin")
WEEKS = Rotation(WEEKLY, ("ana", "raj"), time(10), since=date(2025, 6, 16))
DIRECTORY = Directory(
    {"ana": Person("ana"), "raj": Person("raj")},
    {"data": Team("data", "raj", zone=BERLIN, oncall=(WEEKS,))},
    covers=(Cover("data", "ana", NIGHT, NIGHT + timedelta(hours=6), "raj", 1),),
)
SHIFT = Shift("data", "ana", By.ROTATION, NIGHT, NIGHT + timedelta(hours=8))


def test_a_calendar_reads_as_promised() -> None:
    found = shifts(DIRECTORY, "data", NIGHT, NIGHT + timedelta(weeks=5))
    assert_golden(
        "shifts.ics", calendar("ana", [one for one in found if one.person == "ana"], NIGHT)
    )


def test_a_shift_keeps_its_identity_in_every_export_and_others_have_another() -> None:
    def identity(shift: Shift, days: int = 0) -> str:
        [line] = [
            line
            for line in calendar("ana", [shift], NIGHT + timedelta(days=days)).split("\r\n")
            if line.startswith("UID:")
        ]
        return line

    assert identity(SHIFT) == identity(replace(SHIFT, ends_at=NIGHT), days=1)
    others = [replace(SHIFT, team="web"), replace(SHIFT, starts_at=NIGHT - timedelta(hours=1))]
    assert len({identity(one) for one in (SHIFT, *others)}) == 3


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=200))
def test_lines_are_short_end_rightly_and_can_be_put_together_again(team: str) -> None:
    text = calendar("ana", [replace(SHIFT, team=team)], NIGHT)
    assert text.endswith("END:VCALENDAR\r\n")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    unfolded = text.replace("\r\n ", "")
    [line] = [one for one in unfolded.split("\r\n") if one.startswith("SUMMARY:")]
    assert re.sub(r"\\(.)", r"\1", line) == f"SUMMARY:On call: {team}"
