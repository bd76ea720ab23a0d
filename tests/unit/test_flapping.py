"""What flaps, from when until when, and what becomes of its incident meanwhile: decided purely."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event, Part
from rules.base import Entity, Finding, Judgement, Reading, Severity
from tests.unit.test_incident import LATER, NOW, an_incident
from tests.unit.test_notices import DIRECTORY
from tests.watching import stuck_rule
from watchdog.domain import flapping
from watchdog.domain.flapping import GOOD, RESULTS_MAX, Results, changes, level_of
from watchdog.domain.life import opened
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Policy
from watchdog.domain.track import NOT_HELD, Track
from watchdog.engine import plan as planning
from watchdog.engine.plan import Plan, plan

MINUTE = timedelta(minutes=1)
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
BAD = level_of(WARNING)
LEVELS = st.sampled_from([GOOD, BAD, level_of(CRITICAL)])


def seen(levels: Iterable[int]) -> Results:
    results = Results()
    for number, level in enumerate(levels):
        results = results.and_then(level, NOW + number * MINUTE)
    return results


def flips(number: int) -> list[int]:
    """Return results that change so many times, beginning with a bad one."""
    return [(GOOD if place % 2 else BAD) for place in range(number + 1)]


@pytest.mark.parametrize(("number", "flaps"), [(0, False), (5, False), (6, True), (19, True)])
def test_it_begins_with_the_sixth_change_of_20_results(number: int, flaps: bool) -> None:
    assert seen(flips(number)).is_flapping is flaps
    assert seen([*flips(number), *flips(number)[-1:] * 3]).is_flapping is flaps


def test_few_results_say_nothing_however_often_they_change() -> None:
    assert not any(seen(flips(number)).is_flapping for number in range(6))


def test_it_ends_when_fewer_than_a_quarter_of_the_20_are_changes() -> None:
    results, calm = seen(flips(6)), 0
    while results.is_flapping:
        calm += 1
        results = results.and_then(BAD, NOW)
        assert results.is_flapping is (changes(results.levels) >= 5)
    assert changes(results.levels) == 4
    assert calm == 15


def test_between_a_quarter_and_30_percent_it_stays_what_it_was() -> None:
    five = [*flips(5), *[GOOD] * 14]
    assert not seen(five).is_flapping
    settling = seen([*flips(6), *[BAD] * 14])
    assert changes(settling.levels) == 5
    assert settling.is_flapping


@given(st.lists(LEVELS, max_size=120))
def test_any_history_is_bounded_and_flaps_by_its_latest_20_results(levels: list[int]) -> None:
    results, flapped = Results(), False
    for number, level in enumerate(levels, start=1):
        results = results.and_then(level, NOW)
        window = levels[max(0, number - RESULTS_MAX) : number]
        assert list(results.levels) == window
        assert len(results.at) == len(window)
        share = sum(one != other for one, other in itertools.pairwise(window)) / 19
        flapped = share >= (0.25 if flapped else 0.30)
        assert results.is_flapping is flapped
        assert results.is_forgotten is (not any(window))


def test_it_says_how_often_and_in_what_time() -> None:
    assert seen(flips(6)).said() == "6 times in 6m"


@dataclass
class Engine:
    """Looks at entities one after the other as the engine does, with what it commits.

    Attributes:
        told: Opened, back again, recovered, level and flapping, by incident, in order.
    """

    policy: Policy = field(default_factory=lambda: Policy(open_after=1, recover_after=1))
    tracks: Mapping[Entity, Track] = field(default_factory=dict)
    results: Mapping[Entity, Results] = field(default_factory=dict)
    told: list[tuple[Entity, str]] = field(default_factory=list)
    looks: int = 0

    def look(self, entities: Mapping[Entity, int | None]) -> Plan:
        """Look once: each entity is good, so bad, or (None) gone."""
        self.looks += 1
        findings = [
            Finding(entity, WARNING if level == BAD else CRITICAL, 1, 0, "1 (max 0)", "One.", "x")
            for entity, level in entities.items()
            if level
        ]
        readings = [
            Reading(entity, 0, "fine", "None.")
            for entity, level in entities.items()
            if level == GOOD and entity in self.tracks
        ]
        judgement = Judgement(tuple(findings), tuple(readings))
        return self.commit(judgement)

    def commit(self, judgement: Judgement) -> Plan:
        rule = stuck_rule("r", policy=self.policy)
        now = NOW + self.looks * MINUTE
        made = plan(rule, judgement, self.tracks, lambda _: NOT_HELD, now, self.results)
        self.tracks, self.results = dict(made.tracks), made.results
        for opening in made.openings:
            track = replace(opening.track, incident_id=1)
            self.tracks[track.entity] = track
            self.told.append((track.entity, "opened"))
        self.told += [(one.entity, "recovered") for one in made.recoveries]
        self.told += [(one.finding.entity, "level") for one in made.changes]
        self.told += [((), f"flapping {one.words}") for one in made.flapping]
        return made

    def play(self, levels: Sequence[int], entity: Entity = ()) -> list[str]:
        """Return what is told while one entity is seen so."""
        before = len(self.told)
        for level in levels:
            self.look({entity: level})
        return [what for _, what in self.told[before:]]


def test_what_flips_at_each_look_stays_one_open_incident_after_the_sixth_change() -> None:
    engine = Engine()
    first = engine.play(flips(6))
    assert first == ["opened", "recovered"] * 3 + ["opened"]
    assert engine.play(flips(500)[1:]) == ["flapping 7 times in 7m"]


def test_it_recovers_when_it_is_calm_and_has_been_good_for_long_enough() -> None:
    engine = Engine(Policy(open_after=1, recover_after=3))
    engine.play([BAD, GOOD] * 20)
    assert () in engine.tracks
    told = engine.play([GOOD] * 14)
    assert told == []
    assert engine.play([GOOD] * 2) == ["recovered"]
    assert engine.play([BAD, BAD]) == ["opened"], "and the same incident comes back, told as ever"


def test_what_gets_calm_while_it_is_bad_stays_open_and_recovers_as_ever() -> None:
    engine = Engine(Policy(open_after=1, recover_after=3))
    engine.play([BAD, GOOD] * 20)
    assert engine.play([BAD] * 40) == []
    assert engine.play([GOOD] * 3) == ["recovered"]


def test_it_is_told_again_when_it_flaps_again_after_it_was_calm() -> None:
    engine = Engine(Policy(open_after=1, recover_after=3))
    spells = [engine.play([*[BAD, GOOD] * 20, *[GOOD] * 30]) for _ in range(3)]
    for told in spells:
        assert sum(one.startswith("flapping") for one in told) == 1
        assert told[-1] == "recovered"


def test_what_opens_nothing_flaps_without_a_word() -> None:
    engine = Engine(Policy(open_after=2))
    assert engine.play(flips(200)) == []


def test_between_two_severities_it_flaps_too_and_keeps_the_worse() -> None:
    engine = Engine()
    told = engine.play([BAD, level_of(CRITICAL)] * 20)
    assert Counter(one.split()[0] for one in told) == {"opened": 1, "level": 5, "flapping": 1}
    assert engine.tracks[()].severity is CRITICAL
    assert engine.play([BAD] * 15) == []
    assert engine.play([BAD] * 2) == ["level"], "once it is calm it is what it is"
    assert engine.tracks[()].severity is WARNING


def test_while_it_flaps_what_is_worse_is_told_and_what_is_not_waits() -> None:
    engine = Engine()
    engine.play([*flips(8), BAD])
    assert engine.play([level_of(CRITICAL)]) == ["level"]
    assert engine.play([BAD, level_of(CRITICAL)] * 4) == []


@given(st.lists(LEVELS, max_size=150), st.integers(1, 3), st.integers(1, 3))
def test_whatever_it_does_nothing_recovers_or_comes_back_while_it_flaps(
    levels: list[int], open_after: int, recover_after: int
) -> None:
    """F67: messages per 20 looks are bounded, whatever is seen."""
    engine = Engine(Policy(open_after=open_after, recover_after=recover_after))
    for level in levels:
        had_incident = () in engine.tracks and engine.tracks[()].incident_id is not None
        told = engine.play([level])
        results = engine.results.get((), Results())
        if results.is_flapping and had_incident:
            assert not {"recovered", "opened"} & set(told)
        if any(one.startswith("flapping") for one in told):
            assert results.is_told
    flaps = sum(what.startswith("flapping") for _, what in engine.told)
    assert flaps <= 1 + len(levels) // 16, "it must be calm for 16 looks before it is told anew"


ENTITIES: list[Entity] = [(("id", str(number)),) for number in range(3)]


@given(
    st.lists(
        st.fixed_dictionaries({one: st.sampled_from([GOOD, BAD, None]) for one in ENTITIES}),
        max_size=40,
    )
)
def test_of_what_is_healthy_nothing_is_remembered(
    looks: list[dict[Entity, int | None]],
) -> None:
    engine = Engine()
    for entities in looks:
        engine.look(entities)
    for _ in range(RESULTS_MAX):
        engine.look(dict.fromkeys(ENTITIES, GOOD))
    assert engine.results == {}
    made = engine.look(dict.fromkeys(ENTITIES, GOOD))
    assert made.is_empty


def test_what_was_lately_bad_is_good_at_each_look_that_does_not_find_it() -> None:
    engine = Engine()
    engine.play([BAD, GOOD])
    assert engine.tracks == {}
    engine.look({})
    assert engine.results[()].levels == (BAD, GOOD, GOOD)


@pytest.mark.parametrize(
    "judgement",
    [Judgement(has_data=False), Judgement(truncated=True), Judgement(unknown=((),))],
)
def test_a_look_that_says_nothing_of_it_is_no_result(judgement: Judgement) -> None:
    engine = Engine()
    engine.play([BAD, GOOD])
    engine.commit(judgement)
    assert engine.results[()].levels == (BAD, GOOD)


def test_what_is_open_and_gone_from_the_data_has_no_result() -> None:
    engine = Engine()
    engine.play([BAD])
    engine.look({(): None})
    assert engine.results[()].levels == (BAD,)


def test_of_more_entities_than_can_be_remembered_the_rest_flaps_unnoticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(planning, "ENTITIES_MAX", 2)
    engine = Engine()
    engine.look(dict.fromkeys(ENTITIES, BAD))
    assert list(engine.results) == ENTITIES[:2]


def test_telling_edits_and_adds_a_line_and_pushes_nobody() -> None:
    told = with_notices(opened(an_incident(), {}), DIRECTORY).transition.after
    step = with_notices(flapping.flapping(told, "6 times in 1h", LATER), DIRECTORY)
    assert step.transition.happened.event is Event.FLAPPING
    assert {(one.receiver, one.part) for one in step.notices} == {
        ("slack:#data-alerts", Part.EDIT),
        ("slack:#data-alerts", Part.THREAD),
        ("slack:@U01ANA", Part.EDIT),
    }
    assert step.transition.after.paged_at == told.paged_at, "its escalation goes on as it was"
