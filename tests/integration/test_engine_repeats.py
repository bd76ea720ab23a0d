"""Bad again after a recovery: the same incident soon after, another team's later, a new one else."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.stuck import Stuck
from tests.postgres import Database
from tests.unit.test_incident import closing
from tests.watching import DIRECTORY, World, make_table, stuck_rule
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.config.model import Rule
from watchdog.domain.incident import Incident, State
from watchdog.domain.people import Directory, Person, Policy, Repeat, Team
from watchdog.moving import Deed
from watchdog.store.incidents import timeline
from watchdog.store.pool import transaction

POLICY = Policy(repeat=Repeat(timedelta(hours=24), "engineering"))
WITH_ENGINEERING = replace(
    DIRECTORY, teams={**DIRECTORY.teams, "engineering": Team("engineering", "raj", slack="eng")}
)


def repeating(failure_class: str = "transient") -> Rule:
    return stuck_rule(policy=POLICY, settings={"class": failure_class}, model=Stuck)


@pytest.fixture
async def world(
    store: asyncpg.Pool,
    database: Database,
    clock: MovedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:
    monkeypatch.setattr("tests.watching.DIRECTORY", WITH_ENGINEERING)
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync"])
    async with contextlib.AsyncExitStack() as engines:
        yield (world := World(store, db, database.reader_dsn, clock, engines))
    await world.close_sources()
    await db.close()


async def break_and_mend(world: World) -> None:
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.mend("mail")
    await world.pass_minutes(3)


async def again_after(world: World, minutes: int) -> list[Incident]:
    await world.pass_minutes(minutes)
    await world.hang("mail")
    await world.pass_minutes(2)
    return await world.incidents()


async def test_the_same_within_a_day_is_new_linked_and_of_the_other_team(world: World) -> None:
    await world.begin(repeating())
    await break_and_mend(world)
    first, second = await again_after(world, 120)
    assert (first.state, first.owner, first.repeat_of) == (State.RECOVERED, "ana", None)
    assert (second.state, second.owner, second.team) == (State.OPEN, "raj", "engineering")
    assert second.repeat_of == first.id
    async with transaction(world.store) as conn:
        opening = (await timeline(conn, second.id))[0]
    assert opening.words == (
        f"The same (transient) again, 2h02m after #{first.id} recovered. Escalated to engineering."
        " Has been running for 32 min, limit 30 min."
    )
    assert ("slack:#eng", "root", "opened") in await world.receivers()


async def test_without_another_team_it_is_new_linked_and_of_the_same(world: World) -> None:
    await world.begin(replace(repeating(), policy=Policy(repeat=Repeat(timedelta(hours=24)))))
    await break_and_mend(world)
    first, second = await again_after(world, 120)
    assert (second.repeat_of, second.owner, second.team) == (first.id, "ana", "ops")


async def test_within_the_reopen_window_it_stays_the_same_incident(world: World) -> None:
    await world.begin(repeating())
    await break_and_mend(world)
    [only] = await again_after(world, 30)
    assert (only.state, only.owner, only.version) == (State.OPEN, "ana", 3)


async def test_another_class_later_that_day_is_an_ordinary_new_incident(world: World) -> None:
    await world.begin(repeating())
    await break_and_mend(world)
    await world.watch(repeating("data_logic"))
    _, second = await again_after(world, 30)
    assert (second.owner, second.team, second.repeat_of) == ("ana", "ops", None)


async def test_later_than_that_it_is_an_ordinary_new_incident(world: World) -> None:
    await world.begin(repeating())
    await break_and_mend(world)
    await world.begin_again(repeating(), after=timedelta(hours=24))
    _, second = await again_after(world, 5)
    assert (second.owner, second.repeat_of) == ("ana", None)


async def test_what_has_been_resolved_meanwhile_is_repeated_all_the_same(world: World) -> None:
    await world.begin(repeating())
    await break_and_mend(world)
    [first] = await world.incidents()
    now = world.clock.now()
    await verbs.resolve(world.store, WITH_ENGINEERING, Deed(first.id, "ana", now), closing())
    _, second = await again_after(world, 120)
    assert (second.owner, second.repeat_of) == ("raj", first.id)


async def test_a_third_time_repeats_the_second(world: World) -> None:
    await world.begin(repeating())
    await break_and_mend(world)
    await world.pass_minutes(120)
    await break_and_mend(world)
    _, second, third = await again_after(world, 120)
    assert (third.repeat_of, third.owner) == (second.id, "raj")


async def test_what_comes_back_after_its_owner_has_left_stays_with_its_own_team(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.begin(repeating())
    await break_and_mend(world)
    await world.pass_minutes(120)
    await break_and_mend(world)
    people = {"ana": DIRECTORY.people["ana"], "mei": Person("mei", "mei@example.com")}
    teams = {**DIRECTORY.teams, "engineering": Team("engineering", "mei", slack="eng")}
    monkeypatch.setattr("tests.watching.DIRECTORY", Directory(people, teams))
    await world.watch(repeating())
    _, second = await again_after(world, 30)
    assert (second.state, second.owner, second.team) == (State.OPEN, "mei", "engineering")
    assert ("email:mei@example.com", "page", "back_again") in await world.receivers()


async def test_what_a_person_has_reopened_is_theirs_though_its_rule_goes(world: World) -> None:
    await world.begin(repeating())
    await break_and_mend(world)
    [one] = await world.incidents()
    now = world.clock.now()
    await verbs.reopen(world.store, WITH_ENGINEERING, Deed(one.id, "raj", now), "mails are late")
    await world.watch()
    await world.begin_again()
    [reopened] = await world.incidents()
    assert (reopened.state, reopened.owner) == (State.TAKEN, "raj")
    ended = await verbs.resolve(world.store, WITH_ENGINEERING, Deed(one.id, "raj", now), closing())
    assert ended.state is State.RESOLVED
