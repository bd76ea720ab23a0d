"""background_sync by itself: its history, its syncs, its failures, its status."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.demo_world import just
from watchdog.demo.background import (
    CATCH_UP,
    EVEN,
    HISTORY,
    INACTIVE_EVERY,
    Background,
    Organisation,
    even_paces,
    iso,
    log_row,
    office_history,
    organisations,
)
from watchdog.demo.failure import Switches
from watchdog.demo.failures import FAILURES, switches
from watchdog.demo.places import ORGANISATIONS
from watchdog.demo.slots import OFFICE_HOURS, slots_between

NOW = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
CALM = Switches()
NAIROBI = "nairobi-books"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with its history, made once; tests work on copies of it."""
    path = tmp_path_factory.mktemp("filled") / "web_sync.db"

    async def fill() -> None:
        background = await Background.open(path, NOW)
        try:
            await background.fill(NOW)
        finally:
            await background.close()

    asyncio.run(fill())
    return path


@pytest.fixture
def file(filled: Path, tmp_path: Path) -> Path:
    path = tmp_path / "web_sync.db"
    path.write_bytes(filled.read_bytes())
    return path


@contextlib.asynccontextmanager
async def opened(file: Path, now: datetime = NOW) -> AsyncIterator[Background]:
    background = await Background.open(file, now)
    try:
        await background.fill(now)
        yield background
    finally:
        await background.close()


def ask(file: Path, text: str, *given: object) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(file)) as db:
        return db.execute(text, given).fetchall()


def one_of(file: Path, text: str, *given: object) -> object:
    return ask(file, text, *given)[0][0]


def syncs(file: Path, organisation_id: str, since: datetime) -> list[tuple[object, ...]]:
    return ask(
        file,
        "select synced_at, status, error from sync_logs"
        " where organization_id = ? and synced_at > ? order by synced_at",
        organisation_id,
        iso(since),
    )


def named(name: str, now: datetime = NOW) -> Organisation:
    return next(one for one in organisations(now) if one.id == name)


def test_every_place_has_an_organisation_with_a_schedule() -> None:
    everybody = organisations(NOW)
    assert [one.id for one in everybody] == [place.id for place in ORGANISATIONS]
    assert {one.cron for one in everybody} == {*EVEN, OFFICE_HOURS}
    assert all(timedelta() <= one.spread < timedelta(minutes=5) for one in everybody)


def test_one_of_23_organisations_is_not_active() -> None:
    inactive = [one.number for one in organisations(NOW) if not one.is_active]
    assert inactive == list(range(INACTIVE_EVERY - 1, len(ORGANISATIONS), INACTIVE_EVERY))


def test_what_is_broken_is_broken_for_organisations_that_sync() -> None:
    for name in (NAIROBI, "lagos-books", "cairo-books", "tunis-books"):
        assert named(name).is_active


@pytest.mark.parametrize(
    ("error", "status", "has_records"), [(None, "success", True), ("503", "failed", False)]
)
def test_a_line_of_the_log_says_how_the_sync_went(
    error: str | None, status: str, has_records: bool
) -> None:
    row = log_row(named(NAIROBI), NOW, error)
    assert (row[0], row[2], row[4], row[6]) == (NAIROBI, status, error, "2025-06-13T02:15:00Z")
    assert (row[3] > 0) is has_records
    assert 600 <= row[5] < 1500


def test_office_history_has_no_line_of_the_future_or_of_the_night() -> None:
    everybody = organisations(NOW)
    zones = {one.id: one for one in everybody}
    rows = list(office_history(everybody, NOW))
    assert rows
    for row in rows:
        at = datetime.fromisoformat(row[6])
        local = at.astimezone(zones[row[0]].zone)
        assert NOW - HISTORY <= at <= NOW
        assert 9 <= local.hour <= 17
        assert local.weekday() < 5


def test_paces_around_the_clock_are_given_as_seconds() -> None:
    assert even_paces([named(NAIROBI)]) in {
        f'[["{NAIROBI}", {named(NAIROBI).number}, {int(named(NAIROBI).last_at.timestamp())}, {pace}]]'
        for pace in (900, 3600, 14_400)
    }
    assert even_paces([one for one in organisations(NOW) if one.cron == OFFICE_HOURS]) == "[]"


def test_a_new_file_has_a_history_without_failures(file: Path) -> None:
    assert one_of(file, "select count(*) from integrations") == len(ORGANISATIONS)
    assert one_of(file, "select count(*) from sync_logs where status <> 'success'") == 0
    assert one_of(file, "select count(distinct organization_id) from sync_logs") == 252
    assert one_of(file, "select max(synced_at) from sync_logs") <= iso(NOW)  # type: ignore[operator]
    assert one_of(file, "select min(synced_at) from sync_logs") >= iso(NOW - HISTORY)  # type: ignore[operator]


def test_each_row_says_when_its_organisation_synced_last(file: Path) -> None:
    differing = ask(
        file,
        "select organization_id from integrations as i where last_sync_at <>"
        " (select max(synced_at) from sync_logs as l where l.organization_id = i.organization_id)",
    )
    assert differing == []


async def test_a_file_that_is_there_is_not_filled_again(file: Path) -> None:
    before = one_of(file, "select count(*) from sync_logs")
    async with opened(file, NOW + timedelta(days=3)):
        pass
    assert one_of(file, "select count(*) from sync_logs") == before


async def test_a_tick_in_the_same_second_does_nothing(file: Path) -> None:
    before = one_of(file, "select count(*) from sync_logs")
    async with opened(file) as background:
        for _ in range(2):
            await background.tick(NOW, CALM)
    assert one_of(file, "select count(*) from sync_logs") == before


async def test_every_slot_of_an_hour_is_synced_once(file: Path) -> None:
    one = named(NAIROBI)
    later = NOW + timedelta(hours=5)
    async with opened(file) as background:
        for minute in range(0, 301, 5):
            await background.tick(NOW + timedelta(minutes=minute), CALM)
    slots = slots_between(one.cron, one.zone, NOW - one.spread + timedelta(seconds=1), later)
    expected = [iso(slot + one.spread) for slot in slots if slot + one.spread <= later]
    assert [row[0] for row in syncs(file, NAIROBI, NOW)] == expected


async def test_a_leap_is_caught_up_with_as_if_there_had_been_none(file: Path) -> None:
    one = named(NAIROBI)
    later = NOW + timedelta(hours=10)
    async with opened(file) as background:
        await background.tick(later, CALM)
    slots = slots_between(one.cron, one.zone, NOW - one.spread + timedelta(seconds=1), later)
    expected = [iso(slot + one.spread) for slot in slots if slot + one.spread <= later]
    assert [row[0] for row in syncs(file, NAIROBI, NOW)] == expected


async def test_an_organisation_whose_row_is_gone_syncs_no_more(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        db.execute("delete from integrations where organization_id = ?", (NAIROBI,))
    async with opened(file) as background:
        await background.tick(NOW + timedelta(hours=10), CALM)
    assert syncs(file, NAIROBI, NOW) == []
    assert syncs(file, "lagos-books", NOW) != []


async def test_after_a_month_only_a_day_is_caught_up_with(file: Path) -> None:
    later = NOW + timedelta(days=30)
    async with opened(file) as background:
        await background.tick(later, CALM)
    earliest = one_of(file, "select min(synced_at) from sync_logs")
    latest = one_of(file, "select max(synced_at) from sync_logs")
    assert iso(later - CATCH_UP - timedelta(days=4)) <= str(earliest)
    assert iso(later - timedelta(minutes=20)) <= str(latest) <= iso(later)


async def test_who_is_not_active_does_not_sync(file: Path) -> None:
    async with opened(file) as background:
        await background.tick(NOW + timedelta(hours=10), CALM)
    for one in organisations(NOW):
        if not one.is_active:
            assert syncs(file, one.id, NOW) == []


async def test_a_failing_organisation_fails_and_counts_and_others_do_not(file: Path) -> None:
    state = switches(just(["B2"]))
    async with opened(file) as background:
        await background.tick(NOW + timedelta(hours=8, minutes=10), state)
    found = syncs(file, NAIROBI, NOW)
    assert found
    assert {(status, error) for _, status, error in found} == {
        ("failed", state.organisations_failing[NAIROBI])
    }
    failing = ask(
        file,
        "select organization_id, consecutive_failures from integrations"
        " where consecutive_failures > 0",
    )
    assert failing == [(NAIROBI, len(found))]


async def test_a_good_sync_ends_the_count_of_failures(file: Path) -> None:
    async with opened(file) as background:
        await background.tick(NOW + timedelta(hours=8), switches(just(["B2"])))
        await background.tick(NOW + timedelta(hours=16), CALM)
        status = await background.status(NAIROBI, NOW + timedelta(hours=16))
    assert status is not None
    assert status["errors"] == 0


@pytest.mark.parametrize("name", ["B2", "B2a"])
async def test_a_failure_breaks_the_last_syncs_and_is_mended_by_a_good_one(
    name: str, file: Path
) -> None:
    failure = FAILURES[name]
    async with opened(file) as background:
        await background.take_steps(failure.breaks, NOW)
        for _, organisation, count, error in failure.breaks:
            status = await background.status(organisation, NOW)
            assert status is not None
            assert [one["error"] for one in status["lastOperations"]] == [error] * count + [
                None
            ] * (3 - count)
        await background.take_steps(failure.mends, NOW + timedelta(seconds=1))
        for _, organisation, *_ in failure.breaks:
            status = await background.status(organisation, NOW)
            assert status is not None
            assert status["lastOperations"][0]["status"] == "success"


async def test_an_organisation_is_synced_by_hand_at_once(file: Path) -> None:
    later = NOW + timedelta(seconds=30)
    async with opened(file) as background:
        assert await background.trigger(NAIROBI, later, CALM)
    assert [(at, status) for at, status, _ in syncs(file, NAIROBI, NOW)] == [
        (iso(later), "success")
    ]


async def test_a_sync_by_hand_fails_where_others_do(file: Path) -> None:
    later = NOW + timedelta(seconds=30)
    async with opened(file) as background:
        assert await background.trigger(NAIROBI, later, switches(just(["B2"])))
        status = await background.status(NAIROBI, later)
    assert status is not None
    assert (status["errors"], status["lastOperations"][0]["status"]) == (1, "failed")


@pytest.mark.parametrize("name", ["", "nobody", "NAIROBI-BOOKS", "' or 1=1 --", "\x00"])
async def test_who_is_unknown_is_neither_synced_nor_described(name: str, file: Path) -> None:
    before = one_of(file, "select count(*) from sync_logs")
    async with opened(file) as background:
        assert not await background.trigger(name, NOW, CALM)
        assert await background.status(name, NOW) is None
    assert one_of(file, "select count(*) from sync_logs") == before


async def test_a_status_has_the_shape_that_its_users_know(file: Path) -> None:
    async with opened(file) as background:
        status = await background.status(NAIROBI, NOW)
    assert status is not None
    assert set(status) == {"active", "lastSync", "totals", "today", "errors", "lastOperations"}
    assert status["active"] is True
    assert status["lastSync"] == status["lastOperations"][0]["syncedAt"]
    assert 0 <= status["today"]["syncs"] <= status["totals"]["syncs"]
    stamps = [one["syncedAt"] for one in status["lastOperations"]]
    assert stamps == sorted(stamps, reverse=True)


async def test_what_a_tick_could_not_write_is_written_by_the_next(file: Path) -> None:
    one, later = named(NAIROBI), NOW + timedelta(hours=9)
    async with opened(file) as background:
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("create trigger no before update on integrations"
                          " begin select raise(abort, 'no'); end")  # fmt: skip
            before = one_of(file, "select count(*) from sync_logs")
            with pytest.raises(sqlite3.Error):
                await background.tick(later, CALM)
            assert one_of(file, "select count(*) from sync_logs") == before
            other.execute("drop trigger no")
        await background.tick(later + timedelta(seconds=5), CALM)
    missed = slots_between(one.cron, one.zone, NOW - one.spread + timedelta(seconds=1), later)
    expected = [iso(slot + one.spread) for slot in missed if slot + one.spread <= later]
    assert expected
    assert [row[0] for row in syncs(file, NAIROBI, NOW)] == expected


async def test_lines_older_than_four_weeks_are_forgotten(file: Path) -> None:
    later = NOW + timedelta(days=10)
    async with opened(file) as background:
        await background.tick(later, CALM)
    assert one_of(file, "select min(synced_at) from sync_logs") >= iso(later - HISTORY)  # type: ignore[operator]


async def test_a_file_of_another_release_with_other_organisations_is_gone_on_with(
    file: Path,
) -> None:
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("update integrations set organization_id = 'jakarta-books'"
                   " where organization_id = 'tokyo-books'")  # fmt: skip
        db.commit()
    async with opened(file) as background:
        await background.tick(NOW + timedelta(hours=5), CALM)
    assert syncs(file, NAIROBI, NOW)


async def test_a_dead_scheduler_forgets_no_sync_that_is_older_than_the_log(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        db.execute("delete from sync_logs where organization_id = ?", (NAIROBI,))
    last_at = "select last_sync_at from integrations where organization_id = ?"
    before = one_of(file, last_at, NAIROBI)
    async with opened(file) as background:
        await background.take_steps(FAILURES["B8"].breaks, NOW)
    assert before is not None
    assert one_of(file, last_at, NAIROBI) == before
