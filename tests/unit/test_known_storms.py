"""What the engine knows of storms between its commits."""

from dataclasses import replace
from datetime import UTC, datetime

from notifiers.base import Event
from rules.base import Entity, Severity
from tests.unit.test_incident import an_incident
from watchdog.domain.incident import STORM, WATCHDOG, Happened, State, Transition
from watchdog.domain.track import Track
from watchdog.engine.known_storms import KnownStorms
from watchdog.store.incidents import Figures
from watchdog.store.members import Split

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
MAIL: Entity = (("queue", "mail"),)
SYNC: Entity = (("queue", "sync"),)


def moved(state: State, number: int = 1050, kind: str = STORM) -> Transition:
    after = an_incident(id=number, kind=kind, state=state)
    return Transition(None, after, Happened(Event.MEMBERS, NOW, WATCHDOG))


def a_track(number: int | None, entity: Entity = MAIL) -> Track:
    return Track("jobs", entity, 2, NOW, NOW, Severity.WARNING, incident_id=number)


def points(known: KnownStorms, *tracks: Track) -> list[int | None]:
    return [one.incident_id for one in known.pointed({one.entity: one for one in tracks}).values()]


def a_split(entity: Entity = MAIL, own: int = 1061) -> Split:
    return Split(1050, b"f" * 32, "jobs", entity, own)


def test_storms_live_until_they_are_over_and_other_incidents_are_none() -> None:
    known = KnownStorms()
    known.learn([moved(State.OPEN), moved(State.OPEN, 7, "stale")], {}, ())
    assert known.live == {1050}
    known.learn([moved(State.TAKEN)], {}, ())
    assert known.live == {1050}
    known.learn([moved(State.RECOVERED)], {}, ())
    assert known.live == set()


def test_tracks_of_what_joined_point_to_the_storm_until_it_is_over() -> None:
    known = KnownStorms()
    untouched = {MAIL: a_track(1001)}
    assert known.pointed(untouched) is untouched
    known.learn([moved(State.OPEN)], {1001: 1050}, ())
    assert points(known, a_track(1001), a_track(None, SYNC)) == [1050, None]
    known.learn([moved(State.RECOVERED)], {}, ())
    assert points(known, a_track(1001)) == [1001]


def test_tracks_of_what_was_split_out_point_to_its_own_incident() -> None:
    known = KnownStorms()
    known.learn([moved(State.OPEN)], {1001: 1050}, ())
    assert known.follow([a_split()])
    assert points(known, a_track(1050), a_track(1050, SYNC)) == [1061, 1050]
    assert points(known, a_track(1001)) == [1061]
    assert not known.follow([a_split()])
    assert known.follow([a_split(), a_split(SYNC, 1062)])


def test_what_joins_again_after_it_was_split_out_is_the_storms_again() -> None:
    known = KnownStorms()
    known.follow([a_split()])
    known.learn([moved(State.OPEN)], {}, [(1050, "jobs", MAIL)])
    assert points(known, a_track(1050)) == [1050]


def test_what_is_not_split_out_any_more_is_forgotten() -> None:
    known = KnownStorms()
    known.follow([a_split()])
    assert not known.follow([])
    assert points(known, a_track(1050)) == [1050]


def test_figures_of_live_storms_are_those_of_members() -> None:
    known = KnownStorms()
    known.learn([moved(State.OPEN)], {}, ())
    one = Figures(1050, 1.0, None, "fact", "detail", True, NOW, "jobs", MAIL)
    other = replace(one, incident_id=7)
    assert known.parted([other, one]) == ([one], [other])
