import asyncio
import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.postgres import run_apart
from watchdog.store import processes
from watchdog.store.binaries import find_binaries, readable_binaries
from watchdog.store.cluster import left_behind
from watchdog.store.embedded import Embedded, EmbeddedError, dsn_of

ROOT = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0

SERVICE = """
import asyncio, os, sys
from pathlib import Path
from watchdog.store.embedded import Embedded, EmbeddedError
if len(sys.argv) > 2:
    # Only now: the interpreter may be where this account cannot read.
    import concurrent.futures.thread
    os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))
async def main():
    try:
        async with Embedded(Path(sys.argv[1])) as embedded:
            print(embedded.pid, flush=True)
            await asyncio.Event().wait()
    except EmbeddedError as error:
        print(error, flush=True)
asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder with a short path that every account can enter."""
    place = Path(tempfile.mkdtemp(prefix="wd-"))
    place.chmod(0o755)
    yield place
    for data_dir in place.rglob("cluster"):
        for pid in processes.postgres_processes_in(data_dir):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def stopped_server() -> Iterator[Path]:
    """Give a data directory that a server has worked in and left in order."""
    with tempfile.TemporaryDirectory(prefix="wd-") as place:
        data_dir = Path(place, "data")
        run_apart(_start_and_stop(data_dir))
        yield data_dir


async def _start_and_stop(data_dir: Path) -> None:
    async with Embedded(data_dir) as embedded:
        await run(embedded.dsn, "create table kept (n integer)")


@pytest.fixture
def data_dir(stopped_server: Path, folder: Path) -> Path:
    """Give a copy of that data directory, for this test alone."""
    subprocess.run(["cp", "-a", stopped_server, folder / "data"], check=True)
    return folder / "data"


@pytest.fixture
async def embedded(data_dir: Path) -> AsyncIterator[Embedded]:
    async with Embedded(data_dir) as embedded:
        yield embedded


async def run(dsn: str | None, statement: str, *values: object) -> object:
    connection = await asyncpg.connect(dsn, timeout=30, command_timeout=60)
    try:
        return await connection.fetchval(statement, *values)
    finally:
        await connection.close(timeout=5)


@contextlib.contextmanager
def service(data_dir: Path, uid: int | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give a process that owns a data directory, and what it says first."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVICE, data_dir, *([] if uid is None else [str(uid)])],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **_binaries_for(data_dir)},
    )
    assert process.stdout
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _binaries_for(data_dir: Path) -> dict[str, str]:
    """Give the service programs without our site-packages, where any account can read them."""
    place = data_dir.parent / "programs"
    if not place.exists():
        place.mkdir()
        readable_binaries(find_binaries(), processes.account_of(os.geteuid()), place)
    return {"WATCHDOG_POSTGRES_BIN": str(next(place.rglob("bin")))}


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
    installed = find_binaries()
    private = data_dir.parent / "private"
    private.mkdir()
    hidden = readable_binaries(installed, processes.account_of(os.geteuid()), private)
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


async def test_a_second_owner_in_another_process_is_told_too(embedded: Embedded) -> None:
    with service(embedded.data_dir) as (_, said):
        assert f"is in use by process {os.getpid()}" in said


async def test_a_server_left_by_a_killed_service_is_adopted(data_dir: Path) -> None:
    with service(data_dir) as (process, pid):
        await run(dsn_of(data_dir), "insert into kept values (7)")
        process.kill()
        process.wait()
    async with Embedded(data_dir) as embedded:
        assert embedded.pid == int(pid)
        assert await run(embedded.dsn, "select n from kept") == 7
    assert not processes.is_alive(int(pid))


async def test_an_adopted_server_is_watched_too(data_dir: Path) -> None:
    with service(data_dir) as (process, pid):
        process.kill()
        process.wait()
    async with Embedded(data_dir) as embedded, asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(embedded.supervise(), name="supervise")
        os.kill(int(pid), signal.SIGKILL)
        await until_answers(embedded, int(pid))
        watch.cancel()


async def test_rows_survive_when_service_and_server_are_killed_together(data_dir: Path) -> None:
    with service(data_dir) as (process, pid):
        await run(dsn_of(data_dir), "insert into kept select generate_series(1, 1000)")
        os.kill(int(pid), signal.SIGKILL)
        process.kill()
        process.wait()
    async with Embedded(data_dir) as embedded:
        assert embedded.pid != int(pid)
        assert await run(embedded.dsn, "select count(*) from kept") == 1000


async def test_a_service_that_is_asked_to_stop_takes_its_server_along(data_dir: Path) -> None:
    with service(data_dir) as (process, pid):
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    assert not processes.is_alive(int(pid))
    assert "database system is shut down" in (data_dir / "postgres.log").read_text()


async def until_answers(embedded: Embedded, former: int) -> None:
    async with asyncio.timeout(60):
        while embedded.pid == former or dsn_of(embedded.data_dir) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_killed_server_comes_back_at_the_same_address_with_its_rows(
    embedded: Embedded,
) -> None:
    await run(embedded.dsn, "insert into kept values (7)")
    dsn, former = embedded.dsn, embedded.pid
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(embedded.supervise(), name="supervise")
        os.kill(former, signal.SIGKILL)
        await until_answers(embedded, former)
        watch.cancel()
    assert await run(dsn, "select n from kept") == 7


async def test_a_busy_orphan_of_a_killed_server_does_not_hold_up_the_next(
    embedded: Embedded,
) -> None:
    connection = await asyncpg.connect(embedded.dsn, timeout=5)
    former = embedded.pid
    # Computing without a pause, it does not notice that its postmaster is gone.
    busy = asyncio.ensure_future(connection.execute("do 'begin loop end loop; end'"))
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(embedded.supervise(), name="supervise")
        await until_busy(embedded)
        os.kill(former, signal.SIGKILL)
        await until_answers(embedded, former)
        watch.cancel()
    with pytest.raises(asyncpg.PostgresConnectionError):
        await busy


async def until_busy(embedded: Embedded) -> None:
    async with asyncio.timeout(60):
        while not await run(  # noqa: ASYNC110
            embedded.dsn,
            "select count(*) from pg_stat_activity where query like 'do %' and state = 'active'",
        ):
            await asyncio.sleep(0.01)


async def test_a_server_that_keeps_ending_ends_the_service(embedded: Embedded) -> None:
    watch = asyncio.ensure_future(embedded.supervise())
    for _ in range(4):
        former = embedded.pid
        os.kill(former, signal.SIGKILL)
        await until_answers(embedded, former)
    os.kill(embedded.pid, signal.SIGKILL)
    with pytest.raises(EmbeddedError, match=r"ended 5 times within a minute; its last words: "):
        await watch


async def test_watching_ends_with_the_stop(embedded: Embedded) -> None:
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(embedded.supervise(), name="supervise")
        await asyncio.sleep(0)
        await embedded.stop()


async def test_a_process_number_that_went_to_another_process_is_not_taken_for_the_server(
    data_dir: Path,
) -> None:
    account = processes.account_of((data_dir / "cluster").stat().st_uid)
    async with Embedded(data_dir) as embedded:
        left = (data_dir / "cluster" / "postmaster.pid").read_text()
        os.kill(embedded.pid, signal.SIGKILL)
    with subprocess.Popen(["sleep", "60"], **account.identity()) as stranger:
        for place in ("cluster/postmaster.pid", "socket/.s.PGSQL.5432.lock"):
            (data_dir / place).write_text(f"{stranger.pid}\n{left.partition(chr(10))[2]}")
            os.chown(data_dir / place, account.uid, account.gid)
        async with Embedded(data_dir) as embedded:
            assert embedded.pid != stranger.pid
        assert stranger.poll() is None
        stranger.kill()


async def test_a_link_in_the_place_of_the_process_file_is_not_written_through(
    data_dir: Path,
) -> None:
    precious = data_dir.parent / "precious"
    precious.write_text(f"{os.getpid()}\n\n\n\n/nowhere\n")
    (data_dir / "cluster" / "postmaster.pid").symlink_to(precious)
    with pytest.raises(EmbeddedError):
        await Embedded(data_dir).start()
    assert precious.read_text().startswith(f"{os.getpid()}\n")


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


async def test_a_server_whose_program_was_deleted_is_replaced(data_dir: Path) -> None:
    with service(data_dir) as (process, pid):
        process.kill()
        process.wait()
        shutil.rmtree(data_dir.parent / "programs")
    async with Embedded(data_dir) as embedded:
        assert embedded.pid != int(pid)
        assert await run(embedded.dsn, "select 1") == 1


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

    async def test_an_ordinary_user_starts_it_as_himself(home: Path) -> None:
        with service(home / "data", NOBODY) as (_, said):
            assert re.fullmatch(r"\d+", said)
            assert Path(f"/proc/{said}").stat().st_uid == NOBODY
            assert await run(dsn_of(home / "data"), "select 1") == 1

    async def test_root_goes_on_with_an_ordinary_users_cluster_as_that_user(home: Path) -> None:
        with service(home / "data", NOBODY) as (process, said):
            process.kill()
            process.wait()
        async with Embedded(home / "data") as embedded:
            assert embedded.pid == int(said)
        async with Embedded(home / "data") as embedded:
            assert Path(f"/proc/{embedded.pid}").stat().st_uid == NOBODY

    async def test_an_ordinary_user_is_told_whose_cluster_it_is(data_dir: Path) -> None:
        os.chown(data_dir / "cluster", 1, 1)
        owner = processes.account_of(1).name
        with service(data_dir, NOBODY) as (_, said):
            assert f"belongs to user {owner}; start the service as that user or as root" in said
