"""Ten thousand things turn bad in one look: one incident, one page each, and messages that fit."""

import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from notifiers.base import Message, Part
from notifiers.registry import build
from notifiers.slack_blocks import VISIBLE_MAX, render_slack
from tests.postgres import Database
from tests.slack_limits import refusal, texts_of, visible
from tests.watching import DIRECTORY, World, make_table, stuck_rule
from watchdog.clock import MovedClock
from watchdog.delivery.worker import Delivery
from watchdog.domain.incident import State
from watchdog.domain.people import Policy
from watchdog.domain.storms import Tally
from watchdog.store import members, outbox
from watchdog.store.facts import decode_facts
from watchdog.store.pool import transaction

COUNT = 10_000
LOOKS_MAX = 12
RULE = replace(stuck_rule(), policy=Policy(open_after=1, recover_after=1))
HANG = "update job set status = 'running', started_at = $1::timestamptz - interval '31 min'"


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, [])
    await db.execute(
        "insert into job select 'q' || n, 'idle' from generate_series(1, $1::integer) n", COUNT
    )
    await db.execute("analyze job")
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        await world.begin(RULE)
        await db.execute(HANG, clock.now())
        for _ in range(LOOKS_MAX):  # a store on a busy machine may not take the first look
            await world.pass_minutes(1)
            if await world.incidents():
                break
        yield world
    await world.close_sources()
    await db.close()


async def tally(world: World) -> Tally:
    [storm] = await world.incidents()
    async with transaction(world.store) as conn:
        return await members.tally(conn, storm.id)


async def test_ten_thousand_are_told_and_end_as_one_incident(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await they_are_one_incident_one_page_each_and_as_many_members(world)
    await its_messages_are_sent_and_within_the_limits_of_slack(world)
    caplog.clear()
    await members_recover_by_one_event_a_look_and_the_storm_with_the_last(world, caplog)


async def they_are_one_incident_one_page_each_and_as_many_members(world: World) -> None:
    [storm] = await world.incidents()
    assert (storm.fact, storm.version) == ("10,000 incidents at once", 1)
    assert await world.receivers() == [
        ("slack:#ops-alerts", "root", "storm"),
        ("slack:@U01ANA", "page", "storm"),
        ("email:ana@example.com", "page", "storm"),
    ]
    assert (await tally(world)).bad_count == COUNT
    assert await world.store.fetchval("select count(*) from track") == COUNT


async def its_messages_are_sent_and_within_the_limits_of_slack(world: World) -> None:
    built_in = build()
    delivery = Delivery(
        world.store,
        built_in,
        lambda: DIRECTORY,
        world.clock,
        world.engine.wake,
        random.Random(1),  # noqa: S311
    )
    ended = await delivery.drain()
    assert ended == {"sent": 3}
    async with transaction(world.store) as conn:
        sent = await outbox.recent(conn)
    lines = {one.line for one in sent}
    assert lines == {"⛈ STORM source jobs: 10,000 incidents at once · ana · #1001"}
    facts = decode_facts(await world.store.fetchval("select facts::jsonb from event"))
    for part in (Part.ROOT, Part.PAGE, Part.EDIT, Part.THREAD):
        body = dict(render_slack(Message("n-1", "#ops-alerts", part, 1, facts)).body)
        assert refusal(body) == ""
        told = "".join(visible(one) for one in texts_of(body["blocks"]))
        assert part is Part.THREAD or len(told.replace("\u2060", "")) <= VISIBLE_MAX
        assert "+9,993 more" in told
    mail = next(one.rendered for one in sent if one.receiver.startswith("email:"))
    assert mail is not None
    assert "+9,993 more" in " ".join(mail["text"].split())
    assert len(mail["html"]) < 20_000


async def members_recover_by_one_event_a_look_and_the_storm_with_the_last(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    half = "update job set status = 'idle' where queue < 'q5'"
    mended = int((await world.db.execute(half)).split()[-1])
    looks = 0
    while (await tally(world)).good < mended:  # an answer has 10,000 rows, with the bad ones
        looks += 1
        assert looks <= LOOKS_MAX
        await world.pass_minutes(1)
    [storm] = await world.incidents()
    left = f"{COUNT - mended:,} of 10,000 bad"
    stored = looks - caplog.messages.count("look not stored")  # as on a busy machine
    assert (storm.state, storm.fact, storm.version) == (State.OPEN, left, 1 + stored)
    await world.db.execute("update job set status = 'idle'")
    while (await tally(world)).bad_count:
        looks += 1
        assert looks <= LOOKS_MAX
        await world.pass_minutes(1)
    [storm] = await world.incidents()
    assert (storm.state, storm.fact) == (State.RECOVERED, "all 10,000 good again")
    assert await world.tracks() == {}
