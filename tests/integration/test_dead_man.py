"""The dead man's switch over real HTTP and a real PostgreSQL: it reports only while everything works."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from notifiers.base import Event, Part
from tests.hook_server import HookServer, Reply
from tests.incidents import Story
from tests.post_office import (
    ALERTS,
    ANA_MAIL,
    ANA_SLACK,
    RAJ_MAIL,
    RAJ_SLACK,
    SUPPORT,
    PostOffice,
)
from tests.postgres import Database
from tests.receivers import Mood
from tests.watching import World, config_of, leads, make_table, running_engine, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.load import Loaded
from watchdog.config.model import Service as ServiceSettings
from watchdog.dead_man import EVERY, DeadMan
from watchdog.engine.engine import Engine
from watchdog.service import Options, Service
from watchdog.store.pool import close_pool, open_pool

MINUTE = timedelta(minutes=1)
PAGES = ((ANA_SLACK, Part.PAGE), (ANA_MAIL, Part.PAGE))

ADDRESSES = [
    one.partition(":")[2] for one in (ALERTS, ANA_SLACK, ANA_MAIL, RAJ_SLACK, RAJ_MAIL, SUPPORT)
]


@dataclass
class Switch:
    """A world that is watched, what is sent from it, and the server that hears of it."""

    world: World
    server: HookServer
    office: PostOffice
    service: Service
    stack: contextlib.AsyncExitStack

    def __post_init__(self) -> None:
        self.one = self.of(self.world.engine)

    def of(self, engine: Engine) -> DeadMan:
        """Return the switch of a replica."""
        made = DeadMan(self.service, engine)
        self.stack.push_async_callback(made.close)
        return made

    def report_to(self, url: str) -> None:
        """Put an address in force; empty: none."""
        settings = ServiceSettings(dead_man=SecretStr(url))
        self.service.config = replace(self.service.config, service=settings)

    async def reports(self, switch: DeadMan | None = None) -> bool:
        """Return whether a switch, by default that of the world, reports when it is its time to."""
        before = len(self.server.posted)
        await (switch or self.one).report()
        return len(self.server.posted) == before + 1

    async def page(self, *told: tuple[str, Part]) -> None:
        """Tell an incident to a person, by both of their ways or as told."""
        story = Story(self.world.store)
        await story.tell(Event.OPENED, self.world.clock.now(), *(told or PAGES))


@pytest.fixture
async def switch(
    store: asyncpg.Pool, database: Database, clock: MovedClock
) -> AsyncIterator[Switch]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail"])
    async with (
        HookServer() as server,
        contextlib.AsyncExitStack() as stack,
        contextlib.AsyncExitStack() as engines,
    ):
        world = World(store, db, database.reader_dsn, clock, engines)
        await world.begin(stuck_rule())
        config = config_of(world.dsn, [stuck_rule()])
        options = Options(Path("rules.yaml"), Path("data"))
        service = Service(options, clock, store, Loaded(config, (), {}), config, "one")
        made = Switch(world, server, PostOffice(store, clock), service, stack)
        made.report_to(server.url)
        yield made
    await world.close_sources()
    await db.close()


async def test_it_reports_each_minute_how_much_is_watched(switch: Switch) -> None:
    running = asyncio.ensure_future(switch.one.run())
    await switch.world.clock.advance(3 * EVERY)
    running.cancel()
    told = [json.loads(posted.raw) for posted in switch.server.posted]
    assert [said["rules"] for said in told] == [1, 1, 1, 1]
    assert told[3]["at"] == switch.world.clock.now().isoformat(timespec="seconds")


async def test_a_mistake_of_ours_silences_it_and_does_not_end_the_service(switch: Switch) -> None:
    running = asyncio.ensure_future(switch.one.run())
    await switch.world.store.execute("alter table notification rename to elsewhere")
    await switch.world.clock.advance(2 * EVERY)
    assert (switch.server.posted, running.done()) == ([], False)
    await switch.world.store.execute("alter table elsewhere rename to notification")
    await switch.world.clock.advance(EVERY)
    assert len(switch.server.posted) == 1
    running.cancel()


async def test_only_the_replica_that_leads_reports_and_who_takes_over_reports_at_once(
    switch: Switch,
) -> None:
    world = switch.world
    async with running_engine(world.store, world.clock, "two") as engine:
        two = switch.of(engine)
        assert not await switch.reports(two)
        assert await switch.reports()
        await world.engines.aclose()
        await world.clock.jump(timedelta(days=1))
        await engine.apply(switch.service.config, world.sources)
        await leads(engine)
        assert await switch.reports(two), "it has had no time to look"


async def test_it_is_silent_once_no_rule_is_looked_at(switch: Switch) -> None:
    assert await switch.reports()
    await switch.world.engines.aclose()  # its memory stays, and nothing comes to it
    await switch.world.clock.advance(3 * MINUTE)
    assert await switch.reports(), "the rule has not missed two looks yet"
    await switch.world.clock.advance(MINUTE)
    assert not await switch.reports()


async def test_it_is_silent_while_the_store_does_not_answer(switch: Switch, store_dsn: str) -> None:
    switch.service.pool = await open_pool(store_dsn)
    assert await switch.reports()
    await close_pool(switch.service.pool)
    assert not await switch.reports()


@pytest.mark.parametrize("mood", [Mood.REFUSE, Mood.REFUSE_FOR_EVER])
async def test_it_is_silent_from_when_no_message_arrives_until_one_does(
    switch: Switch, mood: Mood
) -> None:
    for receiver in (switch.office.slack, switch.office.email):
        receiver.usual = dict.fromkeys(ADDRESSES, mood)
    await switch.page()
    assert await switch.reports(), "it may still arrive"
    for _ in range(6):
        await switch.office.delivery.drain()
        await switch.world.clock.advance(MINUTE)
    assert not await switch.reports()
    for receiver in (switch.office.slack, switch.office.email):
        receiver.usual = {}
    await switch.page()
    await switch.office.deliver_all()
    assert await switch.reports()


@pytest.mark.parametrize("mood", [Mood.REFUSE, Mood.REFUSE_FOR_EVER])
@pytest.mark.parametrize("told", [PAGES, PAGES[:1]], ids=["by both", "by the other instead"])
async def test_one_way_of_two_is_enough_and_stays_it_while_nothing_else_is_sent(
    switch: Switch, told: tuple[tuple[str, Part], ...], mood: Mood
) -> None:
    switch.office.slack.usual = dict.fromkeys(ADDRESSES, mood)
    await switch.page(*told)
    for _ in range(10):
        await switch.office.delivery.drain()
        await switch.world.clock.advance(MINUTE)
    assert [delivered.address for delivered in switch.office.everything] == ["ana@example.com"]
    assert await switch.reports()


async def test_a_switch_that_is_out_of_order_is_logged_once_and_its_address_never(
    switch: Switch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "watchdog.dead_man")
    switch.server.replies.extend([Reply(500), Reply(500), Reply(drop=True)])
    for _ in range(4):
        await switch.one.report()
    said = [(entry.levelname, vars(entry)["reason"]) for entry in caplog.records]
    assert [level for level, _ in said] == ["WARNING", "WARNING", "INFO"]
    assert said[0][1] == "dead man's switch answered 500"
    assert said[1][1].startswith("dead man's switch did not answer: ")
    assert "in-the-url" not in caplog.text + repr(said)


async def test_a_new_address_is_reported_to_from_then_on(switch: Switch) -> None:
    assert await switch.reports()
    async with HookServer() as other:
        switch.report_to(other.url)
        assert not await switch.reports()
        assert len(other.posted) == 1
    switch.report_to("")
    assert not await switch.reports(), "none is given any more"
