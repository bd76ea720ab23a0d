"""What messages say of each event at each severity and in each state: tables of the words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from notifiers.base import Event, Facts
from notifiers.clean import tidy
from notifiers.line import LINE_MAX, bad_for, came_back, head, open_for, render_line
from notifiers.samples import sample
from notifiers.story import tell
from notifiers.telling import Row
from notifiers.thread_line import below
from notifiers.times import short_span, time_of_day, zone_word
from tests.any_facts import any_facts

SEVERITIES = ("critical", "warning", "info", "unheard_of", "")
STATES = ("open", "taken", "recovered", "resolved")
EVERY = list(product(Event, SEVERITIES, STATES))
PAGES = {Event.OPENED, Event.LEVEL}
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def changed(event: Event, **changes: Any) -> Facts:
    return tidy(replace(sample(event), **changes))


def test_each_event_is_told_at_each_severity_in_each_state() -> None:
    for event, severity, state in EVERY:
        facts = changed(event, severity=severity, state=state)
        story = tell(facts)
        assert (story.glyph, story.word) == head(facts)
        assert story.title == facts.title
        assert story.lead[-1] in ".!?…", (event, severity, state)
        assert "  " not in story.lead
        assert ".." not in story.lead
        assert [row.label for row in story.who] in (["Owner"], ["Owner", "Next"])
        assert all(row.text for row in (*story.who, *story.guide))


def test_each_line_below_is_one_sentence_at_each_severity_in_each_state() -> None:
    for event, severity, state in EVERY:
        said = below(changed(event, severity=severity, state=state))
        assert said
        assert "\n" not in said
        assert not said.startswith((" ", ":", ","))
        assert not said.endswith((" ", ":", ";", ",")), said


def test_each_push_line_fits_at_each_severity_in_each_state() -> None:
    for event, severity, state in EVERY:
        facts = changed(event, severity=severity, state=state)
        line = render_line(facts)
        assert len(line) <= LINE_MAX
        assert line.startswith(" ".join(head(facts)))
        assert line.endswith(f"#{facts.id}") or not facts.id


@pytest.mark.parametrize(
    ("severity", "glyph", "word"),
    [
        ("critical", "🔴", "CRITICAL"),
        ("warning", "🔶", "WARNING"),
        ("info", "🟦", "INFO"),
        ("fatal", "❗", "FATAL"),
        ("catastrophic", "❗", "CATASTRO…"),
        ("", "❗", "OPEN"),
    ],
)
@pytest.mark.parametrize("event", sorted(PAGES))
def test_an_opening_or_a_level_begins_with_its_severity(
    event: Event, severity: str, glyph: str, word: str
) -> None:
    assert head(changed(event, severity=severity)) == (glyph, word)


@pytest.mark.parametrize("event", sorted(set(Event) - PAGES))
def test_any_other_event_begins_with_the_same_word_at_each_severity(event: Event) -> None:
    heads = {head(changed(event, severity=severity)) for severity in SEVERITIES}
    assert len(heads) == 1
    assert heads.pop()[1].replace(" ", "").isupper()


OWNERS: list[tuple[dict[str, Any], Row]] = [
    ({"taken_at": None, "owner_took_it": False}, Row("Owner", "ana, not taken yet")),
    ({"taken_at": None, "owner_took_it": True}, Row("Owner", "ana")),
    ({"taken_at": NOON, "owner_took_it": True}, Row("Owner", "ana, since", NOON)),
    ({"taken_at": NOON, "owner_took_it": False}, Row("Owner", "ana, since", NOON)),
    ({"state": "recovered", "taken_at": None}, Row("Owner", "ana")),
    ({"state": "resolved", "taken_at": None}, Row("Owner", "ana")),
    ({"id": 0, "taken_at": None}, Row("Owner", "ana")),
]


@pytest.mark.parametrize(("changes", "row"), OWNERS)
def test_the_owner_is_said_with_what_is_known_of_the_taking(
    changes: dict[str, Any], row: Row
) -> None:
    assert tell(changed(Event.OPENED, **changes)).who[0] == row


@pytest.mark.parametrize("event", Event)
def test_without_an_owner_no_row_is_empty(event: Event) -> None:
    story = tell(changed(event, owner=""))
    assert "Owner" not in [row.label for row in story.who]


GUIDED = {
    Event.OPENED, Event.LEVEL, Event.TAKEN, Event.OFFERED, Event.HANDED_OVER, Event.BACK_AGAIN,
    Event.ESCALATED, Event.EXHAUSTED, Event.EXPIRED, Event.LAPSED, Event.GIVEN_BACK,
    Event.STORM, Event.MEMBERS, Event.SPLIT,
    Event.FLAPPING, Event.SILENCED, Event.RELEASED,
    Event.MISSED, Event.DECLINED, Event.REOPENED,
}  # fmt: skip


@pytest.mark.parametrize("event", Event)
def test_what_to_do_first_is_said_where_something_is_to_be_done(event: Event) -> None:
    words = {"impact": "It hurts.", "do_first": "Look.", "runbook": "see the wall"}
    story = tell(changed(event, times=2, **words))
    labels = [row.label for row in story.guide]
    assert labels == (["Impact", "Do first", "Before", "Runbook"] if event in GUIDED else [])


@pytest.mark.parametrize(
    ("event", "changes", "said"),
    [
        (Event.OPENED, {"detail": "It is late"}, "Opened: It is late"),
        (Event.OPENED, {"detail": "", "fact": "2h (max 1h)"}, "Opened: 2h (max 1h)"),
        (Event.LEVEL, {"fact": "3h (max 1h)"}, "warning → critical: 3h (max 1h)"),
        (Event.TAKEN, {}, "ana took it after 4m"),
        (Event.FLAPPING, {}, "Flapping, 6 times in 1h: it stays open until it is calm"),
        (Event.SILENCED, {}, "Silenced by raj until 18:00 Berlin: deploy"),
        (Event.SILENCE_ENDS, {}, "Your silence ends in 15m, 3 still bad"),
        (
            Event.RELEASED,
            {"detail": "It is late."},
            "Still bad: its silence has ended. Owner: ana. It is late.",
        ),
        (Event.TAKEN, {"taken_at": None}, "ana took it after 4m"),
        (Event.OFFERED, {"words": "ana → raj"}, "ana asks raj to take over"),
        (Event.OFFERED, {"words": "ana → raj: at: 9"}, "ana asks raj to take over: “at: 9”"),
        (Event.HANDED_OVER, {}, "raj has it now (ana → raj)"),
        (Event.NOTED, {"words": "a: b"}, "ana: a: b"),
        (Event.RECOVERED, {"words": "All good"}, "Recovered: All good; bad for 1h12m"),
        (
            Event.RESOLVED,
            {"prevention": "warn earlier"},
            "ana resolved it: Shop API key expired (config). Next time: warn earlier",
        ),
        (
            Event.RESOLVED,
            {"cause": "", "cause_kind": "", "words": "so", "prevention": ""},
            "ana resolved it: so",
        ),
        (Event.ACTION_DONE, {"words": "so"}, "ana has done what stops it next time: so"),
        (Event.WITHDRAWN, {}, "No longer watched: rule orders-stale was removed"),
        (Event.WITHDRAWN, {"words": "", "cause": "gone"}, "No longer watched: gone"),
        (Event.STORM, {"detail": "Six at once."}, "A storm: Six at once."),
        (Event.MEMBERS, {"fact": "5 of 6 bad"}, "Now 5 of 6 bad"),
        (Event.JOINED, {}, "It is part of storm #1050 now"),
        (Event.SPLIT, {"words": "x is #7 now"}, "ana split out of it: x is #7 now"),
        (Event.TEST, {"words": ""}, "You can be reached here"),
        (Event.TEST, {"words": "hello"}, "hello"),
    ],
)
def test_a_line_in_the_thread_reads_as_agreed(
    event: Event, changes: dict[str, Any], said: str
) -> None:
    assert below(changed(event, **changes)) == said


@pytest.mark.parametrize(
    ("event", "changes", "lead"),
    [
        (Event.OPENED, {"detail": "it is late!"}, "It is late!"),
        (Event.OPENED, {"detail": "", "fact": ""}, ""),
        (
            Event.RESOLVED,
            {"cause": "", "words": "", "cause_kind": "", "prevention": ""},
            "Cause: not given.",
        ),
        (Event.RESOLVED, {"cause": "Why?", "cause_kind": "", "prevention": ""}, "Cause: Why?"),
        (
            Event.WITHDRAWN,
            {"words": "", "cause": ""},
            "No longer watched: its rule is gone. Nobody says that it is fixed.",
        ),
        (Event.TEST, {"words": "", "detail": "", "fact": ""}, "You can be reached here."),
        (
            Event.HANDED_OVER,
            {"detail": "", "fact": "", "words": "ana → raj"},
            "ana → raj: raj is the owner now.",
        ),
    ],
)
def test_a_lead_is_whole_sentences_whatever_is_missing(
    event: Event, changes: dict[str, Any], lead: str
) -> None:
    assert tell(changed(event, **changes)).lead == lead


@given(any_facts())
def test_no_facts_leave_spaces_at_the_ends_of_what_is_told(facts: Facts) -> None:
    story = tell(tidy(facts))
    for text in (story.lead, story.title, *(row.text for row in (*story.who, *story.guide))):
        assert text == text.strip()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recovered_at": None, "words": "20m after: 2h (max 1h)", "fact": "2h (max 1h)"}, "20m after"),
        ({"recovered_at": None, "words": "", "fact": "2h (max 1h)"}, "2h (max 1h)"),
        ({"recovered_at": NOON - timedelta(minutes=5), "at": NOON}, "5m after it recovered"),
        ({"recovered_at": NOON + timedelta(minutes=5), "at": NOON}, "0s after it recovered"),
    ],
)  # fmt: skip
def test_how_soon_it_came_back_is_said_without_the_fact(changes: dict[str, Any], said: str) -> None:
    assert came_back(changed(Event.BACK_AGAIN, **changes)) == said


@pytest.mark.parametrize(
    ("changes", "span"),
    [
        ({}, "2h"),
        ({"first_bad_at": NOON - timedelta(hours=3)}, "3h"),
        ({"recovered_at": NOON - timedelta(minutes=30)}, "1h30m"),
        ({"recovered_at": NOON, "first_good_at": NOON - timedelta(hours=1)}, "1h"),
        ({"first_bad_at": NOON, "first_good_at": NOON - timedelta(hours=1)}, "0s"),
    ],
)
def test_it_was_bad_for_as_long_as_its_own_data_say(changes: dict[str, Any], span: str) -> None:
    bare = {"first_bad_at": None, "first_good_at": None, "recovered_at": None}
    times = {"opened_at": NOON - timedelta(hours=2), "at": NOON}
    facts = changed(Event.RECOVERED, **(bare | times | changes))
    assert bad_for(facts) == span
    assert open_for(facts) == "2h"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-86_400, "0s"), (0, "0s"), (0.999, "0s"), (59.999, "59s"), (60, "1m"), (3599, "59m"),
        (3600, "1h"), (3659, "1h"), (3660, "1h01m"), (86_399, "23h59m"), (86_400, "24h"),
        (172_799, "47h59m"), (172_800, "2d"), (176_400, "2d01h"), (864_000, "10d"),
    ],
)  # fmt: skip
def test_a_span_is_said_for_a_phone(seconds: float, said: str) -> None:
    assert short_span(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("at", "zone", "said"),
    [
        ("2026-06-10T12:00", "UTC", "12:00"),
        ("2026-06-10T00:00", "UTC", "00:00"),
        ("2026-06-09T23:59", "UTC", "Tue 23:59"),
        ("2026-06-09T23:59", "Europe/Berlin", "01:59"),
        ("2026-06-10T12:00", "Asia/Kathmandu", "17:45"),
        ("2026-06-05T12:00", "UTC", "Fri 12:00"),
        ("2026-06-04T12:00", "UTC", "4 Jun 12:00"),
        ("2026-06-15T12:00", "UTC", "Mon 12:00"),
        ("2026-06-16T12:00", "UTC", "16 Jun 12:00"),
        ("2025-12-31T23:00", "Europe/Berlin", "1 Jan 00:00"),
        ("2026-06-10T12:00", "No/Where", "12:00"),
        ("2026-06-10T12:00", "Europe", "12:00"),
        ("2026-06-10T12:00", "../../etc/passwd", "12:00"),
        ("2026-06-10T12:00", "", "12:00"),
    ],
)
def test_a_time_is_said_beside_noon_of_that_wednesday(at: str, zone: str, said: str) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert time_of_day(instant, zone, NOON) == said


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
@pytest.mark.parametrize("at", [FIRST, LAST])
def test_the_first_and_the_last_instant_can_be_said(at: datetime, zone: str) -> None:
    assert ":" in time_of_day(at, zone, NOON)
    assert ":" in time_of_day(NOON, zone, at)


@pytest.mark.parametrize(
    ("zone", "word"),
    [
        ("America/Argentina/Buenos_Aires", "Buenos Aires"),
        ("Etc/GMT+5", "GMT+5"),
        ("UTC", "UTC"),
        ("", "UTC"),
        ("/etc/passwd", "UTC"),
        ("Europe/Atlantis", "UTC"),
        ("\x00", "UTC"),
    ],
)
def test_a_zone_is_called_by_its_place_or_utc(zone: str, word: str) -> None:
    assert zone_word(zone) == word


def test_an_instant_of_any_zone_is_said_in_the_teams() -> None:
    zone = "Asia/Tokyo"
    denver = NOON.astimezone(ZoneInfo("America/Denver"))
    assert time_of_day(denver, zone, NOON) == time_of_day(NOON, zone, denver) == "21:00"
