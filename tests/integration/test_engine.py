"""The engine on a real PostgreSQL: looking, opening, recovering, and what it writes."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Severity
from tests.postgres import Database
from tests.watching import DIRECTORY, World, make_table, stuck_rule
from watchdog import covering
from watchdog.clock import MovedClock
from watchdog.config.model import Query
from watchdog.domain.incident import State
from watchdog.domain.people import Cover, Policy
from watchdog.store.incidents import evidence
from watchdog.store.pool import transaction

WITHOUT_ANA = replace(
    DIRECTORY,
    people={"raj": DIRECTORY.people["raj"]},
    teams={"ops": replace(DIRECTORY.teams["ops"], lead="raj")},
)


@pytest.fixture
async def world(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[World]:
    db = await asyncpg.connect(database.dsn)
    await make_table(db, ["mail", "sync", "report"])
    async with contextlib.AsyncExitStack() as engines:
        world = World(store, db, database.reader_dsn, clock, engines)
        yield world
    await world.close_sources()
    await db.close()


async def test_a_stuck_job_opens_one_incident_with_its_owner_and_tells_them(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    [incident] = await world.incidents()
    assert (incident.state, incident.owner, incident.title) == (
        State.OPEN,
        "ana",
        "Jobs of mail hang",
    )
    assert incident.entity == (("queue", "mail"),)
    assert incident.fact == "running for 32m (max 30m)"
    assert await world.receivers() == [
        ("slack:#ops-alerts", "root", "opened"),
        ("slack:@U01ANA", "page", "opened"),
        ("email:ana@example.com", "page", "opened"),
    ]


async def test_whoever_covers_owns_what_opens_without_a_restart_and_only_while_it_lasts(
    world: World,
) -> None:
    await world.begin(stuck_rule())
    now = world.clock.now()
    cover = Cover("ops", "raj", now, now + timedelta(minutes=10), "ana")
    await covering.cover(world.store, DIRECTORY, cover, now)
    await world.hang("mail")
    await world.pass_minutes(20)
    await world.hang("sync")
    await world.pass_minutes(2)
    assert [one.owner for one in await world.incidents()] == ["raj", "ana"]
    assert ("slack:@U02RAJ", "page", "opened") in await world.receivers()


async def test_one_bad_check_is_remembered_and_opens_nothing(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(1)
    assert await world.incidents() == []
    assert await world.tracks() == {("jobs-stuck", "mail"): "bad 1 of 2 checks"}


async def test_a_mended_job_recovers_after_three_good_checks(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.mend("mail")
    await world.pass_minutes(2)
    assert [one.state for one in await world.incidents()] == [State.OPEN]
    await world.pass_minutes(1)
    [incident] = await world.incidents()
    assert incident.state is State.RECOVERED
    assert await world.tracks() == {}


async def test_a_healthy_world_writes_nothing_but_its_counts(world: World) -> None:
    await world.begin(stuck_rule())
    await world.pass_minutes(60)
    await world.engine.flush()
    [looks] = await world.store.fetch("select ok, bad, missed from rule_look")
    tables = ("incident", "event", "track", "notification", "attempt")
    rows = [await world.store.fetchval(f"select count(*) from {one}") for one in tables]  # noqa: S608
    assert (dict(looks), rows) == ({"ok": 60, "bad": 0, "missed": 0}, [0] * 5)


async def test_bad_again_within_the_window_is_the_same_incident(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.mend("mail")
    await world.pass_minutes(3)
    await world.hang("mail")
    await world.pass_minutes(2)
    [incident] = await world.incidents()
    assert (incident.state, incident.version) == (State.OPEN, 3)
    assert ("slack:#ops-alerts", "thread", "back_again") in await world.receivers()


async def test_bad_again_after_its_owner_has_left_it_belongs_to_who_is_on_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.mend("mail")
    await world.pass_minutes(3)
    monkeypatch.setattr("tests.watching.DIRECTORY", WITHOUT_ANA)
    await world.watch(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    [incident] = await world.incidents()
    assert (incident.state, incident.owner) == (State.OPEN, "raj")


async def test_bad_again_much_later_is_a_new_incident(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.mend("mail")
    await world.pass_minutes(3 + 61)
    await world.hang("mail")
    await world.pass_minutes(2)
    assert [one.state for one in await world.incidents()] == [State.RECOVERED, State.OPEN]


async def test_each_entity_has_an_incident_of_its_own(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.hang("sync")
    await world.pass_minutes(2)
    await world.mend("sync")
    await world.pass_minutes(3)
    states = {dict(one.entity)["queue"]: one.state for one in await world.incidents()}
    assert states == {"mail": State.OPEN, "sync": State.RECOVERED}


async def test_a_worse_level_changes_the_incident_and_pages(world: World) -> None:
    limits = {"max_age": {"warning": "30m", "critical": "2h"}}
    await world.begin(stuck_rule(settings=limits))
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.hang("mail", minutes=121)
    await world.pass_minutes(1)
    [incident] = await world.incidents()
    assert (incident.severity, incident.version) == (Severity.CRITICAL, 2)
    assert ("email:ana@example.com", "page", "level") in await world.receivers()


async def test_an_entity_that_vanishes_never_reads_as_recovered(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.db.execute("delete from job where queue = 'mail'")
    await world.pass_minutes(10)
    assert [one.state for one in await world.incidents()] == [State.OPEN]


async def test_a_child_is_held_under_its_parent_and_opens_when_only_the_parent_recovers(
    world: World,
) -> None:
    parent = stuck_rule("parent", settings={"table": "job", "where": "queue = 'sync'"})
    child = stuck_rule(
        "child", settings={"where": "queue = 'mail'", "entity": []}, depends_on=("parent",)
    )
    await world.begin(parent, child)
    await world.hang("sync")
    await world.hang("mail")
    await world.pass_minutes(10)
    assert [one.rule for one in await world.incidents()] == ["parent"]
    assert (await world.tracks())["child", ""] == "held under parent"
    await world.mend("sync")
    await world.pass_minutes(4)
    assert [one.rule for one in await world.incidents()] == ["parent", "child"]


async def test_an_excuse_holds_a_finding_back_for_as_long_as_it_may(world: World) -> None:
    excuse = Query("jobs", "select 1 from job where queue = 'report' and status = 'idle'")
    policy = Policy(unless_at_most=timedelta(minutes=10))
    await world.begin(stuck_rule(unless=excuse, policy=policy))
    await world.hang("mail")
    await world.pass_minutes(10)
    assert await world.incidents() == []
    await world.pass_minutes(1)
    assert [one.rule for one in await world.incidents()] == ["jobs-stuck"]


async def test_evidence_is_stored_with_the_incident_when_it_opens(world: World) -> None:
    query = Query("jobs", "select queue, status from job where queue = {{ entity.queue }}")
    await world.begin(stuck_rule(evidence={"job": query}))
    await world.hang("mail")
    await world.pass_minutes(2)
    [incident] = await world.incidents()
    async with transaction(world.store) as conn:
        stored = await evidence(conn, incident.id)
    assert stored == {"job": [{"queue": "mail", "status": "running"}]}


async def test_a_missing_table_is_an_incident_about_the_rule_and_not_about_its_target(
    world: World,
) -> None:
    await world.begin(stuck_rule(settings={"table": "gone"}), stuck_rule("fine"))
    await world.pass_minutes(2)
    assert await world.incidents() == []
    await world.pass_minutes(1)
    [incident] = await world.incidents()
    assert (incident.rule, incident.owner) == ("rule:jobs-stuck", "ana")
    assert 'table "gone" does not exist' in incident.detail


async def test_a_source_that_is_down_is_one_incident_for_all_its_rules(world: World) -> None:
    world.dsn = "postgresql://nobody@127.0.0.1:1/none"
    await world.begin(stuck_rule("one"), stuck_rule("two"), stuck_rule("three"))
    await world.pass_minutes(4)
    [incident] = await world.incidents()
    assert (incident.rule, incident.severity) == ("source:jobs", Severity.CRITICAL)


async def test_errors_change_nothing_about_an_open_incident(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    await world.db.execute("alter table job rename to job_away")
    await world.pass_minutes(5)
    await world.db.execute("alter table job_away rename to job")
    states = {one.rule: one.state for one in await world.incidents()}
    assert states == {"jobs-stuck": State.OPEN, "rule:jobs-stuck": State.OPEN}
    await world.pass_minutes(1)
    states = {one.rule: one.state for one in await world.incidents()}
    assert states["rule:jobs-stuck"] is State.RECOVERED


async def test_a_removed_rule_ends_its_incident_with_a_reason(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(2)
    with caplog.at_level("INFO"):
        await world.watch(stuck_rule("another"))
    assert "incident withdrawn" in caplog.messages
    [incident] = await world.incidents()
    assert (incident.state, incident.cause_kind) == (State.RESOLVED, "withdrawn")
    assert incident.cause == "rule jobs-stuck was removed from the configuration"
    assert ("email:ana@example.com", "page", "withdrawn") in await world.receivers()


async def test_a_reload_keeps_counts_and_incidents_of_rules_that_watch_the_same(
    world: World,
) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(1)
    await world.watch(stuck_rule(settings={"max_age": "20m"}, impact="now with words"))
    await world.pass_minutes(1)
    [incident] = await world.incidents()
    assert (incident.version, incident.impact) == (1, "now with words")


async def test_a_restart_keeps_the_count_of_bad_checks(world: World) -> None:
    await world.begin(stuck_rule())
    await world.hang("mail")
    await world.pass_minutes(1)
    await world.begin_again(stuck_rule())
    await world.pass_minutes(1)
    assert [one.state for one in await world.incidents()] == [State.OPEN]


async def test_slots_that_nobody_saw_are_counted_as_missed(world: World) -> None:
    await world.begin(stuck_rule())
    await world.pass_minutes(1)
    await world.engine.flush()
    await world.begin_again(stuck_rule(), after=timedelta(minutes=10))
    assert world.engine.memory is not None
    assert world.engine.memory.looks["jobs-stuck"].missed == 10


async def test_equal_questions_of_one_slot_are_asked_once(world: World) -> None:
    rules = [replace(stuck_rule(), name=f"copy-{number}") for number in range(5)]
    await world.begin(*rules)
    asked = []
    answer_all = world.sources["jobs"].answer_all

    async def listened(questions: list[object]) -> object:
        asked.append(len(questions))
        return await answer_all(questions)

    world.sources["jobs"].answer_all = listened
    await world.engine.evaluate(list(world.engine._config.rules.values()), world.clock.now())  # type: ignore[union-attr]
    assert asked == [1]


async def test_steps_are_kept_with_the_incident_and_told_with_its_opening(world: World) -> None:
    await world.begin(stuck_rule(do_first="Look.", steps=("Restart the worker.", "Call Ana.")))
    await world.hang("mail")
    await world.pass_minutes(2)
    [incident] = await world.incidents()
    assert incident.steps == ("Restart the worker.", "Call Ana.")
    query = "select array(select json_array_elements_text(facts::json -> 'steps')) from event"
    assert await world.store.fetchval(query) == list(incident.steps)
