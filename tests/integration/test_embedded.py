import asyncio
import os
import pwd
import re
from pathlib import Path

import pytest

from tests.embedding import AS_ROOT, copied_programs, run, service
from watchdog.store import processes
from watchdog.store.binaries import Binaries
from watchdog.store.cluster import left_behind
from watchdog.store.embedded import Embedded, EmbeddedError, dsn_of


async def test_a_first_start_gives_a_database_that_answers(folder: Path) -> None:
    async with Embedded(folder / "deep" / "data") as embedded:
        assert await run(embedded.dsn, "select current_database()") == "watchdog"


async def test_rows_are_there_after_a_stop_and_a_start(data_dir: Path) -> None:
    async with Embedded(data_dir) as embedded:
        await run(embedded.dsn, "insert into kept values (7)")
    async with Embedded(data_dir) as embedded:
        assert await run(embedded.dsn, "select n from kept") == 7


async def test_it_never_runs_as_root(embedded: Embedded) -> None:
    assert Path(f"/proc/{embedded.pid}").stat().st_uid != 0


async def test_it_listens_on_nothing_but_a_socket_that_only_its_account_can_reach(
    embedded: Embedded,
) -> None:
    assert await run(embedded.dsn, "select current_setting('listen_addresses')") == ""
    folder = embedded.data_dir / "socket"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_uid == Path(f"/proc/{embedded.pid}").stat().st_uid


async def test_what_it_commits_is_on_disk(embedded: Embedded) -> None:
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        assert await run(embedded.dsn, "select current_setting($1)", name) == "on"


async def test_a_path_may_hold_spaces_quotes_commas_and_letters_of_any_language(
    data_dir: Path,
) -> None:
    odd = data_dir.rename(data_dir.parent / 'Ana\'s "best", données %20')
    async with Embedded(odd) as embedded:
        assert await run(embedded.dsn, "select 1") == 1
        assert dsn_of(odd) == embedded.dsn


async def test_a_path_too_long_for_a_socket_gets_a_short_folder_that_commands_find(
    data_dir: Path,
) -> None:
    long = data_dir.parent / ("x" * 120)
    data_dir.rename(long)
    async with Embedded(long) as embedded:
        assert await run(dsn_of(long), "select 1") == 1
        outside = Path((long / "outside").read_text())
        assert outside.name.startswith("incident-watchdog-")
        assert embedded.dsn == dsn_of(long)
    assert not outside.exists()


async def test_a_folder_that_only_we_can_enter_is_no_hindrance(data_dir: Path) -> None:
    data_dir.parent.chmod(0o700)
    async with Embedded(data_dir) as embedded:
        assert await run(embedded.dsn, "select count(*) from kept") == 0


async def test_a_first_start_works_in_a_folder_that_only_we_can_enter(folder: Path) -> None:
    folder.chmod(0o700)
    async with Embedded(folder / "data") as embedded:
        assert await run(embedded.dsn, "select 1") == 1


async def test_programs_that_the_account_cannot_read_are_copied(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = data_dir.parent / "private"
    private.mkdir()
    hidden = copied_programs(private)
    private.chmod(0o700)
    monkeypatch.setattr("watchdog.store.embedded.find_binaries", lambda: hidden)
    async with Embedded(data_dir) as embedded:
        program = Path(f"/proc/{embedded.pid}/exe").readlink()
    assert program.is_relative_to(data_dir if AS_ROOT else private)


async def test_settings_of_clients_in_the_environment_do_not_lead_astray(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGDATA": "/nowhere", "PGPORT": "1", "PGHOST": "nowhere"}.items():
        monkeypatch.setenv(name, value)
    async with Embedded(data_dir) as embedded:
        assert await run(embedded.dsn, "select 1") == 1


async def test_a_second_owner_is_told_who_the_first_is(embedded: Embedded) -> None:
    with pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}; stop that one"):
        await Embedded(embedded.data_dir).start()
    assert await run(embedded.dsn, "select 1") == 1


async def test_a_second_owner_in_another_process_is_told_too(
    embedded: Embedded, programs: Binaries
) -> None:
    with service(embedded.data_dir, programs) as (_, said):
        assert f"is in use by process {os.getpid()}" in said


async def test_a_cluster_of_another_version_is_refused_with_what_to_do(data_dir: Path) -> None:
    (data_dir / "cluster" / "PG_VERSION").write_text("9\n")
    with pytest.raises(
        EmbeddedError,
        match=r"was written by PostgreSQL 9, and this is 1[0-9]: set WATCHDOG_POSTGRES_BIN",
    ):
        await Embedded(data_dir).start()


async def test_a_server_that_does_not_start_says_why_and_frees_the_directory(
    data_dir: Path,
) -> None:
    with pytest.raises(EmbeddedError, match=r"does not start: .*shared_buffers"):
        await Embedded(data_dir, {"shared_buffers": "much"}).start()
    async with Embedded(data_dir) as embedded:
        assert await run(embedded.dsn, "select 1") == 1


async def test_a_first_start_cut_short_leaves_nothing_half_made(folder: Path) -> None:
    starting = asyncio.ensure_future(Embedded(folder / "data").start())
    async with asyncio.timeout(60):
        while not list(folder.glob("data/cluster.new-*/global")):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not (folder / "data" / "cluster").exists()
    async with Embedded(folder / "data") as embedded:
        assert await run(embedded.dsn, "select 1") == 1
    assert not list(folder.glob("data/cluster.new-*"))


async def test_commands_find_no_server_where_none_runs(folder: Path, data_dir: Path) -> None:
    assert dsn_of(folder / "nothing") is None
    assert dsn_of(data_dir) is None
    async with Embedded(data_dir) as embedded:
        left = left_behind(data_dir / "cluster")
        assert left is not None
        assert left.pid == embedded.pid
    assert dsn_of(data_dir) is None


async def test_a_growing_log_is_put_aside(data_dir: Path) -> None:
    (data_dir / "postgres.log").write_bytes(b"x" * 4_000_001)
    async with Embedded(data_dir):
        assert (data_dir / "postgres.log").stat().st_size < 10_000
    assert (data_dir / "postgres.log.1").stat().st_size == 4_000_001


if AS_ROOT:
    NOBODY = pwd.getpwnam("nobody").pw_uid

    @pytest.fixture
    def home(folder: Path) -> Path:
        """Give a folder of an ordinary user."""
        place = folder / "home"
        place.mkdir(0o700)
        os.chown(place, NOBODY, NOBODY)
        return place

    async def test_an_ordinary_user_starts_it_as_himself(home: Path, programs: Binaries) -> None:
        with service(home / "data", programs, NOBODY) as (_, said):
            assert re.fullmatch(r"\d+", said)
            assert Path(f"/proc/{said}").stat().st_uid == NOBODY
            assert await run(dsn_of(home / "data"), "select 1") == 1

    async def test_root_goes_on_with_an_ordinary_users_cluster_as_that_user(
        home: Path, programs: Binaries
    ) -> None:
        with service(home / "data", programs, NOBODY) as (process, said):
            process.kill()
            process.wait()
        async with Embedded(home / "data") as embedded:
            assert embedded.pid == int(said)
        async with Embedded(home / "data") as embedded:
            assert Path(f"/proc/{embedded.pid}").stat().st_uid == NOBODY

    async def test_an_ordinary_user_is_told_whose_cluster_it_is(
        data_dir: Path, programs: Binaries
    ) -> None:
        os.chown(data_dir / "cluster", 1, 1)
        owner = processes.account_of(1).name
        with service(data_dir, programs, NOBODY) as (_, said):
            assert f"belongs to user {owner}; start the service as that user or as root" in said
