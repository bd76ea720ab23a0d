"""What one look at a rule changes, for any judgement and any tracks."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.base import Entity, Finding, Judgement, Reading, Severity
from rules.hours import ActiveHours, WeeklyHours
from tests.watching import stuck_rule
from watchdog.domain.people import Policy
from watchdog.domain.track import GONE_FOR, NOT_HELD, Held, Move, Track, look_bad, look_good
from watchdog.engine.plan import Plan, plan

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NOTHING = Judgement()
RULE = stuck_rule("r", policy=Policy(open_after=2, recover_after=2))
ENTITIES: list[Entity] = [(("id", str(number)),) for number in range(6)]
EXCUSED = ENTITIES[0]


def held(entity: Entity) -> Held:
    return Held(excused=True) if entity == EXCUSED else NOT_HELD


def a_track(entity: Entity, bad: int, good: int, severity: Severity, *, is_open: bool) -> Track:
    number = int(entity[0][1]) + 100 if is_open else None
    since = NOW - timedelta(minutes=bad)
    return Track("r", entity, bad, since, since, severity, "", good, number)


def a_finding(entity: Entity, severity: Severity, failure_class: str | None) -> Finding:
    return Finding(entity, severity, 3, 1, "3 (max 1)", "Three.", failure_class)


SEVERITIES = st.sampled_from([Severity.WARNING, Severity.CRITICAL])
TRACKS = st.fixed_dictionaries(
    {},
    optional={
        entity: st.builds(
            a_track,
            st.just(entity),
            st.integers(1, 3),
            st.integers(0, 1),
            SEVERITIES,
            is_open=st.booleans(),
        )
        for entity in ENTITIES
    },
)


@st.composite
def judgements(draw: st.DrawFn) -> Judgement:
    """Give a judgement in which each entity is bad, good, unknown or gone."""
    findings, readings, unknown = [], [], []
    for entity in ENTITIES:
        fate = draw(st.sampled_from(["bad", "good", "unknown", "gone"]))
        if fate == "bad":
            failure_class = draw(st.sampled_from([None, "transient"]))
            findings.append(a_finding(entity, draw(SEVERITIES), failure_class))
        elif fate == "good":
            readings.append(Reading(entity, 0, "fine", "None."))
        elif fate == "unknown":
            unknown.append(entity)
    return Judgement(tuple(findings), tuple(readings), tuple(unknown))


def planned(judgement: Judgement, tracks: Mapping[Entity, Track]) -> Plan:
    return plan(RULE, judgement, tracks, held, NOW)


@given(judgements(), TRACKS)
def test_what_is_unknown_or_gone_keeps_its_track_as_it_is(
    judgement: Judgement, tracks: dict[Entity, Track]
) -> None:
    seen = {one.entity for one in judgement.findings} | {one.entity for one in judgement.readings}
    one = planned(judgement, tracks)
    for entity, track in tracks.items():
        if entity not in seen:
            is_gone = entity not in judgement.unknown and track.incident_id is not None
            left = replace(track, gone_since=NOW) if is_gone else track
            assert one.tracks[entity] == left
            assert (left in one.written) is is_gone
            assert entity not in one.forgotten


GONE = replace(a_track((("id", "4"),), 1, 0, Severity.WARNING, is_open=True), gone_since=NOW)


def looked_for(track: Track, at: datetime, judgement: Judgement = NOTHING, **rule: Any) -> Plan:
    return plan(replace(RULE, **rule), judgement, {track.entity: track}, held, at)


def test_what_has_been_gone_for_a_day_is_withdrawn_with_the_reason_and_not_before() -> None:
    assert looked_for(GONE, NOW + GONE_FOR - SECOND).is_empty
    ended = looked_for(GONE, NOW + GONE_FOR)
    [withdrawal] = ended.withdrawals
    assert withdrawal.reason == "the data has said nothing of id 4 for 24h"
    assert ended.forgotten == (GONE.entity,)
    assert not ended.tracks
    assert not ended.recoveries


def test_where_rows_have_hours_of_their_own_a_week_is_waited_more() -> None:
    hours = WeeklyHours(frozenset({0}), time(9), time(17))
    active = ActiveHours(hours, column="zone")
    assert not looked_for(GONE, NOW + GONE_FOR, active=active).withdrawals
    assert looked_for(GONE, NOW + GONE_FOR + 7 * GONE_FOR, active=active).withdrawals


def test_what_is_seen_again_counts_anew_and_so_does_what_may_have_been_there() -> None:
    entity, late = GONE.entity, NOW + 2 * GONE_FOR
    good = Judgement(readings=(Reading(entity, 0, "fine", "None."),))
    assert looked_for(GONE, late, good).tracks[entity].gone_since is None
    bad = Judgement((a_finding(entity, Severity.WARNING, ""),))
    assert looked_for(GONE, late, bad).tracks[entity].gone_since is None
    for blind in (Judgement(unknown=(entity,)), Judgement(truncated=True)):
        left = replace(GONE, gone_since=None)
        assert looked_for(GONE, late, blind).tracks == {entity: left}
        assert looked_for(GONE, late, blind).written == (left,)
    asleep = ActiveHours(WeeklyHours(frozenset({(late.weekday() + 1) % 7}), time(), time()))
    assert looked_for(GONE, late, active=asleep).tracks == {entity: GONE}


@given(st.timedeltas(timedelta(), 3 * GONE_FOR), st.timedeltas(timedelta(), 3 * GONE_FOR))
def test_the_time_in_which_nobody_could_look_is_not_waited_for(
    seen: timedelta, unseen: timedelta
) -> None:
    blind_since = NOW + seen
    late = blind_since + unseen
    left = plan(RULE, NOTHING, {GONE.entity: GONE}, held, late, unseen_since=blind_since)
    assert bool(left.withdrawals) is (seen >= GONE_FOR)
    if not left.withdrawals:
        assert left.tracks[GONE.entity].gone_since == NOW + unseen
        assert bool(left.written) is bool(unseen)


def test_one_whole_is_never_gone() -> None:
    whole = replace(GONE, entity=(), gone_since=None)
    assert looked_for(whole, NOW + 9 * GONE_FOR).is_empty


@given(judgements(), TRACKS)
def test_each_finding_does_what_counting_says(
    judgement: Judgement, tracks: dict[Entity, Track]
) -> None:
    one = planned(judgement, tracks)
    wanted: dict[Move, list[Entity]] = {move: [] for move in Move}
    for finding in judgement.findings:
        before = tracks.get(finding.entity)
        look = look_bad(before, "r", finding, RULE.policy, held(finding.entity), NOW)
        wanted[look.move].append(finding.entity)
        assert one.tracks[finding.entity] == look.track
    still = [entity for entity in wanted[Move.NOTHING] if one.tracks[entity].incident_id]
    assert [opening.finding.entity for opening in one.openings] == wanted[Move.OPEN]
    assert [change.finding.entity for change in one.changes] == wanted[Move.LEVEL]
    assert [change.finding.entity for change in one.still_bad] == still


@given(judgements(), TRACKS)
def test_each_reading_does_what_counting_says(
    judgement: Judgement, tracks: dict[Entity, Track]
) -> None:
    one = planned(judgement, tracks)
    recovering, forgotten, waiting = [], [], []
    for reading in judgement.readings:
        if (before := tracks.get(reading.entity)) is None:
            continue
        look = look_good(before, RULE.policy)
        if look.track is None:
            forgotten.append(reading.entity)
        else:
            waiting.append(look.track.incident_id)
        if look.move is Move.RECOVER:
            recovering.append((before.incident_id, reading.entity))
    assert [(each.incident_id, each.entity) for each in one.recoveries] == recovering
    assert list(one.forgotten) == forgotten
    assert [number for number, _ in one.still_good] == waiting


@given(judgements(), TRACKS)
def test_only_tracks_that_differ_are_written_and_openings_are_written_with_their_incident(
    judgement: Judgement, tracks: dict[Entity, Track]
) -> None:
    one = planned(judgement, tracks)
    opening = {each.track.entity for each in one.openings}
    differing = {
        entity
        for entity, track in one.tracks.items()
        if tracks.get(entity) != track and entity not in opening
    }
    assert {track.entity for track in one.written} == differing
    assert set(tracks) - set(one.tracks) == set(one.forgotten)


@given(judgements())
def test_a_look_that_finds_nothing_bad_in_a_healthy_world_writes_nothing(
    judgement: Judgement,
) -> None:
    healthy = Judgement((), judgement.readings, judgement.unknown)
    assert planned(healthy, {}).is_empty


@given(TRACKS)
def test_a_further_bad_check_of_an_open_incident_writes_nothing(
    tracks: dict[Entity, Track],
) -> None:
    open_ones = {
        entity: track
        for entity, track in tracks.items()
        if track.incident_id and not track.good_checks and entity != EXCUSED
    }
    findings = tuple(a_finding(one.entity, one.severity, None) for one in open_ones.values())
    one = planned(Judgement(findings), open_ones)
    assert one.is_empty
    assert (one.openings, one.changes, len(one.still_bad)) == ((), (), len(findings))


def test_a_recovery_is_dated_by_the_data_but_never_in_the_future() -> None:
    track = a_track(ENTITIES[1], 2, 1, Severity.WARNING, is_open=True)
    for said, dated in ((-7, -7), (7, 0)):
        good_at = NOW + timedelta(minutes=said)
        reading = Reading(ENTITIES[1], 0, "fine", "None.", good_at)
        [recovery] = planned(Judgement(readings=(reading,)), {ENTITIES[1]: track}).recoveries
        assert recovery.first_good_at == NOW + timedelta(minutes=dated)


def test_what_is_excused_or_held_is_remembered_with_its_reason_and_opens_nothing() -> None:
    tracks = {ENTITIES[0]: a_track(ENTITIES[0], 3, 0, Severity.WARNING, is_open=False)}
    finding = a_finding(ENTITIES[0], Severity.WARNING, None)
    one = planned(Judgement((finding,)), tracks)
    assert (one.openings, one.written[0].reason) == ((), "excused by `unless`")
    under = plan(RULE, Judgement((finding,)), tracks, lambda _: Held(under="crm"), NOW)
    assert (under.openings, under.written[0].reason) == ((), "held under crm")
