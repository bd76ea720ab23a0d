"""A silence that is made or ended at any step of a worker, of the engine, or beside both: nothing is lost.

Between any two statements of a worker somebody makes a silence, or ends one. What the worker had not begun
to send is then withheld; what was withheld is told at the end; and nobody hears anything twice.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta

import asyncpg
import pytest

from tests.gates import Gate, GatedPool
from tests.integration.test_silencing import quiet
from tests.lock_waits import held_up, wait_for_nobody
from tests.promises import broken_promises
from tests.quiet import ANA, CHANNEL, RAJ, Quiet
from watchdog.domain.notices import with_notices
from watchdog.domain.silences import released
from watchdog.store import incidents, intents, outbox, silences, waiting
from watchdog.store.pool import transaction

__all__ = ["quiet"]
GATES_MAX = 60
ADDRESSES = (CHANNEL, ANA)


class Meddler(Gate):
    """Does something once, when a worker comes to its n-th passage.

    Where the worker holds what that needs, it goes on, and the other waits for its commit.
    """

    def __init__(
        self, store: asyncpg.Pool, at: int, meddle: Callable[[], Coroutine[None, None, object]]
    ) -> None:
        super().__init__()
        self.meddling: asyncio.Task[object] | None = None
        self._store = store
        self._at = at
        self._meddle = meddle

    async def __call__(self, name: str) -> None:
        """Pass, after meddling if it is time."""
        if len(self.passed) == self._at:
            self.meddling = asyncio.ensure_future(self._meddle())
            await held_up(self._store, self.meddling)
        self.passed.append(name)


async def drain_with(quiet: Quiet, gate: Meddler) -> None:
    """Let a worker send what it can, through a gate."""
    await quiet.office.worker(pool=GatedPool(quiet.store, gate)).drain()
    if gate.meddling:
        await gate.meddling


async def begun(quiet: Quiet) -> set[int]:
    """Return the messages of the opening that a worker has begun to send."""
    rows = await quiet.store.fetch(
        "select distinct a.notification_id as id from attempt a join notification n"
        " on n.id = a.notification_id where n.version = 1"
    )
    return {row["id"] for row in rows}


async def start_over(quiet: Quiet) -> None:
    """Forget every incident, message and silence."""
    await quiet.store.execute(
        "truncate incident, event, notification, attempt, thread, silence, track restart identity cascade"
    )
    quiet.office.everything.clear()


def firsts(quiet: Quiet) -> dict[str, int]:
    """Return how many first messages each address took."""
    heard = {address: quiet.heard(address) for address in ADDRESSES}
    return {
        address: sum(one.startswith(("root:", "page:")) for one in some)
        for address, some in heard.items()
    }


async def silence_at_each_step(quiet: Quiet) -> tuple[int, list[str]]:
    """Return at how many steps of a worker a silence was made, and at which it was not heeded."""
    broken: list[str] = []
    for at in range(GATES_MAX):
        await start_over(quiet)
        await quiet.open()
        sent_before: set[int] = set()

        async def make(known: set[int] = sent_before) -> None:
            known |= await begun(quiet)
            await quiet.silence()

        gate = Meddler(quiet.store, at, make)
        await drain_with(quiet, gate)
        if gate.meddling is None:
            return at, broken
        if await begun(quiet) != sent_before:
            broken += gate.passed[at : at + 1]
        await quiet.let_pass(120)
        assert firsts(quiet) == dict.fromkeys(ADDRESSES, 1), gate.passed[at - 1 : at + 1]
        assert await quiet.events() == ["opened", "silenced", "silence_ends", "released"]
        assert await broken_promises(quiet.store, quiet.office.everything) == []
    raise AssertionError("the worker never came to its end")


async def test_made_at_any_step_of_a_worker_it_withholds_what_was_not_begun(quiet: Quiet) -> None:
    steps, broken = await silence_at_each_step(quiet)
    assert (steps, broken) == (12, [])


async def test_a_worker_that_does_not_look_again_after_its_claim_is_caught(
    quiet: Quiet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchdog.delivery.worker.may_be_hidden", lambda _row: False)
    _, broken = await silence_at_each_step(quiet)
    assert broken


async def test_ended_at_any_step_of_a_worker_it_tells_everybody_once(quiet: Quiet) -> None:
    steps = 0
    for at in range(GATES_MAX):
        await start_over(quiet)
        await quiet.silence()
        await quiet.open()
        gate = Meddler(quiet.store, at, lambda: quiet.end(1))
        await drain_with(quiet, gate)
        if gate.meddling is None:
            break
        steps += 1
        await quiet.let_pass(0)
        assert firsts(quiet) == dict.fromkeys(ADDRESSES, 1), gate.passed[at - 1 : at + 1]
        assert await quiet.events() == ["opened", "released"]
        assert await broken_promises(quiet.store, quiet.office.everything) == []
    assert 5 < steps < GATES_MAX


async def test_a_silence_and_an_opening_at_the_same_instant_always_know_of_each_other(
    quiet: Quiet,
) -> None:
    for number in range(3001, 3061):
        hiding, _ = await asyncio.gather(quiet.silence(), quiet.open(number))
        one = await quiet.stored(number)
        assert one.silence == hiding.silence.number
        await quiet.end(hiding.silence.number)
        await quiet.deadlines.act()
        assert (await quiet.stored(number)).silence is None


async def test_a_silence_and_a_worker_at_the_same_instant_lose_and_double_nothing(
    quiet: Quiet,
) -> None:
    for number in range(4001, 4041):
        await quiet.open(number)
    workers = [quiet.office.worker(seed=seed) for seed in range(3)]
    await asyncio.gather(quiet.silence(), *(one.drain() for one in workers))
    told = len([one for one in quiet.office.everything if one.event == "opened"])
    await quiet.let_pass(60)
    assert len([one for one in quiet.office.everything if one.event == "opened"]) == told
    await quiet.let_pass(60)
    reached = {(one.incident, one.address) for one in quiet.office.everything}
    assert {address for _, address in reached} == {CHANNEL, ANA, RAJ}, "raj is reminded"
    assert len(reached) == 81
    assert await broken_promises(quiet.store, quiet.office.everything) == []


@contextlib.asynccontextmanager
async def held_still(store: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Be in the middle of an opening: silences are read, nothing is written yet."""
    async with transaction(store) as conn:
        await silences.hold_still(conn)
        yield conn


async def test_who_makes_a_silence_waits_for_an_opening_that_has_read_them_and_no_longer(
    quiet: Quiet,
) -> None:
    async with held_still(quiet.store):
        making = asyncio.ensure_future(quiet.silence())
        assert await held_up(quiet.store, making)
    assert (await making).silence.number == 1


async def test_neither_waits_for_the_other_over_the_same_incident(quiet: Quiet) -> None:
    await quiet.open()
    async with held_still(quiet.store) as conn:
        making = asyncio.ensure_future(quiet.silence())
        assert await held_up(quiet.store, making)
        await wait_for_nobody(conn)
        assert list(await incidents.lock(conn, [1042])) == [1042], "and no deadlock"
    assert (await making).hidden == [1042]


async def test_a_worker_that_comes_while_an_incident_is_released_waits_and_sends(
    quiet: Quiet,
) -> None:
    await quiet.silence()
    await quiet.open()
    async with transaction(quiet.store) as conn:
        [one] = (await incidents.lock(conn, [1042])).values()
        sending = asyncio.ensure_future(quiet.office.delivery.drain())
        assert await held_up(quiet.store, sending)
        step = with_notices(released(one, quiet.clock.now()), quiet.directory)
        await incidents.commit(conn, [step])
    await sending
    await quiet.let_pass(0)
    assert firsts(quiet) == dict.fromkeys(ADDRESSES, 1)
    assert await quiet.withheld() == []


async def test_an_incident_that_somebody_holds_delays_no_other(quiet: Quiet) -> None:
    await quiet.open(1042)
    await quiet.open(1043)
    async with transaction(quiet.store) as conn:
        await incidents.lock(conn, [1042])
        sending = asyncio.ensure_future(quiet.office.delivery.drain())
        assert await held_up(quiet.store, sending)
        assert {one.incident for one in quiet.office.everything} == {1043}
    await sending
    assert {one.incident for one in quiet.office.everything} == {1042, 1043}
    assert await broken_promises(quiet.store, quiet.office.everything) == []


async def below_another(quiet: Quiet) -> dict[int, int]:
    """Return an incident and the one above it that explains it; of neither anybody was told yet."""
    await quiet.open()
    await quiet.open(1043, rule="jobs-stuck")
    return {1042: 1043}


async def test_what_is_held_back_while_its_first_message_is_about_to_leave_is_not_sent(
    quiet: Quiet,
) -> None:
    above = await below_another(quiet)
    async with transaction(quiet.store) as conn:
        await waiting.hold_back(conn, above, quiet.clock.now())
        sending = asyncio.ensure_future(quiet.office.delivery.drain())
        assert await held_up(quiet.store, sending)
    await sending
    assert {one.incident for one in quiet.office.everything} == {1043}
    assert len(await quiet.withheld()) == 2


async def test_what_has_just_left_is_held_back_no_more(quiet: Quiet) -> None:
    above, now = await below_another(quiet), quiet.clock.now()

    async def hold_back() -> None:
        async with transaction(quiet.store) as conn:
            await waiting.hold_back(conn, above, now)

    async with transaction(quiet.store) as conn:
        claimed = await outbox.claim(conn, now, limit=9, lease=timedelta(minutes=1))
        await intents.write_intents(conn, claimed, now, {one.id for one in claimed})
        holding = asyncio.ensure_future(hold_back())
        assert await held_up(quiet.store, holding)
    await holding
    assert (await quiet.stored()).waits_for is None


async def test_a_reminder_and_an_opening_never_wait_for_each_other(quiet: Quiet) -> None:
    await quiet.silence()
    await quiet.open()
    await quiet.clock.advance(timedelta(minutes=106))
    async with held_still(quiet.store) as conn:
        acting = asyncio.ensure_future(quiet.deadlines.act())
        assert await held_up(quiet.store, acting)
        await wait_for_nobody(conn)
        assert list(await incidents.lock(conn, [1042])) == [1042], "and no deadlock"
    await acting
    assert await quiet.events() == ["opened", "silence_ends"]


async def test_reminders_of_several_silences_and_a_person_never_wait_for_each_other(
    quiet: Quiet,
) -> None:
    for rule, number in (("jobs-stuck", 1043), ("orders-stale", 1042)):
        await quiet.silence(rule)
        await quiet.open(number, rule=rule)
    await quiet.let_pass(0)
    await quiet.clock.advance(timedelta(minutes=106))
    async with transaction(quiet.store) as conn:
        await incidents.lock(conn, [1042])
        acting = asyncio.ensure_future(quiet.deadlines.act())
        assert await held_up(quiet.store, acting)
        await wait_for_nobody(conn)
        assert list(await incidents.lock(conn, [1043])) == [1043], "and no deadlock"
    await acting
    assert [await quiet.events(one) for one in (1042, 1043)] == [["opened", "silence_ends"]] * 2
