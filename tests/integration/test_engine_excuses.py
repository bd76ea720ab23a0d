"""What makes a finding expected: the incident of another rule, while it lasts and some time after."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Severity
from tests.postgres import Database
from tests.watching import World, make_table, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Rule, UnlessOpen
from watchdog.domain.incident import State
from watchdog.domain.people import Policy

TWO_HOURS = timedelta(hours=2)
BEHIND = stuck_rule("behind", settings={"column": "cursor", "is": "behind"}, severity=Severity.INFO)


def walks(unless: UnlessOpen | None = None, **changes: object) -> Rule:
    return stuck_rule("walks", unless_open=unless or UnlessOpen("behind", TWO_HOURS), **changes)


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync"])
    await db.execute("alter table job add cursor text not null default 'near'")
    async with contextlib.AsyncExitStack() as engines:
        yield (world := World(store, db, database.reader_dsn, clock, engines))
    await world.close_sources()
    await db.close()


async def fall_behind(world: World, queue: str = "mail") -> None:
    await world.hang(queue)
    await world.db.execute("update job set cursor = 'behind' where queue = $1", queue)


async def catch_up(world: World) -> None:
    await world.db.execute("update job set cursor = 'near'")


async def opened_by(world: World) -> list[tuple[str, State]]:
    return [(one.rule, one.state) for one in await world.incidents()]


async def test_an_information_excuses_the_other_rule_while_it_is_open(world: World) -> None:
    await world.begin(BEHIND, walks())
    await fall_behind(world)
    await world.pass_minutes(60)
    assert await opened_by(world) == [("behind", State.OPEN)]
    assert (await world.tracks())["walks", "mail"] == "excused by `unless`"


async def test_it_excuses_for_some_time_after_its_end_and_not_longer(world: World) -> None:
    await world.begin(BEHIND, walks())
    await fall_behind(world)
    await world.pass_minutes(3)
    await catch_up(world)
    await world.pass_minutes(119)
    assert await opened_by(world) == [("behind", State.RECOVERED)]
    await world.pass_minutes(5)
    assert await opened_by(world) == [("behind", State.RECOVERED), ("walks", State.OPEN)]


async def test_what_has_just_ended_excuses_also_after_a_restart(world: World) -> None:
    await world.begin(BEHIND, walks())
    await fall_behind(world)
    await world.pass_minutes(3)
    await catch_up(world)
    await world.mend("mail")
    await world.pass_minutes(5)
    await world.begin_again(BEHIND, walks(), after=timedelta(minutes=30))
    await world.hang("mail")
    await world.pass_minutes(30)
    assert await opened_by(world) == [("behind", State.RECOVERED)]


async def test_an_incident_about_another_entity_excuses_nothing(world: World) -> None:
    await world.begin(BEHIND, walks())
    await fall_behind(world, "sync")
    await world.mend("sync")
    await world.hang("mail")
    await world.pass_minutes(3)
    assert await opened_by(world) == [("behind", State.OPEN), ("walks", State.OPEN)]


async def test_a_rule_without_entities_excuses_all(world: World) -> None:
    whole = stuck_rule("behind", settings={"column": "cursor", "is": "behind", "entity": []})
    await world.begin(whole, walks())
    await fall_behind(world, "sync")
    await world.mend("sync")
    await world.hang("mail")
    await world.pass_minutes(3)
    assert await opened_by(world) == [("behind", State.OPEN)]


async def test_it_excuses_no_longer_than_at_most(world: World) -> None:
    policy = Policy(unless_at_most=timedelta(minutes=10))
    await world.begin(BEHIND, walks(policy=policy))
    await fall_behind(world)
    await world.pass_minutes(9)
    assert await opened_by(world) == [("behind", State.OPEN)]
    await world.pass_minutes(3)
    assert await opened_by(world) == [("behind", State.OPEN), ("walks", State.OPEN)]


async def test_without_or_within_it_excuses_only_while_it_is_open(world: World) -> None:
    await world.begin(BEHIND, walks(UnlessOpen("behind")))
    await fall_behind(world)
    await world.pass_minutes(3)
    await catch_up(world)
    await world.pass_minutes(5)
    assert await opened_by(world) == [("behind", State.RECOVERED), ("walks", State.OPEN)]
