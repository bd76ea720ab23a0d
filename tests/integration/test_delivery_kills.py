"""What the outbox promises holds though a worker dies between any two steps; and broken workers are caught.

A gate stands before and after every statement, every commit and every message. A worker is let die at
each of them in turn; another one takes over; then the rows are compared with what receivers took.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from notifiers.base import Event, Notifier, Pace, Part
from tests.gates import Died, Gate, GatedPool
from tests.incidents import Story, end_leases, states
from tests.post_office import ALERTS, ANA_MAIL, ANA_SLACK, BROKEN, RAJ_SLACK, PostOffice
from tests.postgres import NIGHT
from tests.promises import broken_promises
from tests.receivers import Mood
from watchdog.clock import MovedClock
from watchdog.delivery.flights import Flight
from watchdog.delivery.sending import Answer
from watchdog.delivery.worker import Delivery
from watchdog.store import outbox
from watchdog.store.outbox import Claimed, Result, Settled, Tried
from watchdog.store.pool import connection, transaction

ROOT, PAGE, EDIT, THREAD = Part.ROOT, Part.PAGE, Part.EDIT, Part.THREAD
GATES_MAX = 400

Verdicts = list[str]


@pytest.fixture
def office(store: asyncpg.Pool, clock: MovedClock) -> PostOffice:
    return PostOffice(store, clock)


async def a_bad_night(office: PostOffice) -> None:
    """Two incidents and everything that can happen to messages: edits, a dead channel, lost replies."""
    first, second = Story(office.store), Story(office.store)
    await first.tell(Event.OPENED, NIGHT, (ALERTS, ROOT), (ANA_SLACK, PAGE))
    await second.tell(Event.OPENED, NIGHT, (BROKEN, ROOT), (ANA_MAIL, PAGE))
    await first.tell(Event.TAKEN, NIGHT, (ALERTS, EDIT), (ALERTS, THREAD), (ANA_SLACK, EDIT))
    await second.tell(Event.RECOVERED, NIGHT, (BROKEN, EDIT), (ANA_MAIL, PAGE))
    await first.tell(Event.RECOVERED, NIGHT, (ALERTS, EDIT), (ALERTS, THREAD), (ANA_SLACK, EDIT))
    office.slack.usual["#broken"] = Mood.REFUSE_FOR_EVER
    office.slack.moods["@U01ANA"] = [Mood.LOSE_REPLY]
    office.email.moods["ana@example.com"] = [Mood.REFUSE]


async def die_at(office: PostOffice, gate: Gate, kind: type[Delivery] = Delivery) -> None:
    """Let a worker run until it dies or everything has come to its end."""
    office.slack.gate = office.email.gate = gate
    try:
        await office.deliver_all(office.worker(kind, GatedPool(office.store, gate)))
    except (Died, BaseExceptionGroup):
        assert gate.has_died
    finally:
        office.slack.gate = office.email.gate = Gate()


async def forget(office: PostOffice) -> None:
    """Begin the next night with an empty outbox."""
    async with transaction(office.store) as conn:
        for table in ("attempt", "thread", "notification", "event", "incident"):
            await conn.execute(f"delete from {table}")  # noqa: S608 (five words)
    office.everything.clear()
    office.slack.moods.clear()
    office.email.moods.clear()


async def die_everywhere(
    office: PostOffice,
    kind: type[Delivery],
    sought: str = "nothing",
    *,
    stride: int = 1,
    can_look: bool = True,
) -> Verdicts:
    """Return every promise that was broken by letting workers die at each gate in turn.

    Args:
        sought: Stop at a complaint that says so.
        stride: Leave out all but every so many gates.
        can_look: Receivers find what they have taken.
    """
    broken: Verdicts = []
    office.slack.can_look = office.email.can_look = can_look
    for place in range(0, GATES_MAX, stride):
        await a_bad_night(office)
        gate = Gate(place)
        await die_at(office, gate, kind)
        await office.deliver_all(office.worker(kind))
        broken += await broken_promises(office.store, office.everything, can_look=can_look)
        await forget(office)
        if not gate.has_died or any(sought in one for one in broken):
            return broken
    raise AssertionError(f"more than {GATES_MAX} gates")


async def test_a_worker_may_die_at_any_step(office: PostOffice) -> None:
    assert await die_everywhere(office, Delivery) == []


async def test_where_nobody_can_look_only_unknown_outcomes_double(office: PostOffice) -> None:
    assert await die_everywhere(office, Delivery, stride=4, can_look=False) == []


async def test_a_worker_that_keeps_to_a_pace_may_die_at_any_step(office: PostOffice) -> None:
    office.slack.paces = dict.fromkeys(Part, Pace(timedelta(seconds=1)))
    assert await die_everywhere(office, Delivery, stride=5) == []


async def test_the_gates_stand_at_every_step(office: PostOffice) -> None:
    await a_bad_night(office)
    gate = Gate()

    await die_at(office, gate)

    passed = "\n".join(gate.passed)
    for step in ("with line", "update notification old", "with wanted", "with result", "with road"):
        assert f"before {step}" in passed
        assert f"after {step}" in passed
    for step in ("before commit", "after commit", "before #alerts takes it", "look-up at @U01ANA"):
        assert step in passed


async def test_a_worker_may_die_again_and_again(office: PostOffice) -> None:
    await a_bad_night(office)
    for place in range(40):
        await die_at(office, Gate(3 + place % 11))
        await end_leases(office.store)
        await office.clock.advance(timedelta(seconds=1))

    await office.deliver_all()

    assert await broken_promises(office.store, office.everything) == []


class SendsBeforeItSaysSo(Delivery):
    """Sends first and writes the intent afterwards."""

    async def _write_intents(
        self, conn: asyncpg.Connection, claimed: Sequence[Flight]
    ) -> list[Flight]:
        for flight in claimed:
            assert flight.notifier
            await self._send(replace(flight.row, unknowns=0), flight.notifier)
        return await super()._write_intents(conn, claimed)

    async def _send(self, row: Claimed, notifier: Notifier) -> Answer:
        answers = self.__dict__.setdefault("answers", {})
        if row.id not in answers:
            answers[row.id] = await super()._send(row, notifier)
            return answers[row.id]  # type: ignore[no-any-return]
        return answers.pop(row.id)  # type: ignore[no-any-return]


class MarksBeforeItSends(Delivery):
    """Writes that a message was sent, then sends it."""

    async def _send(self, row: Claimed, notifier: Notifier) -> Answer:
        async with connection(self._pool) as conn:
            done = Result(row.id, row.token, Settled.SENT, Tried.SENT)
            await outbox.settle(conn, [done], self._clock.now())
        return await super()._send(row, notifier)


class NeverLooks(Delivery):
    """Sends again without asking whether the message has arrived before."""

    async def _send(self, row: Claimed, notifier: Notifier) -> Answer:
        return await super()._send(replace(row, unknowns=0), notifier)


class DropsFallbacks(Delivery):
    """Gives a message up and tells nobody else."""

    async def _fall_back(self, *_: object) -> int:
        """Do nothing."""
        return 0


class ForgetsResults(Delivery):
    """Does not write what came of refused messages."""

    async def _write_results(self, conn: asyncpg.Connection, results: Sequence[Result], now):  # type: ignore[no-untyped-def]
        kept = [one for one in results if one.state is Settled.SENT]
        if kept:
            await super()._write_results(conn, kept, now)
        return {one.id for one in results}


class TakesAnyRow(Delivery):
    """Claims the last message of a queue first."""

    async def _claim(self, look_far: bool) -> list[Flight]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                """
                update notification n set state = 'sending', token = token + 1,
                    leased_until = clock_timestamp() + interval '30 s'
                from event e
                where (e.incident_id, e.version) = (n.incident_id, n.version) and id = (
                    select id from notification where state = 'pending' and due_at <= $1
                    order by id desc limit 1
                )
                returning n.id, token, n.incident_id, n.version, receiver, part, due_at, created_at,
                    attempts, facts::jsonb, '{}'::jsonb as remote, null::timestamptz as first_tried_at,
                    0 as unknowns, false as is_headless
                """,
                self._clock.now(),
            )
        if not rows:
            return await super()._claim(look_far)
        claimed = [
            Flight(outbox._claimed(row), self._monotonic() + 30, self._notifiers["slack"])
            for row in rows
        ]
        self._flights.update(claimed)
        return claimed


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        (MarksBeforeItSends, "never took it"),
        (SendsBeforeItSaysSo, "arrived 2 times"),
        (NeverLooks, "arrived 2 times"),
        (DropsFallbacks, "nobody else was told"),
        (TakesAnyRow, "heard opened of"),
    ],
)
async def test_a_broken_worker_is_caught(
    office: PostOffice, kind: type[Delivery], complaint: str
) -> None:
    broken = await die_everywhere(office, kind, complaint)

    assert any(complaint in one for one in broken)


async def test_a_worker_that_forgets_results_is_caught(office: PostOffice) -> None:
    await a_bad_night(office)

    with pytest.raises(AssertionError, match="never come to an end"):
        async with asyncio.timeout(20):
            await office.deliver_all(office.worker(ForgetsResults))


async def stalled(office: PostOffice, kind: type[Delivery]) -> tuple[Delivery, list[object]]:
    """Let a worker stall with a refused message until a second one is sending it; then wake the first.

    Returns:
        The stalled worker, and state and token of the message once it had tried to settle.
    """
    seen: list[object] = []
    slow, quick = office.worker(kind), office.worker(kind, seed=2)

    async def second_sends(name: str) -> None:
        if name.startswith("before"):
            office.slack.gate = third_looks
            await end_leases(office.store)
            await quick.drain()

    async def third_looks(name: str) -> None:
        if name.startswith("before"):
            office.slack.gate = Gate()
            [flight] = slow._flights
            flight.end(Settled.AGAIN, Tried.FAILED, "mailbox full")
            await slow._settle()
            seen.extend(await office.store.fetchrow("select state, token from notification") or ())

    office.slack.gate = second_sends
    await Story(office.store).tell(Event.OPENED, NIGHT, (RAJ_SLACK, PAGE))
    await slow.drain()
    return slow, seen


class Unfenced(Delivery):
    """Settles with whatever token is the present one."""

    async def _write_results(self, conn: asyncpg.Connection, results: Sequence[Result], now):  # type: ignore[no-untyped-def]
        rows = await conn.fetch("select id, token from notification")
        tokens = {row["id"]: row["token"] for row in rows}
        stolen = [replace(one, token=tokens[one.id]) for one in results]
        return await super()._write_results(conn, stolen, now)


async def test_a_stalled_worker_changes_nothing(office: PostOffice) -> None:
    slow, seen = await stalled(office, Delivery)

    assert seen == ["sending", 2]
    assert slow.figures.fenced == 1
    assert await states(office.store) == [(RAJ_SLACK, "page", "sent")]


async def test_a_stalled_worker_without_a_token_is_caught(office: PostOffice) -> None:
    _, seen = await stalled(office, Unfenced)

    assert seen != ["sending", 2]


async def test_the_store_itself_refuses_a_wrong_token(office: PostOffice) -> None:
    await Story(office.store).tell(Event.OPENED, NIGHT, (ALERTS, ROOT))
    async with transaction(office.store) as conn:
        await outbox.claim(conn, NIGHT, limit=1, lease=timedelta(seconds=30))

    with pytest.raises(asyncpg.PostgresError, match="token 0 is not the present one, 1"):
        await office.store.execute(
            "update notification set state = 'pending', token = 0, leased_until = null"
        )
