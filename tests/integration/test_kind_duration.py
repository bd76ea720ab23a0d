"""The duration kind against real tables, whatever holds their instants."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rules.base import Kind, Outcome, Rows, Severity, Unanswered
from tests.postgres import Server
from tests.watched_tables import NOW, STORAGES, Tables, entity, kind_of, tables

TABLE = "create table runs (org text, ms float, begun_at $at, at $at)"
ROW = "insert into runs (org, ms, begun_at, at) values ($1, $2, $3, $4)"
PAIR = {"took": {"from": "begun_at", "to": "at"}, "order_by": None, "unit": None}
LEVELS = {"warning": "10s", "critical": "1m"}


def duration(**more: Any) -> Kind:
    settings = {"table": "runs", "took": "ms", "unit": "ms", "order_by": "at", "last": 20}
    settings |= more if "compare_to" in more or "max" in more else {"max": LEVELS} | more
    return kind_of("duration", **{key: one for key, one in settings.items() if one is not None})


async def write(
    db: Tables, seconds: Sequence[float | None], org: str = "a", hours: float = 0
) -> None:
    """Write runs from the newest back, a minute apart, the newest `hours` ago."""
    rows = []
    for number, took in enumerate(seconds):
        ended = NOW - timedelta(hours=hours, minutes=number)
        begun = None if took is None else db.storage.stored(ended - timedelta(seconds=took))
        ms = None if took is None else took * 1000
        rows.append((org, ms, begun, db.storage.stored(ended)))
    if rows:
        await db.run(ROW, *rows)


@pytest.mark.parametrize("more", [{}, {"entity": ["org"]}, PAIR, PAIR | {"entity": ["org"]}])
@pytest.mark.parametrize(("slow", "outcome"), [(1, Outcome.OK), (2, Outcome.BAD)])
async def test_one_slow_run_of_twenty_is_not_bad(
    db: Tables, more: dict[str, Any], slow: int, outcome: Outcome
) -> None:
    await write(db, [30] * slow + [5] * (20 - slow) + [3000] * 5)
    assert (await db.judge(duration(**more))).outcome is outcome


async def test_the_percentile_is_a_run_that_there_was(native: Tables) -> None:
    await write(native, [*range(20, 0, -1)])
    (finding,) = (await native.judge(duration(max="10s"))).findings
    assert (finding.value, finding.limit) == (19.0, 10.0)
    assert (finding.fact, finding.entity) == ("p95 19s (max 10s)", ())
    assert finding.detail == "p95 of the last 20 runs is 19 s, limit 10 s."
    (finding,) = (await native.judge(duration(max="5s", percentile=50))).findings
    assert (finding.value, finding.fact) == (10.0, "p50 10s (max 5s)")
    (finding,) = (await native.judge(duration(max="5s", percentile=100))).findings
    assert finding.value == 20.0


async def test_exactly_the_limit_is_not_too_slow(native: Tables) -> None:
    await write(native, [10] * 20, "at")
    await write(native, [10.001] * 20, "above")
    await write(native, [60.001] * 20, "far above")
    judgement = await native.judge(duration(entity="org"), [entity(org="at")])
    assert {one.entity[0][1]: one.severity for one in judgement.findings} == {
        "above": Severity.WARNING,
        "far above": Severity.CRITICAL,
    }
    assert [one.fact for one in judgement.readings] == ["p95 10s (max 10s)"]


PAST = {"compare_to": "28d", "factor": {"warning": 3, "critical": 10}, "max": None}


@pytest.mark.parametrize("more", [PAST, PAST | PAIR, PAST | {"entity": "org"}])
@pytest.mark.parametrize(
    ("seconds", "severity"), [(6, None), (7, Severity.WARNING), (21, Severity.CRITICAL)]
)
async def test_runs_are_compared_with_their_own_past(
    db: Tables, more: dict[str, Any], seconds: float, severity: Severity | None
) -> None:
    await write(db, [seconds] * 20)
    await write(db, [2] * 15 + [90] * 10, hours=24)
    await write(db, [900] * 90, hours=24 * 29)
    judgement = await db.judge(duration(**more), [entity(org="a") if "entity" in more else ()])
    assert [one.severity for one in judgement.findings] == ([severity] if severity else [])
    told = [one.fact for one in judgement.findings] + [one.fact for one in judgement.readings]
    times = 10 if severity is Severity.CRITICAL else 3
    assert told == [f"p95 {seconds}s (max {times}x usual 2s)"]


async def test_a_finding_says_what_is_usual(native: Tables) -> None:
    await write(native, [700] * 20)
    await write(native, [60] * 20, hours=24)
    (finding,) = (await native.judge(duration(**PAST))).findings
    assert (finding.value, finding.limit) == (700.0, 600.0)
    assert finding.detail == (
        "p95 of the last 20 runs is 11 min, limit 10 min, which is 10x usual 1m."
    )


async def test_the_worse_of_both_limits_is_told(native: Tables) -> None:
    both = PAST | {"max": "30s", "entity": "org"}
    for org, seconds in {"max": 31, "past": 21, "both": 31}.items():
        await write(native, [seconds] * 20, org)
        await write(native, [20 if org == "max" else 3 if org == "both" else 1] * 20, org, 24)
    judgement = await native.judge(duration(**both))
    assert {one.entity[0][1]: one.fact for one in judgement.findings} == {
        "max": "p95 31s (max 30s)",
        "past": "p95 21s (max 10x usual 1s)",
        "both": "p95 31s (max 10x usual 3s)",
    }


async def test_a_past_of_too_few_runs_is_none(native: Tables) -> None:
    await write(native, [50] * 20)
    await write(native, [1] * 19, hours=24)
    assert (await native.judge(duration(**PAST), [()])).outcome is Outcome.NO_DATA
    assert (await native.judge(duration(**PAST, ignore_below=19))).outcome is Outcome.BAD
    assert (await native.judge(duration(**PAST | {"max": "1m"}))).outcome is Outcome.OK


async def test_a_usual_time_below_the_unit_counts_as_one(native: Tables) -> None:
    await write(native, [0.003] * 20)
    await write(native, [0] * 20, hours=24)
    assert (await native.judge(duration(**PAST))).outcome is Outcome.OK
    await write(native, [0.004] * 20)
    (finding,) = (await native.judge(duration(**PAST))).findings
    assert finding.fact == "p95 4ms (max 3x usual 1ms)"


async def test_only_runs_within_a_span_are_judged(db: Tables) -> None:
    await write(db, [90] * 20, "old", hours=25)
    await write(db, [90] * 20, "new", hours=20)
    found = (await db.judge(duration(within="1d", last=None, entity="org"))).findings
    assert [one.entity for one in found] == [entity(org="new")]


async def test_fewer_runs_than_enough_are_not_judged(native: Tables) -> None:
    await write(native, [90] * 19, "few")
    each = duration(entity="org")
    judgement = await native.judge(each, [entity(org="few")])
    assert (judgement.outcome, judgement.readings) == (Outcome.NO_DATA, ())
    assert (await native.judge(duration(entity="org", ignore_below=19))).outcome is Outcome.BAD
    await write(native, [1] * 20, "many")
    judgement = await native.judge(each, [entity(org="few")])
    assert (judgement.outcome, judgement.readings) == (Outcome.OK, ())


@pytest.mark.parametrize("more", [{}, {"entity": "org"}, PAST, PAST | {"entity": "org"}])
async def test_an_empty_table_is_no_data(native: Tables, more: dict[str, Any]) -> None:
    assert (await native.judge(duration(**more))).outcome is Outcome.NO_DATA


async def test_a_run_that_has_not_ended_is_skipped(db: Tables) -> None:
    await write(db, [1] * 20)
    still = (("a", None, db.ago(days=9), None) for _ in range(30))
    await db.run(ROW, *still)
    assert (await db.judge(duration(**PAIR))).outcome is Outcome.OK


async def test_a_run_without_its_duration_is_skipped(native: Tables) -> None:
    await write(native, [None] * 30 + [90] * 20)
    assert (await native.judge(duration())).outcome is Outcome.BAD
    assert (await native.judge(duration(**PAIR))).outcome is Outcome.BAD


async def test_a_clock_that_ran_backwards_makes_no_negative_duration(native: Tables) -> None:
    await write(native, [-30] * 20)
    for more in ({}, PAIR):
        judgement = await native.judge(duration(**more), [()])
        assert [one.value for one in judgement.readings] == [0.0]


async def test_instants_of_1970_are_none(db: Tables) -> None:
    await write(db, [1] * 20)
    zero = db.storage.stored(NOW - timedelta(seconds=NOW.timestamp()))
    await db.run(ROW, *([("a", None, zero, db.ago(minutes=0))] * 30))
    await db.run(ROW, *([("a", None, db.ago(minutes=0), zero)] * 30))
    (reading,) = (await db.judge(duration(**PAIR), [()])).readings
    assert reading.value == pytest.approx(1.0, abs=0.01)


async def test_runs_of_the_future_are_the_latest(db: Tables) -> None:
    await write(db, [90] * 20, hours=-3)
    await write(db, [1] * 20)
    assert (await db.judge(duration(entity="org"))).outcome is Outcome.BAD


async def test_of_runs_at_the_same_time_the_quicker_are_the_later(native: Tables) -> None:
    at = native.ago(minutes=1)
    await native.run(ROW, *(("a", ms, at, at) for ms in [90_000, 5] * 20))
    for more in ({}, {"entity": "org"}):
        assert (await native.judge(duration(**more), [()])).outcome is Outcome.OK


async def test_runs_may_be_ordered_by_a_number(native: Tables) -> None:
    await native.run("create table numbered (id int, s int)")
    await native.run(
        "insert into numbered values ($1, $2)", *((n, 90 if n > 20 else 1) for n in range(40))
    )
    numbered = {"table": "numbered", "took": "s", "unit": "s", "order_by": "id"}
    assert (await native.judge(duration(**numbered, last=19))).outcome is Outcome.BAD
    assert (await native.judge(duration(**numbered))).findings[0].value == 90.0


@pytest.mark.parametrize("value", ["'NaN'", "'Infinity'", "'-Infinity'", "1e300"])
async def test_what_is_no_number_is_no_duration(
    postgres_server: Server, tmp_path: Path, value: str
) -> None:
    async with tables(STORAGES["postgres"], postgres_server, tmp_path) as db:
        await db.run(TABLE)
        await write(db, [1] * 20)
        await db.run(f"insert into runs select 'a', {value}::float8, at, at from runs")  # noqa: S608
        (reading,) = (await db.judge(duration(), [()])).readings
        assert reading.value == 1.0


async def test_no_text_counts_as_a_quick_run(postgres_server: Server, tmp_path: Path) -> None:
    async with tables(STORAGES["sqlite"], postgres_server, tmp_path) as db:
        await db.run("create table runs (org text, ms, begun_at text, at text)")
        at = db.ago(minutes=1)
        await db.run(ROW, *(("a", ms, at, at) for ms in ["many", b"x", float("inf")] * 20))
        assert (await db.judge(duration())).outcome is Outcome.NO_DATA
        await db.run(ROW, *(("a", 90_000, at, at) for _ in range(20)))
        assert (await db.judge(duration())).outcome is Outcome.BAD


async def test_a_document_may_say_how_long_a_run_took(native: Tables) -> None:
    await native.run("create table jobs (at $at, doc json)")
    took = ('{"ms": 90000}', '{"ms": "n/a"}', '{"ms": null}', "{}")
    rows = [(native.ago(minutes=1), doc) for doc in took for _ in range(20)]
    await native.run("insert into jobs values ($1, $2)", *rows)
    kind = duration(table="jobs", took="doc->>'ms'")
    assert (await native.judge(kind)).findings[0].value == 90.0


async def test_a_missing_column_is_an_error(native: Tables) -> None:
    for more in ({"took": "seconds"}, {"order_by": "id"}, {"entity": "shop"}):
        kind, context = duration(**more), native.context()
        answer = await native.answer(kind, context)
        assert isinstance(answer, Unanswered)
        assert not answer.whole_source
        assert kind.judge(context, ((answer,),)).outcome is Outcome.NO_DATA


async def test_ten_thousand_quick_entities_bring_no_row(native: Tables) -> None:
    if native.postgres:
        await native.run(
            "insert into runs select 'org ' || n % 10000, 500, null, timestamptz '2025-06-13'"
            " - n * interval '1 s' from generate_series(0, 59999) n"
        )
    else:
        at = [native.ago(hours=n) for n in range(6)]
        await native.run(ROW, *((f"org {n}", 500, None, one) for n in range(10_000) for one in at))
    kind = duration(**PAST | {"max": "5s", "entity": "org", "last": 3, "ignore_below": 3})
    answer = await native.answer(kind, native.context())
    assert isinstance(answer, Rows)
    assert answer.rows == []
    assert kind.judge(native.context(), ((answer,),)).outcome is Outcome.OK
