"""Storms on a real PostgreSQL: many incidents at once are one, with members that live on their own."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Severity
from tests.postgres import Database
from tests.unit.test_incident import closing
from tests.watching import DIRECTORY, World, make_table, stuck_rule
from watchdog import splitting, verbs
from watchdog.clock import MovedClock
from watchdog.config.model import Config, Query, Rule
from watchdog.domain.incident import Incident, Refused, State
from watchdog.domain.people import Policy, Repeat, Route
from watchdog.domain.storms import Member, MemberState
from watchdog.store import incidents, members, remembered
from watchdog.store.incidents import timeline
from watchdog.store.pool import transaction

QUEUES = [f"q{number:02d}" for number in range(20)]
AT_ONCE = replace(stuck_rule(), policy=Policy(open_after=1, recover_after=1))


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, QUEUES)
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        yield world
    await world.close_sources()
    await db.close()


async def hang(world: World, *queues: str) -> None:
    """Let jobs hang, and let them be seen."""
    for queue in queues:
        await world.hang(queue)
    await world.pass_minutes(1)


async def mend(world: World, *queues: str) -> None:
    for queue in queues:
        await world.mend(queue)
    await world.pass_minutes(1)


async def the_storm(world: World) -> Incident:
    [storm] = [one for one in await world.incidents() if one.is_storm]
    return storm


async def crowd(world: World, storm: int = 0) -> dict[str, MemberState]:
    """Return the state of each member by its queue."""
    return {one.entity[0][1]: one.state for one in await listed(world, storm)}


async def listed(world: World, storm: int = 0) -> list[Member]:
    number = storm or (await the_storm(world)).id
    async with transaction(world.store) as conn:
        return await members.listed(conn, number, limit=1000)


async def events(world: World, number: int) -> list[str]:
    rows = await world.store.fetch(
        "select event from event where incident_id = $1 order by version", number
    )
    return [row["event"] for row in rows]


async def test_six_at_once_are_one_incident_one_page_and_six_members(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    [storm] = await world.incidents()
    assert (storm.rule, storm.title, storm.owner) == ("storm:jobs", "source jobs", "ana")
    assert storm.fact == "6 incidents at once"
    assert await world.receivers() == [
        ("slack:#ops-alerts", "root", "storm"),
        ("slack:@U01ANA", "page", "storm"),
        ("email:ana@example.com", "page", "storm"),
    ]
    assert await crowd(world) == dict.fromkeys(QUEUES[:6], MemberState.BAD)
    assert [one.number for one in await listed(world)] == [1, 2, 3, 4, 5, 6]


async def test_five_at_once_are_five_incidents(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:5])
    assert [one.is_storm for one in await world.incidents()] == [False] * 5


async def test_what_opened_before_the_span_stays_apart(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, QUEUES[0])
    await world.pass_minutes(5)
    await hang(world, *QUEUES[1:6])
    assert not any(one.is_storm for one in await world.incidents())
    await hang(world, QUEUES[6])
    assert set(await crowd(world)) == set(QUEUES[1:7])
    assert (await world.incidents())[0].state is State.OPEN


async def test_those_before_join_by_an_edit_of_their_messages_and_nothing_else(
    world: World,
) -> None:
    await world.begin(AT_ONCE)
    for queues in (QUEUES[:2], QUEUES[2:5]):
        await hang(world, *queues)
    told = await world.receivers()
    await hang(world, QUEUES[5])
    storm = await the_storm(world)
    assert await crowd(world) == dict.fromkeys(QUEUES[:6], MemberState.BAD)
    assert (await listed(world))[0].title == "Jobs of q00 hang"
    new = (await world.receivers())[len(told) :]
    assert sorted(new) == sorted(
        [
            *[("slack:#ops-alerts", "edit", "joined"), ("slack:@U01ANA", "edit", "joined")] * 5,
            ("slack:#ops-alerts", "root", "storm"),
            ("slack:@U01ANA", "page", "storm"),
            ("email:ana@example.com", "page", "storm"),
        ]
    )
    joined = [one for one in await world.incidents() if not one.is_storm]
    assert {(one.state, one.cause, one.storm) for one in joined} == {
        (State.RESOLVED, f"part of storm #{storm.id}", storm.id)
    }


async def test_messages_that_wait_are_replaced_by_those_of_the_storm(world: World) -> None:
    await world.begin(AT_ONCE)
    for queues in (QUEUES[:3], QUEUES[3:6]):
        await hang(world, *queues)
    rows = await world.store.fetch(
        "select n.state, count(*) as number from notification n join incident i on i.id = n.incident_id"
        " where i.kind <> 'storm' group by n.state"
    )
    assert {row["state"]: row["number"] for row in rows} == {"superseded": 15}
    waiting = await world.store.fetch("select receiver from notification where state = 'pending'")
    assert len(waiting) == 3


async def test_what_somebody_has_taken_stays_theirs(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:3])
    first = (await world.incidents())[0]
    await verbs.take(world.store, DIRECTORY, first.id, "raj", world.clock.now())
    await hang(world, *QUEUES[3:7])
    assert set(await crowd(world)) == set(QUEUES[1:7])
    taken = (await world.incidents())[0]
    assert (taken.state, taken.owner) == (State.TAKEN, "raj")


async def test_further_ones_join_without_a_page_by_one_event_a_commit(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    before = len(await world.receivers())
    await hang(world, *QUEUES[6:9])
    storm = await the_storm(world)
    assert (storm.fact, storm.version) == ("9 incidents", 2)
    assert await events(world, storm.id) == ["storm", "members"]
    assert (await world.receivers())[before:] == [
        ("slack:#ops-alerts", "edit", "members"),
        ("slack:@U01ANA", "edit", "members"),
    ]
    assert len(await world.incidents()) == 1


async def test_members_recover_one_by_one_and_the_storm_with_the_last(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    await mend(world, *QUEUES[:2])
    storm = await the_storm(world)
    assert (storm.state, storm.fact) == (State.OPEN, "4 of 6 bad")
    found = await crowd(world)
    assert [found[queue] for queue in QUEUES[:3]] == [
        MemberState.GOOD,
        MemberState.GOOD,
        MemberState.BAD,
    ]
    await mend(world, *QUEUES[2:6])
    storm = await the_storm(world)
    assert (storm.state, storm.fact) == (State.RECOVERED, "all 6 good again")
    assert await events(world, storm.id) == ["storm", "members", "recovered"]
    assert await world.tracks() == {}


async def test_a_member_that_is_bad_again_is_bad_again_in_the_storm(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    await mend(world, QUEUES[0])
    await hang(world, QUEUES[0])
    storm = await the_storm(world)
    assert storm.fact == "6 incidents"
    [again] = [one for one in await listed(world) if one.entity[0][1] == QUEUES[0]]
    assert (again.number, again.state, again.first_good_at) == (1, MemberState.BAD, None)
    assert len(await world.incidents()) == 1
    await mend(world, *QUEUES[:6])
    assert (await the_storm(world)).state is State.RECOVERED


async def test_another_burst_within_the_hour_is_the_same_storm_back_again(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    await mend(world, *QUEUES[:6])
    await world.pass_minutes(20)
    await hang(world, *QUEUES[3:10])
    storm = await the_storm(world)
    assert (storm.state, storm.fact) == (State.OPEN, "7 of 10 bad")
    assert await events(world, storm.id) == ["storm", "recovered", "back_again"]
    assert ("slack:#ops-alerts", "thread", "back_again") in await world.receivers()


async def test_a_single_one_after_the_storm_is_an_incident_of_its_own(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    await mend(world, *QUEUES[:6])
    await hang(world, QUEUES[0])
    storm, own = await world.incidents()
    assert (storm.state, own.state, own.title) == (State.RECOVERED, State.OPEN, "Jobs of q00 hang")


async def test_a_burst_after_the_hour_is_a_new_storm(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    await mend(world, *QUEUES[:6])
    await world.pass_minutes(61)
    await hang(world, *QUEUES[:6])
    first, second = await world.incidents()
    assert (first.state, second.state) == (State.RECOVERED, State.OPEN)
    assert first.fingerprint == second.fingerprint


BY_AGE = replace(
    AT_ONCE, kind=stuck_rule(settings={"max_age": {"warning": "30m", "critical": "1h"}}).kind
)


async def test_a_worse_member_makes_the_storm_worse_and_is_told(world: World) -> None:
    await world.begin(BY_AGE)
    await hang(world, *QUEUES[:6])
    before = len(await world.receivers())
    await world.hang(QUEUES[0], minutes=61)
    await world.pass_minutes(1)
    storm = await the_storm(world)
    assert (storm.severity, storm.fact) == (Severity.CRITICAL, "6 incidents, 1 critical")
    assert ("email:ana@example.com", "page", "level") in (await world.receivers())[before:]
    worst = (await listed(world))[0]
    assert (worst.entity[0][1], worst.severity) == (QUEUES[0], Severity.CRITICAL)


async def test_figures_of_a_member_are_its_own_and_not_the_storms(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    await world.pass_minutes(5)
    await world.engine.flush()
    assert {one.fact for one in await listed(world)} == {"running for 36m (max 30m)"}
    storm = await the_storm(world)
    assert (storm.fact, storm.version) == ("6 incidents at once", 1)


async def test_a_restart_knows_whose_member_each_track_is(world: World) -> None:
    await world.begin(AT_ONCE)
    for queues in (QUEUES[:3], QUEUES[3:6]):
        await hang(world, *queues)
    await world.begin_again(AT_ONCE, after=timedelta(minutes=2))
    await world.pass_minutes(2)
    await world.engine.flush()
    assert len(await world.incidents()) == 4
    assert {one.fact for one in await listed(world)} > {"running for 35m (max 30m)"}
    await mend(world, *QUEUES[:6])
    assert (await the_storm(world)).state is State.RECOVERED


async def test_what_takes_the_storm_takes_all_of_it_and_resolves_it_once(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    storm = await the_storm(world)
    await verbs.take(world.store, DIRECTORY, storm.id, "raj", world.clock.now())
    await hang(world, *QUEUES[6:8])
    taken = await the_storm(world)
    assert (taken.state, taken.owner, taken.fact) == (State.TAKEN, "raj", "8 incidents")
    await mend(world, *QUEUES[:8])
    ended = await verbs.resolve(
        world.store, DIRECTORY, storm.id, "raj", closing(), world.clock.now()
    )
    assert ended.state is State.RESOLVED


async def test_storms_that_are_off_tell_each_by_itself(world: World) -> None:
    await world.begin(AT_ONCE)
    config = world.engine._config
    assert isinstance(config, Config)
    await world.engine.apply(replace(config, storms=None), world.sources)
    await hang(world, *QUEUES[:8])
    assert [one.is_storm for one in await world.incidents()] == [False] * 8


async def test_what_nobody_is_told_of_makes_no_storm(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = replace(DIRECTORY, routes=(Route(("weekly",), frozenset({Severity.INFO})),))
    monkeypatch.setattr("tests.watching.DIRECTORY", quiet)
    silent = replace(AT_ONCE, severity=Severity.INFO)
    await world.begin(silent, replace(AT_ONCE, name="loud"))
    await hang(world, *QUEUES[:5])
    assert not any(one.is_storm for one in await world.incidents())
    await hang(world, QUEUES[5])
    assert {one.rule for one in await listed(world)} == {"loud"}
    found = [one for one in await world.incidents() if one.rule == silent.name]
    assert [one.state for one in found] == [State.OPEN] * 6


async def test_a_source_that_cannot_be_asked_is_told_beside_the_storm(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    await world.db.execute("alter table job rename to gone")
    await world.pass_minutes(4)
    rules = [one.rule for one in await world.incidents() if one.state is State.OPEN]
    assert sorted(rules) == ["rule:jobs-stuck", "storm:jobs"]
    assert set((await crowd(world)).values()) == {MemberState.BAD}


async def test_each_team_has_a_storm_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = replace(
        DIRECTORY,
        teams={**DIRECTORY.teams, "eng": replace(DIRECTORY.teams["ops"], name="eng", lead="raj")},
    )
    monkeypatch.setattr("tests.watching.DIRECTORY", two)
    await world.begin(AT_ONCE, replace(AT_ONCE, name="eng-stuck", team="eng"))
    await hang(world, *QUEUES[:6])
    found = await world.incidents()
    assert {(one.team, one.owner, one.is_storm) for one in found} == {
        ("ops", "ana", True),
        ("eng", "raj", True),
    }


async def test_members_of_a_removed_rule_are_gone_and_an_empty_storm_is_withdrawn(
    world: World,
) -> None:
    other = stuck_rule("other", policy=AT_ONCE.policy)
    await world.begin(AT_ONCE, other)
    await hang(world, *QUEUES[:4])
    storm = await the_storm(world)
    await world.watch(other)
    found = {(one.rule, one.state, one.reason) for one in await listed(world)}
    assert found == {
        ("jobs-stuck", MemberState.GONE, "rule jobs-stuck was removed from the configuration"),
        ("other", MemberState.BAD, ""),
    }
    assert (await the_storm(world)).fact == "4 incidents"
    await world.watch(stuck_rule("third"))
    over = await the_storm(world)
    assert (over.id, over.state, over.cause_kind) == (storm.id, State.RESOLVED, "withdrawn")
    assert over.cause == "rule other was removed from the configuration"


async def test_a_storm_recovers_with_those_that_are_left(world: World) -> None:
    other = stuck_rule("other", policy=AT_ONCE.policy)
    await world.begin(AT_ONCE, other)
    await hang(world, *QUEUES[:4])
    await world.watch(other)
    await mend(world, *QUEUES[:4])
    assert (await the_storm(world)).state is State.RECOVERED


async def test_members_hold_back_what_depends_on_their_rule(world: World) -> None:
    child = stuck_rule("child", depends_on=("jobs-stuck",), policy=AT_ONCE.policy)
    await world.begin(AT_ONCE, child)
    await hang(world, *QUEUES[:6])
    assert len(await world.incidents()) == 1
    assert (await world.tracks())["child", QUEUES[0]] == "held under jobs-stuck"


async def test_kinds_are_told_when_members_were_bad(world: World) -> None:
    await world.begin(AT_ONCE)
    for queues in (QUEUES[:3], QUEUES[3:6]):
        await hang(world, *queues)
    await mend(world, QUEUES[0])
    long_ago = world.clock.now() - timedelta(days=1)
    async with transaction(world.store) as conn:
        past = await remembered.past(conn, {"jobs-stuck": long_ago})
    spans = {one.entity[0][1]: one for one in past["jobs-stuck"]}
    assert len(past["jobs-stuck"]) == 6
    assert spans[QUEUES[0]].until is not None
    assert spans[QUEUES[1]].until is None


async def test_evidence_of_the_first_members_is_kept_with_the_storm(world: World) -> None:
    asks = Query("jobs", "select status from job where queue = {{ entity.queue }}")
    await world.begin(replace(AT_ONCE, evidence={"status": asks}))
    await hang(world, *QUEUES[:8])
    storm = await the_storm(world)
    async with transaction(world.store) as conn:
        kept = await incidents.evidence(conn, storm.id)
    assert kept == {f"status: Jobs of q0{n} hang": [{"status": "running"}] for n in range(3)}


async def test_a_recovery_in_a_storm_is_proven_by_what_came_after_its_member(
    world: World,
) -> None:
    proof = Query("jobs", "select 1 where {{ opened_at }} <= '2025-06-13T02:16:00Z'")
    await world.begin(replace(AT_ONCE, verify={"early": proof}))
    await hang(world, *QUEUES[:6])
    await hang(world, QUEUES[6])
    await mend(world, *QUEUES[:7])
    bad = [queue for queue, state in (await crowd(world)).items() if state is MemberState.BAD]
    assert bad == [QUEUES[6]]


def split_config(world: World) -> Config:
    config = world.engine._config
    assert isinstance(config, Config)
    return config


async def split(world: World, one: splitting.Which, person: str = "raj") -> Incident:
    storm = await the_storm(world)
    now = world.clock.now()
    return await splitting.split(world.store, split_config(world), storm.id, one, person, now)


async def test_a_member_that_is_split_out_is_an_incident_that_is_paged_and_lives_alone(
    world: World,
) -> None:
    await world.begin(replace(AT_ONCE, impact="Mail waits."))
    await hang(world, *QUEUES[:6])
    before = len(await world.receivers())
    own = await split(world, 1)
    assert (own.state, own.owner, own.title, own.impact) == (
        State.OPEN,
        "ana",
        "Jobs of q00 hang",
        "Mail waits.",
    )
    new = (await world.receivers())[before:]
    assert ("slack:@U01ANA", "page", "opened") in new
    storm = await the_storm(world)
    assert storm.fact == "5 incidents"
    assert (await crowd(world))[QUEUES[0]] is MemberState.SPLIT
    async with transaction(world.store) as conn:
        said = [one.words for one in await timeline(conn, storm.id)]
        opening = (await timeline(conn, own.id))[0]
    assert f"Jobs of q00 hang is #{own.id} now" in said
    assert opening.words.startswith(f"raj split it out of storm #{storm.id}. ")
    await world.engine.flush()
    await mend(world, QUEUES[0])
    assert [one.state for one in await world.incidents()] == [State.OPEN, State.RECOVERED]


async def test_a_member_split_out_before_the_engine_hears_of_it_recovers_all_the_same(
    world: World,
) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    own = await split(world, ("jobs-stuck", (("queue", QUEUES[2]),)))
    await mend(world, QUEUES[2])
    by_number = {one.id: one.state for one in await world.incidents()}
    assert by_number[own.id] is State.RECOVERED
    assert (await the_storm(world)).state is State.OPEN


async def test_a_restart_after_a_split_follows_it(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    own = await split(world, 1)
    await world.begin_again(AT_ONCE)
    await world.pass_minutes(3)
    await world.engine.flush()
    [fresh] = [one for one in await world.incidents() if one.id == own.id]
    assert fresh.fact == "running for 34m (max 30m)"
    await mend(world, *QUEUES[:6])
    assert {one.state for one in await world.incidents()} == {State.RECOVERED}


async def test_what_was_split_out_comes_back_apart_while_the_storm_lives(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    own = await split(world, 1)
    await mend(world, QUEUES[0])
    await hang(world, QUEUES[0])
    by_number = {one.id: one.state for one in await world.incidents()}
    assert by_number[own.id] is State.OPEN
    assert (await crowd(world))[QUEUES[0]] is MemberState.SPLIT


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (99, "has no member number 99; `watchdog members"),
        (("jobs-stuck", (("queue", "x"),)), "has no member jobs-stuck queue=x"),
    ],
)
async def test_a_member_that_is_not_there_cannot_be_split_out(
    world: World, one: splitting.Which, why: str
) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    with pytest.raises(Refused, match=why):
        await split(world, one)


async def test_what_is_no_storm_cannot_be_split(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, QUEUES[0])
    [own] = await world.incidents()
    with pytest.raises(Refused, match="is no storm"):
        await splitting.split(world.store, split_config(world), own.id, 1, "raj", world.clock.now())


async def test_of_a_storm_the_last_bad_one_stays_in_it(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    await mend(world, *QUEUES[1:6])
    with pytest.raises(Refused, match="the only one that is bad"):
        await split(world, 1)


async def test_what_came_back_may_be_part_of_a_storm_and_keeps_its_own_closing(
    world: World,
) -> None:
    await world.begin(AT_ONCE)
    await hang(world, QUEUES[0])
    await mend(world, QUEUES[0])
    await hang(world, *QUEUES[:6])
    old, storm = await world.incidents()
    assert (old.state, storm.is_storm) == (State.RECOVERED, True)
    assert (await crowd(world))[QUEUES[0]] is MemberState.BAD


def repeating(rule: Rule = AT_ONCE) -> Rule:
    again = replace(rule.policy, repeat=Repeat(timedelta(hours=24), "ops"))
    return replace(rule, policy=again)


async def test_what_was_bad_in_a_storm_is_repeated_as_any_incident_is(world: World) -> None:
    await world.begin(repeating())
    await hang(world, *QUEUES[:6])
    await mend(world, *QUEUES[:6])
    await world.pass_minutes(90)
    await hang(world, QUEUES[0])
    storm, own = await world.incidents()
    assert own.repeat_of == storm.id
