"""Any week of a real store: what the summary says is what plain SQL, written for nothing else, finds."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from notifiers.summary import Summary
from tests.integration.test_cli_weekly import MINUTE, join, move
from tests.page import DIRECTORY, open_incident, stored
from tests.post_office import PostOffice
from tests.postgres import NIGHT
from tests.unit.test_incident import closing
from tests.watching import config_of
from watchdog.clock import MovedClock
from watchdog.domain import life
from watchdog.domain.closing import CAUSE_KINDS
from watchdog.domain.incident import Transition
from watchdog.domain.people import UTC_ZONE
from watchdog.domain.weeks import Week, week_at
from watchdog.reports.weekly import make_week
from watchdog.store.pool import transaction

LIVES = 30
WEEK: Week = week_at(NIGHT, UTC_ZONE)
OWN = "from watchdog.incident i where i.cause_kind <> 'joined' and i.opened_at >= $1 and i.opened_at < $2"
TAKEN = "select min(e.at) from watchdog.event e where e.incident_id = i.id and e.event = 'taken'"
"""An incident's first take: only by this event does anybody take it."""

WAITS = f"""
    select coalesce(sum(coalesce(next.at, $3) - e.at), '0') as waited
    from watchdog.incident i
    join watchdog.event e on e.incident_id = i.id and e.previous_state is distinct from e.state
    left join lateral (
        select min(later.at) as at from watchdog.event later
        where later.incident_id = i.id and later.version > e.version
            and later.previous_state is distinct from later.state
    ) next on true
    where e.state = 'open' and i.id in (select i.id {OWN})
"""  # noqa: S608 (ours)


class Town:
    """People who take, give back, end and explain what happens to open, by chance."""

    def __init__(self, store: asyncpg.Pool, seed: int) -> None:
        self.store = store
        self.chance = random.Random(seed)  # noqa: S311 (repeats itself)
        self.clock = MovedClock(WEEK.since)

    async def live(self) -> datetime:
        """Let a week pass, and a bit of the next; return when it has."""
        office = PostOffice(self.store, self.clock)
        storm = await open_incident(self.store, self.clock, 5000, rule="storm:main")
        for number in range(5001, 5001 + LIVES):
            await self.clock.advance(timedelta(minutes=self.chance.randrange(1, 600)))
            rule = self.chance.choice(["orders", "mail", "backups"])
            one = await open_incident(self.store, self.clock, number, rule=rule)
            await office.worker().drain()
            if self.chance.random() < 0.2:
                await join(self.store, one, storm)
            else:
                await self._life_of(number)
        return self.clock.now()

    async def _life_of(self, number: int) -> None:
        """Let some of a whole life happen, in the only order in which it can."""
        at = self._later(self.clock.now())
        steps: list[Callable[[Any, datetime], Transition]] = [
            lambda one, at: life.take(one, self.chance.choice(["ana", "raj"]), at),
            lambda one, at: life.recovered(one, at, at, "good again"),
            lambda one, at: life.resolve(one, one.owner, self._closing(), at),
        ]
        if self.chance.random() < 0.4:
            del steps[0]  # nobody takes it
        for step in steps[: self.chance.randrange(len(steps) + 1)]:
            await move(self.store, step(await stored(self.store, number), at))
            at = self._later(at)

    def _later(self, at: datetime) -> datetime:
        return at + timedelta(seconds=self.chance.randrange(1, 7200))

    def _closing(self) -> Any:
        return closing(
            self.chance.choice(["key expired", "disk full"]), self.chance.choice(CAUSE_KINDS)
        )


async def summary_of(store: asyncpg.Pool, now: datetime) -> Summary:
    config = replace(config_of("", []), directory=DIRECTORY)
    async with transaction(store) as conn:
        return await make_week(conn, config, WEEK, now)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_summary_says_what_plain_sql_finds(store: asyncpg.Pool, seed: int) -> None:
    now = await Town(store, seed).live() + 60 * MINUTE
    found = await summary_of(store, now)
    span = (WEEK.since, WEEK.until)

    async def count(what: str, *more: object) -> Any:
        return await store.fetchval(what, *span, *more)

    assert found.counted.incidents == await count(f"select count(*) {OWN}")
    assert found.not_taken == await count(f"select count(*) {OWN} and ({TAKEN}) is null")
    assert found.counted.time_not_taken == await count(WAITS, now)
    median = "percentile_cont(0.5) within group (order by {})"
    taken = median.format(f"({TAKEN}) - i.opened_at")
    assert near(found.counted.mtta, await count(f"select {taken} {OWN}"))
    good = median.format("i.first_good_at - i.opened_at")
    assert near(found.counted.mttr, await count(f"select {good} {OWN}"))
    useful = "i.cause_kind not in ('', 'false alarm')"
    assert sum(one.useful for one in found.noisy) == await count(
        f"select count(*) {OWN} and {useful} and ({TAKEN}) is not null"
    )
    days = await store.fetch(
        f"select (i.opened_at at time zone 'UTC')::date as day, count(*) as n {OWN} group by 1",
        *span,
    )
    assert {one.day: one.incidents for one in found.days if one.incidents} == {
        row["day"]: row["n"] for row in days
    }
    rules = await store.fetch(f"select i.rule, count(*) as n {OWN} group by 1", *span)
    assert {one.rule: one.fired for one in found.noisy} == {row["rule"]: row["n"] for row in rules}


@pytest.mark.parametrize("seed", [4])
async def test_its_totals_agree_in_a_real_store(store: asyncpg.Pool, seed: int) -> None:
    now = await Town(store, seed).live()
    found = await summary_of(store, now)
    incidents = found.counted.incidents
    joined = await store.fetchval("select count(*) from incident where cause_kind = 'joined'")
    opened = await store.fetchval("select count(*) from incident where opened_at < $1", WEEK.until)
    assert 0 < joined < incidents
    assert sum(one.incidents for one in found.days) == incidents <= opened
    assert sum(one.taken for one in found.people) + found.not_taken == incidents
    assert sum(one.night_pages for one in found.people) == found.counted.night_pages > 0
    live = await store.fetchval("select count(*) from incident where state in ('open', 'taken')")
    assert found.open_total <= live


def near(one: timedelta | None, other: timedelta | None) -> bool:
    """Return whether two spans are one, as far as halves of microseconds let them."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= timedelta(microseconds=1)
