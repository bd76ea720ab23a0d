"""What storms mean for rules, teams, routes and what is around them."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Severity
from rules.overrides import Override
from tests.invariants import violations
from tests.postgres import Database
from tests.stormy import (
    AT_ONCE,
    QUEUES,
    crowd,
    hang,
    listed,
    mend,
    the_storm,
)
from tests.watching import DIRECTORY, World, make_table, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Config, Query, Rule
from watchdog.domain.incident import State
from watchdog.domain.people import Repeat, Route
from watchdog.domain.storms import MemberState
from watchdog.store import incidents, remembered
from watchdog.store.pool import transaction


@pytest.fixture
async def quiet_world(
    store: asyncpg.Pool, database: Database, clock: MovedClock
) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, QUEUES)
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        yield world
    await world.close_sources()
    await db.close()


@pytest.fixture
async def world(quiet_world: World) -> AsyncIterator[World]:
    yield quiet_world
    async with transaction(quiet_world.store) as conn:
        assert await violations(conn) == []


async def test_storms_that_are_off_tell_each_by_itself(world: World) -> None:
    await world.begin(AT_ONCE)
    config = world.engine._config
    assert isinstance(config, Config)
    await world.engine.apply(replace(config, storms=None), world.sources)
    await hang(world, *QUEUES[:8])
    assert [one.is_storm for one in await world.incidents()] == [False] * 8


async def test_what_nobody_is_told_of_makes_no_storm(
    quiet_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = quiet_world
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
    assert world.engine.memory is not None
    assert world.engine.memory.storms.live == set()


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


WITH_ENGINEERING = replace(
    DIRECTORY,
    teams={
        **DIRECTORY.teams,
        "engineering": replace(DIRECTORY.teams["ops"], name="engineering", lead="raj"),
    },
)
ESCALATED = replace(
    AT_ONCE, policy=replace(AT_ONCE.policy, repeat=Repeat(timedelta(hours=24), "engineering"))
)


@pytest.mark.parametrize("count", [2, 6])
async def test_what_goes_to_another_team_is_told_apart_unless_it_is_a_storm_of_that_team(
    world: World, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr("tests.watching.DIRECTORY", WITH_ENGINEERING)
    await world.begin(ESCALATED)
    await hang(world, *QUEUES[:6])
    await mend(world, *QUEUES[:6])
    await world.pass_minutes(90)
    await hang(world, *QUEUES[:count])
    first, *later = await world.incidents()
    assert {(one.team, one.owner) for one in later} == {("engineering", "raj")}
    if count == 2:
        assert [one.repeat_of for one in later] == [first.id, first.id]
        return
    [storm] = later
    assert storm.is_storm
    said = f"The same again, 1h31m after #{first.id} recovered. Escalated to engineering."
    assert (await listed(world, storm.id))[0].detail.startswith(said)


async def test_an_entity_that_is_not_watched_any_more_is_gone_from_its_storm(
    world: World,
) -> None:
    await world.begin(AT_ONCE)
    await hang(world, *QUEUES[:6])
    off = Override({"queue": (QUEUES[0],)}, AT_ONCE.kind, is_off=True)
    await world.watch(replace(AT_ONCE, overrides=(off,)))
    found = await crowd(world)
    assert found[QUEUES[0]] is MemberState.GONE
    assert (await the_storm(world)).fact == "5 incidents"
