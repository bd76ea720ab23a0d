"""The ratio kind against real tables, whatever holds their instants."""

from typing import Any

import pytest

from rules.base import Kind, Outcome, Rows, Severity, Unanswered
from tests.watched_tables import Tables, entity, kind_of

TABLE = "create table syncs (org text, status text, at $at)"
ROW = "insert into syncs (org, status, at) values ($1, $2, $3)"
WORDS = {"s": "success", "f": "failed", "r": "running", "-": None}


def ratio(**more: Any) -> Kind:
    settings = {"table": "syncs", "good": "status = 'success'", "column": "at", "over": "1d"}
    return kind_of("ratio", **settings | {"min": {"warning": "90%", "critical": 0.5}} | more)


async def write(db: Tables, statuses: str, org: str = "a", hours: float = 0) -> None:
    """Write syncs from `hours` ago back, a minute apart."""
    ages = (hours * 60 + minutes for minutes in range(len(statuses)))
    rows = zip(statuses, ages, strict=True)
    await db.run(ROW, *((org, WORDS[one], db.ago(minutes=age)) for one, age in rows))


@pytest.mark.parametrize("more", [{}, {"entity": ["org"]}])
@pytest.mark.parametrize(
    ("statuses", "severity", "fact"),
    [
        ("s" * 9 + "f", None, "90% good of 10 (min 90%)"),
        ("s" * 27 + "f" * 3, None, "90% good of 30 (min 90%)"),
        ("s" * 89 + "f" * 11, Severity.WARNING, "89% good of 100 (min 90%)"),
        ("s" * 5 + "f" * 5, Severity.WARNING, "50% good of 10 (min 90%)"),
        ("s" * 4 + "f" * 6, Severity.CRITICAL, "40% good of 10 (min 50%)"),
        ("f" * 10, Severity.CRITICAL, "0% good of 10 (min 50%)"),
        ("s" * 8 + "-r", Severity.WARNING, "80% good of 10 (min 90%)"),
    ],
)
async def test_a_share_is_held_against_its_limits(
    db: Tables, more: dict[str, Any], statuses: str, severity: Severity | None, fact: str
) -> None:
    await write(db, statuses)
    await write(db, "f" * 30, hours=25)
    judgement = await db.judge(ratio(**more), [entity(org="a") if more else ()])
    assert [one.severity for one in judgement.findings] == ([severity] if severity else [])
    told = [one.fact for one in judgement.findings] + [one.fact for one in judgement.readings]
    assert told == [fact]


async def test_a_finding_says_how_many(native: Tables) -> None:
    await write(native, "s" * 8 + "f" * 4)
    (finding,) = (await native.judge(ratio())).findings
    assert finding.value == pytest.approx(2 / 3)
    assert finding.limit == 0.9
    assert finding.detail == "8 of 12 rows are good, 66.7%, limit 90%."


async def test_fewer_rows_than_enough_are_not_judged(native: Tables) -> None:
    await write(native, "f" * 9, "few")
    each, watched = ratio(entity="org"), [entity(org="few")]
    judgement = await native.judge(each, watched)
    assert (judgement.outcome, judgement.readings) == (Outcome.NO_DATA, ())
    assert (await native.judge(ratio())).outcome is Outcome.NO_DATA
    assert (await native.judge(ratio(ignore_below=9))).outcome is Outcome.BAD
    await write(native, "s" * 10, "many")
    judgement = await native.judge(each, watched)
    assert (judgement.outcome, judgement.readings) == (Outcome.OK, ())


@pytest.mark.parametrize("more", [{}, {"entity": "org"}, {"ignore_below": 0}])
async def test_an_empty_table_is_no_data(native: Tables, more: dict[str, Any]) -> None:
    assert (await native.judge(ratio(**more), [()])).outcome is Outcome.NO_DATA


async def test_rows_that_do_not_count_are_left_out(native: Tables) -> None:
    await write(native, "s" * 9 + "f" + "r" * 9)
    assert (await native.judge(ratio(where="status <> 'running'"))).outcome is Outcome.OK
    assert (await native.judge(ratio())).outcome is Outcome.BAD


async def test_a_condition_may_speak_of_now(native: Tables) -> None:
    await write(native, "s" * 10)
    assert (await native.judge(ratio(good="at <= {{ now }}"))).outcome is Outcome.OK
    assert (await native.judge(ratio(good="at > {{ now }}"))).outcome is Outcome.BAD


async def test_rows_without_an_instant_or_of_1970_do_not_count(db: Tables) -> None:
    await write(db, "s" * 10)
    await db.run(ROW, *([("a", "failed", None)] * 20))
    await db.run(ROW, *([("a", "failed", db.ago(days=20_252))] * 20))
    assert (await db.judge(ratio())).outcome is Outcome.OK


async def test_rows_of_a_clock_that_runs_ahead_count(db: Tables) -> None:
    await write(db, "f" * 10, hours=-3)
    assert (await db.judge(ratio(entity="org"))).outcome is Outcome.BAD


async def test_entities_without_a_name_are_one(native: Tables) -> None:
    await native.run(ROW, *([(None, "failed", native.ago(minutes=1))] * 10))
    found = (await native.judge(ratio(entity="org"))).findings
    assert [one.entity for one in found] == [entity(org="")]


async def test_a_missing_column_is_an_error(native: Tables) -> None:
    for more in ({"good": "state = 'x'"}, {"column": "synced_at"}, {"entity": "shop"}):
        answer = await native.answer(ratio(**more), native.context())
        assert isinstance(answer, Unanswered)
        assert not answer.whole_source


async def test_ten_thousand_good_entities_bring_no_row(native: Tables) -> None:
    at = native.ago(hours=1)
    await native.run(ROW, *((f"org {n % 10_000}", "success", at) for n in range(20_000)))
    kind = ratio(entity="org", ignore_below=2)
    answer = await native.answer(kind, native.context())
    assert isinstance(answer, Rows)
    assert answer.rows == []
    assert kind.judge(native.context(), ((answer,),)).outcome is Outcome.OK
