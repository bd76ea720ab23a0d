"""What no check ends by itself: things that leave their data, and incidents that a person keeps open."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from tests.postgres import Database
from tests.unit.test_incident import closing
from tests.watching import DIRECTORY, World, make_table, stuck_rule
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.domain.incident import Incident, State
from watchdog.domain.track import GONE_FOR
from watchdog.moving import Deed
from watchdog.store import tracks
from watchdog.store.pool import transaction
from watchdog.verbs import Refused

RULE = stuck_rule(name="jobs-stuck")


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync"])
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        await world.begin(RULE)
        await world.hang("mail")
        await world.pass_minutes(3)
        yield world
    await world.close_sources()
    await db.close()


async def the_incident(world: World) -> Incident:
    [one] = await world.incidents()
    return one


async def events(world: World) -> list[str]:
    rows = await world.store.fetch("select event from event order by incident_id, version")
    return [row["event"] for row in rows]


async def gone_since(world: World) -> list[object]:
    async with transaction(world.store) as conn:
        return [one.track.gone_since for one in await tracks.every(conn)]


async def drop(world: World, queue: str) -> None:
    await world.db.execute("delete from job where queue = $1", queue)


async def test_what_leaves_its_data_stays_open_for_a_day_and_is_withdrawn_with_the_reason(
    world: World,
) -> None:
    await drop(world, "mail")
    await world.pass_minutes(5)
    assert (await the_incident(world)).state is State.OPEN
    await world.begin_again(RULE, after=GONE_FOR)
    await world.pass_minutes(2)
    ended = await the_incident(world)
    assert (ended.state, ended.cause_kind) == (State.RESOLVED, "withdrawn")
    assert ended.cause == "the data has said nothing of queue mail for 24h"
    assert ended.recovered_at is None
    assert await events(world) == ["opened", "withdrawn"]
    assert await gone_since(world) == []


async def test_being_gone_is_written_once_and_not_at_each_look(world: World) -> None:
    await drop(world, "mail")
    await world.pass_minutes(2)
    [since] = await gone_since(world)
    assert since is not None
    before = await world.store.fetchval("select xmin::text from track")
    await world.pass_minutes(20)
    assert await world.store.fetchval("select xmin::text from track") == before


async def test_what_comes_back_to_its_data_goes_on_as_if_it_had_never_left(world: World) -> None:
    await drop(world, "mail")
    await world.pass_minutes(5)
    await world.db.execute("insert into job values ('mail', 'idle', null)")
    await world.pass_minutes(5)
    assert (await the_incident(world)).state is State.RECOVERED


async def test_while_its_source_does_not_answer_nothing_counts_as_gone(world: World) -> None:
    await world.db.execute("alter table job rename to away")
    await world.begin_again(RULE, after=2 * GONE_FOR)
    await world.pass_minutes(5)
    [one] = [one for one in await world.incidents() if one.rule == RULE.name]
    assert one.state is State.OPEN
    assert await gone_since(world) in ([None], [None, None])


async def test_what_was_gone_while_its_source_did_not_answer_is_waited_for_after_that(
    world: World,
) -> None:
    await drop(world, "mail")
    await world.pass_minutes(2)
    await world.db.execute("alter table job rename to away")
    await world.pass_minutes(1)
    await world.clock.jump(GONE_FOR)
    await world.db.execute("alter table away rename to job")
    await world.pass_minutes(2)
    assert await events(world) == ["opened"]
    await world.clock.jump(GONE_FOR)
    await world.pass_minutes(1)
    assert await events(world) == ["opened", "withdrawn"]


_BUSY = """
create function busy() returns trigger language plpgsql as $$
begin raise exception using errcode = '40001'; end $$;
create trigger busy before insert on track for each row execute function busy();
"""


async def test_that_nobody_could_look_is_known_until_it_is_written(world: World) -> None:
    await drop(world, "mail")
    await world.pass_minutes(2)
    await world.db.execute("alter table job rename to away")
    await world.pass_minutes(1)
    await world.clock.jump(GONE_FOR)
    await world.db.execute("alter table away rename to job")
    await world.store.execute(_BUSY)
    await world.pass_minutes(1)
    await world.store.execute("drop trigger busy on track")
    await world.pass_minutes(2)
    assert await events(world) == ["opened"]


async def reopened(world: World) -> Incident:
    await world.mend("mail")
    await world.pass_minutes(5)
    number = (await the_incident(world)).id
    now = world.clock.now()
    return await verbs.reopen(world.store, DIRECTORY, Deed(number, "ana", now), "still slow")


async def test_good_checks_do_not_end_what_a_person_has_reopened(world: World) -> None:
    one = await reopened(world)
    await world.pass_minutes(10)
    assert (await the_incident(world)).state is State.TAKEN
    now = world.clock.now()
    await verbs.resolve(world.store, DIRECTORY, Deed(one.id, "ana", now), closing("a cache"))
    assert await events(world) == ["opened", "recovered", "reopened", "resolved"]


async def test_what_was_reopened_and_is_bad_again_is_the_same_incident_and_recovers_by_itself(
    world: World,
) -> None:
    one = await reopened(world)
    await world.hang("mail")
    await world.pass_minutes(3)
    bad = await the_incident(world)
    assert (bad.id, bad.state, bad.owner, bad.bad_now) == (one.id, State.TAKEN, "ana", True)
    with pytest.raises(Refused, match="has not recovered"):
        await verbs.resolve(
            world.store, DIRECTORY, Deed(one.id, "ana", world.clock.now()), closing()
        )
    await world.mend("mail")
    await world.pass_minutes(5)
    assert (await the_incident(world)).state is State.RECOVERED
    assert await events(world) == ["opened", "recovered", "reopened", "back_again", "recovered"]


async def test_nothing_is_reopened_beside_a_later_incident_about_the_same(world: World) -> None:
    await world.mend("mail")
    await world.pass_minutes(5)
    first = (await the_incident(world)).id
    await world.begin_again(RULE, after=timedelta(hours=2))
    await world.hang("mail")
    await world.pass_minutes(3)
    now = world.clock.now()
    with pytest.raises(Refused, match="a later incident about the same is open"):
        await verbs.reopen(world.store, DIRECTORY, Deed(first, "ana", now), "still slow")
    assert [one.state for one in await world.incidents()] == [State.RECOVERED, State.OPEN]
