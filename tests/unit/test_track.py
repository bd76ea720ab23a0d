"""From findings to incidents: counting."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Finding, Reading, Severity
from watchdog.domain.people import Policy
from watchdog.domain.track import (
    NOT_HELD,
    Held,
    Look,
    Move,
    Track,
    first_good_at,
    look_bad,
    look_good,
)

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = Policy(open_after=2, recover_after=3)
BAD = Finding((("id", "7"),), Severity.WARNING, 3.0, 1.0, "3 (max 1)", "There are 3.")


def look_times(
    count: int, policy: Policy = POLICY, held: Held = NOT_HELD, finding: Finding = BAD
) -> Look:
    look = Look(None, Move.NOTHING)
    for number in range(count):
        look = look_bad(look.track, "r", finding, policy, held, NOW + number * MINUTE)
    return look


def an_open_track(**changes: object) -> Track:
    track = look_times(2).track
    assert track is not None
    return replace(track, incident_id=1, **changes)  # type: ignore[arg-type]


def test_one_bad_check_only_counts() -> None:
    look = look_times(1)
    assert look.move is Move.NOTHING
    assert look.track is not None
    assert look.track.reason == "bad 1 of 2 checks"


def test_enough_bad_checks_in_a_row_open() -> None:
    assert look_times(2).move is Move.OPEN


def test_a_failure_class_may_open_at_once() -> None:
    assert look_times(1, finding=replace(BAD, open_after=1)).move is Move.OPEN


def test_for_wants_the_time_as_well_as_the_count() -> None:
    policy = replace(POLICY, open_for=5 * MINUTE)
    assert look_times(5, policy).move is Move.NOTHING
    assert look_times(6, policy).move is Move.OPEN


def test_a_good_check_forgets_what_had_not_opened() -> None:
    track = look_times(1).track
    assert track is not None
    assert look_good(track, POLICY) == Look(None, Move.NOTHING)


def test_recovery_needs_enough_good_checks_in_a_row() -> None:
    first = look_good(an_open_track(), POLICY)
    assert first.track is not None
    second = look_good(first.track, POLICY)
    assert second.track is not None
    assert (first.move, second.move) == (Move.NOTHING, Move.NOTHING)
    assert look_good(second.track, POLICY) == Look(None, Move.RECOVER)


def test_a_bad_check_on_the_way_to_recovery_starts_the_count_anew() -> None:
    good = look_good(an_open_track(), POLICY).track
    bad = look_bad(good, "r", BAD, POLICY, NOT_HELD, NOW)
    assert bad.track is not None
    assert (bad.move, bad.track.good_checks) == (Move.NOTHING, 0)


def test_an_open_incident_that_stays_bad_leaves_its_track_as_it_is() -> None:
    track = an_open_track()
    once = look_bad(track, "r", BAD, POLICY, NOT_HELD, NOW).track
    assert once is not None
    assert look_bad(once, "r", BAD, POLICY, NOT_HELD, NOW + MINUTE).track == once


def test_another_severity_or_class_is_a_change_of_level() -> None:
    worse = replace(BAD, severity=Severity.CRITICAL)
    assert look_bad(an_open_track(), "r", worse, POLICY, NOT_HELD, NOW).move is Move.LEVEL
    other = replace(BAD, failure_class="transient")
    assert look_bad(an_open_track(), "r", other, POLICY, NOT_HELD, NOW).move is Move.LEVEL


def test_what_is_held_under_another_does_not_open_and_says_why() -> None:
    look = look_times(5, held=Held(under="desk-up"))
    assert look.move is Move.NOTHING
    assert look.track is not None
    assert look.track.reason == "held under desk-up"


def test_what_was_held_opens_at_the_next_bad_check_once_it_is_released() -> None:
    held = look_times(5, held=Held(under="desk-up")).track
    assert look_bad(held, "r", BAD, POLICY, NOT_HELD, NOW + 5 * MINUTE).move is Move.OPEN


def test_time_may_be_asked_for_instead_of_checks() -> None:
    policy = Policy(open_after=1, open_for=10 * MINUTE)
    look = look_times(10, policy)
    assert (look.move, look.track and look.track.reason) == (Move.NOTHING, "not bad for 10m yet")
    assert look_times(11, policy).move is Move.OPEN


def test_a_failure_class_with_checks_of_its_own_is_not_held_to_the_time() -> None:
    policy = Policy(open_after=1, open_for=10 * MINUTE)
    finding = replace(BAD, open_after=1)
    assert look_bad(None, "r", finding, policy, NOT_HELD, NOW).move is Move.OPEN


def test_an_excuse_holds_until_its_time_is_over() -> None:
    policy = replace(POLICY, unless_at_most=10 * MINUTE)
    assert look_times(10, policy, Held(excused=True)).move is Move.NOTHING
    assert look_times(11, policy, Held(excused=True)).move is Move.OPEN


def test_an_excuse_that_ends_starts_anew_the_next_time() -> None:
    policy = replace(POLICY, open_after=9, unless_at_most=10 * MINUTE)
    track = look_times(3, policy, Held(excused=True)).track
    free = look_bad(track, "r", BAD, policy, NOT_HELD, NOW + 4 * MINUTE).track
    assert free is not None
    assert free.excused_since is None


def test_the_data_says_since_when_it_is_bad() -> None:
    since = NOW - timedelta(hours=3)
    track = look_times(1, finding=replace(BAD, first_bad_at=since)).track
    assert track is not None
    assert track.first_bad_at == since


def test_data_from_the_future_never_moves_an_instant_past_now() -> None:
    ahead = NOW + timedelta(days=1)
    track = look_times(1, finding=replace(BAD, first_bad_at=ahead)).track
    assert track is not None
    assert track.first_bad_at == NOW
    assert first_good_at(Reading((), 1.0, "", "", ahead), NOW) == NOW


def bad(track: Track | None, policy: Policy = POLICY, held: Held = NOT_HELD, at: int = 0) -> Look:
    return look_bad(track, "r", BAD, policy, held, NOW + at * MINUTE)


HOUR = timedelta(hours=1)
EXCUSED = Held(excused=True, under="desk-up")


@pytest.mark.parametrize(
    ("policy", "held", "reason"),
    [
        (POLICY, Held(under="desk-up", expected="maintenance"), "maintenance"),
        (POLICY, Held(excused=True, expected="maintenance"), "maintenance"),
        (POLICY, EXCUSED, "excused by `unless`"),
        (replace(POLICY, unless_at_most=HOUR), EXCUSED, "excused by `unless`"),
        (replace(POLICY, unless_at_most=timedelta()), EXCUSED, "held under desk-up"),
        (POLICY, Held(under="desk-up"), "held under desk-up"),
        (POLICY, Held(outlasted="Still broken."), "bad 1 of 2 checks"),
        (Policy(open_after=1, open_for=HOUR), NOT_HELD, "not bad for 1h yet"),
        (Policy(open_after=2, open_for=HOUR), NOT_HELD, "bad 1 of 2 checks"),
    ],
)
def test_the_strongest_reason_for_no_incident_is_said(
    policy: Policy, held: Held, reason: str
) -> None:
    look = bad(None, policy, held)
    assert look.move is Move.NOTHING
    assert look.track is not None
    assert look.track.reason == reason


def test_what_opens_says_no_reason_any_more() -> None:
    first = bad(None).track
    opened = bad(first, at=1)
    assert opened.move is Move.OPEN
    assert opened.track is not None
    assert opened.track.reason == ""


def test_an_excuse_without_an_end_holds_for_years() -> None:
    track = bad(None, held=EXCUSED).track
    assert bad(track, held=EXCUSED, at=3 * 365 * 24 * 60).move is Move.NOTHING


def test_an_excuse_holds_no_incident_that_is_open() -> None:
    worse = replace(BAD, severity=Severity.CRITICAL)
    look = look_bad(an_open_track(excused_since=NOW), "r", worse, POLICY, EXCUSED, NOW)
    assert look.move is Move.LEVEL
    assert look.track is not None
    assert (look.track.excused_since, look.track.reason) == (None, "")


def test_what_is_counted_is_remembered_with_its_class_and_first_instant() -> None:
    finding = replace(BAD, failure_class="auth", severity=Severity.CRITICAL)
    first = look_bad(None, "r", finding, Policy(open_after=9), NOT_HELD, NOW).track
    assert first == Track(
        "r", BAD.entity, 1, NOW, NOW, Severity.CRITICAL, "auth", reason="bad 1 of 9 checks"
    )
    softer = look_bad(first, "r", BAD, Policy(open_after=9), NOT_HELD, NOW + MINUTE).track
    assert softer is not None
    assert (softer.severity, softer.failure_class) == (Severity.WARNING, "")
    assert (softer.bad_checks, softer.bad_since, softer.first_bad_at) == (2, NOW, NOW)


def test_a_class_may_ask_for_more_checks_than_its_rule() -> None:
    finding = replace(BAD, open_after=5)
    assert look_times(4, finding=finding).move is Move.NOTHING
    assert look_times(5, finding=finding).move is Move.OPEN


def test_a_track_that_lost_its_incident_counts_from_the_beginning() -> None:
    good = look_good(an_open_track(), POLICY).track
    assert good is not None
    assert (good.bad_checks, good.good_checks) == (0, 1)
    anew = bad(replace(good, incident_id=None), at=7).track
    assert anew is not None
    assert (anew.bad_checks, anew.good_checks, anew.bad_since) == (1, 0, NOW + 7 * MINUTE)


def test_a_bad_check_after_a_good_one_leaves_one_bad_check_to_an_open_incident() -> None:
    good = look_good(an_open_track(), POLICY).track
    assert good is not None
    again = bad(good, at=3)
    assert again.track is not None
    assert (again.move, again.track.bad_checks, again.track.incident_id) == (Move.NOTHING, 1, 1)
    assert an_open_track().bad_checks == 2


@pytest.mark.parametrize(
    ("reading", "at"),
    [
        (None, NOW),
        (Reading((), 1.0, "", "", None), NOW),
        (Reading((), 1.0, "", "", NOW - HOUR), NOW - HOUR),
        (Reading((), 1.0, "", "", NOW + HOUR), NOW),
    ],
)
def test_it_is_good_since_the_data_say_so_and_never_after_now(
    reading: Reading | None, at: datetime
) -> None:
    assert first_good_at(reading, NOW) == at


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 5), st.integers(1, 5))
def test_it_opens_and_recovers_exactly_at_the_counts(
    checks: list[bool], open_after: int, recover_after: int
) -> None:
    policy = Policy(open_after=open_after, recover_after=recover_after)
    track: Track | None = None
    is_open, bad, good = False, 0, 0
    for number, is_bad in enumerate(checks):
        bad, good = (bad + 1, 0) if is_bad else (0, good + 1)
        if is_bad:
            look = look_bad(track, "r", BAD, policy, NOT_HELD, NOW + number * MINUTE)
        elif track:
            look = look_good(track, policy)
        else:
            continue
        assert (look.move is Move.OPEN) == (not is_open and bad >= open_after and is_bad)
        assert (look.move is Move.RECOVER) == (is_open and good >= recover_after)
        track = look.track
        if look.move is Move.OPEN and track:
            is_open, track = True, replace(track, incident_id=1)
        if look.move is Move.RECOVER:
            is_open = False
