"""Covers as the store keeps them: of one team, never two at once."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from tests.postgres import NIGHT
from watchdog.domain.people import Cover, Directory
from watchdog.store import covers
from watchdog.store.covers import Overlaps
from watchdog.store.pool import transaction

HOUR = timedelta(hours=1)


def a_cover(begins: int = 1, ends: int = 3, team: str = "data") -> Cover:
    """Return a cover from one hour after now to another."""
    return Cover(team, "raj", NIGHT + begins * HOUR, NIGHT + ends * HOUR, "ana")


async def keep(store: asyncpg.Pool, cover: Cover) -> Cover:
    async with transaction(store) as conn:
        return await covers.add(conn, cover, NIGHT)


async def known(store: asyncpg.Pool, hour: int = 0) -> tuple[Cover, ...]:
    async with transaction(store) as conn:
        return (await covers.with_covers(conn, Directory(), NIGHT + hour * HOUR)).covers


async def test_what_is_kept_is_read_until_it_is_over(store: asyncpg.Pool) -> None:
    kept = await keep(store, a_cover())
    assert kept.number > 0
    assert await known(store) == (kept,)
    assert await known(store, hour=2) == (kept,)
    assert await known(store, hour=3) == ()


@pytest.mark.parametrize(("begins", "ends"), [(1, 3), (0, 2), (2, 4), (0, 5), (2, 3)])
async def test_two_of_one_team_never_overlap(store: asyncpg.Pool, begins: int, ends: int) -> None:
    await keep(store, a_cover())
    with pytest.raises(Overlaps):
        await keep(store, a_cover(begins, ends))


async def test_covers_of_other_teams_and_right_before_and_after_are_no_hindrance(
    store: asyncpg.Pool,
) -> None:
    await keep(store, a_cover())
    for one in (a_cover(0, 1), a_cover(3, 4), a_cover(team="dat"), a_cover(team="Data")):
        await keep(store, one)
    assert len(await known(store)) == 5


async def test_of_many_at_the_same_moment_one_is_kept(store: asyncpg.Pool) -> None:
    tries = [keep(store, a_cover(begins, begins + 2)) for begins in (1, 2) for _ in range(10)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, Cover) for one in results) == 1
    assert all(isinstance(one, Cover | Overlaps) for one in results)


async def test_one_that_has_begun_ends_now_and_one_that_has_not_is_taken_back(
    store: asyncpg.Pool,
) -> None:
    begun, ahead = await keep(store, a_cover(1, 5)), await keep(store, a_cover(5, 8))
    async with transaction(store) as conn:
        assert await covers.end(conn, begun.number, NIGHT + 2 * HOUR)
        assert await covers.end(conn, ahead.number, NIGHT + 2 * HOUR) == ahead
        assert await covers.end(conn, begun.number, NIGHT + 2 * HOUR) is None
    rows = await store.fetch("select starts_at, ends_at from cover")
    assert [tuple(row) for row in rows] == [(NIGHT + HOUR, NIGHT + 2 * HOUR)]


@pytest.mark.parametrize(
    "change", [{"team": " "}, {"person": ""}, {"ends_at": NIGHT + HOUR}, {"made_by": ""}]
)
async def test_a_cover_without_a_name_or_a_span_is_refused(
    store: asyncpg.Pool, change: dict[str, object]
) -> None:
    cover = a_cover()
    row = {
        name: getattr(cover, name) for name in ("team", "person", "starts_at", "ends_at", "made_by")
    }
    values = list((row | change).values())
    with pytest.raises(asyncpg.CheckViolationError):
        await store.execute(
            "insert into cover (team, person, starts_at, ends_at, made_by, made_at)"
            " values ($1, $2, $3, $4, $5, now())",
            *values,
        )
