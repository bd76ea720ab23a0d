"""Limits, severity and team of some entities' own, on the real engine."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Severity
from rules.overridden import Overridden
from rules.overrides import Override
from tests.postgres import Database
from tests.watching import DIRECTORY, World, make_table, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Rule
from watchdog.domain.incident import Incident
from watchdog.domain.people import Team

WITH_ENGINEERING = replace(
    DIRECTORY, teams={**DIRECTORY.teams, "engineering": Team("engineering", "raj", slack="eng")}
)


def overridden(*overrides: Override) -> Rule:
    rule = stuck_rule()
    return replace(rule, kind=Overridden(rule.kind, overrides), overrides=overrides)


def mail(max_age: str = "30m", **changes: object) -> Override:
    kind = stuck_rule(settings={"max_age": max_age}).kind
    return replace(Override({"queue": ("mail",)}, kind), **changes)  # type: ignore[arg-type]


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


async def by_queue(world: World) -> dict[str, Incident]:
    return {dict(one.entity)["queue"]: one for one in await world.incidents()}


async def test_a_wider_limit_keeps_an_entity_quiet_for_longer(world: World) -> None:
    await world.begin(overridden(mail("2h")))
    await world.hang("mail")
    await world.hang("sync")
    await world.pass_minutes(3)
    assert list(await by_queue(world)) == ["sync"]
    await world.hang("mail", minutes=121)
    await world.pass_minutes(2)
    assert (await by_queue(world))["mail"].fact == "running for 2h02m (max 2h)"


async def test_a_tighter_limit_is_asked_for_and_leaves_the_others_alone(world: World) -> None:
    await world.begin(overridden(mail("5m")))
    await world.hang("mail", minutes=6)
    await world.hang("sync", minutes=6)
    await world.pass_minutes(3)
    assert list(await by_queue(world)) == ["mail"]


async def test_its_incidents_have_their_own_severity_team_and_owner(world: World) -> None:
    await world.begin(overridden(mail(severity=Severity.INFO, team="engineering")))
    await world.hang("mail")
    await world.hang("sync")
    await world.pass_minutes(3)
    told = {
        queue: (one.severity, one.team, one.owner) for queue, one in (await by_queue(world)).items()
    }
    assert told == {
        "mail": (Severity.INFO, "engineering", "raj"),
        "sync": (Severity.WARNING, "ops", "ana"),
    }


async def test_an_entity_recovers_by_its_own_limit(world: World) -> None:
    await world.begin(overridden(mail("5m")))
    await world.hang("mail", minutes=6)
    await world.pass_minutes(2)
    await world.hang("mail", minutes=0)
    await world.pass_minutes(4)
    assert (await by_queue(world))["mail"].state == "recovered"


async def test_switching_an_entity_off_withdraws_its_incident(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.hang("sync")
    await world.pass_minutes(3)
    await world.watch(overridden(mail(is_off=True)))
    await world.pass_minutes(3)
    found = await by_queue(world)
    assert (found["mail"].state, found["sync"].state) == ("resolved", "open")
    assert found["mail"].cause == "rule jobs-stuck does not watch queue mail any more"
    assert list(await world.tracks()) == [("jobs-stuck", "sync")]


async def test_a_restart_keeps_what_is_open(world: World) -> None:
    rule = overridden(mail("5m", severity=Severity.INFO))
    await world.begin(rule)
    await world.hang("mail", minutes=6)
    await world.pass_minutes(2)
    await world.begin_again(rule, after=timedelta(minutes=5))
    await world.pass_minutes(2)
    assert [one.version for one in await world.incidents()] == [1]
