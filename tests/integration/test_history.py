"""What a message says of the times before: counted and found when its event is written."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.test_incidents_store import commit, new
from tests.unit.test_incident import NOW, closing
from watchdog.domain import life
from watchdog.domain.incident import Incident, Transition

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SAME = b"s" * 32
NEVER = (1, "", "", None)


def opening(number: int, at: datetime, **changes: Any) -> Transition:
    return new(number, **{"fingerprint": SAME, "opened_at": at} | changes)


async def lived(
    store: asyncpg.Pool, number: int, at: datetime, cause: str = "", owner: str = "ana"
) -> Incident:
    """Let an incident open, recover an hour later and, with a cause, be resolved."""
    [one] = await commit(store, opening(number, at, owner=owner))
    ended_at = at + timedelta(hours=1)
    [one] = await commit(store, life.recovered(one, ended_at, ended_at, "good"))
    if cause:
        [one] = await commit(store, life.resolve(one, owner, closing(cause), ended_at + MINUTE))
    return one


async def said(store: asyncpg.Pool, number: int, version: int = 1) -> tuple[Any, ...]:
    """Return what the messages of an event say of the past."""
    written = "select facts from event where incident_id = $1 and version = $2"
    facts: Mapping[str, Any] = json.loads(await store.fetchval(written, number, version))
    names = {"times": 1, "last_cause": "", "last_owner": "", "last_at": None}
    return tuple(facts.get(name, default) for name, default in names.items())


async def test_what_is_new_has_no_past(store: asyncpg.Pool) -> None:
    await lived(store, 1, NOW - DAY, "key")
    await commit(store, new(2))
    assert await said(store, 2) == NEVER


async def test_the_times_within_a_week_are_counted_and_the_last_cause_is_named(
    store: asyncpg.Pool,
) -> None:
    await lived(store, 1, NOW - 9 * DAY, "old cause")
    await lived(store, 2, NOW - 5 * DAY, "API key expired", owner="raj")
    await lived(store, 3, NOW - DAY)
    await commit(store, opening(4, NOW))
    ended_at = NOW - 5 * DAY + timedelta(hours=1)
    assert await said(store, 4) == (3, "API key expired", "raj", ended_at.isoformat())


async def test_an_old_cause_is_named_though_it_is_no_other_time_of_this_week(
    store: asyncpg.Pool,
) -> None:
    one = await lived(store, 1, NOW - 30 * DAY, "key")
    await commit(store, opening(2, NOW))
    assert one.recovered_at is not None
    assert await said(store, 2) == (1, "key", "ana", one.recovered_at.isoformat())


async def test_an_end_without_a_cause_of_its_own_names_none(store: asyncpg.Pool) -> None:
    one = await lived(store, 1, NOW - 4 * DAY)
    await commit(store, life.unanswered(one, NOW - DAY))
    await commit(store, opening(2, NOW))
    assert await said(store, 2) == (2, "", "", None)


async def test_whoever_it_is_passed_on_to_is_told_the_same(store: asyncpg.Pool) -> None:
    await lived(store, 1, NOW - DAY, "key")
    [one] = await commit(store, opening(2, NOW))
    await commit(store, life.escalated(one, "raj", 1, "ana silent 10m, now raj", NOW + 10 * MINUTE))
    assert (await said(store, 2, version=2))[:2] == (2, "key")


@pytest.mark.parametrize("number", [3, 1])
async def test_of_many_at_once_each_has_its_own_past(number: int, store: asyncpg.Pool) -> None:
    other = b"o" * 32
    await lived(store, 10, NOW - DAY, "key")
    await commit(store, opening(number, NOW), opening(number + 1, NOW, fingerprint=other))
    assert await said(store, number + 1) == NEVER
    assert (await said(store, number))[:2] == (2, "key")
