"""How people arrange covers, on a real PostgreSQL."""

import asyncio
import re
from datetime import datetime, time, timedelta

import asyncpg
import pytest

from tests.postgres import NIGHT
from watchdog import covering
from watchdog.domain.incident import Refused
from watchdog.domain.oncall import on_call
from watchdog.domain.people import DAILY, Cover, Directory, Person, Role, Rotation, Team
from watchdog.store import covers
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed

HOUR = timedelta(hours=1)
PEOPLE = {name: Person(name) for name in ("ana", "raj", "tom")}
DIRECTORY = Directory(
    {**PEOPLE, "mei": Person("mei", role=Role.VIEWER)},
    {"data": Team("data", "tom", oncall=(Rotation(DAILY, ("ana", "raj"), time(0)),))},
)


def wanted(begins: int = 1, ends: int = 3, who: str = "tom", by: str = "ana") -> Cover:
    return Cover("data", who, NIGHT + begins * HOUR, NIGHT + ends * HOUR, by)


async def who_at(store: asyncpg.Pool, at: datetime) -> str:
    async with transaction(store) as conn:
        return on_call(await covers.with_covers(conn, DIRECTORY, NIGHT), "data", at)


async def test_a_cover_counts_from_now_on_even_if_it_was_to_begin_earlier(
    store: asyncpg.Pool,
) -> None:
    kept = await covering.cover(store, DIRECTORY, wanted(-5, 2), NIGHT)
    assert (kept.starts_at, kept.ends_at) == (NIGHT, NIGHT + 2 * HOUR)
    assert await who_at(store, NIGHT + HOUR) == "tom"


@pytest.mark.parametrize(
    ("cover", "words"),
    [
        (wanted(-3, -1), "that would end at 2025-06-13 01:15 UTC, before it begins"),
        (wanted(2, 2), "that would end at 2025-06-13 04:15 UTC, before it begins"),
        (wanted(0, 24 * 183), "a cover lasts at most 182d; change the rotation instead"),
    ],
)
async def test_what_cannot_be_a_cover_is_refused(
    store: asyncpg.Pool, cover: Cover, words: str
) -> None:
    with pytest.raises(Refused, match=re.escape(words)):
        await covering.cover(store, DIRECTORY, cover, NIGHT)


async def test_a_second_cover_of_the_same_hours_is_told_whose_they_are(store: asyncpg.Pool) -> None:
    first = await covering.cover(store, DIRECTORY, wanted(), NIGHT)
    words = (
        "tom covers data until 2025-06-13 05:15 UTC already; end that first: watchdog oncall end"
    )
    with pytest.raises(Refused, match=f"{words} {first.number}"):
        await covering.cover(store, DIRECTORY, wanted(2, 4, "raj"), NIGHT)


@pytest.mark.parametrize(("who", "by"), [("mei", "ana"), ("uwe", "ana"), ("tom", "mei")])
async def test_only_who_may_own_incidents_covers_and_arranges_it(
    store: asyncpg.Pool, who: str, by: str
) -> None:
    with pytest.raises(NotAllowed):
        await covering.cover(store, DIRECTORY, wanted(who=who, by=by), NIGHT)
    assert await store.fetchval("select count(*) from cover") == 0


async def test_a_swap_moves_both_shifts(store: asyncpg.Pool) -> None:
    midnight = NIGHT.replace(hour=0, minute=0) + timedelta(days=1)
    before = [await who_at(store, midnight + day * 24 * HOUR) for day in range(3)]
    await covering.swap(store, DIRECTORY, "data", ("ana", "raj"), NIGHT, "ana", NIGHT)
    after = [await who_at(store, midnight + day * 24 * HOUR) for day in range(3)]
    assert after == [before[1], before[0], before[2]]


async def test_of_two_swaps_at_the_same_moment_one_counts_and_nothing_is_left_of_the_other(
    store: asyncpg.Pool,
) -> None:
    swaps = [
        covering.swap(store, DIRECTORY, "data", ("ana", "raj"), NIGHT, "ana", NIGHT)
        for _ in range(2)
    ]
    results = await asyncio.gather(*swaps, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["Refused", "list"]
    assert await store.fetchval("select count(*) from cover") == 2


async def test_a_calendar_is_taken_over_again_without_a_second_cover(store: asyncpg.Pool) -> None:
    events = [wanted(-9, -5), wanted(-1, 2), wanted(3, 5, "raj")]
    kept = await covering.take_over(store, DIRECTORY, events, "ana", NIGHT)
    assert [(one.person, one.starts_at) for one in kept] == [
        ("tom", NIGHT),
        ("raj", NIGHT + 3 * HOUR),
    ]
    later = NIGHT + HOUR
    assert await covering.take_over(store, DIRECTORY, events, "ana", later) == []
    [fresh] = await covering.take_over(store, DIRECTORY, [*events, wanted(6, 7)], "ana", later)
    assert fresh.starts_at == NIGHT + 6 * HOUR


@pytest.mark.parametrize("wrong", [wanted(1, 4, "raj"), wanted(6, 6 + 24 * 183)])
async def test_of_a_calendar_all_is_taken_over_or_nothing(
    store: asyncpg.Pool, wrong: Cover
) -> None:
    with pytest.raises(Refused):
        await covering.take_over(store, DIRECTORY, [wanted(0, 2), wrong], "ana", NIGHT)
    assert await store.fetchval("select count(*) from cover") == 0


@pytest.mark.parametrize("people", [("ana", "ana"), ("ana", "tom")])
async def test_who_has_no_other_shift_cannot_swap(
    store: asyncpg.Pool, people: tuple[str, str]
) -> None:
    with pytest.raises(Refused, match="have no two shifts of data to swap"):
        await covering.swap(store, DIRECTORY, "data", people, NIGHT, "ana", NIGHT)


async def test_a_cover_is_ended_once(store: asyncpg.Pool) -> None:
    kept = await covering.cover(store, DIRECTORY, wanted(0, 3), NIGHT)
    await covering.end(store, DIRECTORY, kept.number, "ana", NIGHT + HOUR)
    assert await who_at(store, NIGHT + 2 * HOUR) != "tom"
    with pytest.raises(Refused, match=f"there is no cover {kept.number} to end"):
        await covering.end(store, DIRECTORY, kept.number, "ana", NIGHT + HOUR)
