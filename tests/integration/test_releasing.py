"""What is told when nothing hides it any more, beside storms that are there already."""

from datetime import timedelta

import asyncpg

from tests.integration.test_silencing import STORMS, open_many, quiet
from tests.promises import broken_promises
from tests.quiet import Quiet
from tests.storms import heal
from watchdog.store.incident_rows import incident_of

__all__ = ["quiet"]


async def a_storm(quiet: Quiet, *, at: timedelta = timedelta()) -> asyncpg.Record:
    """Return a storm of seven that were told at once, at a time of the day."""
    quiet.storms = STORMS
    if at:
        now = quiet.clock.now()
        await quiet.clock.advance(now.replace(hour=0, minute=0, second=0) + at - now)
    await quiet.silence(hours=0.5)
    await open_many(quiet, 2001, 7)
    await quiet.end(1)
    await quiet.let_pass(0)
    [storm] = await quiet.store.fetch("select * from incident where kind = 'storm'")
    return storm


async def test_a_storm_that_is_due_itself_takes_in_what_is_told_then_and_acts_after_it(
    quiet: Quiet,
) -> None:
    storm = await a_storm(quiet)
    await quiet.silence("orders-*", hours=10 / 60)
    await open_many(quiet, 3001, 2)
    await quiet.let_pass(10)
    assert (await quiet.stored(3001)).storm == storm["id"]
    assert await quiet.events(storm["id"]) == ["storm", "members"]
    await quiet.let_pass(0)
    assert await quiet.events(storm["id"]) == ["storm", "members", "escalated"]
    assert await broken_promises(quiet.store, quiet.office.everything) == []


async def test_a_storm_of_whose_cause_its_owner_would_be_reminded_comes_back_instead(
    quiet: Quiet,
) -> None:
    storm = await a_storm(quiet, at=timedelta(hours=8, minutes=50))
    await heal(quiet.store, quiet.clock, incident_of(storm), *range(1, 8))
    await quiet.silence("orders-*", hours=10 / 60)
    await open_many(quiet, 3001, 7)
    await quiet.let_pass(10)
    await quiet.let_pass(0)
    assert await quiet.events(storm["id"]) == ["storm", "recovered", "back_again"]
