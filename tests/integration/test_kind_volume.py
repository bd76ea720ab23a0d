"""The volume kind against real tables."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rules.base import Kind, Outcome, Rows, Unanswered
from tests.postgres import Server
from tests.watched_tables import NOW, STORAGES, Tables, entity, kind_of, tables

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST = NOW.replace(minute=0) - HOUR
ROW = "insert into runs (org, crm_id, at, fetched, upserted) values ($1, $2, $3, $4, $5)"
TABLE = """
create table runs (
    org text, crm_id text, at $at, fetched int, upserted numeric
)
"""


def volume(**more: Any) -> Kind:
    settings = {
        "table": "runs", "column": "at", "per": "1h", "allow": "30%..300%",
        "compare_to": "same weekday of the last 4 weeks", "timezone": "UTC",
    }  # fmt: skip
    return kind_of("volume", **settings | more)


ALL = volume()
EACH = volume(entity="org")


async def write(
    db: Tables,
    org: str,
    counts: Sequence[int],
    *,
    apart: timedelta = 7 * DAY,
    ids: Sequence[object] = (),
    upserted: int = 5,
) -> None:
    """Write as many rows as there are counts, the latest hour first."""
    rows = []
    for number, count in enumerate(counts):
        at = db.storage.stored(LAST - number * apart)
        for place in range(count):
            crm_id = str(ids[place]) if ids and not number else f"c{place}"
            rows.append((org, crm_id, at, 7, upserted))
    await db.run(ROW, *rows)


async def test_far_fewer_and_far_more_rows_than_usual_are_found(db: Tables) -> None:
    await write(db, "few", [5, 40, 41, 39, 40])
    await write(db, "many", [200, 40, 41, 39, 40])
    await write(db, "usual", [40, 40, 200, 39, 40])
    await write(db, "none", [0, 40, 41, 39, 40])
    judgement = await db.judge(EACH, [entity(org="usual")])
    facts = {one.entity[0][1]: one.fact for one in judgement.findings}
    assert facts == {
        "few": "5 (usually 40, min 30%)",
        "many": "200 (usually 40, max 300%)",
        "none": "0 (usually 40, min 30%)",
    }
    (reading,) = judgement.readings
    assert (reading.fact, reading.first_good_at) == ("40 (usually 40)", LAST)


async def test_the_whole_table_is_judged_without_an_entity(db: Tables) -> None:
    await write(db, "a", [5, 40, 41, 39, 40])
    (found,) = (await db.judge(ALL)).findings
    assert (found.value, found.limit, found.first_bad_at) == (5.0, 12.0, LAST)


async def test_the_hour_that_runs_does_not_count(db: Tables) -> None:
    await write(db, "a", [40, 40, 40, 40, 40])
    await db.run(ROW, *(("a", "x", db.ago(minutes=1), 1, 1) for _ in range(500)))
    assert (await db.judge(EACH)).outcome is Outcome.OK
    (found,) = (await db.judge(EACH, now=NOW + HOUR)).findings
    assert found.fact == "500 (usually 0, max 300%)"


async def test_a_table_with_too_little_past_is_no_data(db: Tables) -> None:
    for kind in (ALL, EACH):
        assert (await db.judge(kind)).outcome is Outcome.NO_DATA
    await write(db, "a", [500, 1, 1])
    await db.run(ROW, ("a", "x", None, 1, 1), ("a", "x", db.storage.stored(NOW + 9 * DAY), 1, 1))
    for kind in (ALL, EACH):
        assert (await db.judge(kind)).outcome is Outcome.NO_DATA


async def test_days_begin_at_midnight_of_their_zone(native: Tables) -> None:
    kind = volume(per="1d", timezone="America/New_York", ignore_below=5)
    midnight = datetime.fromisoformat("2025-06-12T00:00-04:00")
    rows = []
    for weeks in range(5):
        evening = midnight - weeks * 7 * DAY + timedelta(hours=23)
        at = native.storage.stored(evening)
        rows += [("a", "x", at, 1, 1)] * (20 if weeks else 2)
    await native.run(ROW, *rows)
    assert (await native.judge(kind)).findings == ()  # in New York that day has not ended
    (found,) = (await native.judge(kind, now=NOW + 2 * HOUR)).findings
    assert found.detail.startswith("2 rows on 2025-06-12, usually 20.")


async def test_runs_that_fetch_nothing_in_a_busy_hour_are_found(native: Tables) -> None:
    fetched = volume(sum="fetched", where="crm_id <> 'x'", if_empty="no_data")
    await write(native, "a", [0, 4, 4, 4, 4])
    assert (await native.judge(fetched)).outcome is Outcome.NO_DATA
    await native.run(ROW, ("a", "c", native.storage.stored(LAST), 0, 0))
    (found,) = (await native.judge(fetched)).findings
    assert found.detail.startswith("Sum of fetched is 0 from 01:00 to 02:00 UTC, usually 28.")


async def test_runs_that_write_nothing_of_what_they_fetch_are_found(native: Tables) -> None:
    written = volume(sum="upserted", where="fetched > 0", entity="org")
    await write(native, "a", [1, 4, 4, 4, 4], upserted=0)
    await write(native, "b", [1, 4, 4, 4, 4], upserted=50)
    await write(native, "a", [0, 4, 4, 4, 4], upserted=50)
    found = (await native.judge(written)).findings
    assert [(one.entity, one.value) for one in found] == [
        (entity(org="a"), 0.0),
        (entity(org="b"), 50.0),
    ]


async def test_numbers_that_are_none_do_not_count(postgres_server: Server, tmp_path: Path) -> None:
    async with tables(STORAGES["postgres"], postgres_server, tmp_path) as db:
        await db.run(TABLE)
        await write(db, "a", [4, 4, 4, 4, 4])
        await db.run(
            "insert into runs select 'a', 'x', $1, 1, v::numeric from unnest(array['NaN', '1e400']) v",
            (LAST,),
        )
        kind = volume(sum="upserted", entity="org")
        (reading,) = (await db.judge(kind, [entity(org="a")])).readings
        assert reading.fact == "20 (usually 20)"


async def test_a_number_may_stand_in_a_document(native: Tables) -> None:
    await native.run("create table orders (at $at, doc json)")
    insert = """insert into orders values ($1, '{"of": {"amount": 5}, "no": "n/a"}')"""
    whens = [native.storage.stored(LAST - weeks * 7 * DAY) for weeks in (0, 0, 0, 0, *range(1, 5))]
    await native.run(insert, *((one,) for one in whens))
    kind = volume(table="orders", sum="doc->'of'->>'amount'")
    (found,) = (await native.judge(kind)).findings
    assert found.detail.startswith("Sum of amount is 20 from 01:00 to 02:00 UTC, usually 5.")
    await native.judge(volume(table="orders", average="doc->>'no'"))


async def test_a_column_that_is_missing_is_an_error(native: Tables) -> None:
    for kind in (volume(column="absent"), volume(sum="absent", entity="org")):
        assert isinstance(await native.answer(kind, native.context()), Unanswered)


async def test_nothing_comes_back_of_healthy_entities(native: Tables) -> None:
    rows = [
        (f"org-{number}", "x", native.storage.stored(LAST - weeks * 7 * DAY), 1, 1)
        for number in range(500)
        for weeks in range(5)
        for _ in range(number % 3)
    ]
    await native.run(ROW, *rows)
    answer = await native.answer(EACH, native.context())
    assert isinstance(answer, Rows)
    assert [row["counts"] for row in answer.rows] == [None]


async def test_samples_tell_a_flood_of_rows_that_were_overwritten(db: Tables) -> None:
    settings: dict[str, Any] = {
        "history": "samples",
        "allow": "..400%",
        "sequence": "crm_id",
        "entity": "org",
    }
    settings |= {"compare_to": "same hour of the last 1 week", "ignore_below": 50}
    kind = volume(**settings)
    for days in (3, 2, 1):
        now = NOW - days * DAY - timedelta(minutes=10)
        await db.run("delete from runs")
        at = db.storage.stored(LAST - days * DAY)
        await db.run(ROW, *((org, "c", at, 1, 1) for org in "ab" for _ in range(5)))
        assert (await db.judge(kind, now=now)).outcome is Outcome.NO_DATA
    await db.run("delete from runs")
    await write(db, "a", [60], ids=range(1001, 1061))
    await write(db, "b", [60], ids=[n * n for n in range(60)])
    again = volume(**settings)
    in_sequence, scattered = (await db.judge(again)).findings
    assert in_sequence.detail.endswith("Ids run in sequence (1001 to 1060).")
    assert "sequence" not in scattered.detail


async def test_how_many_there_are_is_compared_with_how_many_there_were(native: Tables) -> None:
    settings = {"column": None, "history": "samples", "allow": "50%..", "where": "upserted > 0"}
    kind = volume(**settings, compare_to="same hour of the last 1 week")
    await write(native, "a", [40])
    for days in (4, 3, 2):
        await native.judge(kind, now=NOW - days * DAY)
    assert (await native.judge(kind, now=NOW - DAY)).outcome is Outcome.OK
    await native.run("update runs set upserted = 0 where crm_id > 'c2'")
    (found,) = (await native.judge(kind)).findings
    assert found.entity == ()
    assert found.fact.endswith("(usually 40, min 50%)")
