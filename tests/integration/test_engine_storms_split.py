"""What is split out of a storm lives alone, whatever the engine knew of it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Judgement, Reading
from tests.invariants import violations
from tests.postgres import Database
from tests.stormy import (
    AT_ONCE,
    QUEUES,
    crowd,
    hang,
    mend,
    split,
    split_config,
    the_storm,
)
from tests.watching import DIRECTORY, World, make_table
from watchdog import silencing, splitting
from watchdog.clock import MovedClock
from watchdog.domain.incident import Refused, State
from watchdog.domain.silences import Silence
from watchdog.domain.storms import MemberState
from watchdog.domain.track import Held
from watchdog.engine.plan import Plan, plan
from watchdog.store import tracks
from watchdog.store.incidents import timeline
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


async def test_what_is_split_out_in_a_silence_is_hidden_by_it(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    now = world.clock.now()
    quiet = Silence("jobs-*", "deploy", "raj", now, now + timedelta(hours=2))
    kept = await silencing.add(world.store, DIRECTORY, quiet, ["jobs-stuck"], now)
    own = await split(world, 1)
    assert (own.silence, own.silenced_until) == (kept.silence.number, quiet.ends_at)


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


def stale_recovery(world: World, queue: str) -> Plan:
    """Return the plan of a look that saw a queue good again, before something else was committed."""
    memory = world.engine.memory
    assert memory is not None
    judgement = Judgement(readings=(Reading((("queue", queue),), 0.0, "idle", "It is idle."),))
    known = dict(memory.tracks_of(AT_ONCE))
    return plan(AT_ONCE, judgement, known, lambda _: Held(), world.clock.now())


async def commit(world: World, one: Plan) -> None:
    memory = world.engine.memory
    assert memory is not None
    await world.engine._commit(memory, [one], {})


async def test_a_recovery_seen_before_its_incident_joined_is_that_of_the_member(
    world: World,
) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:3])
    stale = stale_recovery(world, QUEUES[1])
    await hang(world, *QUEUES[3:6])
    await commit(world, stale)
    found = await crowd(world)
    assert [queue for queue, state in found.items() if state is MemberState.GOOD] == [QUEUES[1]]


async def test_a_recovery_seen_before_a_split_is_that_of_the_new_incident(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    stale = stale_recovery(world, QUEUES[1])
    own = await split(world, 2)
    await commit(world, stale)
    assert {one.id: one.state for one in await world.incidents()}[own.id] is State.RECOVERED


async def test_a_track_written_by_a_stale_look_leads_to_the_storm_after_a_restart(
    world: World,
) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:3])
    [joined, *_] = await world.incidents()
    await hang(world, *QUEUES[3:6])
    await world.store.execute("update track set incident_id = $1", joined.id)
    own = await split(world, 3)
    storm = await the_storm(world)
    async with transaction(world.store) as conn:
        points = {one.track.entity[0][1]: one.track.incident_id for one in await tracks.every(conn)}
    assert points == dict.fromkeys(QUEUES[:6], storm.id) | {QUEUES[2]: own.id}


async def test_what_waits_is_not_joined_while_a_storm_of_its_team_lives(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    await hang(world, QUEUES[6])
    own = await split(world, 7)
    await hang(world, QUEUES[7])
    assert {one.id: one.state for one in await world.incidents()}[own.id] is State.OPEN
    assert (await crowd(world))[QUEUES[6]] is MemberState.SPLIT


async def test_what_was_split_out_long_ago_joins_its_storm_again(world: World) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    own = await split(world, 1)
    await world.engine.flush()
    await mend(world, QUEUES[0])
    await world.pass_minutes(61)
    await hang(world, QUEUES[0])
    assert (await crowd(world))[QUEUES[0]] is MemberState.BAD
    await mend(world, *QUEUES[:6])
    assert {one.state for one in await world.incidents()} == {State.RECOVERED}
    assert {one.id for one in await world.incidents() if not one.is_storm} == {own.id}
