"""Shifts from calendars: what is read, and what is refused in which words."""

import contextlib
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.postgres import NIGHT
from watchdog.domain.ical_reading import CalendarRefused, covers_of
from watchdog.domain.icalendar import calendar
from watchdog.domain.oncall import HORIZON, By, Shift
from watchdog.domain.people import Cover, Person

BERLIN = ZoneInfo("Europe/Berlin")
SPAN = NIGHT, NIGHT + HORIZON
PEOPLE = {"ana": Person("ana", "ana@example.com"), "raj": Person("raj", "raj@example.com")}


def read(*events: str) -> list[Cover]:
    """Read events, each given as its lines with `|` between them."""
    bodies = (event.replace("|", "\r\n") for event in events)
    text = "".join(f"BEGIN:VEVENT\r\n{body}\r\nEND:VEVENT\r\n" for body in bodies)
    whole = f"BEGIN:VCALENDAR\r\n{text}END:VCALENDAR\r\n"
    return covers_of(whole, "data", BERLIN, PEOPLE, "ana", SPAN)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("times", "begins", "ends"),
    [
        (
            "DTSTART:20250616T080000Z|DTEND:20250616T160000Z",
            utc(2025, 6, 16, 8),
            utc(2025, 6, 16, 16),
        ),
        (
            "DTSTART:20250616T100000|DTEND:20250616T120000",
            utc(2025, 6, 16, 8),
            utc(2025, 6, 16, 10),
        ),
        (
            "DTSTART;TZID=Asia/Kolkata:20250616T100000|DURATION:PT8H30M",
            utc(2025, 6, 16, 4, 30),
            utc(2025, 6, 16, 13),
        ),
        (
            "DTSTART;VALUE=DATE:20250616|DTEND;VALUE=DATE:20250618",
            utc(2025, 6, 15, 22),
            utc(2025, 6, 17, 22),
        ),
        ("DTSTART;VALUE=DATE:20250616", utc(2025, 6, 15, 22), utc(2025, 6, 16, 22)),
        ("DTSTART:20260329T023000|DTEND:20260329T040000", utc(2026, 3, 29, 1), utc(2026, 3, 29, 2)),
        (
            "DTSTART;TZID=W. Europe Standard Time:20250616T080000|DURATION:PT1H",
            utc(2025, 6, 16, 6),
            utc(2025, 6, 16, 7),
        ),
    ],
)
def test_an_event_is_a_cover_by_its_own_zone_or_that_of_the_team(
    times: str, begins: datetime, ends: datetime
) -> None:
    assert read(f"SUMMARY:ana|{times}") == [Cover("data", "ana", begins, ends, "ana")]


@pytest.mark.parametrize(
    "who",
    [
        "SUMMARY:On call: Raj (data)",
        'SUMMARY:On call|ATTENDEE;CN="Raj: K";RSVP=TRUE:mailto:RAJ@example.com',
        "SUMMARY:ana and others|ATTENDEE:mailto:raj@example.com|ATTENDEE:mailto:x@example.com",
        "SUMMARY:On ca|  ll: raj|BEGIN:VALARM|SUMMARY:ana|END:VALARM",
    ],
)
def test_an_event_names_its_person_as_attendee_or_in_the_title(who: str) -> None:
    [cover] = read(f"{who}|DTSTART:20250616")
    assert cover.person == "raj"


def test_what_was_cancelled_is_none() -> None:
    assert read("SUMMARY:ana|DTSTART:20250616|STATUS:CANCELLED") == []


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            "SUMMARY:Lunch\\, soon|DTSTART:20250616",
            "the event `Lunch, soon` names nobody of `people:`",
        ),
        (
            "SUMMARY:ana/raj|DTSTART:20250616",
            "the event `ana/raj` names several: ana, raj; it must",
        ),
        (
            "SUMMARY:ana|DTSTART:20250616|RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
            "the event `ana` repeats SECONDLY; DAILY is the most",
        ),
        ("SUMMARY:ana", "the event `ana` does not say when it begins"),
        (
            "SUMMARY:ana|DTSTART;TZID=Europe/Berlyn:20250616T080000",
            "its DTSTART is in `Europe/Berlyn`, which is no zone",
        ),
        ("SUMMARY:ana|DTSTART:00010101", "the event `ana`: nobody is on call in 1"),
        ("SUMMARY:ana|DTSTART:20250616T080000Z|DTEND:99991231", "nobody is on call in 9999"),
        ("SUMMARY:ana|DTSTART:tomorrow", "the event `ana`: its DTSTART cannot be read"),
        ("SUMMARY:ana|DTSTART:20250616|DURATION:soon", "its DURATION cannot be read"),
        ("SUMMARY:ana|DTSTART:20250616|DTEND:20250616", "the event `ana` ends before it begins"),
        ("SUMMARY:ana|DTSTART:20250616T080000Z", "the event `ana` has no length"),
    ],
)
def test_an_event_that_is_no_shift_of_one_person_is_refused(event: str, words: str) -> None:
    with pytest.raises(CalendarRefused, match=re.escape(words)):
        read(event)


def test_what_repeats_is_a_cover_each_time_by_the_clock_of_its_zone() -> None:
    times = "DTSTART;TZID=Europe/Berlin:20250929T080000|DURATION:PT12H"
    covers = read(
        f"SUMMARY:raj|{times}|RRULE:FREQ=WEEKLY;COUNT=5|EXDATE;TZID=Europe/Berlin:20251006T080000"
    )
    assert [one.starts_at for one in covers] == [
        *(utc(2025, 9, 29, 6), utc(2025, 10, 13, 6), utc(2025, 10, 20, 6), utc(2025, 10, 27, 7))
    ]


def test_what_repeats_for_ever_is_taken_over_as_far_as_is_asked_for() -> None:
    covers = read("SUMMARY:ana|DTSTART:20200106|RRULE:FREQ=WEEKLY")
    assert len(covers) == 52
    assert all(one.ends_at > NIGHT and one.starts_at < NIGHT + HORIZON for one in covers)


def test_what_is_over_or_far_ahead_is_left_out() -> None:
    assert read("SUMMARY:ana|DTSTART:20250601", "SUMMARY:ana|DTSTART:20270601") == []


def test_a_file_without_events_or_with_too_many_is_refused() -> None:
    with pytest.raises(CalendarRefused, match="is it a calendar file"):
        covers_of("<html>", "data", BERLIN, PEOPLE, "ana", SPAN)
    with pytest.raises(CalendarRefused, match="there is no event in it"):
        read()
    with pytest.raises(CalendarRefused, match="it has more than 1000 events"):
        read(*["SUMMARY:ana|DTSTART:20250616"] * 1001)


def test_what_we_export_can_be_taken_over() -> None:
    shift = Shift("ana", "ana", By.ROTATION, NIGHT, NIGHT + timedelta(hours=8))
    text = calendar("ana", [shift], NIGHT)
    [cover] = covers_of(text, "data", BERLIN, PEOPLE, "raj", SPAN)
    assert (cover.person, cover.starts_at, cover.ends_at) == ("ana", shift.starts_at, shift.ends_at)


_lines = st.sampled_from(
    [
        "BEGIN:VEVENT",
        "END:VEVENT",
        "SUMMARY:ana",
        "DTSTART:20250616",
        "DTEND:9",
        "RRULE:x",
        "RRULE:FREQ=DAILY",
        "RDATE:1",
        "DURATION:-P1D",
        "BEGIN:VCALENDAR",
        "END:VCALENDAR",
        " y",
        "END:X",
    ]
)


@given(st.lists(_lines | st.text(max_size=20), max_size=20).map("\n".join))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    found: list[Cover] = []
    with contextlib.suppress(CalendarRefused):
        whole = f"BEGIN:VCALENDAR\n{text}\nEND:VCALENDAR\n"
        found = covers_of(whole, "data", BERLIN, PEOPLE, "ana", SPAN)
    assert all(one.starts_at < one.ends_at for one in found)
