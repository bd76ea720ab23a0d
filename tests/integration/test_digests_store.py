"""What a digest may stand for: messages that wait, and none that is on its way or hidden."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import asyncpg
import pytest

from notifiers.base import Event, Part
from tests.incidents import Story
from tests.post_office import ALERTS, ANA_MAIL, ANA_SLACK, BROKEN, RAJ_MAIL
from tests.postgres import NIGHT
from watchdog.store import digests, intents, outbox
from watchdog.store.outbox import Claimed, Result, Settled, Tried
from watchdog.store.pool import transaction

Condition = Callable[[asyncpg.Pool], AbstractAsyncContextManager[None]]


@contextlib.asynccontextmanager
async def untouched(_store: asyncpg.Pool) -> AsyncIterator[None]:
    """Leave all of them as they are."""
    yield


async def claim_one(conn: asyncpg.Connection) -> Claimed:
    """Hold the first message in the channel."""
    [row] = await outbox.claim(conn, NIGHT, limit=1, lease=timedelta(minutes=1))
    assert row.receiver == ALERTS
    return row


@contextlib.asynccontextmanager
async def one_on_its_way(store: asyncpg.Pool) -> AsyncIterator[None]:
    """Let a worker hold the first."""
    async with transaction(store) as conn:
        await claim_one(conn)
    yield


@contextlib.asynccontextmanager
async def one_locked(store: asyncpg.Pool) -> AsyncIterator[None]:
    """Be in the middle of a claim of the first."""
    async with transaction(store) as conn:
        await claim_one(conn)
        yield


@contextlib.asynccontextmanager
async def one_arrived_perhaps(store: asyncpg.Pool) -> AsyncIterator[None]:
    """Let nobody know what came of the first."""
    async with transaction(store) as conn:
        row = await claim_one(conn)
        await intents.write_intents(conn, [row], NIGHT)
        unknown = Result(row.id, row.token, Settled.AGAIN, Tried.UNKNOWN, "no answer", NIGHT)
        await outbox.settle(conn, [unknown], NIGHT)
    yield


@contextlib.asynccontextmanager
async def incident_silenced(store: asyncpg.Pool) -> AsyncIterator[None]:
    """Let a silence hide the incident."""
    await store.execute(
        "with made as (insert into silence (pattern, reason, made_by, of_critical, made_at, ends_at)"
        " values ('*', 'a test', 'ana', true, $1, $2) returning id, ends_at)"
        " update incident set silence = made.id, silenced_until = made.ends_at from made",
        NIGHT,
        NIGHT + timedelta(days=1),
    )
    yield


@pytest.mark.parametrize(
    ("condition", "waiting"),
    [
        (untouched, [ALERTS, ALERTS, ALERTS, BROKEN]),
        (one_on_its_way, [BROKEN]),
        (one_locked, [BROKEN]),
        (one_arrived_perhaps, [BROKEN]),
        (incident_silenced, []),
    ],
)
async def test_all_that_waits_for_a_receiver_is_told_or_none_of_it(
    store: asyncpg.Pool, condition: Condition, waiting: list[str]
) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ALERTS, Part.ROOT), (BROKEN, Part.ROOT))
    await story.tell(Event.TAKEN, NIGHT, (ALERTS, Part.EDIT), (ALERTS, Part.THREAD))

    async with condition(store), transaction(store) as conn:
        found = await digests.waiting_in(conn, "slack", NIGHT)

    assert sorted(one.receiver for one in found) == waiting


async def test_a_page_knows_where_else_it_has_arrived_and_no_other_news(
    store: asyncpg.Pool,
) -> None:
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (ANA_SLACK, Part.PAGE), (ANA_MAIL, Part.PAGE))
    await story.tell(Event.RECOVERED, NIGHT, (ANA_SLACK, Part.EDIT), (RAJ_MAIL, Part.PAGE))
    await store.execute(
        "update notification set state = 'sending', token = 1, leased_until = $1"
        " where receiver like 'email:%'",
        NIGHT,
    )
    await store.execute(
        "update notification set state = 'sent', settled_at = $1, leased_until = null"
        " where receiver like 'email:%'",
        NIGHT,
    )

    async with transaction(store) as conn:
        page, edit = await digests.waiting_in(conn, "slack", NIGHT)

    assert (page.heard_at, edit.heard_at) == ([ANA_MAIL], [])
