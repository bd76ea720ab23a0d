"""The stale kind against real tables, whatever holds their instants."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rules.base import Outcome, Severity
from tests.postgres import Server
from tests.watched_tables import MINUTE, NOW, STORAGES, Tables, entity, kind_of, tables

STALE = kind_of("stale", table="t", column="at", max_age="30m")
EACH = kind_of("stale", table="t", column="at", max_age="30m", entity=["org"])
TABLE = "create table t (org text, at $at, note text)"
ROW = "insert into t (org, at) values ($1, $2)"


async def test_the_newest_row_decides(db: Tables) -> None:
    await db.run(ROW, ("a", db.ago(days=9)), ("a", db.ago(minutes=29)), ("b", db.ago(days=2)))
    judgement = await db.judge(STALE, watched=[()])
    assert judgement.outcome is Outcome.OK
    (reading,) = judgement.readings
    assert reading.value == pytest.approx(29 * 60, abs=0.01)
    assert reading.fact == "29m old (max 30m)"
    assert reading.first_good_at is not None
    assert abs(reading.first_good_at - (NOW - 29 * MINUTE)) < timedelta(milliseconds=10)


async def test_an_old_newest_row_is_a_finding(db: Tables) -> None:
    await db.run(ROW, ("a", db.ago(days=9)), ("a", db.ago(minutes=62)))
    (finding,) = (await db.judge(STALE)).findings
    assert finding.value == pytest.approx(62 * 60, abs=0.01)
    assert (finding.limit, finding.fact) == (1800.0, "1h02m old (max 30m)")
    assert finding.detail == "Newest row is 1 h 02 min old, limit 30 min."
    assert finding.first_bad_at is not None
    assert abs(finding.first_bad_at - (NOW - 32 * MINUTE)) < timedelta(milliseconds=10)


async def test_each_entity_has_its_own_newest_row(db: Tables) -> None:
    await db.run(
        ROW,
        ("old", db.ago(hours=2)),
        ("old", db.ago(hours=1)),
        ("new", db.ago(hours=2)),
        ("new", db.ago(minutes=1)),
        ("never", None),
        (None, db.ago(minutes=40)),
    )
    judgement = await db.judge(EACH)
    facts = {finding.entity: finding.fact for finding in judgement.findings}
    assert facts == {
        entity(org=""): "40m old (max 30m)",
        entity(org="never"): "never (max 30m)",
        entity(org="old"): "1h old (max 30m)",
    }
    assert judgement.readings == ()


async def test_a_watched_entity_comes_back_with_its_new_value(db: Tables) -> None:
    await db.run(ROW, ("a", db.ago(minutes=5)), ("b", db.ago(minutes=5)), ("c'", db.ago(minutes=1)))
    watched = [entity(org="a"), entity(org="c'"), entity(org="gone")]
    judgement = await db.judge(EACH, watched)
    assert [(one.entity, one.fact) for one in judgement.readings] == [
        (entity(org="a"), "5m old (max 30m)"),
        (entity(org="c'"), "1m old (max 30m)"),
    ]


async def test_the_oldest_waiting_row_may_be_meant(db: Tables) -> None:
    kind = kind_of("stale", table="t", column="at", max_age="30m", oldest=True, where="org <> 'x'")
    await db.run(ROW, ("x", db.ago(days=9)), ("a", db.ago(hours=1)), ("a", db.ago(minutes=1)))
    (finding,) = (await db.judge(kind)).findings
    assert finding.detail == "Oldest row is 1 h old, limit 30 min."


async def test_the_more_severe_limit_is_told(db: Tables) -> None:
    limits = {"warning": "30m", "critical": "2h"}
    kind = kind_of("stale", table="t", column="at", max_age=limits, entity="org")
    await db.run(ROW, ("a", db.ago(hours=1)), ("b", db.ago(hours=3)))
    critical, warning = (await db.judge(kind)).findings
    assert (critical.entity, critical.severity) == (entity(org="b"), Severity.CRITICAL)
    assert critical.fact == "3h old (max 2h)"
    assert (warning.severity, warning.limit) == (Severity.WARNING, 1800.0)
    # It has been bad since it crossed the milder limit.
    assert critical.first_bad_at == NOW - timedelta(hours=2, minutes=30)


@pytest.mark.parametrize("kind", [STALE, EACH])
async def test_an_empty_table_is_no_data(db: Tables, kind: object) -> None:
    assert (await db.judge(kind)).outcome is Outcome.NO_DATA  # type: ignore[arg-type]


@pytest.mark.parametrize("entities", [[], ["org"]])
@pytest.mark.parametrize(("if_empty", "outcome"), [("bad", Outcome.BAD), ("ok", Outcome.OK)])
async def test_an_empty_table_may_be_judged(
    native: Tables, entities: list[str], if_empty: str, outcome: Outcome
) -> None:
    settings = {"table": "t", "column": "at", "max_age": "30m", "if_empty": if_empty}
    judgement = await native.judge(kind_of("stale", **settings, entity=entities))
    assert judgement.outcome is outcome


async def test_a_table_of_fresh_entities_has_data(native: Tables) -> None:
    await native.run(ROW, ("a", native.ago(minutes=1)))
    assert (await native.judge(EACH)).outcome is Outcome.OK


async def test_rows_without_any_instant_never_happened(db: Tables) -> None:
    await db.run(ROW, ("a", None), ("b", None))
    (finding,) = (await db.judge(STALE)).findings
    assert (finding.fact, finding.value) == ("never (max 30m)", None)


async def test_a_row_from_the_future_is_new(db: Tables) -> None:
    await db.run(ROW, ("a", db.ago(minutes=-10)))
    (reading,) = (await db.judge(STALE, watched=[()])).readings
    assert (reading.value, reading.fact, reading.first_good_at) == (0.0, "0s old (max 30m)", NOW)


async def test_a_row_from_1970_is_old(db: Tables) -> None:
    await db.run(ROW, ("a", db.storage.stored(datetime(1970, 1, 1, tzinfo=UTC))))
    (finding,) = (await db.judge(STALE)).findings
    assert finding.fact.startswith("20252d")


@pytest.mark.parametrize("oldest", [False, True])
async def test_offsets_and_garbage_do_not_mislead(
    postgres_server: Server, tmp_path: Path, oldest: bool
) -> None:
    kind = kind_of("stale", table="t", column="at", max_age="30m", oldest=oldest)
    async with tables(STORAGES["sqlite"], postgres_server, tmp_path) as db:
        await db.run(TABLE)
        texts = ["2025-06-13 11:45:00+12:00", "2025-06-12T20:14:00-06:00", "", "n/a", "zzz"]
        for texts_ in (texts[:2], texts):
            await db.run("delete from t")
            await db.run(ROW, *(("a", text) for text in texts_))
            (one,) = (await db.judge(kind, watched=[()])).findings or [None]
            (reading,) = (await db.judge(kind, watched=[()])).readings or [None]
            told = one or reading
            assert told is not None
            assert told.fact == ("2h30m old (max 30m)" if oldest else "1m old (max 30m)")


async def test_exactly_the_limit_is_not_too_old(db: Tables) -> None:
    await db.run(ROW, ("a", db.ago(minutes=30)))
    assert (await db.judge(STALE)).outcome is Outcome.OK


async def test_a_condition_may_speak_of_now(native: Tables) -> None:
    kind = kind_of("stale", table="t", column="at", max_age="30m", where="at < {{ now }}")
    await native.run(ROW, ("a", native.ago(minutes=50)), ("a", native.ago(minutes=-5)))
    (finding,) = (await native.judge(kind)).findings
    assert finding.fact == "50m old (max 30m)"


async def test_an_empty_table_of_entities_is_asked_about_again_and_recovers(db: Tables) -> None:
    kind = kind_of("stale", table="t", column="at", max_age="30m", entity=["org"], if_empty="bad")
    [empty] = (await db.judge(kind)).findings
    await db.run(ROW, ("a", db.ago(minutes=5)))
    judgement = await db.judge(kind, watched=[empty.entity, entity(org="a")])
    assert [one.entity for one in judgement.readings] == [(), entity(org="a")]
    assert judgement.findings == ()


async def test_a_null_may_be_there_for_a_while(db: Tables) -> None:
    kind = kind_of("stale", table="t", column="at", max_age="30m", entity="org", null_after="1d")
    await db.run(ROW, ("new", None))
    assert (await db.judge(kind)).outcome is Outcome.OK
    (found,) = (await db.judge(kind, now=NOW + timedelta(days=1))).findings
    assert (found.entity, found.fact) == (entity(org="new"), "never (max 24h)")
