"""The stuck kind against real tables, whatever holds their instants."""

from datetime import timedelta

from rules.base import Outcome, Severity
from tests.watched_tables import NOW, Tables, entity, kind_of

TABLE = "create table jobs (org text, job int, status text, at $at)"
SETTINGS = {"table": "jobs", "column": "status", "is": "running", "since": "at", "max_age": "30m"}
ALL = kind_of("stuck", **SETTINGS)
EACH = kind_of("stuck", **SETTINGS, entity=["org", "job"])
ROW = "insert into jobs (org, job, status, at) values ($1, $2, $3, $4)"


async def test_a_row_that_stays_in_a_status_is_a_finding(db: Tables) -> None:
    await db.run(
        ROW,
        ("a", 1, "running", db.ago(hours=3)),
        ("a", 2, "running", db.ago(minutes=5)),
        ("b", 1, "idle", db.ago(days=3)),
    )
    (finding,) = (await db.judge(EACH)).findings
    assert finding.entity == entity(org="a", job="1")
    assert (finding.value, finding.limit) == (10800.0, 1800.0)
    assert finding.fact == "running for 3h (max 30m)"
    assert finding.detail == "Has been running for 3 h, limit 30 min."
    assert finding.first_bad_at == NOW - timedelta(hours=2, minutes=30)


async def test_without_an_entity_the_rows_are_counted(db: Tables) -> None:
    await db.run(ROW, *(("a", n, "running", db.ago(hours=n)) for n in range(1, 4)))
    (finding,) = (await db.judge(ALL, watched=[()])).findings
    assert (finding.entity, finding.fact) == ((), "3 stuck, 3h (max 30m)")
    assert finding.detail == "3 rows stuck in running, the oldest for 3 h, limit 30 min."


async def test_an_empty_table_is_well(db: Tables) -> None:
    assert (await db.judge(ALL)).outcome is Outcome.OK
    assert (await db.judge(EACH)).outcome is Outcome.OK


async def test_a_watched_entity_is_read_again(db: Tables) -> None:
    await db.run(
        ROW,
        ("a", 1, "running", db.ago(minutes=20)),
        ("a", 2, "idle", db.ago(days=1)),
        ("a", 3, "running", db.ago(days=1)),
        ("a", 4, "running", db.ago(minutes=1)),
    )
    watched = [entity(org="a", job=job) for job in ("1", "2", "3", "9")]
    judgement = await db.judge(EACH, watched)
    assert [one.entity for one in judgement.findings] == [watched[2]]
    assert [(one.entity, one.fact) for one in judgement.readings] == [
        (watched[0], "running for 20m (max 30m)"),
        (watched[1], "not running"),
    ]


async def test_the_whole_is_read_again_when_it_was_bad(db: Tables) -> None:
    await db.run(ROW, ("a", 1, "running", db.ago(minutes=20)), ("a", 2, "idle", db.ago(days=1)))
    (reading,) = (await db.judge(ALL, watched=[()])).readings
    assert (reading.entity, reading.value) == ((), 1200.0)


async def test_a_row_that_does_not_say_since_when_is_not_judged(db: Tables) -> None:
    await db.run(ROW, ("a", 1, "running", None))
    judgement = await db.judge(EACH, [entity(org="a", job="1")])
    assert judgement.outcome is Outcome.OK


async def test_a_row_from_the_future_has_just_begun(db: Tables) -> None:
    await db.run(ROW, ("a", 1, "running", db.ago(hours=-1)))
    (reading,) = (await db.judge(EACH, [entity(org="a", job="1")])).readings
    assert reading.value == 0.0


async def test_several_statuses_and_levels_may_be_meant(db: Tables) -> None:
    limits = {"max_age": {"warning": "30m", "critical": "2h"}, "is": ["running", "queued"]}
    kind = kind_of("stuck", **SETTINGS | limits, entity="job")
    await db.run(ROW, ("a", 1, "running", db.ago(hours=3)), ("a", 2, "queued", db.ago(hours=1)))
    critical, warning = (await db.judge(kind)).findings
    assert (critical.severity, critical.limit) == (Severity.CRITICAL, 7200.0)
    assert (warning.severity, warning.fact) == (
        Severity.WARNING,
        "running or queued for 1h (max 30m)",
    )


async def test_a_condition_is_part_of_what_is_meant(db: Tables) -> None:
    kind = kind_of("stuck", **SETTINGS, entity="job", where="org <> 'off'")
    await db.run(ROW, ("off", 1, "running", db.ago(hours=3)), ("a", 2, "running", db.ago(hours=3)))
    judgement = await db.judge(kind, [entity(job="1"), entity(job="2")])
    assert [one.entity for one in judgement.findings] == [entity(job="2")]
    assert [one.entity for one in judgement.readings] == [entity(job="1")]
