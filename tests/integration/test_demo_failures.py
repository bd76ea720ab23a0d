"""Each failure of the demo opens what it should and nothing else; its twins open nothing."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from notifiers.report import report_line, tidy_report
from rules.base import Entity
from tests.demo_world import RULES, Opened, World, bad_rules, drop, good_entities, living
from tests.postgres import NIGHT, Server
from watchdog.clock import MovedClock
from watchdog.config.load import load
from watchdog.demo.failure import Expected, Failure
from watchdog.demo.failures import FAILURES
from watchdog.demo.switch import list_broken
from watchdog.engine.plan import Opening
from watchdog.reports.make import make

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROVEN_BY_THE_ENGINE = {"Z9"}
"""What is told of it is which proof of its recovery is missing; here nobody asks for proofs."""

FAULTS = [one for one in FAILURES.values() if one.opens and one.id not in PROVEN_BY_THE_ENGINE]
TWINS = [one for one in FAILURES.values() if not one.opens]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    dsn, clock = postgres_server.dsn("postgres"), MovedClock(NIGHT)
    async with living(dsn, tmp_path_factory.mktemp("demo"), clock, "failures") as world:
        yield world
    await drop(dsn, "failures")


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def mended(world: World) -> AsyncIterator[None]:
    """Mend what a failed test has left broken."""
    yield
    for one in await list_broken(world.demo.crm_dsn):
        await world.switch(one, False)


def watched_of(failure: Failure) -> dict[str, tuple[Entity, ...]]:
    watched: dict[str, tuple[Entity, ...]] = {}
    for one in failure.opens:
        watched[one.rule] = (*watched.get(one.rule, ()), one.entity)
    return watched


def named(one: Expected) -> Opened:
    return one.rule, one.entity, one.severity, one.failure_class


def check_words(expected: Expected, opening: Opening) -> None:
    words = f"{opening.finding.fact} {opening.finding.detail}"
    assert expected.says in words
    assert not expected.omits or expected.omits not in words


@pytest.mark.long  # tests/acceptance breaks each of them in the whole program
@pytest.mark.parametrize("failure", FAULTS, ids=lambda one: one.id)
async def test_a_failure_opens_its_incidents_and_nothing_else_until_it_is_mended(
    world: World, failure: Failure
) -> None:
    opened, held = await world.story(failure)
    assert set(opened) == set(map(named, failure.opens))
    assert held <= set(failure.holds)
    for one in failure.opens:
        check_words(one, opened[named(one)])
    for (name, *_), opening in opened.items():
        assert all((await world.evidence_rows(opening, world.rules[name])).values())

    await world.switch(failure.id, False)
    await world.leap(failure.fades)
    looked = await world.look(world.idle_probes(failure), watched_of(failure))
    assert bad_rules(looked) == set()
    assert good_entities(looked) >= {(one.rule, one.entity) for one in failure.opens}
    await world.live(timedelta(minutes=17))


@pytest.mark.long
@pytest.mark.parametrize("twin", TWINS, ids=lambda one: one.id)
async def test_a_twin_opens_nothing_but_what_it_says(world: World, twin: Failure) -> None:
    opened, held = await world.story(twin)
    assert set(opened) == set(map(named, twin.opens))
    assert held <= set(twin.holds)
    for one in twin.opens:
        check_words(one, opened[named(one)])
    await world.live(timedelta(minutes=4))
    told = frozenset(one.rule for one in twin.opens)
    opened, _ = await world.openings(None, told, world.idle_probes(twin))
    assert set(opened) <= set(map(named, twin.opens))

    await world.switch(twin.id, False)
    await world.leap(twin.fades)
    assert await world.bad(world.idle_probes(twin)) == set()
    await world.live(timedelta(minutes=17))


async def test_a_stale_table_gets_critical_after_two_hours(world: World) -> None:
    await world.switch("Z1", True)
    await world.live(timedelta(hours=2))
    opened, _ = await world.openings()
    assert set(opened) == {("zendesk_sync-tickets-stale", (), "critical", "")}
    await world.switch("Z1", False)


@pytest.mark.parametrize(
    ("failure_id", "follows"),
    [
        ("Z2", "zendesk_sync-tickets-stale"),
        ("Z7", "zendesk_sync-tickets-stale"),
        ("E6", "support_desk-mails-waiting"),
    ],
)
async def test_what_follows_from_a_failure_opens_or_is_held_when_it_lasts(
    world: World, failure_id: str, follows: str
) -> None:
    await world.switch(failure_id, True)
    await world.live(timedelta(minutes=45))
    opened, held = await world.openings()
    assert (follows in {name for name, *_ in opened}) is (follows in FAILURES[failure_id].later)
    assert (follows in held) is (follows in FAILURES[failure_id].holds)
    await world.switch(failure_id, False)
    assert await world.bad() == set()


async def test_a_failure_lasts_for_as_long_as_nobody_mends_it(world: World) -> None:
    await world.switch("S1", True)
    await world.live(timedelta(hours=10))
    assert await world.bad() == {"servicetitan_sync-sync-stuck"}
    await world.switch("S1", False)
    assert await world.bad() == set()


async def test_several_failures_can_be_broken_at_once(world: World) -> None:
    for one in ("S1", "W2", "E4"):
        await world.switch(one, True)
    assert await world.bad() == {
        "servicetitan_sync-sync-stuck",
        "workspace_issues-repositories-failing",
        "workspace_issues-repository-failing",  # each of them, held under all
        "support_desk-mails-waiting",
    }
    await world.switch("W2", False)
    assert await world.bad() == {"servicetitan_sync-sync-stuck", "support_desk-mails-waiting"}
    for one in ("S1", "E4"):
        await world.switch(one, False)
    assert await world.bad() == set()


async def test_the_morning_checks_say_first_how_much_failed(world: World) -> None:
    broken = {"Z2": "zendesk_sync", "W3": "workspace_issues", "E5": "support_desk"}
    for one in broken:
        await world.switch(one, True)
    config, now = load(RULES, {}).config, world.clock.now()
    assert config is not None
    told = [await make(one, now, now, world.sources) for one in config.reports.values()]
    assert [part.trouble for one in told for part in one.parts if part.trouble] == []
    lines = {one.name.partition("-")[0]: report_line(tidy_report(one)) for one in told}
    failed = {pack: re.findall(r", failed (\d+)(?:,|…|$)", line) for pack, line in lines.items()}
    assert {pack for pack, [count] in failed.items() if int(count)} >= set(broken.values())
    assert len(failed) == 5
    for one in broken:
        await world.switch(one, False)
