"""What opened before the thing above it, and was told to nobody yet, is told once that is over."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from rules.base import Severity
from tests.post_office import PostOffice
from tests.postgres import Database
from tests.promises import broken_promises
from tests.stormy import AT_ONCE, hang
from tests.watching import DIRECTORY, World, make_table, stuck_rule
from watchdog import silencing
from watchdog.clock import MovedClock
from watchdog.config.model import Rule
from watchdog.domain.incident import Incident, State
from watchdog.domain.silences import Silence
from watchdog.engine.deadlines import Deadlines

LEVELS = {"max_age": {"warning": "30m", "critical": "1h"}}


def above(**settings: Any) -> Rule:
    return stuck_rule("main-stuck", settings={"where": "queue = 'main'", "entity": []} | settings)


def under(**changes: Any) -> Rule:
    settings = {"where": "queue <> 'main'"} | changes.pop("settings", {})
    return stuck_rule(depends_on=("main-stuck",), settings=settings, **changes)


@dataclass
class Both:
    """The engine, and what it tells as far as a worker is let."""

    world: World
    office: PostOffice

    async def deliver(self) -> None:
        """Do what is due, and send what is to be sent."""
        leader = self.world.engine._leader
        one = Deadlines(
            self.world.store, self.world.clock, leader, lambda: DIRECTORY, asyncio.Event()
        )
        await one.act()
        await self.office.delivery.drain()

    async def begin(self, *rules: Rule) -> None:
        """Let something below open, and then what is above it, before anything is sent."""
        await self.world.begin(*(rules or (above(), under())))
        await self.world.hang("mail")
        await self.world.pass_minutes(3)
        await self.world.hang("main")
        await self.world.pass_minutes(3)

    async def of(self, rule: str) -> Incident:
        [found] = [one for one in await self.world.incidents() if one.rule == rule]
        return found

    def heard(self, number: int) -> list[str]:
        return [
            f"{one.part}:{one.event}"
            for one in self.office.everything
            if one.incident == number and one.address == "#ops-alerts"
        ]


@pytest.fixture
async def both(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[Both]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync", "main"])
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        yield Both(world, PostOffice(store, clock, directory=DIRECTORY))
    await world.close_sources()
    await db.close()


async def test_what_was_told_to_nobody_is_not_told_while_what_explains_it_is_open(
    both: Both,
) -> None:
    await both.begin()
    child, parent = await both.of("jobs-stuck"), await both.of("main-stuck")
    assert (child.state, child.owner, child.waits_for) == (State.OPEN, "ana", parent.id)
    await both.deliver()
    assert (both.heard(parent.id), both.heard(child.id)) == (["root:opened"], [])
    reasons = await both.world.store.fetch(
        "select distinct last_error from notification where state = 'withheld'"
    )
    assert [row["last_error"] for row in reasons] == [f"held under #{parent.id}, which explains it"]


async def test_once_that_is_over_what_is_still_bad_is_told_as_if_it_opened_then(
    both: Both,
) -> None:
    await both.begin()
    await both.deliver()
    await both.world.mend("main")
    await both.world.pass_minutes(4)
    await both.deliver()
    child, parent = await both.of("jobs-stuck"), await both.of("main-stuck")
    assert both.heard(child.id) == ["root:released"]
    assert (child.waits_for, child.silenced_until) == (None, None)
    words = await both.world.store.fetchval("select words from event where event = 'released'")
    assert words == f"#{parent.id}, which explained it, is over"
    assert await broken_promises(both.world.store, both.office.everything) == []


async def test_what_recovers_with_it_is_never_told(both: Both) -> None:
    await both.begin()
    await both.deliver()
    for queue in ("main", "mail"):
        await both.world.mend(queue)
    await both.world.pass_minutes(5)
    await both.deliver()
    child = await both.of("jobs-stuck")
    assert (child.state, both.heard(child.id)) == (State.RECOVERED, [])


async def test_what_was_told_before_stays_as_it_is(both: Both) -> None:
    await both.world.begin(above(), under())
    await both.world.hang("mail")
    await both.world.pass_minutes(3)
    await both.deliver()
    await both.world.hang("main")
    await both.world.pass_minutes(3)
    await both.deliver()
    child = await both.of("jobs-stuck")
    assert (child.waits_for, both.heard(child.id)) == (None, ["root:opened"])


async def test_only_what_is_about_the_same_thing_waits(both: Both) -> None:
    same = stuck_rule("queue-stuck", settings={"where": "status = 'running'"})
    child = stuck_rule("jobs-stuck", depends_on=("queue-stuck",), settings={"max_age": "20m"})
    await both.world.begin(same, child)
    for queue in ("mail", "sync"):
        await both.world.hang(queue, minutes=21)
    await both.world.pass_minutes(3)
    await both.world.hang("mail", minutes=40)
    await both.world.pass_minutes(3)
    waiting = {
        one.entity[0][1]: one.waits_for is not None
        for one in await both.world.incidents()
        if one.rule == "jobs-stuck"
    }
    assert waiting == {"mail": True, "sync": False}


async def test_it_stays_hidden_when_it_gets_worse(both: Both) -> None:
    await both.begin(above(), under(severity=None, settings=LEVELS))
    await both.world.pass_minutes(30)
    await both.deliver()
    child = await both.of("jobs-stuck")
    assert (child.severity, both.heard(child.id)) == (Severity.CRITICAL, [])
    assert child.waits_for is not None


async def test_a_silence_that_holds_when_it_is_over_hides_it_further(both: Both) -> None:
    await both.begin()
    now = both.world.clock.now()
    wanted = Silence("jobs-*", "deploy", "raj", now, now + timedelta(hours=2))
    made = await silencing.add(both.world.store, DIRECTORY, wanted, ["jobs-stuck"], now)
    assert made.hidden == []
    await both.world.mend("main")
    await both.world.pass_minutes(4)
    await both.deliver()
    child = await both.of("jobs-stuck")
    assert (child.silence, child.waits_for, both.heard(child.id)) == (1, None, [])
    await both.world.clock.advance(timedelta(hours=2))
    await both.deliver()
    assert both.heard(child.id) == ["root:released"]


async def test_when_the_rule_above_is_taken_out_it_is_told(both: Both) -> None:
    await both.begin()
    await both.deliver()
    await both.world.watch(stuck_rule(settings={"where": "queue <> 'main'"}))
    await both.deliver()
    child = await both.of("jobs-stuck")
    assert both.heard(child.id) == ["root:released"]


async def test_nobody_is_escalated_to_meanwhile(both: Both) -> None:
    await both.begin()
    await both.deliver()
    due_at = await both.world.store.fetchval(
        "select due_at from incident where rule = 'jobs-stuck'"
    )
    child = await both.of("jobs-stuck")
    assert due_at == child.silenced_until


async def test_what_waits_counts_for_no_storm(both: Both) -> None:
    others = [
        stuck_rule(f"other-{number}", settings={"where": "queue = 'sync'"}) for number in range(4)
    ]
    rules = [replace(one, policy=AT_ONCE.policy) for one in (above(), under(), *others)]
    await both.world.begin(*rules)
    for queue in ("mail", "main", "sync"):
        await hang(both.world, queue)
    opened = {one.rule: one.waits_for is not None for one in await both.world.incidents()}
    told = dict.fromkeys(("main-stuck", *(one.name for one in others)), False)
    assert opened == {"jobs-stuck": True, **told}
