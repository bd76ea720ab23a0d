"""What a webhook is told: every event, in order, whoever else hears of it."""

from dataclasses import replace

from notifiers.base import Event, Part
from tests.unit.test_incident import NOW, an_incident
from tests.unit.test_notices import DIRECTORY, HOURS, MORNING, told
from watchdog.domain import life
from watchdog.domain.fallback import Unreached, next_receiver
from watchdog.domain.incident import Happened, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Directory, Route
from watchdog.domain.routing import APPRISE, WEBHOOK, is_silent


def directory(*send: str, hold: bool = False) -> Directory:
    return replace(DIRECTORY, routes=(Route(send, hold_until_working_hours=hold),))


def to_webhook(transition: Transition, known: Directory) -> list[tuple[Part, object]]:
    return [(part, at) for receiver, part, at in told(transition, known) if receiver == WEBHOOK]


def test_an_opening_is_told_to_the_webhook_where_the_route_says_so() -> None:
    opening = life.opened(an_incident(), {})
    assert to_webhook(opening, directory("email", "webhook")) == [(Part.ROOT, NOW)]
    assert to_webhook(opening, directory("email")) == []


def test_every_later_event_is_a_message_of_its_own() -> None:
    known = directory("email", "webhook")
    opened = with_notices(life.opened(an_incident(), {}), known).transition.after
    for event in (Event.TAKEN, Event.NOTED, Event.ESCALATED, Event.LEVEL, Event.RECOVERED):
        moved = Transition(opened, opened, Happened(event, NOW, "ana", "a word"))
        assert to_webhook(moved, known) == [(Part.THREAD, NOW)], event


def test_where_it_is_the_only_way_the_owner_is_paged_by_all_they_have() -> None:
    receivers = {one for one, _, _ in told(life.opened(an_incident(), {}), directory("webhook"))}
    assert receivers == {WEBHOOK, "slack:@U01ANA", "email:ana@example.com"}
    assert not is_silent(Route(("webhook",)))


def test_what_is_held_until_the_morning_is_held_from_the_webhook_too() -> None:
    assert HOURS.days
    opening = life.opened(an_incident(), {})
    assert to_webhook(opening, directory("email", "webhook", hold=True)) == [(Part.ROOT, MORNING)]


def test_a_webhook_that_takes_nothing_is_told_to_the_team_by_mail() -> None:
    team = replace(DIRECTORY.teams["data"], email="data@example.com")
    known = replace(DIRECTORY, teams={"data": team})
    dead = Unreached(1, WEBHOOK, team="data", owner="ana")
    assert next_receiver(dead, known, ("email", "webhook")) == "email:data@example.com"


def test_another_services_room_hears_of_what_a_channel_gets_a_line_for() -> None:
    known = directory("email", "apprise")
    opening = life.opened(an_incident(), {})
    assert (APPRISE, Part.ROOT, NOW) in told(opening, known)
    opened = with_notices(opening, known).transition.after
    heard = {
        event: (APPRISE, Part.THREAD, NOW)
        in told(Transition(opened, opened, Happened(event, NOW, "ana", "a word")), known)
        for event in (Event.TAKEN, Event.ESCALATED, Event.RECOVERED, Event.MEMBERS, Event.LEVEL)
    }
    assert [event for event, is_heard in heard.items() if not is_heard] == [
        Event.MEMBERS,
        Event.LEVEL,
    ]
