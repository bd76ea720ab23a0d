"""Whatever people press and whatever the world does: what must always hold of recovery actions (I12)."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
import pytest

from tests.page import recover
from tests.postgres import Database
from tests.yard import DIRECTORY, Yard, a_yard, change
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.domain import life
from watchdog.domain.acting import TRIES, Run, Standing
from watchdog.domain.incident import State
from watchdog.domain.notices import with_notices
from watchdog.engine.overdue import end_overdue
from watchdog.moving import Deed
from watchdog.store import incidents, leases
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed, Refused

SEEDS, MANY_SEEDS, STEPS = 5, 50, 40
AT_MOST = 3
ANSWERS = ("/ok", "/busy", "/failed", "/reset", "/garbage", "/accepted")
WORDS = (
    "",
    "the lock is gone",
    "The  LOCK is gone",
    "the host is back",
    "it was restarted",
    "patience",
)
OWNED = """
with begun as (
    select state, owner, row_number() over (order by version) as place from event
    where event = 'action_begun'
), started as (
    select person, row_number() over (order by number) as place from action_run
    where started_at is not null
)
select count(*) from begun full join started using (place)
where state is distinct from 'taken' or owner is distinct from person
"""
"""Runs that were not begun by, or for, the owner of a taken incident: one is under way at a time."""


@pytest.fixture
async def yard(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[Yard]:
    async with a_yard(store, database, clock, jobs=30) as yard:
        yield yard


@dataclass
class Walk:
    """One history: people press, the world answers, time passes.

    Attributes:
        presses: How often somebody pressed and was not refused.
    """

    yard: Yard
    dice: random.Random
    token: int
    presses: int = 0
    refusals: list[str] = field(default_factory=list)

    async def step(self) -> None:
        """Do one thing that may happen."""
        things = [self.press] * 5 + [self.approve, self.cut_off, self.wait, self.own, self.end]
        try:
            await self.dice.choice(things)()
        except (Refused, NotAllowed) as refused:
            self.refusals.append(str(refused))

    def arrange(self) -> str:
        """Give the rule an action that the world answers in some way, and return its name."""
        two_people = self.dice.random() < 0.3
        if self.dice.random() < 0.6:
            call = self.yard.call(self.dice.choice(ANSWERS))
            self.yard.add(call, "resync", at_most=AT_MOST, two_people=two_people)
            return "resync"
        which = self.dice.choice(("id = 1", "id < 4", "id = 0", "id = 1 / 0"))
        statement = f"update job set queue = queue || '+' where {which}"  # noqa: S608
        self.yard.add(change(statement), "unstick", at_most=AT_MOST, two_people=two_people)
        return "unstick"

    async def press(self) -> None:
        name = self.arrange()
        person = self.dice.choice(("ana", "ana", "raj", "mei"))
        why, mitigation = self.dice.choice(WORDS), self.dice.choice(WORDS)
        await self.yard.act(name, person, why, mitigation)
        self.presses += 1

    async def approve(self) -> None:
        waiting = [one for one in await self.yard.runs() if one.standing is Standing.WAITING]
        name = waiting[0].action if waiting else "resync"
        await self.yard.approve(self.dice.choice(("ana", "raj")), name)

    async def cut_off(self) -> None:
        """Press, and be gone in the middle."""
        self.yard.add(self.yard.call("/late"), "resync", at_most=AT_MOST)
        pressing = asyncio.ensure_future(
            self.yard.act("resync", "ana", "gone", f"{self.dice.random()}")
        )
        self.yard.server.asked.clear()
        asked = asyncio.ensure_future(self.yard.server.asked.wait())
        await asyncio.wait({pressing, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        pressing.cancel()
        results = await asyncio.gather(pressing, return_exceptions=True)
        self.presses += not isinstance(results[0], Refused)

    async def wait(self) -> None:
        """Let time pass, and whoever leads do what is due."""
        await self.yard.clock.advance(timedelta(seconds=self.dice.choice((5, 50, 1000))))
        await end_overdue(self.yard.store, self.token, DIRECTORY, self.yard.clock.now())

    async def own(self) -> None:
        person, now = self.dice.choice(("ana", "raj")), self.yard.clock.now()
        await verbs.take(self.yard.store, DIRECTORY, Deed(1042, person, now), over=True)

    async def end(self) -> None:
        """Let it recover, or come back."""
        one = await self.yard.incident()
        if one.state is State.RECOVERED:
            now = self.yard.clock.now()
            back = life.back_again(one, now, one.severity)
            async with transaction(self.yard.store) as conn:
                await incidents.commit(conn, [with_notices(back, DIRECTORY)])
            await verbs.take(self.yard.store, DIRECTORY, Deed(1042, "ana", now))
        elif self.dice.random() < 0.2:
            await recover(self.yard.store, self.yard.clock, one)

    async def check(self) -> None:
        """What must hold after every step."""
        runs = await self.yard.runs()
        assert sum(one.standing in (Standing.WAITING, Standing.RUNNING) for one in runs) <= 1
        for name in ("resync", "unstick"):
            _check_tries([one for one in runs if one.action == name and one.standing in TRIES])
        begun = [one for one in runs if one.started_at]
        assert all(one.hypothesis for one in begun)
        assert all(one.approved_by not in ("", one.person) for one in begun if one.two_people)
        called = [one for one in begun if one.action == "resync"]
        assert len(self.yard.server.heads) == len(called)
        assert await self.yard.store.fetchval(OWNED) == 0
        changed = await self.yard.db.fetchval("select length(queue) - 4 from job where id = 1")
        done = [one for one in begun if one.action == "unstick" and one.standing is Standing.DONE]
        assert changed == len(done)
        untouched = await self.yard.db.fetchval("select count(*) from job where queue = 'mail'")
        assert untouched == 30 - bool(done)


def _check_tries(tries: list[Run]) -> None:
    assert len(tries) <= AT_MOST
    again = [" ".join(one.mitigation.casefold().split()) for one in tries[1:]]
    assert all(again)
    assert len({*again}) == len(again)


@pytest.mark.parametrize(
    "seed",
    [
        *range(SEEDS),
        *(pytest.param(seed, marks=pytest.mark.long) for seed in range(SEEDS, MANY_SEEDS)),
    ],
)
async def test_whatever_is_pressed_each_press_acts_once_and_only_as_it_may(
    yard: Yard, seed: int
) -> None:
    async with transaction(yard.store) as conn:
        token = await leases.acquire(conn, "engine", "one", timedelta(hours=1), anew=True)
    assert token is not None
    walk = Walk(yard, random.Random(seed), token)  # noqa: S311 (chooses what happens; no secret)
    for _ in range(STEPS):
        await walk.step()
        await walk.check()
    assert walk.presses
    assert walk.refusals
