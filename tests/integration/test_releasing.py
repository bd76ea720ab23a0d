"""What is told when nothing hides it any more, beside storms that are there already."""

import asyncio
from datetime import timedelta

from tests.integration.test_silencing import STORMS, open_many, quiet
from tests.lock_waits import held_up
from tests.promises import broken_promises
from tests.quiet import CHANNEL, Quiet
from tests.storms import heal
from watchdog.domain.incident import Incident
from watchdog.domain.silences import Silence
from watchdog.store import silences
from watchdog.store.incident_rows import incident_of
from watchdog.store.pool import transaction

__all__ = ["quiet"]


async def the_storm(quiet: Quiet) -> Incident:
    [storm] = await quiet.store.fetch("select * from incident where kind = 'storm'")
    return incident_of(storm)


async def a_storm(quiet: Quiet, *, at: timedelta = timedelta()) -> Incident:
    """Return a storm of seven that were told at once, at a time of the day."""
    quiet.storms = STORMS
    if at:
        now = quiet.clock.now()
        await quiet.clock.advance(now.replace(hour=0, minute=0, second=0) + at - now)
    await quiet.silence(hours=0.5)
    await open_many(quiet, 2001, 7)
    await quiet.end(1)
    await quiet.let_pass(0)
    return await the_storm(quiet)


async def test_a_storm_that_is_due_itself_takes_in_what_is_told_then_and_acts_after_it(
    quiet: Quiet,
) -> None:
    storm = await a_storm(quiet)
    await quiet.silence("orders-*", hours=10 / 60)
    await open_many(quiet, 3001, 2)
    await quiet.let_pass(10)
    assert (await quiet.stored(3001)).storm == storm.id
    assert await quiet.events(storm.id) == ["storm", "members"]
    await quiet.let_pass(0)
    assert await quiet.events(storm.id) == ["storm", "members", "escalated"]
    assert await broken_promises(quiet.store, quiet.office.everything) == []


async def test_a_storm_of_whose_cause_its_owner_would_be_reminded_comes_back_instead(
    quiet: Quiet,
) -> None:
    storm = await a_storm(quiet, at=timedelta(hours=8, minutes=50))
    await heal(quiet.store, quiet.clock, storm, *range(1, 8))
    await quiet.silence("orders-*", hours=10 / 60)
    await open_many(quiet, 3001, 7)
    await quiet.let_pass(10)
    await quiet.let_pass(0)
    assert await quiet.events(storm.id) == ["storm", "recovered", "back_again"]


async def test_a_storm_that_begins_by_releases_is_hidden_by_what_silences_storms(
    quiet: Quiet,
) -> None:
    quiet.storms = STORMS
    await quiet.silence(hours=0.5)
    hiding = await quiet.silence("storm:*", hours=1)
    await open_many(quiet, 2001, 7)
    await quiet.let_pass(30)
    assert (await the_storm(quiet)).silence == hiding.silence.number
    assert quiet.heard(CHANNEL) == []
    await quiet.let_pass(30)
    assert quiet.heard(CHANNEL) == ["root:released"]


async def test_what_is_told_is_part_of_the_storm_that_lives_though_that_is_silenced(
    quiet: Quiet,
) -> None:
    storm = await a_storm(quiet)
    await quiet.silence("storm:*", hours=1)
    await quiet.silence(hours=0.5)
    await open_many(quiet, 3001, 2)
    await quiet.let_pass(30)
    assert (await quiet.stored(3001)).storm == storm.id
    assert (await quiet.events(storm.id))[1:] == ["silenced", "members"]
    assert [one for one in quiet.heard(CHANNEL) if one.startswith("root:")] == ["root:storm"]


async def test_a_storm_that_comes_back_after_its_silence_is_hidden_no_more(quiet: Quiet) -> None:
    await a_storm(quiet)
    await quiet.silence("storm:*", hours=0.5)
    await heal(quiet.store, quiet.clock, await the_storm(quiet), *range(1, 8))
    await quiet.silence(hours=40 / 60)
    await open_many(quiet, 3001, 7)
    await quiet.let_pass(45)
    storm = await the_storm(quiet)
    assert (storm.silence, storm.silenced_until) == (None, None)
    assert (await quiet.events(storm.id))[2:] == ["recovered", "back_again"]


async def test_what_is_told_waits_for_whoever_makes_a_silence_and_heeds_it(quiet: Quiet) -> None:
    quiet.storms = STORMS
    await quiet.silence(hours=0.5)
    await open_many(quiet, 2001, 7)
    await quiet.let_pass(20)
    await quiet.clock.advance(timedelta(minutes=10))
    now = quiet.clock.now()
    wanted = Silence("storm:*", "deploy", "raj", now, now + timedelta(hours=1))
    async with transaction(quiet.store) as conn:
        made = await silences.add(conn, wanted)
        acting = asyncio.ensure_future(quiet.deadlines.act())
        assert await held_up(quiet.store, acting)
    await acting
    assert (await the_storm(quiet)).silence == made.number
