"""Ages that count active time only, in the zone of each row, against real tables."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules.base import Finding, Kind, Rows
from rules.hours import ActiveHours, WeeklyHours
from tests.postgres import Server
from tests.watched_tables import MINUTE, NATIVE, STORAGES, Tables, entity, kind_of, tables

WORK = WeeklyHours(frozenset(range(7)), time(6), time(20))
PER_ROW = ActiveHours(WORK, column="timezone")
ZONES = {"ny": "America/New_York", "berlin": "Europe/Berlin", "nowhere": "Mars/Base", "none": None}
NEW_YORK = ZoneInfo("America/New_York")
LAST_RUN = datetime(2026, 11, 22, 19, 59, tzinfo=NEW_YORK).astimezone(UTC)

STALE = kind_of("stale", table="t", column="at", max_age="35m", entity=["org"])
STUCK = kind_of(
    "stuck",
    **{"table": "t", "column": "status", "is": "idle", "since": "at", "max_age": "35m"},
    entity=["org"],
)
QUEUE = kind_of("queue", table="t", column="at", max_wait="35m", entity=["org"])
KINDS = {"stale": STALE, "stuck": STUCK, "queue": QUEUE}


def new_york(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=NEW_YORK).astimezone(UTC)


@pytest.fixture(params=list(STORAGES))
async def db(
    request: pytest.FixtureRequest, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    async with tables(STORAGES[request.param], postgres_server, tmp_path) as opened:
        await _fill(opened)
        yield opened


@pytest.fixture(params=list(NATIVE))
async def native(
    request: pytest.FixtureRequest, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    async with tables(NATIVE[request.param], postgres_server, tmp_path) as opened:
        await _fill(opened)
        yield opened


async def _fill(db: Tables) -> None:
    db.active = PER_ROW
    await db.run("create table t (org text, timezone text, at $at, status text)")
    await add(db, "ny", LAST_RUN)


async def add(db: Tables, org: str, at: datetime) -> None:
    row = (org, ZONES.get(org, "America/New_York"), db.storage.stored(at))
    await db.run("insert into t values ($1, $2, $3, 'idle')", row)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@pytest.mark.parametrize("at", [(5, 59), (6, 1), (6, 34), (20, 1)])
async def test_a_night_makes_nothing_older(db: Tables, kind: Kind, at: tuple[int, int]) -> None:
    if at == (20, 1):
        await add(db, "ny", new_york(6, 0))
    assert (await db.judge(kind, now=new_york(*at))).findings == ()


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
async def test_more_active_time_than_allowed_is_a_finding(db: Tables, kind: Kind) -> None:
    (finding,) = (await db.judge(kind, now=new_york(6, 40))).findings
    assert finding.entity == entity(org="ny")
    assert finding.value == pytest.approx(41 * 60, abs=0.01)
    assert "41 min" in finding.detail
    assert "(active time)" in finding.detail
    assert finding.first_bad_at is not None
    assert abs(finding.first_bad_at - new_york(6, 34)) < timedelta(seconds=1)


async def test_each_row_is_judged_by_its_own_zone(native: Tables) -> None:
    now = new_york(1, 30)  # 07:30 in Berlin, 06:30 UTC
    for org in ("berlin", "nowhere", "none"):
        await add(native, org, now - timedelta(hours=12))
    found = (await native.judge(STALE, now=now)).findings
    assert {one.entity for one in found} == {
        entity(org="berlin"),
        entity(org="nowhere"),
        entity(org="none"),
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
async def test_outside_of_its_hours_a_watched_entity_is_neither_bad_nor_good(
    native: Tables, kind: Kind
) -> None:
    watched = [entity(org="ny")]
    night = await native.judge(kind, watched, now=new_york(20, 1))
    assert (night.findings, night.readings) == ((), ())
    (bad,) = (await native.judge(kind, watched, now=new_york(19, 59))).findings
    assert isinstance(bad, Finding)
    await native.run("update t set at = $1", (native.storage.stored(new_york(19, 58)),))
    day = await native.judge(kind, watched, now=new_york(19, 59))
    assert [one.entity for one in day.readings] == watched


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
async def test_ten_thousand_healthy_entities_in_many_zones_bring_no_row(
    native: Tables, kind: Kind
) -> None:
    now = new_york(6, 34)
    names = [*ZONES.values(), "Asia/Tokyo", "Australia/Lord_Howe", "Asia/Kathmandu"]
    fresh = native.storage.stored(now - MINUTE)
    rows = [(str(one), names[one % len(names)], fresh) for one in range(10_000)]
    await native.run("insert into t values ($1, $2, $3, 'idle')", *rows)
    context = native.context(now=now)
    (zones,) = kind.ask(context, ())
    first = await native.source.answer(zones)
    (question,) = kind.ask(context, ((first,),))
    answer = await native.source.answer(question)
    assert isinstance(answer, Rows)
    assert [row for row in answer.rows if row["e0"] is not None] == []


async def test_one_zone_for_all_needs_one_question(native: Tables) -> None:
    native.active = ActiveHours(WORK, "America/New_York")
    assert (await native.judge(STALE, now=new_york(6, 34))).findings == ()
    assert len((await native.judge(STALE, now=new_york(6, 36))).findings) == 1
    assert len(native.asked) == 2
