"""The engine when something around it fails: a kind, a source, the store, another replica, a reload."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Answer, Answers, Context, Judgement, Question, Rows, SqlQuestion
from tests.postgres import NIGHT, Database
from tests.watching import World, config_of, leads, make_table, running_engine, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import BrokenRule, Place, Rule
from watchdog.domain.incident import State
from watchdog.engine.engine import Engine


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync", "report"])
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        yield world
    await world.close_sources()
    await db.close()


@dataclass(frozen=True)
class Faulty:
    """A kind with a bug in one of its methods."""

    where: str
    source: str = "jobs"
    entity: tuple[str, ...] = ()
    opens_at_once: bool = False
    past_within: timedelta = timedelta()

    def ask(self, context: Context, answers: Answers) -> tuple[Question, ...]:
        if self.where == "ask":
            raise ZeroDivisionError
        wants_more = self.where == "never ends" or not answers
        text = f"select {len(answers)}"
        return (SqlQuestion(self.source, text),) if wants_more and context.now else ()

    def judge(self, context: Context, answers: Answers) -> Judgement:
        if self.where == "judge":
            raise KeyError(context, answers)
        return Judgement()

    def identity(self) -> str:
        return f"faulty in {self.where}"


def faulty_rule(where: str) -> Rule:
    return replace(stuck_rule(f"faulty-{where.replace(' ', '-')}"), kind=Faulty(where))


@pytest.mark.parametrize("where", ["ask", "judge", "never ends"])
async def test_a_kinds_bug_is_an_error_of_its_rule_and_of_no_other(
    where: str, world: World
) -> None:
    rule = faulty_rule(where)
    await world.begin(rule, stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(4)
    found = {one.rule: one.detail for one in await world.incidents()}
    assert set(found) == {"jobs-stuck", f"rule:{rule.name}"}
    assert "internal error" in found[f"rule:{rule.name}"]
    assert world.engine.memory is not None
    assert world.engine.memory.looks["jobs-stuck"].error == 0


async def test_of_two_engines_on_one_store_only_the_leader_looks_and_writes(world: World) -> None:
    await world.begin(stuck_rule())
    async with running_engine(world.store, world.clock, "two") as other:
        await other.apply(config_of(world.dsn, [stuck_rule()]), world.sources)
        await world.hang("mail")
        await world.pass_minutes(5)
        assert other.memory is None
    assert len(await world.incidents()) == 1
    events = await world.store.fetch("select event from event")
    assert [one["event"] for one in events] == ["opened"]


async def test_a_leader_that_was_fenced_off_writes_nothing(world: World) -> None:
    await world.begin(stuck_rule())
    await world.store.execute("update lease set replica = 'two', token = token + 1")
    await world.hang("mail")
    await world.pass_minutes(5)
    assert await world.incidents() == []
    assert await world.tracks() == {}


async def test_the_next_leader_goes_on_where_the_last_one_stopped(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(1)
    await world.engines.aclose()
    other = await world.engines.enter_async_context(running_engine(world.store, world.clock, "two"))
    await other.apply(config_of(world.dsn, [stuck_rule()]), world.sources)
    await leads(other)
    await world.pass_minutes(1)
    assert [one.state for one in await world.incidents()] == [State.OPEN]


@contextlib.asynccontextmanager
async def store_away(world: World) -> AsyncIterator[None]:
    """End every connection to the store and refuse new ones while the context lasts."""
    name = await world.store.fetchval("select current_database()")
    admin = await asyncpg.connect(world.dsn, database="postgres", user="watchdog")
    ended = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1"
    try:
        await admin.execute(f"alter database {name} allow_connections false")
        await admin.execute(ended, name)
        yield
    finally:
        await admin.execute(f"alter database {name} allow_connections true")
        await admin.close()


async def test_a_store_that_goes_away_in_the_middle_is_gone_on_with_later(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(1)
    async with store_away(world):
        await world.pass_minutes(3)
    await world.pass_minutes(1)
    [incident] = await world.incidents()
    assert (incident.state, incident.version) == (State.OPEN, 1)
    assert await world.store.fetchval("select count(*) from event") == 1
    await world.engine.flush()
    assert await world.store.fetchval("select bad + missed from rule_look") == 5


class UnheldClock(MovedClock):
    """Time that goes on while work is under way, as real time does."""

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        yield


@dataclass
class SlowSource:
    """A source that answers when it is told to."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    at_once: int = 0
    most_at_once: int = 0

    async def answer(self, question: Question) -> Answer:
        return (await self.answer_all([question]))[0]

    async def answer_all(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.go_on.wait()
        self.at_once -= 1
        return [Rows(()) for _ in questions]

    async def close(self) -> None:
        """Hold nothing."""


@pytest.fixture
async def slow(store: asyncpg.Pool) -> AsyncIterator[tuple[Engine, SlowSource, UnheldClock]]:
    """Give an engine whose one source is slow."""
    clock, source = UnheldClock(NIGHT), SlowSource()
    async with running_engine(store, clock) as engine:
        await engine.apply(config_of("postgresql:///jobs", [stuck_rule()]), {"jobs": source})
        await leads(engine)
        yield engine, source, clock
        source.go_on.set()


async def pass_minutes(clock: MovedClock, minutes: int) -> None:
    for _ in range(minutes):
        await clock.advance(timedelta(minutes=1))


async def test_a_rule_is_never_looked_at_twice_at_once_and_skipped_slots_are_missed(
    slow: tuple[Engine, SlowSource, UnheldClock],
) -> None:
    engine, source, clock = slow
    await pass_minutes(clock, 5)
    assert (source.asked, source.most_at_once) == (1, 1)
    source.go_on.set()
    await pass_minutes(clock, 3)
    assert engine.memory is not None
    look = engine.memory.looks["jobs-stuck"]
    assert source.most_at_once == 1
    assert look.missed == 8 - source.asked
    assert look.missed >= 4


def broken(name: str) -> BrokenRule:
    return BrokenRule(name, "ops", "`max_aeg` is not a key", Place("rules.yaml", 7, 3))


async def apply_broken(world: World, name: str) -> None:
    config = replace(config_of(world.dsn, [stuck_rule("fine")]), broken=(broken(name),))
    await world.engine.apply(config, world.sources)


async def test_a_broken_rule_opens_an_incident_of_its_own_once(world: World) -> None:
    await world.begin(stuck_rule("fine"))
    await apply_broken(world, "slip")
    await apply_broken(world, "slip")
    await world.pass_minutes(5)
    [incident] = await world.incidents()
    assert (incident.rule, incident.owner, incident.state) == ("rule:slip", "ana", State.OPEN)
    assert "rules.yaml:7 could not be loaded" in incident.detail


async def test_a_rule_that_is_broken_now_keeps_its_incident(world: World) -> None:
    await world.begin(stuck_rule(), stuck_rule("fine"))
    await world.hang("mail")
    await world.pass_minutes(2)
    await apply_broken(world, "jobs-stuck")
    states = {one.rule: one.state for one in await world.incidents()}
    assert states["jobs-stuck"] is State.OPEN
    assert ("jobs-stuck", "mail") in await world.tracks()
    await world.mend("mail")
    await world.watch(stuck_rule(), stuck_rule("fine"))
    await world.pass_minutes(4)
    states = {one.rule: one.state for one in await world.incidents()}
    assert states["jobs-stuck"] is State.RECOVERED
    assert states["rule:jobs-stuck"] is State.RECOVERED


async def test_what_watches_something_else_now_ends_its_incident_with_that_reason(
    world: World,
) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.watch(stuck_rule(settings={"table": "job", "column": "queue"}))
    [incident] = await world.incidents()
    assert (incident.state, incident.cause) == (
        State.RESOLVED,
        "rule jobs-stuck watches something else now",
    )
    assert await world.tracks() == {}


async def test_the_incident_of_a_source_that_no_rule_asks_any_more_ends(world: World) -> None:
    good, world.dsn = world.dsn, "postgresql://nobody@127.0.0.1:1/none"
    await world.begin(stuck_rule())
    await world.pass_minutes(3)
    assert [one.rule for one in await world.incidents()] == ["source:jobs"]
    world.dsn = good
    await world.watch()
    assert [one.state for one in await world.incidents()] == [State.RESOLVED]
