"""Instants as people type them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from watchdog.cli.ending import Ended
from watchdog.cli.instants import instant_of, said_at, said_for
from watchdog.domain.people import Person

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
NOW = datetime(2025, 6, 13, 4, 15, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("now", "2025-06-13T04:15:00+02:00"),
        ("2h", "2025-06-13T06:15:00+02:00"),
        ("1d12h", "2025-06-14T16:15:00+02:00"),
        ("18:00", "2025-06-13T18:00:00+02:00"),
        ("04:15", "2025-06-14T04:15:00+02:00"),
        ("fri 10:00", "2025-06-13T10:00:00+02:00"),
        ("fri 03:00", "2025-06-20T03:00:00+02:00"),
        ("2025-06-16 10:00", "2025-06-16T10:00:00+02:00"),
        ("2025-06-16", "2025-06-16T00:00:00+02:00"),
        ("2025-06-16T10:00Z", "2025-06-16T12:00:00+02:00"),
        ("2026-03-29 02:30", "2026-03-29T03:00:00+02:00"),
    ],
)
def test_an_instant_is_typed_in_the_zone_of_the_team(text: str, iso: str) -> None:
    assert instant_of(text, "--from", NOW, BERLIN).astimezone(BERLIN).isoformat() == iso


@pytest.mark.parametrize("text", ["", "noon", "25:00", "friday 10:00", "2 hours", "-2h"])
def test_what_nobody_understands_is_refused_with_the_option(text: str) -> None:
    with pytest.raises(Ended, match=f"^--until {text}: write it like `2h`, `18:00`, `fri 10:00`"):
        instant_of(text, "--until", NOW, BERLIN)


def test_an_instant_is_said_by_the_clock_of_the_team_and_of_the_person() -> None:
    assert said_at(NOW, ZoneInfo("America/New_York")) == "Thu 12 Jun 22:15 New York"
    assert said_at(NOW.replace(day=2), BERLIN) == "Mon 2 Jun 04:15 Berlin"
    assert said_for(NOW, BERLIN, Person("ana", zone=BERLIN)) == "Fri 13 Jun 04:15 Berlin"
    raj = Person("raj", zone=KOLKATA)
    assert said_for(NOW, BERLIN, raj) == "Fri 13 Jun 04:15 Berlin (07:45 for raj)"
    late = NOW.replace(hour=22)
    assert said_for(late, BERLIN, raj) == "Fri 13 Jun 22:15 Berlin (Sat 01:45 for raj)"
