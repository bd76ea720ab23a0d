"""Whatever happens, in any order: what is bad is one incident, or one member of a storm."""

import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

import asyncpg
import pytest

from tests.invariants import violations
from tests.postgres import Database
from tests.stormy import AT_ONCE, QUEUES, split_config
from tests.unit.test_incident import closing
from tests.watching import DIRECTORY, World, make_table
from watchdog import splitting, verbs
from watchdog.clock import MovedClock
from watchdog.domain.incident import Incident, Refused, State
from watchdog.domain.people import Storms
from watchdog.moving import Deed
from watchdog.store import members
from watchdog.store.pool import transaction

STEPS = 30
CHANGES_MAX = 4
"""Changes of one queue: with more of them it flaps, and stays open though it is good."""


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, QUEUES)
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        yield world
    await world.close_sources()
    await db.close()


@dataclass
class Days:
    """A person and a world that do anything."""

    world: World
    dice: random.Random
    bad: set[str] = field(default_factory=set)
    changes: Counter[str] = field(default_factory=Counter)

    async def live_through(self, steps: int) -> None:
        """Do anything, and look after each step."""
        for _ in range(steps):
            doing = self.dice.choice(self.deeds())
            await doing()
            await self.world.pass_minutes(1)
            await self.look()

    def deeds(self) -> list[Callable[[], Awaitable[None]]]:
        often = [self.burst, self.burst, self.trickle, self.mend_some]
        return [*often, self.mend_all, self.take, self.split, self.restart, self.resolve, self.wait,
                self.switch]  # fmt: skip

    async def look(self) -> None:
        async with transaction(self.world.store) as conn:
            assert await violations(conn) == []
            listed = await members.bad(conn)
        own = [one for one in await self.world.incidents() if one.is_live and not one.is_storm]
        about = [*(one.entity[0][1] for one in own), *(one.entity[0][1] for one in listed)]
        assert sorted(about) == sorted(self.bad)

    async def change(self, queues: list[str], *, bad: bool) -> None:
        for queue in queues:
            self.changes[queue] += 1
            await (self.world.hang(queue) if bad else self.world.mend(queue))
        self.bad = self.bad | set(queues) if bad else self.bad - set(queues)

    def some(self, among: set[str], most: int) -> list[str]:
        free = sorted(one for one in among if self.changes[one] < CHANGES_MAX)
        return self.dice.sample(free, min(most, len(free)))

    async def burst(self) -> None:
        await self.change(self.some(set(QUEUES) - self.bad, 8), bad=True)

    async def trickle(self) -> None:
        await self.change(self.some(set(QUEUES) - self.bad, 2), bad=True)

    async def mend_some(self) -> None:
        await self.change(self.some(self.bad, 4), bad=False)

    async def mend_all(self) -> None:
        await self.change(sorted(self.bad), bad=False)

    async def take(self) -> None:
        if found := await self.of(State.OPEN):
            one = self.dice.choice(found)
            await verbs.take(
                self.world.store, DIRECTORY, Deed(one.id, "raj", self.world.clock.now())
            )

    async def resolve(self) -> None:
        if found := await self.of(State.RECOVERED):
            one, now = self.dice.choice(found), self.world.clock.now()
            await verbs.resolve(self.world.store, DIRECTORY, Deed(one.id, "ana", now), closing())

    async def split(self) -> None:
        async with transaction(self.world.store) as conn:
            listed = await members.bad(conn)
        if listed:
            one, config = self.dice.choice(listed), split_config(self.world)
            split = splitting.split(
                self.world.store, config, one.storm, one.number, "raj", self.world.clock.now()
            )
            if any(other != one and other.storm == one.storm for other in listed):
                await split
            else:
                with pytest.raises(Refused, match="is the only one that is bad"):
                    await split

    async def restart(self) -> None:
        storms = split_config(self.world).storms
        await self.world.begin_again(AT_ONCE)
        await self.put_in_force(storms)

    async def switch(self) -> None:
        storms = split_config(self.world).storms
        await self.put_in_force(None if storms else Storms(3))

    async def put_in_force(self, storms: Storms | None) -> None:
        config = replace(split_config(self.world), storms=storms)
        await self.world.engine.apply(config, self.world.sources)

    async def wait(self) -> None:
        await self.world.pass_minutes(self.dice.choice([2, 6, 62]))
        await self.world.engine.flush()

    async def of(self, state: State) -> list[Incident]:
        return [one for one in await self.world.incidents() if one.state is state]


@pytest.mark.parametrize("seed", [*range(5), 65])
async def test_what_is_bad_is_one_incident_or_one_member_and_nothing_else_is(
    world: World, seed: int
) -> None:
    await world.begin(AT_ONCE)
    days = Days(world, random.Random(seed))  # noqa: S311
    await days.burst()
    await world.pass_minutes(1)
    await days.look()
    await days.live_through(STEPS)
    await days.mend_all()
    await world.pass_minutes(2)
    await days.look()
    assert not any(one.is_live for one in await world.incidents())
    assert any(one.is_storm for one in await world.incidents())
