"""What happens to incidents that nobody touches, on a real PostgreSQL."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast

import asyncpg
import pytest

from tests.integration.test_verbs import DIRECTORY as VERBS
from tests.integration.test_verbs import an_open_incident, stored
from tests.lock_waits import held_up
from tests.unit.test_escalation import DIRECTORY, FIRST, FOLLOWING
from tests.unit.test_incident import NOW, an_incident
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.domain import life
from watchdog.domain.incident import State
from watchdog.domain.notices import with_notices
from watchdog.domain.people import Cover, Directory
from watchdog.engine.deadlines import AT_ONCE, LOOK_EVERY, Deadlines
from watchdog.engine.leader import Leader
from watchdog.moving import Deed
from watchdog.store import covers, incidents
from watchdog.store.pool import transaction

MINUTE = timedelta(minutes=1)


@dataclass
class Night:
    """A replica that leads, and incidents that nobody touches."""

    store: asyncpg.Pool
    clock: MovedClock
    leader: Leader
    deadlines: Deadlines
    directory: Directory = DIRECTORY

    async def open(self, *numbers: int) -> None:
        now = self.clock.now()
        fresh = [
            replace(
                an_incident(owner=FIRST, opened_at=now),
                id=number,
                fingerprint=number.to_bytes(32, "big"),
            )
            for number in numbers
        ]
        steps = [with_notices(life.opened(one, {}), self.directory) for one in fresh]
        async with transaction(self.store) as conn:
            await incidents.commit(conn, steps)

    async def owner(self, number: int) -> str:
        return (await stored(self.store, number)).owner

    async def events(self, number: int) -> list[str]:
        rows = await self.store.fetch(
            "select event from event where incident_id = $1 order by version", number
        )
        return [row["event"] for row in rows]

    async def let_pass(self, minutes: int) -> None:
        await self.clock.advance(minutes * MINUTE)
        await self.deadlines.act()


@pytest.fixture
async def night(store: asyncpg.Pool) -> AsyncIterator[Night]:
    clock, leader = MovedClock(NOW), Leader(store, "one")
    leading = asyncio.ensure_future(leader.run())
    await leader.changed.wait()
    wake = asyncio.Event()
    one = Night(store, clock, leader, Deadlines(store, clock, leader, lambda: one.directory, wake))
    yield one
    leading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await leading
    await leader.give_back()


async def test_what_nobody_takes_climbs_to_the_lead_with_one_owner_at_each_step(
    night: Night,
) -> None:
    await night.open(1042)
    owners = [await night.owner(1042)]
    for _ in range(10):
        await night.let_pass(5)
        owners.append(await night.owner(1042))
    assert owners[:2] == [FIRST, FIRST]
    assert len(set(owners[2:5])) == 1
    assert owners[5:] == ["tom"] * 6
    assert await night.events(1042) == ["opened", "escalated", "escalated", "exhausted"]


async def test_each_step_and_its_messages_are_one_commit(night: Night) -> None:
    await night.open(1042)
    await night.let_pass(10)
    owner = (await night.owner(1042)).upper()
    rows = await night.store.fetch("select receiver, part from notification where version = 2")
    assert (f"slack:@U{owner}", "page") in {(row["receiver"], row["part"]) for row in rows}


async def test_a_taker_stops_the_clock_and_silence_starts_it_again(night: Night) -> None:
    await night.open(1042)
    await night.let_pass(9)
    await verbs.take(night.store, DIRECTORY, Deed(1042, FIRST, night.clock.now()))
    await night.let_pass(29)
    assert await night.events(1042) == ["opened", "taken"]
    await night.let_pass(1)
    assert (await stored(night.store, 1042)).state is State.OPEN
    await night.let_pass(10)
    assert await night.events(1042) == ["opened", "taken", "expired", "escalated"]


async def test_more_than_one_transaction_holds_are_all_passed_on(night: Night) -> None:
    numbers = range(2001, 2001 + 2 * AT_ONCE + 1)
    await night.open(*numbers)
    await night.let_pass(10)
    moved = await night.store.fetchval("select count(*) from event where event = 'escalated'")
    assert moved == len(numbers)


async def test_a_new_configuration_counts_for_what_is_open_already(night: Night) -> None:
    night.directory = VERBS
    await an_open_incident(night.store)
    await night.let_pass(30)
    night.directory = replace(
        DIRECTORY,
        teams={
            "data": replace(DIRECTORY.teams["data"], escalate=DIRECTORY.teams["data"].escalate[:1])
        },
    )
    await night.let_pass(0)
    assert await night.events(1042) == ["opened", "escalated"]
    night.directory = VERBS
    await night.let_pass(60)
    assert await night.events(1042) == ["opened", "escalated"]


async def test_who_does_not_lead_passes_nothing_on(night: Night) -> None:
    other = Deadlines(
        night.store, night.clock, Leader(night.store, "two"), lambda: DIRECTORY, asyncio.Event()
    )
    await night.open(1042)
    await night.clock.advance(10 * MINUTE)
    await other.act()
    assert await night.events(1042) == ["opened"]


async def test_a_take_at_the_instant_of_the_escalation_loses_or_wins_and_never_both(
    night: Night,
) -> None:
    for number in range(3001, 3041):
        await night.open(number)
        await night.clock.advance(10 * MINUTE)
        take = verbs.take(night.store, DIRECTORY, Deed(number, "tom", night.clock.now()))
        await asyncio.gather(take, night.deadlines.act())
        found = await stored(night.store, number)
        assert (found.state, found.owner) == (State.TAKEN, "tom")
        assert await night.events(number) in [["opened", "taken"], ["opened", "escalated", "taken"]]


async def test_the_service_acts_by_itself_while_time_passes(night: Night) -> None:
    running = asyncio.ensure_future(night.deadlines.run())
    await night.open(1042)
    await night.clock.advance(10 * MINUTE + LOOK_EVERY)
    assert await night.events(1042) == ["opened", "escalated"]
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


class CountingPool:
    """A pool that counts how often it is asked for a connection."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.asked = 0

    async def acquire(self, *, timeout: float) -> object:  # noqa: ASYNC109 (asyncpg's own)
        self.asked += 1
        return await self._pool.acquire(timeout=timeout)

    async def release(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        await self._pool.release(connection)


async def test_while_nothing_is_due_the_store_is_asked_once(night: Night) -> None:
    await night.open(1042)
    pool = CountingPool(night.store)
    idle = Deadlines(
        cast("asyncpg.Pool", pool), night.clock, night.leader, lambda: DIRECTORY, asyncio.Event()
    )
    await idle.act()
    pool.asked = 0
    await idle.act()
    assert pool.asked == 1


async def test_what_the_store_refuses_is_left_out_and_the_rest_is_passed_on(
    night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    await night.open(1042, 1043, 1044)
    await night.store.execute(
        "alter table event add constraint odd check (incident_id <> 1043 or version = 1)"
    )
    await night.let_pass(10)
    events = [await night.events(number) for number in (1042, 1043, 1044)]
    assert events == [["opened", "escalated"], ["opened"], ["opened", "escalated"]]
    [refused] = [one for one in caplog.records if one.message == "not done when it was due"]
    assert refused.__dict__["incident"] == 1043
    await night.store.execute("alter table event drop constraint odd")
    await night.let_pass(0)
    assert await night.events(1043) == ["opened", "escalated"]


async def test_what_cannot_be_reminded_of_holds_no_escalation_back(
    night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    await night.open(1042, 1043)
    await night.store.execute(
        "insert into silence (pattern, reason, made_by, of_critical, made_at, ends_at) "
        "values ('*', 'deploy', 'raj', true, $1, $2)",
        night.clock.now() - 60 * MINUTE,
        night.clock.now() + 20 * MINUTE,
    )
    await night.store.execute(
        "update incident set silence = 1, silenced_until = $1 where id = 1043",
        night.clock.now() + 20 * MINUTE,
    )
    await night.store.execute("alter table silence add constraint odd check (reminded_at is null)")
    await night.let_pass(10)
    assert await night.events(1042) == ["opened", "escalated"]
    refused = [one for one in caplog.records if one.message == "not done when it was due"]
    assert {one.__dict__["what"] for one in refused} == {"remind"}


async def test_giving_back_and_escalating_are_written_for_everybody(night: Night) -> None:
    await night.open(1042)
    await verbs.escalate(night.store, DIRECTORY, Deed(1042, "tom", night.clock.now()))
    second = await night.owner(1042)
    await verbs.take(night.store, DIRECTORY, Deed(1042, second, night.clock.now()))
    given = await verbs.give_back(
        night.store, DIRECTORY, Deed(1042, second, night.clock.now()), "no"
    )
    assert given.owner == FIRST
    assert await night.events(1042) == ["opened", "escalated", "taken", "given_back"]


async def test_what_is_given_back_goes_to_whoever_is_on_call_at_that_instant(night: Night) -> None:
    await night.open(1042)
    now = night.clock.now()
    await verbs.take(night.store, DIRECTORY, Deed(1042, "tom", now))
    async with transaction(night.store) as conn:
        await incidents.lock(conn, [1042])
        giving = asyncio.ensure_future(
            verbs.give_back(night.store, DIRECTORY, Deed(1042, "tom", now), "no")
        )
        assert await held_up(night.store, giving)
        await covers.add(conn, Cover("data", FOLLOWING, now, now + 60 * MINUTE, "tom"), now)
    assert (await giving).owner == FOLLOWING
