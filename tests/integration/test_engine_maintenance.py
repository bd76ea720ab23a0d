"""Announced trouble on the real engine: held while it is expected, told when it outlasts that."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from tests import watching
from tests.postgres import Database
from tests.watching import World, config_of, make_table, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Config, Rule
from watchdog.domain.incident import State
from watchdog.domain.maintenance import Maintenance
from watchdog.store.incidents import timeline
from watchdog.store.pool import transaction


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync"])
    async with contextlib.AsyncExitStack() as engines:
        yield (world := World(store, db, database.reader_dsn, clock, engines))
    await world.close_sources()
    await db.close()


def announce(
    world: World, monkeypatch: pytest.MonkeyPatch, begin: int, end: int, source: str = ""
) -> None:
    """Announce a maintenance that begins and ends so many minutes from now."""
    now = world.clock.now()
    begins_at, ends_at = (now + timedelta(minutes=one) for one in (begin, end))
    one = Maintenance("deploy", "UTC", source=source, begins_at=begins_at, ends_at=ends_at)

    def with_maintenance(dsn: str, rules: list[Rule]) -> Config:
        return replace(config_of(dsn, rules), maintenance=(one,))

    monkeypatch.setattr(watching, "config_of", with_maintenance)


async def test_what_begins_and_ends_in_it_opens_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(world, monkeypatch, 0, 20)
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(10)
    [reason] = (await world.tracks()).values()
    assert reason.startswith("expected: maintenance (deploy) until ")
    await world.mend("mail")
    await world.pass_minutes(20)
    assert (await world.incidents(), await world.tracks()) == ([], {})


async def test_what_outlasts_it_opens_at_its_end_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(world, monkeypatch, 0, 10)
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(9)
    await world.begin_again(stuck_rule())
    await world.pass_minutes(2)
    [incident] = await world.incidents()
    async with transaction(world.store) as conn:
        opening = (await timeline(conn, incident.id))[0]
    assert opening.words.startswith("Still broken after maintenance (deploy) until ")
    assert opening.words.endswith(incident.detail.partition(" for ")[2][-15:])


async def test_what_comes_back_in_it_and_outlasts_it_says_so_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(world, monkeypatch, 6, 16)
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.mend("mail")
    await world.pass_minutes(5)
    await world.hang("mail")
    await world.pass_minutes(8)
    [incident] = await world.incidents()
    assert incident.state is State.RECOVERED
    await world.pass_minutes(2)
    [incident] = await world.incidents()
    async with transaction(world.store) as conn:
        back = (await timeline(conn, incident.id))[-1]
    assert (incident.state, back.what) == (State.OPEN, "back_again")
    assert back.words.startswith("Still broken after maintenance (deploy) until ")
    assert " after it recovered: " in back.words


async def test_what_was_bad_before_it_is_not_excused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(world, monkeypatch, 1, 30)
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(3)
    assert [one.state for one in await world.incidents()] == [State.OPEN]


async def test_a_source_that_is_down_for_maintenance_is_expected_to_be(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(world, monkeypatch, 0, 20, source="jobs")
    world.dsn = "postgresql://nobody@127.0.0.1:1/none"
    await world.begin(stuck_rule())
    await world.pass_minutes(10)
    assert await world.incidents() == []
    await world.pass_minutes(15)
    assert [one.rule for one in await world.incidents()] == ["source:jobs"]
