"""Tracks in the store: what is remembered of bad entities across a restart."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Entity, Severity
from tests.postgres import NIGHT
from watchdog.domain.track import Track
from watchdog.store import tracks
from watchdog.store.pool import transaction
from watchdog.store.tracks import StoredTrack

MAIL: Entity = (("queue", "mail"), ("a", "1"))
TRACK = Track(
    "jobs-stuck", MAIL, 2, NIGHT, NIGHT - timedelta(minutes=3), Severity.CRITICAL, "transient",
    good_checks=1, excused_since=NIGHT + timedelta(minutes=1), reason="bad 1 of 2 checks",
)  # fmt: skip


async def write(store: asyncpg.Pool, *some: Track, identity: str = "stuck jobs") -> None:
    async with transaction(store) as conn:
        await tracks.write(conn, some, identity)


async def forget(store: asyncpg.Pool, rule: str, *entities: Entity) -> None:
    async with transaction(store) as conn:
        await tracks.forget(conn, rule, entities)


async def stored(store: asyncpg.Pool) -> list[StoredTrack]:
    async with transaction(store) as conn:
        return await tracks.every(conn)


async def test_a_track_comes_back_as_it_was_written(store: asyncpg.Pool) -> None:
    await write(store, TRACK)
    assert await stored(store) == [StoredTrack(TRACK, "stuck jobs")]


async def test_the_order_of_an_entitys_columns_stays(store: asyncpg.Pool) -> None:
    await write(store, TRACK)
    [one] = await stored(store)
    assert one.track.entity == MAIL


async def test_a_later_look_replaces_the_earlier_one(store: asyncpg.Pool) -> None:
    await write(store, TRACK)
    later = replace(TRACK, bad_checks=3, excused_since=None, severity=Severity.WARNING, reason="")
    await write(store, later, identity="stuck jobs anew")
    assert await stored(store) == [StoredTrack(later, "stuck jobs anew")]


async def test_a_thousand_tracks_are_written_at_once(store: asyncpg.Pool) -> None:
    many = [replace(TRACK, entity=(("queue", str(number)),)) for number in range(1000)]
    await write(store, *many)
    assert {one.track.entity for one in await stored(store)} == {one.entity for one in many}


async def test_only_the_entities_named_are_forgotten_and_only_of_their_rule(
    store: asyncpg.Pool,
) -> None:
    other = replace(TRACK, entity=(("queue", "sync"),))
    namesake = replace(TRACK, rule="another")
    await write(store, TRACK, other, namesake)
    await forget(store, "jobs-stuck", MAIL, (("queue", "unknown"),))
    assert [one.track for one in await stored(store)] == [other, namesake]
    await forget(store, "jobs-stuck")
    assert len(await stored(store)) == 2


async def test_an_incident_that_does_not_exist_cannot_be_tracked(store: asyncpg.Pool) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await write(store, replace(TRACK, incident_id=7))
    assert await stored(store) == []


async def test_text_that_postgresql_cannot_hold_does_not_stop_the_watch(
    store: asyncpg.Pool,
) -> None:
    odd = replace(TRACK, entity=(("id", "a\0b \ud800"),), reason="c\0")
    await write(store, odd)
    [one] = await stored(store)
    assert (one.track.entity, one.track.reason) == ((("id", "ab ?"),), "c")


async def test_why_nothing_is_open_is_said_by_rule_as_of_most(store: asyncpg.Pool) -> None:
    held = [
        replace(TRACK, entity=(("queue", name),), reason=reason)
        for name, reason in (("a", "held under up"), ("b", "held under up"), ("c", "excused"))
    ]
    await write(store, *held)
    await write(store, replace(TRACK, rule="jobs-open", reason=""))
    async with transaction(store) as conn:
        assert await tracks.reasons(conn) == {"jobs-stuck": "held under up"}
