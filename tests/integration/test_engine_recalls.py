"""What the engine tells kinds of earlier looks: what they asked to remember, and their incidents."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import asyncpg
import pytest

from rules.base import Answers, Context, Entity, Judgement, Past
from rules.cursor import Cursor
from rules.stuck import Stuck
from tests.postgres import Database
from tests.watching import World, make_table, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Rule

MAIL = (("queue", "mail"),)
MINUTE = timedelta(minutes=1)


class Counting(Stuck):
    """A kind that counts its looks, and notes which incidents it was told of."""

    told: ClassVar[list[tuple[Past, ...]]] = []

    @property
    def past_within(self) -> timedelta:
        return timedelta(days=1)

    def judge(self, context: Context, answers: Answers) -> Judgement:
        self.told.append(context.past)
        count = int(context.remembered.get("looks", "0")) + 1
        return replace(super().judge(context, answers), remember={"looks": str(count)})


class FarBack(Counting):
    """One that wants to know of a month."""

    @property
    def past_within(self) -> timedelta:
        return timedelta(days=30)


def counting_rule(model: type[Counting] = Counting, **settings: str) -> Rule:
    return stuck_rule(settings=settings, model=model)


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync"])
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        yield world
    await world.close_sources()
    await db.close()


def told_of() -> list[Entity]:
    """Return whose incidents the latest look was told of."""
    return [one.entity for one in Counting.told[-1]]


async def looks_remembered(world: World) -> list[str]:
    await world.engine.flush()
    return [row["value"] for row in await world.store.fetch("select value from remembered")]


async def test_a_kind_is_told_what_it_remembered_at_its_last_look(world: World) -> None:
    await world.begin(counting_rule())
    await world.pass_minutes(3)
    assert await looks_remembered(world) == ["3"]


async def test_what_was_remembered_survives_a_restart(world: World) -> None:
    await world.begin(counting_rule())
    await world.pass_minutes(2)
    await world.engine.flush()
    await world.begin_again(counting_rule())
    await world.pass_minutes(1)
    assert await looks_remembered(world) == ["3"]


async def test_a_rule_that_watches_something_else_begins_anew(world: World) -> None:
    await world.begin(counting_rule())
    await world.pass_minutes(2)
    await world.watch(counting_rule(where="queue = 'mail'"))
    await world.pass_minutes(1)
    assert await looks_remembered(world) == ["1"]


async def test_a_kind_is_told_when_its_entities_were_bad(world: World) -> None:
    Counting.told.clear()
    await world.begin(counting_rule())
    hung_at = world.clock.now() - 31 * MINUTE
    await world.hang("mail")
    await world.pass_minutes(3)
    [during] = Counting.told[-1]
    await world.mend("mail")
    mended_at = world.clock.now()
    await world.pass_minutes(4)
    [after] = Counting.told[-1]
    assert during == Past(MAIL, hung_at + 30 * MINUTE)
    assert after.since == during.since
    assert after.until
    assert mended_at < after.until <= mended_at + 3 * MINUTE


async def test_what_went_back_while_nobody_looked_is_found_after_a_restart(world: World) -> None:
    settings = {"source": "jobs", "table": "job", "column": "started_at", "entity": ["queue"]}
    rule = replace(stuck_rule(), kind_name="cursor", kind=Cursor.model_validate(settings))
    await world.hang("mail", minutes=1)
    await world.begin(rule)
    await world.pass_minutes(2)
    await world.engine.flush()
    await world.hang("mail", minutes=90)
    await world.begin_again(rule)
    await world.pass_minutes(3)
    (incident,) = await world.incidents()
    assert incident.entity == MAIL


@contextlib.asynccontextmanager
async def nobody_reads_incidents(store_dsn: str) -> AsyncIterator[None]:
    """Let whoever reads incidents wait, and give up, until the context ends."""
    other = await asyncpg.connect(store_dsn)
    try:
        async with other.transaction():
            await other.execute("lock table incident in access exclusive mode")
            yield
    finally:
        await other.close()


async def test_a_rule_without_incidents_is_looked_at_without_reading_them_again(
    world: World, store_dsn: str
) -> None:
    await world.begin(counting_rule())
    await world.pass_minutes(1)
    Counting.told.clear()
    async with nobody_reads_incidents(store_dsn):
        await world.pass_minutes(2)
    assert Counting.told == [(), ()]


async def test_a_kind_is_told_of_an_incident_that_came_after_there_was_none(world: World) -> None:
    await world.begin(counting_rule())
    await world.pass_minutes(2)
    assert told_of() == []
    await world.hang("mail")
    await world.pass_minutes(3)
    assert told_of() == [MAIL]


async def test_a_rule_that_reaches_further_back_is_told_of_what_it_reaches(world: World) -> None:
    await world.begin(counting_rule())
    await world.hang("mail")
    await world.pass_minutes(3)
    await world.mend("mail")
    await world.pass_minutes(4)
    await world.clock.jump(timedelta(days=2))
    await world.pass_minutes(2)
    assert told_of() == []
    await world.watch(counting_rule(FarBack))
    await world.pass_minutes(1)
    assert told_of() == [MAIL]
