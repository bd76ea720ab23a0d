"""The restore drill reports to the service's own page, once, and as late as it may."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from rules.base import PingQuestion, Rows
from tests.demo_world import RULES
from tests.page import Page, running_page
from watchdog.clock import MovedClock
from watchdog.config.load import load
from watchdog.demo.drill import KEY, RestoreDrill
from watchdog.store.pings import Pings

DONE = datetime(2025, 8, 7, 8, tzinfo=UTC)
"""A week, but for an hour, after the 31st of July at nine."""

MINUTE, SOON = timedelta(minutes=1), timedelta(seconds=40)
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock(DONE - MINUTE)


@pytest.fixture
async def page(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Page]:
    async with running_page(store, clock, load(RULES, {}).config) as page:
        yield page


@pytest.fixture
async def drill(page: Page, clock: MovedClock) -> RestoreDrill:
    """Give a drill whose past is reported: that of May was done in June."""
    drill = RestoreDrill()
    await drill.tick(clock.now(), False, page.url)
    return drill


async def heard(store: asyncpg.Pool) -> list[datetime]:
    """Return when success was reported, the earliest first."""
    answer = await Pings(store).answer(PingQuestion("@pings", KEY))
    assert isinstance(answer, Rows)
    return sorted(row["at"] for row in answer.rows if row["what"] == "success")


async def test_a_drill_is_reported_once_and_only_when_it_is_done(
    store: asyncpg.Pool, clock: MovedClock, page: Page, drill: RestoreDrill
) -> None:
    for _ in range(4):
        await drill.tick(clock.now(), False, page.url)
        await clock.advance(SOON)
    assert await heard(store) == [DONE - MINUTE, DONE - MINUTE + 2 * SOON]


async def test_after_a_month_without_a_31st_nothing_is_reported(
    store: asyncpg.Pool, clock: MovedClock, page: Page, drill: RestoreDrill
) -> None:
    await clock.advance(timedelta(days=24))
    await drill.tick(clock.now(), False, page.url)
    before = await heard(store)
    await clock.advance(timedelta(days=44))  # through September, to the middle of October
    await drill.tick(clock.now(), False, page.url)
    assert len(await heard(store)) == len(before) + 1  # that of August


async def test_a_drill_that_nobody_did_is_reported_when_it_is_made_up_for(
    store: asyncpg.Pool, clock: MovedClock, page: Page, drill: RestoreDrill
) -> None:
    await clock.advance(timedelta(days=2))
    await drill.tick(clock.now(), True, page.url)
    assert await heard(store) == [DONE - MINUTE]
    await drill.tick(clock.now(), False, page.url)
    assert await heard(store) == [DONE - MINUTE, clock.now()]


@pytest.mark.parametrize("service", ["", NOWHERE], ids=["not served yet", "away"])
async def test_a_report_that_did_not_arrive_is_made_at_the_next_tick(
    store: asyncpg.Pool, clock: MovedClock, page: Page, service: str
) -> None:
    drill = RestoreDrill()
    await drill.tick(clock.now(), False, service)
    assert await heard(store) == []
    await drill.tick(clock.now(), False, page.url)
    assert await heard(store) == [clock.now()]


async def test_a_refused_report_is_not_made_again(
    store: asyncpg.Pool, clock: MovedClock, page: Page
) -> None:
    drill, config = RestoreDrill(), page.service.config
    page.service.config = replace(config, rules={})
    await drill.tick(clock.now(), False, page.url)
    page.service.config = config
    await drill.tick(clock.now(), False, page.url)
    assert await heard(store) == []
