"""The schema refuses what a worker must not do to a message, whatever the code above it does."""

from datetime import timedelta

import asyncpg
import pytest

from tests.postgres import NIGHT
from tests.rows import Incidents
from watchdog.store.pool import transaction


@pytest.fixture
async def message(store: asyncpg.Pool) -> asyncpg.Pool:
    """Give a store with one message, number 1, that waits to be sent."""
    async with transaction(store) as connection:
        await Incidents(connection).open(1)
    await store.execute(
        "insert into notification (incident_id, version, receiver, part, priority, due_at,"
        " created_at) values (1, 1, 'slack:#data', 'page', 1, $1, $1)",
        NIGHT,
    )
    return store


CLAIM = (
    "update notification set state = 'sending', token = token + 1,"
    " leased_until = clock_timestamp() + $1"
)
SETTLE = "update notification set state = $1, token = $2, leased_until = null, settled_at = now()"
TRY = "insert into attempt (notification_id, number, token, started_at) values (1, $1, $2, now())"
END = "update attempt set outcome = $1, ended_at = now() where number = $2"
LEASE, OVER = timedelta(seconds=60), timedelta(seconds=-1)


def refused() -> "pytest.RaisesExc[asyncpg.PostgresError]":
    """Expect the error that a worker gets which was fenced off."""
    return pytest.raises(asyncpg.PostgresError, check=lambda error: error.sqlstate == "WD007")


@pytest.mark.parametrize("event", [(1, 2), (2, 1)])
async def test_a_message_of_an_event_that_there_is_not_is_refused(
    message: asyncpg.Pool, event: tuple[int, int]
) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await message.execute(
            "insert into notification (incident_id, version, receiver, part, priority, due_at,"
            " created_at) select *, 'slack:#data', 'page', 1, now(), now()"
            " from (values (1, 1), ($1::integer, $2::integer)) as v",
            *event,
        )
    assert await message.fetchval("select count(*) from notification") == 1


async def test_a_message_is_never_of_another_event(message: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.PostgresError, match="not rewritten"):
        await message.execute("update notification set version = 2")


async def test_an_event_that_a_message_tells_of_stays(message: asyncpg.Pool) -> None:
    everything = "with i as (delete from incident) delete from event"
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="tells of this event"):
        await message.execute(everything)
    await message.execute("delete from notification")
    await message.execute(everything)


@pytest.mark.parametrize("receiver", ["slack:data", "slack:#", "email:", "sms:1", ""])
async def test_a_receiver_of_no_known_form_is_refused(message: asyncpg.Pool, receiver: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await message.execute("update notification set receiver = $1", receiver)


async def test_a_waiting_message_can_be_claimed(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    assert await message.fetchval("select token from notification") == 1


async def test_a_claim_raises_the_token(message: asyncpg.Pool) -> None:
    with refused():
        await message.execute("update notification set state = 'sending', leased_until = now()")


async def test_a_message_that_is_held_cannot_be_claimed(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    with refused():
        await message.execute(CLAIM, LEASE)


async def test_a_message_whose_lease_is_over_can_be_claimed(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, OVER)
    await message.execute(CLAIM, LEASE)
    assert await message.fetchval("select token from notification") == 2


async def test_a_token_cannot_be_skipped_or_lowered(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, OVER)
    for token in (0, 3):
        with refused():
            await message.execute("update notification set token = $1", token)


@pytest.mark.parametrize("state", ["sent", "dead"])
async def test_a_worker_with_a_stale_token_cannot_settle(message: asyncpg.Pool, state: str) -> None:
    await message.execute(CLAIM, OVER)
    await message.execute(CLAIM, LEASE)
    with refused():
        await message.execute(SETTLE, state, 1)
    await message.execute(SETTLE, state, 2)


async def test_a_settled_message_stays_settled(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    await message.execute(SETTLE, "sent", 1)
    with refused():
        await message.execute("update notification set state = 'pending', settled_at = null")
    with refused():
        await message.execute(SETTLE, "dead", 1)
    with refused():
        await message.execute(CLAIM + ", settled_at = null", LEASE)


async def test_a_message_that_nobody_claimed_was_not_sent(message: asyncpg.Pool) -> None:
    with refused():
        await message.execute(SETTLE, "sent", 0)


async def test_two_attempts_in_flight_are_refused(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    await message.execute(TRY, 1, 1)
    with pytest.raises(asyncpg.UniqueViolationError, match="attempt_one_in_flight"):
        await message.execute(TRY, 2, 1)


@pytest.mark.parametrize("first", ["sent", "found"])
@pytest.mark.parametrize("second", ["sent", "found"])
async def test_two_attempts_that_reached_the_receiver_are_refused(
    message: asyncpg.Pool, first: str, second: str
) -> None:
    await message.execute(CLAIM, LEASE)
    await message.execute(TRY, 1, 1)
    await message.execute(END, first, 1)
    await message.execute(TRY, 2, 1)
    with pytest.raises(asyncpg.UniqueViolationError, match="attempt_one_sent"):
        await message.execute(END, second, 2)


async def test_attempts_that_failed_or_stayed_unknown_may_be_many(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    for number, outcome in enumerate(["failed", "unknown", "failed", "unknown", "sent"], start=1):
        await message.execute(TRY, number, 1)
        await message.execute(END, outcome, number)


async def test_a_worker_that_does_not_hold_the_message_cannot_try(message: asyncpg.Pool) -> None:
    with refused():
        await message.execute(TRY, 1, 0)
    await message.execute(CLAIM, OVER)
    await message.execute(CLAIM, LEASE)
    with refused():
        await message.execute(TRY, 1, 1)
    await message.execute(SETTLE, "sent", 2)
    with refused():
        await message.execute(TRY, 1, 2)


async def test_how_an_attempt_ended_stays_as_it_was_written(message: asyncpg.Pool) -> None:
    await message.execute(CLAIM, LEASE)
    await message.execute(TRY, 1, 1)
    await message.execute(END, "sent", 1)
    with refused():
        await message.execute(END, "failed", 1)
