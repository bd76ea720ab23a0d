"""The engine while the store, a source, the clock or the configuration changes under it."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from rules.base import Answers, Context, Judgement, Severity
from rules.stale import Stale
from rules.stuck import Stuck
from tests.cut_line import CutLine, cut_line
from tests.invariants import violations
from tests.lock_waits import held_up
from tests.postgres import Database, Server
from tests.watching import DIRECTORY, World, leads, make_table, stuck_rule
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.config.model import Query
from watchdog.domain.incident import State
from watchdog.domain.people import Policy
from watchdog.engine.slots import next_slot
from watchdog.moving import Deed
from watchdog.store.pool import open_pool, transaction


@pytest.fixture
async def line(postgres_server: Server) -> AsyncIterator[CutLine]:
    home = postgres_server.embedded.data_dir / "socket" / ".s.PGSQL.5432"
    async with cut_line(home) as line:
        yield line


@pytest.fixture
async def world(
    line: CutLine, store_dsn: str, database: Database, clock: MovedClock
) -> AsyncIterator[World]:
    name = store_dsn.partition("?")[0].rpartition("/")[2]
    store = await open_pool(f"postgresql://watchdog@127.0.0.1:{line.port}/{name}?sslmode=disable")
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync", "report"])
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        yield world
    await world.close_sources()
    await db.close()
    await store.close()


class Held:
    """Lets a source answer only when it is told to."""

    def __init__(self, source: Any) -> None:
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self._answer_all = source.answer_all
        source.answer_all = self

    async def __call__(self, questions: Any) -> Any:
        self.is_asked.set()
        await self.may_answer.wait()
        return await self._answer_all(questions)


async def evaluated(world: World, held: Held) -> asyncio.Task[None]:
    """Begin to look at all rules, and return when the source has been asked."""
    assert world.engine._config is not None
    rules = list(world.engine._config.rules.values())
    task = asyncio.ensure_future(world.engine.evaluate(rules, world.clock.now()))
    await held.is_asked.wait()
    return task


async def until(condition: Any) -> None:
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 (nothing to wait on from outside)
            await asyncio.sleep(0.01)


async def test_a_commit_whose_answer_was_lost_neither_stops_nor_repeats_what_it_opened(
    world: World, line: CutLine
) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(1)
    before = world.engine.memory
    line.cuts = 1
    await world.pass_minutes(1)
    assert line.done == 1

    async def is_read_again() -> bool:
        return world.engine.memory not in (None, before)

    await until(is_read_again)
    await world.hang("sync")
    await world.pass_minutes(2)
    opened = [dict(one.entity)["queue"] for one in await world.incidents()]
    assert sorted(opened) == ["mail", "sync"]


async def test_who_leads_again_under_the_same_token_after_a_long_silence_of_the_store_watches_again(
    world: World,
) -> None:
    await world.begin(stuck_rule())
    leader = world.engine._leader
    leader._good_until_monotonic = 0.0  # as when the store has not answered for a lease's time
    leader.changed.set()
    await world.pass_minutes(1)
    assert world.engine.memory is None
    leader._hurry.set()
    await leads(world.engine)
    await world.hang("mail")
    await world.pass_minutes(2)
    assert [one.state for one in await world.incidents()] == [State.OPEN]


async def test_a_short_silence_of_the_store_makes_nobody_read_it_all_again(world: World) -> None:
    await world.begin(stuck_rule())
    leader, known = world.engine._leader, world.engine.memory
    leader._good_until_monotonic = 0.0
    leader._hurry.set()

    async def leads_again() -> bool:
        return leader.token is not None

    await until(leads_again)
    await world.pass_minutes(2)
    assert world.engine.memory is known
    assert known is not None
    assert known.looks["jobs-stuck"].ok == 2


async def test_a_figure_of_before_never_comes_after_the_news_that_replaced_it(
    world: World, store_dsn: str
) -> None:
    rule = stuck_rule(settings={"max_age": {"warning": "30m", "critical": "2h"}})
    await world.begin(rule)
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.engine.flush()
    await world.hang("mail", minutes=50)
    await world.engine.evaluate([rule], world.clock.now())  # its figure waits for the next flush
    await world.hang("mail", minutes=130)
    locker = await asyncpg.connect(store_dsn)
    async with locker.transaction():
        await locker.execute("lock table watchdog.event")
        news = asyncio.ensure_future(world.engine.evaluate([rule], world.clock.now()))
        assert await held_up(world.store, news)
        flush = asyncio.ensure_future(world.engine.flush())
        await asyncio.sleep(0.1)
    await locker.close()
    await asyncio.gather(news, flush)
    [incident] = await world.incidents()
    assert incident.severity is Severity.CRITICAL
    assert incident.fact == "running for 2h10m (max 2h)"


async def test_what_a_kind_wants_remembered_and_the_store_refuses_harms_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    odd, other = stuck_rule("odd"), stuck_rule("other")
    await world.begin(odd, other)
    await world.pass_minutes(2)
    assert world.engine.memory is not None
    unfit = secrets.token_hex(4000)  # too long for an index, as a cell of data may be
    world.engine.memory.recollection.take(odd, {unfit: "1"})
    world.engine.memory.recollection.take(other, {"key": "2"})
    await world.engine.evaluate([odd, other], world.clock.now())
    await world.engine.flush()
    await world.engine.flush()
    rows = await world.store.fetch("select rule, ok from rule_look order by rule")
    assert [tuple(row) for row in rows] == [("odd", 3), ("other", 3)]
    kept = await world.store.fetch("select rule, value from remembered")
    assert [tuple(row) for row in kept] == [("other", "2")]
    [refused] = [one for one in caplog.records if one.message == "counts not flushed"]
    assert refused.__dict__["remembered"] == ["odd"]


async def test_a_daily_rule_whose_look_was_lost_or_missed_makes_up_for_it_within_a_minute(
    world: World, line: CutLine
) -> None:
    daily = stuck_rule(every=timedelta(days=1), policy=Policy(open_after=2))
    await world.begin(daily)
    await world.hang("mail", minutes=60 * 24)
    before = world.engine.memory
    line.cuts = 1
    await world.clock.jump(
        next_slot(daily.name, daily.every, world.clock.now()) - world.clock.now()
    )
    assert line.done == 1

    async def is_read_again() -> bool:
        await world.clock.advance(timedelta(seconds=5))
        return world.engine.memory not in (None, before)

    await until(is_read_again)
    await world.pass_minutes(2)
    assert [one.state for one in await world.incidents()] == [State.OPEN]

    await world.pass_minutes(1)  # what was counted is written
    await world.mend("mail")
    await world.begin_again(daily, after=timedelta(days=1, hours=1))
    await world.pass_minutes(2)
    assert [one.bad_now for one in await world.incidents()] == [False]


async def test_a_daily_rule_whose_source_is_away_at_its_slot_looks_soon_after_it_is_back(
    world: World,
) -> None:
    daily = stuck_rule(every=timedelta(days=1), policy=Policy(open_after=1))
    await world.begin(daily)
    await world.hang("mail")
    name = await world.db.fetchval("select current_database()")
    await world.db.execute(f"alter database {name} connection limit 0")
    await world.clock.jump(
        next_slot(daily.name, daily.every, world.clock.now()) - world.clock.now()
    )
    await world.watch(daily)  # a new configuration forgets nothing of it
    await world.pass_minutes(4)
    assert [one.rule for one in await world.incidents()] == ["source:jobs"]
    await world.db.execute(f"alter database {name} connection limit -1")
    tomorrow = world.clock.now() + timedelta(hours=12)

    async def is_seen() -> bool:  # a refused address is left alone for a moment of real time
        await world.pass_minutes(1)
        states = {one.rule: one.state for one in await world.incidents()}
        return states == {"source:jobs": State.RECOVERED, "jobs-stuck": State.OPEN}

    await until(is_seen)
    assert world.clock.now() < tomorrow


async def test_what_a_slow_look_finds_is_not_dated_before_what_a_person_did_meanwhile(
    world: World,
) -> None:
    await world.begin(stuck_rule(policy=Policy(open_after=1, recover_after=1)))
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.mend("mail")
    held = Held(world.sources["jobs"])
    looking = await evaluated(world, held)
    [incident] = await world.incidents()
    taken_at = world.clock.now() + timedelta(seconds=3)
    await verbs.take(world.store, DIRECTORY, Deed(incident.id, "raj", taken_at))
    held.may_answer.set()
    await looking
    [incident] = await world.incidents()
    assert (incident.state, incident.recovered_at) == (State.RECOVERED, taken_at)
    async with transaction(world.store) as conn:
        assert await violations(conn) == []


async def test_a_rule_that_was_removed_while_it_was_looked_at_opens_nothing(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(1)
    held = Held(world.sources["jobs"])
    looking = await evaluated(world, held)
    await world.watch(stuck_rule("another"))
    held.may_answer.set()
    await looking
    assert await world.incidents() == []
    assert await world.tracks() == {}


async def test_a_rule_that_watches_something_else_by_now_opens_nothing_of_before(
    world: World,
) -> None:
    await world.begin(stuck_rule(policy=Policy(open_after=1)))
    await world.hang("mail")
    held = Held(world.sources["jobs"])
    looking = await evaluated(world, held)
    await world.watch(stuck_rule(settings={"where": "queue <> 'mail'"}))
    held.may_answer.set()
    await looking
    await world.pass_minutes(2)
    assert await world.incidents() == []


async def test_a_slow_source_keeps_no_rule_of_another_from_its_slots(world: World) -> None:
    slow = stuck_rule("slow", settings={"source": "slow"})
    await world.begin(stuck_rule("quick"), slow)
    held = Held(world.sources["slow"])
    looking = await evaluated(world, held)

    async def is_quick_settled() -> bool:
        return "quick" not in world.engine._running

    await until(is_quick_settled)
    assert "slow" in world.engine._running
    held.may_answer.set()
    await looking


async def test_a_clock_that_was_set_back_stops_nobody_from_looking(world: World) -> None:
    await world.begin(stuck_rule())
    await world.pass_minutes(1)
    world.clock._now -= timedelta(hours=3)
    world.engine._changed.set()  # a real wait lasts for a span, not until an instant
    await world.pass_minutes(5)
    assert world.engine.memory is not None
    assert world.engine.memory.looks["jobs-stuck"].ok >= 5


async def test_a_new_configuration_is_in_force_though_the_store_could_not_be_written(
    world: World, store_dsn: str
) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    locker = await asyncpg.connect(store_dsn)
    lock = locker.transaction()
    await lock.start()
    await locker.execute("lock table watchdog.rule_look")
    await world.watch(stuck_rule("another", settings={"where": "queue = 'report'"}))
    await lock.rollback()
    await locker.close()

    async def is_withdrawn() -> bool:
        await world.pass_minutes(1)
        return [one.state for one in await world.incidents()] == [State.RESOLVED]

    await until(is_withdrawn)


async def test_what_is_about_no_entity_is_told_though_its_rules_queries_name_one(
    world: World,
) -> None:
    settings = {"table": "job", "column": "started_at", "max_age": "30m", "if_empty": "bad"}
    kind = Stale.model_validate({"source": "jobs", "entity": ["queue"], **settings})
    names_it = Query("jobs", "select 1 as n where {{ entity.queue }} <> ''")
    rule = replace(
        stuck_rule("orders"),
        kind_name="stale",
        kind=kind,
        unless=names_it,
        evidence={"rows": names_it},
        verify={"works": names_it},
    )
    await world.begin(rule)
    await world.db.execute("delete from job")
    await world.pass_minutes(2)
    [incident] = await world.incidents()
    assert (incident.entity, incident.fact) == ((), "no rows")
    await world.db.execute("insert into job values ('mail', 'idle', $1)", world.clock.now())
    await world.pass_minutes(3)
    assert [one.state for one in await world.incidents()] == [State.RECOVERED]


class Timeless(Stuck):
    """A kind with a mistake: it says since when something is bad, but not in which zone."""

    def judge(self, context: Context, answers: Answers) -> Judgement:
        judged = super().judge(context, answers)
        odd = [replace(one, first_bad_at=datetime(2025, 6, 1)) for one in judged.findings]  # noqa: DTZ001
        return replace(judged, findings=tuple(odd))


async def test_a_mistake_of_a_kind_makes_its_rule_not_watched_and_harms_no_other(
    world: World,
) -> None:
    await world.begin(stuck_rule("odd", model=Timeless), stuck_rule("good"))
    await world.hang("mail")
    await world.pass_minutes(4)
    assert [one.rule for one in await world.incidents()] == ["good", "rule:odd"]
    assert world.engine.memory is not None
    looks = world.engine.memory.looks
    assert [(looks[name].bad, looks[name].error) for name in ("good", "odd")] == [(4, 0), (0, 4)]


async def test_what_one_rule_brings_and_the_store_refuses_harms_no_other(world: World) -> None:
    rules = [stuck_rule("bad", team="a team that is not there"), stuck_rule("good")]
    await world.begin(*rules)
    await world.hang("mail")
    for _ in range(4):
        await world.engine.evaluate(rules, world.clock.now())
    assert [one.rule for one in await world.incidents()] == ["good", "rule:bad"]
