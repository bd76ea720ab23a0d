"""The schedule kind against real tables, whatever holds their instants."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rules.base import Answers, Entity, Judgement, Outcome, Rows, Severity, SqlQuestion, Unanswered
from rules.schedule import Schedule
from tests.postgres import Server
from tests.watched_tables import NOW, Storage, Tables, entity, tables

TABLE = "create table syncs (org text, cron text, zone text, last_at $at, made_at $at, next_at $at)"
ROW = "insert into syncs (org, cron, zone, last_at) values ($1, $2, $3, $4)"
OWN = {"cron": {"column": "cron"}, "timezone": {"column": "zone"}, "last_run": "last_at"}
QUARTERLY, OFFICE = "*/15 * * * *", "0 9-17 * * 1-5"
NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


def schedule(**more: Any) -> Schedule:
    settings = {"source": "db", "table": "syncs", "entity": "org"}
    return Schedule.model_validate(settings | more)


async def asked(
    db: Tables, kind: Schedule, watched: Sequence[Entity] = (), now: datetime = NOW
) -> Answers:
    """Ask until the kind has all it wants; every question must be answered."""
    context = db.context(watched, now)
    answers: Answers = ()
    while questions := kind.ask(context, answers):
        (question,) = questions
        assert isinstance(question, SqlQuestion)
        answer = await db.source.answer(question)
        assert isinstance(answer, Rows), answer
        answers = (*answers, (answer,))
    return answers


async def judge(
    db: Tables, kind: Schedule, watched: Sequence[Entity] = (), now: datetime = NOW
) -> Judgement:
    answers = await asked(db, kind, watched, now)
    return kind.judge(db.context(watched, now), answers)


async def test_each_row_is_late_by_its_own_line_in_its_own_zone(db: Tables) -> None:
    await db.run(
        ROW,
        ("late", QUARTERLY, BERLIN, db.ago(minutes=60)),
        ("in time", QUARTERLY, NEW_YORK, db.ago(minutes=14)),
        ("at home", OFFICE, NEW_YORK, db.ago(hours=5, minutes=14)),
        ("delhi", "0 7 * * *", "Asia/Kolkata", db.ago(hours=24, minutes=44)),
        ("manual", None, None, db.ago(days=90)),
        ("new", QUARTERLY, BERLIN, None),
    )
    judgement = await judge(db, schedule(**OWN, grace={"warning": "10m", "critical": "30m"}))
    found = {one.entity[0][1]: (one.fact, one.severity) for one in judgement.findings}
    assert found == {
        "delhi": ("45m late (max 30m)", Severity.CRITICAL),
        "late": ("45m late (max 30m)", Severity.CRITICAL),
    }
    assert judgement.findings[1].first_bad_at == NOW - timedelta(minutes=35)


@pytest.mark.parametrize(
    "more",
    [
        OWN | {"in_a_row": 3},
        {"cron": QUARTERLY, "timezone": BERLIN, "last_run": "last_at", "in_a_row": 3},
        {"interval": "15m", "last_run": "last_at", "in_a_row": 3},
        {"interval": "15m", "last_run": "last_at", "created": "made_at", "in_a_row": 3},
        {"due": "last_at"},
    ],
)
async def test_a_watched_entity_is_read_again(db: Tables, more: dict[str, Any]) -> None:
    ages = {"a": 5, "b": -30, "c": 300}
    await db.run(ROW, *((org, QUARTERLY, BERLIN, db.ago(minutes=age)) for org, age in ages.items()))
    watched = [entity(org=org) for org in ("a", "b", "c", "gone")]
    judgement = await judge(db, schedule(**more), watched)
    assert [one.entity for one in judgement.findings] == [watched[2]]
    assert [(one.entity, one.value) for one in judgement.readings] == [
        (watched[0], pytest.approx(300.0 if "due" in more else 0.0, abs=0.01)),
        (watched[1], 0.0),
    ]


async def test_a_row_whose_line_or_zone_is_wrong_does_not_hide_the_others(db: Tables) -> None:
    await db.run(
        ROW,
        ("line", "0 0 L * *", BERLIN, None),
        ("zone", QUARTERLY, "Mars/Base", db.ago(minutes=1)),
        ("late", QUARTERLY, BERLIN, db.ago(hours=1)),
    )
    found = {one.entity[0][1]: one for one in (await judge(db, schedule(**OWN))).findings}
    assert {org: one.failure_class for org, one in found.items()} == {
        "line": "data_logic",
        "zone": "data_logic",
        "late": "scheduler",
    }
    assert "`L` cannot be the day of the month" in found["line"].detail


@pytest.mark.parametrize(
    "more",
    [OWN, {"cron": QUARTERLY, "last_run": "last_at"}, {"interval": "1h", "last_run": "last_at"}],
)
async def test_a_row_that_never_ran_is_judged_since_it_was_made(
    db: Tables, more: dict[str, Any]
) -> None:
    row = "insert into syncs (org, cron, made_at) values ($1, $2, $3)"
    await db.run(row, ("old", QUARTERLY, db.ago(days=1)), ("new", QUARTERLY, db.ago(minutes=5)))
    assert (await judge(db, schedule(**more))).outcome is Outcome.OK
    never = (await judge(db, schedule(**more, if_never="bad"))).findings
    assert [(one.entity[0][1], one.fact) for one in never] == [
        ("new", "never ran"),
        ("old", "never ran"),
    ]
    (late,) = (await judge(db, schedule(**more, created="made_at"))).findings
    assert late.entity == entity(org="old")


async def test_what_its_own_column_says_is_due_may_be_late(db: Tables) -> None:
    row = "insert into syncs (org, next_at) values ($1, $2)"
    await db.run(row, ("a", db.ago(hours=3)), ("a", db.ago(hours=-1)), ("b", db.ago(minutes=90)))
    await db.run(row, ("c", None))
    kind = schedule(due="next_at", grace="2h")
    (found,) = (await judge(db, kind)).findings
    assert (found.entity, found.fact) == (entity(org="a"), "3h late (max 2h)")
    whole = schedule(due="next_at", grace="2h", entity=[], where="org <> 'a'")
    assert (await judge(db, whole, [()])).readings[0].fact == "1h30m late (max 2h)"


async def test_what_has_no_name_is_read_again_beside_what_has(db: Tables) -> None:
    row = "insert into syncs (org, next_at) values ($1, $2)"
    await db.run(row, (None, db.ago(minutes=30)), ("a", db.ago(minutes=20)))
    watched = [entity(org=""), entity(org="a")]
    judgement = await judge(db, schedule(due="next_at", grace="2h"), watched)
    assert [(one.entity, one.fact) for one in judgement.readings] == [
        (entity(org=""), "30m late (max 2h)"),
        (entity(org="a"), "20m late (max 2h)"),
    ]


async def test_of_a_table_of_runs_the_newest_counts(db: Tables) -> None:
    await db.run(ROW, *(("a", None, None, db.ago(hours=n)) for n in (1, 2, 30)))
    gap = schedule(interval="15m", in_a_row=2, last_run="last_at", entity=[])
    (found,) = (await judge(db, gap)).findings
    assert (found.entity, found.fact) == ((), "30m late (max 10m)")
    nightly = schedule(cron="10 3 * * *", timezone=BERLIN, last_run="last_at", entity=[])
    assert (await judge(db, nightly, [()])).readings[0].fact == "in time (max 10m)"


async def test_nothing_at_all_has_run(db: Tables) -> None:
    kind = schedule(**OWN, entity=[], all_missed_for="30m")
    assert await judge(db, kind) == Judgement(has_data=False)
    await db.run(ROW, ("a", QUARTERLY, BERLIN, db.ago(hours=1)))
    await db.run(ROW, ("b", OFFICE, NEW_YORK, db.ago(hours=5)))
    (found,) = (await judge(db, kind)).findings
    assert found.fact == "no run for 1h, 1 due (max 30m)"
    at_night = schedule(**OWN, entity=[], all_missed_for="30m", where="org = 'b'")
    assert await judge(db, at_night, [()]) == Judgement(has_data=False)
    await db.run(ROW, ("c", QUARTERLY, BERLIN, db.ago(minutes=3)))
    assert (await judge(db, kind, [()])).readings[0].fact == "last run 3m ago (max 30m)"


@pytest.mark.parametrize("more", [{"due": "next_at"}, {"interval": "20m"}, {"cron": QUARTERLY}])
async def test_nothing_at_all_has_run_of_what_shares_a_pace(
    db: Tables, more: dict[str, Any]
) -> None:
    row = "insert into syncs (org, last_at, next_at) values ($1, $2, $3)"
    await db.run(row, ("a", db.ago(hours=1), db.ago(minutes=20)), ("b", None, db.ago(hours=9)))
    kind = schedule(**more, last_run="last_at", entity=[], all_missed_for="30m")
    (found,) = (await judge(db, kind)).findings
    assert (found.fact[:13], found.severity) == ("no run for 1h", Severity.WARNING)


async def test_an_empty_table_is_no_data(native: Tables) -> None:
    for more in (OWN, {"interval": "1h", "last_run": "last_at"}, {"due": "next_at"}):
        assert (await judge(native, schedule(**more))).outcome is Outcome.NO_DATA
        assert (await judge(native, schedule(**more, entity=[]))).outcome is Outcome.NO_DATA


# On 9 March 2025 the clocks of New York skip 02:00 to 03:00.
@pytest.mark.parametrize(("minutes", "count"), [(10, 0), (11, 2)])
async def test_a_run_that_was_skipped_is_due_when_the_clocks_have_changed(
    db: Tables, minutes: int, count: int
) -> None:
    changed = datetime(2025, 3, 9, 3, tzinfo=ZoneInfo(NEW_YORK))
    last = db.storage.stored(changed - timedelta(hours=23, minutes=40))
    rows = [("a", "30 2 * * *"), ("b", "15 3 * * *"), ("c", "0 2,3 * * *")]
    await db.run(ROW, *((org, line, NEW_YORK, last) for org, line in rows))
    judgement = await judge(db, schedule(**OWN), now=changed + timedelta(minutes=minutes))
    assert len(judgement.findings) == count


@pytest.mark.parametrize("in_time", [True, False])
async def test_ten_thousand_entities_are_asked_for_by_two_statements(
    native: Tables, in_time: bool
) -> None:
    lines = "case i % 3 when 0 then '*/15 * * * *' when 1 then '0 9-17 * * 1-5' else '@hourly' end"
    zones = f"case i % 2 when 0 then '{BERLIN}' else '{NEW_YORK}' end"
    at = "timestamptz '2025-06-13 02:05Z'" if native.postgres else "'2025-06-13T02:05:00Z'"
    made = (
        "insert into syncs (org, cron, zone, last_at) with recursive n(i) as"
        " (select 1 union all select i + 1 from n where i < 10000) select i, $line, $zone, $now from n"
    )
    at = at if in_time else at.replace("13 ", "12 ").replace("13T", "12T")
    await native.run(made.replace("$line", lines).replace("$zone", zones).replace("$now", at))
    kind = schedule(**OWN)
    pairs, late = await asked(native, kind)
    assert isinstance(pairs[0], Rows)
    assert isinstance(late[0], Rows)
    assert (len(pairs[0].rows), len(late[0].rows)) == (6, 0 if in_time else 10_000)
    judgement = kind.judge(native.context(), (pairs, late))
    assert len(judgement.findings) == (0 if in_time else 10_000)


@pytest.mark.parametrize("column", ["cron", "zone", "last_at"])
async def test_a_missing_column_is_no_answer(native: Tables, column: str) -> None:
    named = {"cron": {"column": "no_cron"}, "zone": {"column": "no_zone"}, "last_at": "no_at"}
    key = {"cron": "cron", "zone": "timezone", "last_at": "last_run"}[column]
    (question,) = schedule(**OWN | {key: named[column]}).ask(native.context(), ())
    answer = await native.source.answer(question)
    assert isinstance(answer, Unanswered)
    assert "no_" in answer.reason


async def test_odd_instants_are_judged_as_they_are(postgres_server: Server, tmp_path: Path) -> None:
    storage = Storage("postgres", "double precision", "epoch_s")
    async with tables(storage, postgres_server, tmp_path) as db:
        await db.run(TABLE)
        odd = {"nan": "'NaN'", "future": "'infinity'", "past": "'-infinity'", "1970": "0"}
        for org, value in odd.items():
            one = ROW.replace("$1, $2, $3, $4", f"'{org}', '@daily', 'UTC', {value}")
            await db.run(one)
        for more in (OWN, {"interval": "1d", "last_run": "last_at"}):
            watched = [entity(org=org) for org in odd]
            for seen in ([], watched):
                judgement = await judge(db, schedule(**more), seen)
                late = {one.entity[0][1] for one in judgement.findings}
                assert late == {"past", "1970"}
            assert [one.entity for one in judgement.readings] == [entity(org="future")]
            never = await judge(db, schedule(**more, if_never="bad"))
            assert {one.entity[0][1] for one in never.findings} == {"past", "1970", "nan"}
