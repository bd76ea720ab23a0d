"""What the demo leaves in the data directory: its logs, and where it is."""

import json
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog.demo import whereabouts
from watchdog.demo.backups import BackupFiles
from watchdog.demo.failure import Burst, Switches
from watchdog.demo.logs import API, BURSTS, FILE_BYTES_MAX, LINE_EVERY, REACH, WORKER, LogFiles
from watchdog.demo.scripts import load, read
from watchdog.demo.whereabouts import Whereabouts

NOW = datetime(2025, 6, 13, 2, 15, 7, 123_456, tzinfo=UTC)
HERE = Whereabouts({"crm": "postgresql://x", "desk": "http://127.0.0.1:1/desk"}, "postgresql://y")
FILE = "demo.json"
CALM = Switches()
USUAL = REACH[API] // LINE_EVERY
"""Lines of history in a new file of the API's."""


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def worker(folder: Path) -> Path:
    return folder / "email-worker.log"


def sync(folder: Path) -> Path:
    return folder / "issue-sync.log"


def api(folder: Path) -> Path:
    return folder / "desk-api.log"


def begun(folder: Path) -> None:
    """Make files that are there already, so that they get no history."""
    for path in (worker(folder), sync(folder), api(folder)):
        path.touch()


def test_the_folder_of_the_logs_is_made(tmp_path: Path) -> None:
    LogFiles(tmp_path / "a" / "logs").tick(NOW, 0, CALM)
    assert {one.name for one in (tmp_path / "a" / "logs").iterdir()} == {
        "email-worker.log",
        "issue-sync.log",
        "desk-api.log",
    }


@pytest.mark.parametrize(
    ("pending", "message"), [(0, "idle"), (1, "processing"), (130, "processing")]
)
def test_the_worker_says_what_it_does_and_how_much_waits(
    pending: int, message: str, tmp_path: Path
) -> None:
    begun(tmp_path)
    LogFiles(tmp_path).tick(NOW, pending, CALM)
    assert written(worker(tmp_path)) == [
        {
            "timestamp": "2025-06-13T02:15:07.123+00:00",
            "level": "INFO",
            "logger": "desk.email_worker",
            "message": message,
            "component": "email_worker",
            "extra": {"pending": pending},
        }
    ]


def test_the_sync_says_how_long_it_took(tmp_path: Path) -> None:
    begun(tmp_path)
    LogFiles(tmp_path).tick(NOW, 0, CALM)
    [line] = written(sync(tmp_path))
    assert set(line) == {"timestamp", "level", "logger", "message", "execution_time"}
    assert 700 <= line["execution_time"] < 1300


def test_lines_are_stamped_in_utc_whatever_the_zone_of_the_clock(tmp_path: Path) -> None:
    LogFiles(tmp_path).tick(NOW.astimezone(timezone(timedelta(hours=5, minutes=45))), 0, CALM)
    assert written(worker(tmp_path))[-1]["timestamp"].startswith("2025-06-13T02:15:07")


def test_a_line_is_written_every_20_seconds_however_often_the_world_ticks(tmp_path: Path) -> None:
    begun(tmp_path)
    logs = LogFiles(tmp_path)
    for second in range(0, 61, 5):
        logs.tick(NOW + timedelta(seconds=second), 0, CALM)
    assert timedelta(seconds=20) == LINE_EVERY
    for path in (worker(tmp_path), sync(tmp_path), api(tmp_path)):
        stamps = [datetime.fromisoformat(line["timestamp"]) for line in written(path)]
        assert [(one - stamps[0]).total_seconds() for one in stamps] == [0, 20, 40, 60]


def test_a_leap_of_hours_leaves_the_lines_that_somebody_reads(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path)
    logs.tick(NOW, 0, CALM)
    logs.tick(NOW + timedelta(hours=10), 0, CALM)
    lines = written(worker(tmp_path))
    assert len(written(api(tmp_path))) == 2 * (USUAL + 1)
    assert len(lines) == 2 * (REACH[WORKER] // LINE_EVERY + 1)
    assert lines[-1]["timestamp"] == (NOW + timedelta(hours=10)).isoformat(timespec="milliseconds")


def test_a_restart_writes_on_below_what_is_there(tmp_path: Path) -> None:
    begun(tmp_path)
    for pending in (1, 2):
        LogFiles(tmp_path).tick(NOW, pending, CALM)
    assert [line["extra"]["pending"] for line in written(worker(tmp_path))] == [1, 2]


def test_a_file_that_has_grown_large_makes_room_and_is_kept(tmp_path: Path) -> None:
    old = b"x" * (FILE_BYTES_MAX + 1)
    worker(tmp_path).write_bytes(old)
    LogFiles(tmp_path).tick(NOW, 3, CALM)
    assert (tmp_path / "email-worker.log.1").read_bytes() == old
    assert {line["extra"]["pending"] for line in written(worker(tmp_path))} == {3}
    assert not (tmp_path / "issue-sync.log.1").exists()


def test_a_file_of_exactly_the_limit_is_written_on(tmp_path: Path) -> None:
    worker(tmp_path).write_bytes(b"\n" * FILE_BYTES_MAX)
    LogFiles(tmp_path).tick(NOW, 3, CALM)
    assert not (tmp_path / "email-worker.log.1").exists()
    assert worker(tmp_path).stat().st_size > FILE_BYTES_MAX


def test_a_new_file_begins_with_what_was_usual_before(tmp_path: Path) -> None:
    LogFiles(tmp_path).tick(NOW, 0, CALM)
    lines = written(api(tmp_path))
    assert len(lines) == USUAL + 1
    assert lines[0]["timestamp"] == (NOW - REACH[API]).isoformat(timespec="milliseconds")
    errors = [line for line in lines if line["level"] == "ERROR"]
    assert len(errors) in {18, 19}  # one in five minutes


def test_a_dead_worker_writes_nothing_and_says_at_once_that_it_lives_again(tmp_path: Path) -> None:
    begun(tmp_path)
    logs = LogFiles(tmp_path)
    for second, dead in ((0, True), (60, True), (65, False)):
        logs.tick(NOW + timedelta(seconds=second), 0, Switches(worker_dead=dead))
    [line] = written(worker(tmp_path))
    assert line["timestamp"].startswith("2025-06-13T02:16:12")
    assert len(written(api(tmp_path))) == 4


@pytest.mark.parametrize("what", BURSTS)
def test_a_burst_comes_at_once_and_again_and_again_until_it_ends(what: str, tmp_path: Path) -> None:
    logs = LogFiles(tmp_path)
    for second in range(0, 301, 5):
        state = Switches(bursts=(Burst(what, 7),) if second < 250 else ())
        logs.tick(NOW + timedelta(seconds=second), 0, state)
    name, line = BURSTS[what]
    same = [one for one in written(tmp_path / name) if one.items() >= line.items()]
    assert len(same) == 3 * 7


def test_a_burst_that_ended_comes_at_once_when_it_is_broken_anew(tmp_path: Path) -> None:
    begun(tmp_path)
    logs = LogFiles(tmp_path)
    for second, bursts in ((0, (Burst("slow_sync", 2),)), (1, ()), (2, (Burst("slow_sync", 2),))):
        logs.tick(NOW + timedelta(seconds=second), 0, Switches(bursts=bursts))
    assert sum(line["execution_time"] == 9400 for line in written(sync(tmp_path))) == 4


def backups(folder: Path) -> dict[str, datetime]:
    return {one.name: datetime.fromtimestamp(one.stat().st_mtime, UTC) for one in folder.iterdir()}


def test_there_is_a_backup_of_each_day_of_the_last_week(tmp_path: Path) -> None:
    files = BackupFiles(tmp_path)
    files.tick(NOW, stopped=False)
    assert sorted(backups(tmp_path))[::6] == ["desk-2025-06-07.dump", "desk-2025-06-13.dump"]
    files.tick(NOW + timedelta(hours=24), stopped=False)
    assert sorted(backups(tmp_path))[::6] == ["desk-2025-06-08.dump", "desk-2025-06-14.dump"]
    assert backups(tmp_path)["desk-2025-06-14.dump"] == datetime(2025, 6, 14, 2, 10, tzinfo=UTC)


def test_before_the_job_is_done_yesterdays_backup_is_the_newest(tmp_path: Path) -> None:
    BackupFiles(tmp_path).tick(NOW.replace(minute=9), stopped=False)
    assert max(backups(tmp_path)) == "desk-2025-06-12.dump"


def test_a_job_that_stopped_left_nothing_for_three_days_and_catches_up(tmp_path: Path) -> None:
    files = BackupFiles(tmp_path)
    for stopped, newest in ((False, 13), (True, 10), (False, 13)):
        files.tick(NOW, stopped=stopped)
        assert max(backups(tmp_path)) == f"desk-2025-06-{newest}.dump"


def test_only_one_old_file_is_kept(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path)
    for number, letter in enumerate((b"a", b"b")):
        worker(tmp_path).write_bytes(letter * (FILE_BYTES_MAX + 1))
        logs.tick(NOW + number * LINE_EVERY, 0, CALM)
    assert (tmp_path / "email-worker.log.1").read_bytes()[:1] == b"b"
    assert len(list(tmp_path.glob("email-worker*"))) == 2


def test_where_no_demo_has_run_there_is_none(tmp_path: Path) -> None:
    assert whereabouts.find(tmp_path) == Whereabouts({}, "")
    assert whereabouts.find(tmp_path / "nowhere") == Whereabouts()


def test_what_was_left_is_found(tmp_path: Path) -> None:
    whereabouts.leave(tmp_path, HERE)
    assert whereabouts.find(tmp_path) == HERE


@given(st.dictionaries(st.text(), st.text()), st.text())
def test_any_addresses_come_back(
    tmp_path_factory: pytest.TempPathFactory, addresses: dict[str, str], dsn: str
) -> None:
    folder = tmp_path_factory.mktemp("data")
    whereabouts.leave(folder, Whereabouts(addresses, dsn))
    assert whereabouts.find(folder) == Whereabouts(addresses, dsn)


def test_the_latest_demo_counts_and_leaves_nothing_beside(tmp_path: Path) -> None:
    for one in (HERE, Whereabouts({}, "z")):
        whereabouts.leave(tmp_path, one)
    assert whereabouts.find(tmp_path).switch_dsn == "z"
    assert [one.name for one in tmp_path.iterdir()] == [FILE]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_services_account_can_read_it(tmp_path: Path) -> None:
    whereabouts.leave(tmp_path, HERE)
    assert mode(tmp_path / FILE) == 0o600


def test_a_half_that_everybody_can_read_was_left_by_a_crash_and_is_not_written_to(
    tmp_path: Path,
) -> None:
    half = tmp_path / f"{FILE}.new"
    half.write_text("{")
    half.chmod(0o644)
    whereabouts.leave(tmp_path, HERE)
    assert mode(tmp_path / FILE) == 0o600
    assert whereabouts.find(tmp_path) == HERE


def test_an_older_file_that_everybody_can_read_is_replaced(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}")
    (tmp_path / FILE).chmod(0o666)
    whereabouts.leave(tmp_path, HERE)
    assert mode(tmp_path / FILE) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"addresses": {"crm": "postgr',
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"demo"',
        b"7",
        b"{}",
        b'{"addresses": {}}',
        b'{"switch_dsn": ""}',
        b'{"addresses": null, "switch_dsn": null}',
        b'{"addresses": [], "switch_dsn": ""}',
    ],
)
def test_a_file_that_cannot_be_read_counts_as_no_demo(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert whereabouts.find(tmp_path) == Whereabouts()


def test_what_was_left_can_be_cleared_twice(tmp_path: Path) -> None:
    whereabouts.leave(tmp_path, HERE)
    for _ in range(2):
        whereabouts.clear(tmp_path)
        assert whereabouts.find(tmp_path) == Whereabouts()
    assert list(tmp_path.iterdir()) == []


SCRIPTS = (
    "contacts", "crm_history", "desk", "desk_history", "failures_crm", "failures_desk",
    "failures_web_sync", "github", "switch", "web_sync", "zendesk",
)  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_statement_has_a_name_a_sentence_and_no_time_of_its_own(name: str) -> None:
    for head, statement in load(name).items():
        assert head.replace("_", "").isalpha()
        first, *rest = statement.splitlines()
        assert first.startswith("-- ")
        assert any(line and not line.startswith("--") for line in rest)
        assert not {"now()", "current_timestamp"} & set(statement.lower().split())


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_two_statements_of_a_file_share_a_name(name: str) -> None:
    assert read(name).count("-- name: ") == len(load(name))


def test_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        load("nothing")
