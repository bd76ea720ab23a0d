"""Storms on a real PostgreSQL: many incidents at once are one, with members that live on their own."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Severity
from tests.invariants import violations
from tests.postgres import Database
from tests.stormy import (
    AT_ONCE,
    QUEUES,
    crowd,
    events,
    hang,
    listed,
    mend,
    the_storm,
)
from tests.unit.test_incident import closing
from tests.watching import DIRECTORY, World, make_table, stuck_rule
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.domain.incident import State
from watchdog.domain.storms import MemberState
from watchdog.moving import Deed
from watchdog.store.pool import transaction


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, QUEUES)
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        yield world
        async with transaction(store) as conn:
            assert await violations(conn) == []
    await world.close_sources()
    await db.close()


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
    await verbs.take(world.store, DIRECTORY, Deed(first.id, "raj", world.clock.now()))
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
    await verbs.take(world.store, DIRECTORY, Deed(storm.id, "raj", world.clock.now()))
    await hang(world, *QUEUES[6:8])
    taken = await the_storm(world)
    assert (taken.state, taken.owner, taken.fact) == (State.TAKEN, "raj", "8 incidents")
    await mend(world, *QUEUES[:8])
    ended = await verbs.resolve(
        world.store, DIRECTORY, Deed(storm.id, "raj", world.clock.now()), closing()
    )
    assert ended.state is State.RESOLVED


async def test_what_recovers_in_the_look_that_brings_a_storm_has_recovered(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, QUEUES[0])
    await world.mend(QUEUES[0])
    await hang(world, *QUEUES[1:8])
    own, storm = await world.incidents()
    assert (own.state, storm.fact) == (State.RECOVERED, "7 incidents at once")


async def test_what_gets_worse_in_the_look_that_brings_a_storm_joins_as_it_is_now(
    world: World,
) -> None:
    await world.begin(BY_AGE)
    await hang(world, QUEUES[0])
    await world.hang(QUEUES[0], minutes=61)
    await hang(world, *QUEUES[1:6])
    storm = await the_storm(world)
    assert (storm.severity, storm.fact) == (Severity.CRITICAL, "6 incidents at once, 1 critical")
    assert ("slack:@U01ANA", "edit", "level") not in await world.receivers()
