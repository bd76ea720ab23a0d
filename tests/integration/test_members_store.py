"""Members of storms in the store."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Severity
from tests.page import open_incident
from tests.storms import STORM, heal, open_storm, some_members
from watchdog.clock import MovedClock
from watchdog.domain.fingerprint import fingerprint
from watchdog.domain.incident import State
from watchdog.domain.storms import MemberState, Name
from watchdog.store import members
from watchdog.store.incidents import Figures
from watchdog.store.pool import transaction

GROUP = ("data", "crm")
LONG_AGO = timedelta(days=1)


async def test_members_are_kept_as_they_were(store: asyncpg.Pool, clock: MovedClock) -> None:
    given = replace(some_members(1, clock)[0], value=2.5, limit=1.0, detail="So\0 it is.")
    await open_storm(store, clock, joining=[given])
    async with transaction(store) as conn:
        [kept] = await members.listed(conn, STORM, limit=10)
        assert await members.by_number(conn, STORM, 1) == kept
        assert await members.by_name(conn, STORM, given.rule, given.entity) == kept
        assert await members.by_number(conn, STORM, 2) is None
        assert await members.bad(conn) == [kept]
    assert replace(kept, detail="") == replace(given, detail="")
    assert "\0" not in kept.detail


async def test_the_list_has_what_is_bad_first_and_the_worst_before_others(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    storm = await open_storm(store, clock, 8)
    await heal(store, clock, storm, 3, 1)
    async with transaction(store) as conn:
        numbers = [one.number for one in await members.listed(conn, STORM, limit=100)]
        page = [one.number for one in await members.listed(conn, STORM, limit=3, after=4)]
    assert numbers == [8, 2, 4, 5, 6, 7, 3, 1]
    assert page == [6, 7, 3]


async def test_a_tally_counts_names_and_dates(store: asyncpg.Pool, clock: MovedClock) -> None:
    storm = await open_storm(store, clock, 12)
    first_bad_at = clock.now() - timedelta(minutes=2)
    await clock.advance(timedelta(minutes=1))
    await heal(store, clock, storm, 3, 1)
    async with transaction(store) as conn:
        tally = await members.tally(conn, STORM)
    assert tally.bad == {Severity.CRITICAL: 1, Severity.WARNING: 9}
    assert (tally.good, tally.count, tally.worst) == (2, 12, Severity.CRITICAL)
    assert tally.names[:2] == [
        Name("Jobs of q8 hang", Severity.CRITICAL),
        Name("Jobs of q2 hang", Severity.WARNING),
    ]
    assert len(tally.names) == 8
    assert tally.first == ("Jobs of q1 hang", first_bad_at)
    assert (tally.first_bad_at, tally.first_good_at) == (first_bad_at, clock.now())


async def test_equal_titles_are_one_name(store: asyncpg.Pool, clock: MovedClock) -> None:
    same = [replace(one, title="A job hangs") for one in some_members(7, clock)]
    await open_storm(store, clock, joining=same)
    async with transaction(store) as conn:
        tally = await members.tally(conn, STORM)
    assert tally.names == [
        Name("A job hangs", Severity.CRITICAL, 1),
        Name("A job hangs", Severity.WARNING, 6),
    ]


async def test_nothing_has_an_empty_tally(store: asyncpg.Pool) -> None:
    async with transaction(store) as conn:
        tally = await members.tally(conn, 7)
    assert (tally.bad_count, tally.count, tally.first, tally.names) == (0, 0, None, [])


async def test_what_joins_again_keeps_its_number_and_others_go_on(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    storm = await open_storm(store, clock, 4)
    await heal(store, clock, storm, 2)
    later = [replace(one, fact="worse") for one in some_members(6, clock)[1::4]]
    async with transaction(store) as conn:
        await members.add(conn, STORM, later)
        found = {one.number: one for one in await members.listed(conn, STORM, limit=10)}
    assert sorted(found) == [1, 2, 3, 4, 5]
    assert (found[2].state, found[2].fact, found[2].first_good_at) == (
        MemberState.BAD,
        "worse",
        None,
    )
    assert found[5].entity == (("queue", "q6"),)


async def test_only_bad_members_take_new_figures(store: asyncpg.Pool, clock: MovedClock) -> None:
    storm = await open_storm(store, clock, 2)
    await heal(store, clock, storm, 2)
    seen = [
        Figures(STORM, 9.0, 1.0, "9h old\0", "Nine.", True, clock.now(), one.rule, one.entity)
        for one in some_members(2, clock)
    ]
    async with transaction(store) as conn:
        await members.update_figures(conn, seen)
        await members.update_figures(conn, [])
        found = await members.listed(conn, STORM, limit=10)
    assert [one.value for one in found] == [9.0, None]
    assert "\0" not in found[0].fact


async def test_the_storm_of_a_team_and_source_is_the_one_that_lives(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    storm = await open_storm(store, clock)
    since = clock.now() - LONG_AGO
    async with transaction(store) as conn:
        assert list(await members.lock_storms(conn, [GROUP, ("ops", "crm")], since)) == [GROUP]
        assert await members.live_storms(conn) == [STORM]
    await heal(store, clock, storm, *range(1, 7))
    async with transaction(store) as conn:
        [found] = (await members.lock_storms(conn, [GROUP], since)).values()
        assert found.state is State.RECOVERED
        assert await members.lock_storms(conn, [GROUP], clock.now() + LONG_AGO) == {}
        assert await members.live_storms(conn) == []


async def test_what_waits_opened_lately_and_nobody_has_taken_it(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, 7)
    await clock.advance(timedelta(minutes=4))
    await open_incident(store, clock, 8)
    await open_incident(store, clock, 9, team="ops")
    await open_incident(store, clock, 10, storm=7)  # as what was split out of one
    since = clock.now() - timedelta(minutes=4)
    async with transaction(store) as conn:
        assert [one.id for one in await members.lock_waiting(conn, [GROUP], since)] == [8]


@pytest.mark.parametrize("after", [timedelta(), timedelta(minutes=1)])
async def test_what_was_good_again_in_a_storm_has_ended(
    store: asyncpg.Pool, clock: MovedClock, after: timedelta
) -> None:
    storm = await open_storm(store, clock, 3)
    await heal(store, clock, storm, 2)
    prints = [one.fingerprint for one in some_members(3, clock)]
    async with transaction(store) as conn:
        found = await members.ended(conn, prints, clock.now() + after)
    assert [(one.id, one.recovered_at) for one in found.values()] == (
        [] if after else [(STORM, clock.now())]
    )


async def test_when_members_joined_is_known_by_storm_and_fingerprint(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_storm(store, clock, 2)
    known = fingerprint("jobs-stuck", (("queue", "q1"),))
    wanted = [(STORM, known), (7, known), (STORM, b"x" * 32)]
    async with transaction(store) as conn:
        found = await members.joined_at(conn, wanted)
    assert found == {(STORM, known): clock.now()}


async def test_nothing_is_asked_of_no_storms(store: asyncpg.Pool) -> None:
    async with transaction(store) as conn:
        assert await members.splits(conn, []) == []
        await members.settle(conn, [])
        await members.take_over(conn, {}, None)  # type: ignore[arg-type]
        await members.add(conn, STORM, [])
