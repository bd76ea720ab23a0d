"""The queue kind against real tables, whatever holds their instants."""

from datetime import timedelta

import pytest

from rules.base import Outcome, Severity
from tests.watched_tables import NOW, Tables, entity, kind_of

WAITING = {"table": "mails", "where": "status = 'QUEUED'", "column": "at"}
ROW = "insert into mails (org, status, at) values ($1, $2, $3)"
TABLE = "create table mails (org text, status text, at $at)"


async def fill(db: Tables, count: int, minutes: float, org: str = "a") -> None:
    """Let `count` mails of `org` wait, the oldest for `minutes`, beside one that was sent."""
    ages = (minutes * n / count for n in range(1, count + 1))
    await db.run(ROW, *((org, "QUEUED", db.ago(minutes=age)) for age in ages))
    await db.run(ROW, (org, "SENT", db.ago(days=9)))


async def test_a_row_that_waits_too_long_is_a_finding(db: Tables) -> None:
    await fill(db, 3, 20)
    (finding,) = (await db.judge(kind_of("queue", **WAITING, max_wait="15m"))).findings
    assert (finding.value, finding.limit) == (1200.0, 900.0)
    assert finding.fact == "oldest waits 20m (max 15m)"
    assert finding.detail == "The oldest row waits 20 min, limit 15 min."
    assert finding.first_bad_at == NOW - timedelta(minutes=5)


async def test_many_rows_that_move_are_no_finding(db: Tables) -> None:
    await fill(db, 90, 10)
    judgement = await db.judge(kind_of("queue", **WAITING, max_wait="15m"), watched=[()])
    assert judgement.outcome is Outcome.OK
    assert judgement.readings[0].fact == "oldest waits 10m (max 15m)"


@pytest.mark.parametrize(("count", "outcome"), [(5, Outcome.OK), (6, Outcome.BAD)])
async def test_exactly_the_limit_is_not_too_many(
    native: Tables, count: int, outcome: Outcome
) -> None:
    await fill(native, count, 10)
    assert (await native.judge(kind_of("queue", **WAITING, max_rows=5))).outcome is outcome


async def test_the_worse_of_length_and_wait_is_told(db: Tables) -> None:
    limits = {"max_rows": {"critical": 4}, "max_wait": {"warning": "15m"}}
    kind = kind_of("queue", **WAITING, **limits, entity=["org"])
    await fill(db, 6, 20, "both")
    await fill(db, 2, 20, "slow")
    await fill(db, 5, 1, "long")
    await fill(db, 1, 1, "good")
    judgement = await db.judge(kind, [entity(org="good")])
    assert {one.entity[0][1]: (one.severity, one.fact) for one in judgement.findings} == {
        "both": (Severity.CRITICAL, "6 waiting (max 4)"),
        "long": (Severity.CRITICAL, "5 waiting (max 4)"),
        "slow": (Severity.WARNING, "oldest waits 20m (max 15m)"),
    }
    assert [one.fact for one in judgement.readings] == ["oldest waits 1m (max 15m)"]


async def test_an_empty_queue_is_good_again(db: Tables) -> None:
    each = kind_of("queue", **WAITING, max_rows=5, entity=["org"])
    whole = kind_of("queue", **WAITING, max_wait="15m")
    judgement = await db.judge(each, [entity(org="a")])
    assert [(one.entity, one.value) for one in judgement.readings] == [(entity(org="a"), 0.0)]
    assert [one.value for one in (await db.judge(whole, [()])).readings] == [0.0]


async def test_a_row_without_its_instant_is_counted_only(native: Tables) -> None:
    kind = kind_of("queue", **WAITING, max_rows=1, max_wait="15m")
    await native.run(ROW, ("a", "QUEUED", None), ("a", "QUEUED", None))
    (finding,) = (await native.judge(kind)).findings
    assert finding.fact == "2 waiting (max 1)"
