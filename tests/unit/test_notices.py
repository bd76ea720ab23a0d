"""Who is told of a transition, by which message, and when."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from notifiers.base import Part
from rules.base import Severity
from rules.hours import WeeklyHours
from tests.unit.test_incident import NOW, an_incident
from watchdog.domain import life
from watchdog.domain.incident import Incident, State, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Person, Route, Team
from watchdog.domain.routing import next_working_instant, route_for

HOURS = WeeklyHours(frozenset(range(5)), time(9), time(18))
TEAM = Team("data", lead="tom", slack="data-alerts", working_hours=HOURS)
PEOPLE = {
    "ana": Person("ana", "ana@example.com", "U01ANA"),
    "raj": Person("raj", "raj@example.com", "U02RAJ"),
    "tom": Person("tom", "tom@example.com"),
}
ROUTES = (
    Route(("slack", "email"), frozenset({Severity.CRITICAL})),
    Route(("slack",), frozenset({Severity.WARNING}), hold_until_working_hours=True),
    Route(("weekly",), frozenset({Severity.INFO})),
)
DIRECTORY = Directory(PEOPLE, {"data": TEAM}, ROUTES)
MORNING = datetime(2025, 6, 13, 9, tzinfo=UTC)


def told(
    transition: Transition, directory: Directory = DIRECTORY
) -> set[tuple[str, Part, datetime]]:
    return {
        (one.receiver, one.part, one.due_at) for one in with_notices(transition, directory).notices
    }


def an_opened(**changes: object) -> Incident:
    step = with_notices(life.opened(an_incident(**changes), {}), DIRECTORY)
    return step.transition.after


def test_a_critical_opening_pages_its_owner_and_posts_in_the_channel_at_once() -> None:
    assert told(life.opened(an_incident(), {})) == {
        ("slack:#data-alerts", Part.ROOT, NOW),
        ("slack:@U01ANA", Part.PAGE, NOW),
        ("email:ana@example.com", Part.PAGE, NOW),
    }


def test_a_warning_at_night_waits_for_working_hours() -> None:
    opening = life.opened(an_incident(severity=Severity.WARNING), {})
    assert told(opening) == {
        ("slack:#data-alerts", Part.ROOT, MORNING),
        ("slack:@U01ANA", Part.PAGE, MORNING),
    }


def test_information_tells_nobody() -> None:
    assert told(life.opened(an_incident(severity=Severity.INFO), {})) == set()


def test_who_was_told_of_the_opening_is_remembered() -> None:
    assert an_opened().audience == (
        "slack:#data-alerts",
        "slack:@U01ANA",
        "email:ana@example.com",
    )


def test_a_recovery_edits_adds_a_line_and_mails_everybody_who_was_told() -> None:
    later = NOW + timedelta(hours=1)
    assert told(life.recovered(an_opened(), later, None, "2m old")) == {
        ("slack:#data-alerts", Part.EDIT, later),
        ("slack:#data-alerts", Part.THREAD, later),
        ("slack:@U01ANA", Part.EDIT, later),
        ("email:ana@example.com", Part.PAGE, later),
    }


def test_a_held_warning_that_recovers_at_night_wakes_nobody() -> None:
    warning = an_opened(severity=Severity.WARNING)
    recovery = life.recovered(warning, NOW + timedelta(hours=1), None, "2m old")
    assert {due_at for _, _, due_at in told(recovery)} == {MORNING}


def test_a_warning_that_becomes_critical_is_released_at_once_and_reaches_more() -> None:
    warning = an_opened(severity=Severity.WARNING)
    later = NOW + timedelta(minutes=30)
    worse = told(life.level_changed(warning, Severity.CRITICAL, "", later))
    assert ("email:ana@example.com", Part.PAGE, later) in worse
    assert ("slack:@U01ANA", Part.THREAD, later) in worse
    assert {due_at for _, _, due_at in worse} == {later}


def test_a_critical_that_becomes_a_warning_is_a_silent_edit() -> None:
    softer = life.level_changed(an_opened(), Severity.WARNING, "", NOW)
    assert {part for _, part, _ in told(softer)} == {Part.EDIT}


def test_taking_edits_and_pushes_nobody() -> None:
    taken = life.take(an_opened(), "ana", NOW)
    assert {part for _, part, _ in told(taken)} == {Part.EDIT, Part.THREAD}
    assert not [one for one in told(taken) if one[0].startswith("email:")]


def test_an_offer_pages_the_one_it_is_made_to_even_at_night() -> None:
    warning = an_opened(severity=Severity.WARNING)
    offer = told(life.offer(warning, "ana", "raj", "watch it", NOW))
    assert ("slack:@U02RAJ", Part.PAGE, NOW) in offer


def test_whoever_takes_it_hears_how_it_goes_on() -> None:
    step = with_notices(life.take(an_opened(), "raj", NOW), DIRECTORY)
    assert "slack:@U02RAJ" in step.transition.after.audience


def test_a_note_is_one_line_below_the_message() -> None:
    assert told(life.note(an_opened(), "ana", "resync runs", NOW)) == {
        ("slack:#data-alerts", Part.THREAD, NOW)
    }


def test_an_owner_without_the_routes_channel_is_reached_by_another() -> None:
    opening = life.opened(replace(an_incident(), owner="tom", severity=Severity.WARNING), {})
    assert ("email:tom@example.com", Part.PAGE, MORNING) in told(opening)


def test_a_team_that_left_the_configuration_still_ends_what_it_began() -> None:
    gone = Directory(PEOPLE, {}, ROUTES)
    recovery = life.recovered(an_opened(), NOW, None, "good")
    assert len(with_notices(recovery, gone).notices) == 4


def test_without_a_route_everybody_is_told_at_once() -> None:
    nothing = replace(DIRECTORY, routes=())
    assert len(told(life.opened(an_incident(), {}), nothing)) == 3


def test_the_first_route_that_matches_wins() -> None:
    special = Route(("email",), rules=("orders-*",))
    directory = replace(DIRECTORY, routes=(special, *ROUTES))
    assert route_for(directory, Severity.CRITICAL, "data", "orders-stale") is special
    assert route_for(directory, Severity.CRITICAL, "data", "other") is ROUTES[0]


def test_working_hours_over_midnight_and_around_the_clock_are_understood() -> None:
    night = replace(TEAM, working_hours=WeeklyHours(frozenset({3}), time(22), time(6)))
    assert next_working_instant(night, NOW) == NOW
    always = replace(TEAM, working_hours=WeeklyHours(frozenset(range(7)), time(0), time(0)))
    assert next_working_instant(always, NOW) == NOW


def test_friday_evening_waits_for_monday() -> None:
    evening = datetime(2025, 6, 13, 18, tzinfo=UTC)
    assert next_working_instant(TEAM, evening) == datetime(2025, 6, 16, 9, tzinfo=UTC)


def test_messages_say_the_facts_as_they_were() -> None:
    step = with_notices(life.take(an_opened(), "raj", NOW), DIRECTORY)
    assert (step.facts.owner, step.facts.state) == ("raj", State.TAKEN.value)
    assert step.facts.owner_took_it


def test_messages_link_to_the_incidents_page_when_there_is_an_address() -> None:
    linked = replace(DIRECTORY, url="https://watchdog.example.com")
    step = with_notices(life.opened(an_incident(), {}), linked)
    assert step.facts.url == "https://watchdog.example.com/i/1042"
