"""The cursor kind against real tables."""

from datetime import timedelta

from rules.base import Outcome, Unanswered
from tests.watched_tables import NOW, Tables, entity, kind_of

TABLE = "create table state (ws text, is_on int, id int, at $at)"
MAY = {"jump_ahead": "5m", "stand_still": "1d"}
EACH = kind_of("cursor", table="state", column="at", entity="ws", where="is_on = 1", may=MAY)
LOG = kind_of("cursor", table="state", column="id", entity="ws")
MINUTE = timedelta(minutes=1)


async def put(db: Tables, ws: str, number: int, **ago: float) -> None:
    row = (ws, 1, number, db.ago(**ago) if ago else None)
    await db.run("insert into state values ($1, $2, $3, $4)", row)


async def move(db: Tables, ws: str, **ago: float) -> None:
    await db.run("update state set at = $1 where ws = $2", (db.ago(**ago), ws))


async def test_an_instant_that_went_back_is_bad_until_it_has_passed_the_old_one(db: Tables) -> None:
    await put(db, "a", 1, minutes=10)
    await put(db, "b", 1, minutes=10)
    assert (await db.judge(EACH)).outcome is Outcome.OK
    await move(db, "a", days=3)
    (found,) = (await db.judge(EACH, now=NOW + MINUTE)).findings
    assert (found.entity, found.fact) == (entity(ws="a"), "went back by 2 d 23 h")
    await move(db, "a", minutes=5)
    judgement = await db.judge(EACH, [entity(ws="a")], NOW + 2 * MINUTE)
    assert (judgement.outcome, len(judgement.readings)) == (Outcome.OK, 1)


async def test_an_instant_ahead_of_now_is_bad(db: Tables) -> None:
    await put(db, "a", 1, minutes=-4)
    await put(db, "b", 1, minutes=-20)
    (found,) = (await db.judge(EACH)).findings
    assert (found.entity, found.fact) == (entity(ws="b"), "20m ahead of now (max 5m)")


async def test_what_stands_still_is_bad(db: Tables) -> None:
    await put(db, "a", 1, days=3)
    assert (await db.judge(EACH)).outcome is Outcome.OK
    (found,) = (await db.judge(EACH, now=NOW + timedelta(hours=25))).findings
    assert found.fact == "stands still for 25h (max 24h)"


async def test_the_greatest_of_several_rows_counts(db: Tables) -> None:
    for number in (9, 3, 7):
        await put(db, "a", number, minutes=1)
    assert (await db.judge(LOG)).outcome is Outcome.OK
    await db.run("delete from state where id = 9")
    (found,) = (await db.judge(LOG)).findings
    assert found.detail == "Went back by 2, from 9 to 7."


async def test_nothing_and_nulls_are_no_data(db: Tables) -> None:
    whole = kind_of("cursor", table="state", column="at")
    for kind in (EACH, whole):
        assert (await db.judge(kind)).outcome is Outcome.NO_DATA
    await put(db, "a", 1)
    for kind in (EACH, whole):
        assert (await db.judge(kind, [entity(ws="a")])).outcome is Outcome.NO_DATA
    assert db.remembered == {}


async def test_a_column_that_is_missing_is_an_error(db: Tables) -> None:
    answer = await db.answer(kind_of("cursor", table="state", column="absent"), db.context())
    assert isinstance(answer, Unanswered)


async def test_what_is_remembered_does_not_hang_on_the_process(db: Tables) -> None:
    await put(db, "a", 9, minutes=1)
    await db.judge(LOG)
    await db.run("update state set id = 4")
    again = kind_of("cursor", table="state", column="id", entity="ws")
    (found,) = (await db.judge(again)).findings
    assert found.fact == "went back by 5"
