"""What it means that there is nothing to judge, on the real engine."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Severity
from rules.stale import Stale
from tests.postgres import Database
from tests.watching import World, make_table, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Rule
from watchdog.domain.incident import State
from watchdog.domain.people import NoData, Policy


def stale_rule(no_data: NoData) -> Rule:
    kind = Stale.model_validate(
        {"source": "jobs", "table": "job", "column": "started_at", "max_age": "30m"}
    )
    rule = stuck_rule(kind_name="stale", severity=Severity.CRITICAL, policy=Policy(no_data=no_data))
    return replace(rule, kind=kind)


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail"])
    async with contextlib.AsyncExitStack() as engines:
        yield (world := World(store, db, database.reader_dsn, clock, engines))
    await world.close_sources()
    await db.close()


async def outcomes(world: World) -> tuple[int, int, int]:
    await world.engine.flush()
    [row] = await world.store.fetch("select ok, bad, no_data from rule_look")
    return row["ok"], row["bad"], row["no_data"]


async def set_age(world: World, minutes: int) -> None:
    at = world.clock.now() - timedelta(minutes=minutes)
    await world.db.execute("insert into job values ('mail', 'idle', $1)", at)


async def test_an_alert_is_an_incident_of_its_own_that_recovers_with_the_data(
    world: World,
) -> None:
    await world.db.execute("delete from job")
    await world.begin(stale_rule(NoData.ALERT))
    await world.pass_minutes(2)
    [incident] = await world.incidents()
    assert (incident.rule, incident.title) == (
        "no_data:jobs-stuck",
        "Rule jobs-stuck finds no data",
    )
    assert (incident.severity, incident.owner, incident.fact) == ("critical", "ana", "no data")
    await world.begin_again(stale_rule(NoData.ALERT))
    await set_age(world, minutes=1)
    await world.pass_minutes(3)
    assert [one.state for one in await world.incidents()] == [State.RECOVERED]


async def test_a_rule_that_no_longer_wants_to_be_told_withdraws_the_alert(world: World) -> None:
    await world.db.execute("delete from job")
    await world.begin(stale_rule(NoData.ALERT))
    await world.pass_minutes(2)
    await world.watch(stale_rule(NoData.KEEP))
    assert [one.cause_kind for one in await world.incidents()] == ["withdrawn"]


@pytest.mark.parametrize(("no_data", "counted"), [(NoData.KEEP, 2), (NoData.OK, 0)])
async def test_no_data_never_closes_an_open_incident(
    world: World, no_data: NoData, counted: int
) -> None:
    await world.db.execute("delete from job")
    await set_age(world, minutes=60)
    await world.begin(stale_rule(no_data))
    await world.pass_minutes(2)
    await world.db.execute("delete from job")
    await world.pass_minutes(2)
    assert [one.state for one in await world.incidents()] == [State.OPEN]
    assert await outcomes(world) == (2 - counted, 2, counted)
