import asyncio
import os
import signal
import subprocess
from pathlib import Path

import asyncpg
import pytest

from tests.embedding import copied_programs, run, service
from watchdog.store import processes
from watchdog.store.binaries import Binaries
from watchdog.store.embedded import Embedded, EmbeddedError, dsn_of


async def test_a_server_left_by_a_killed_service_is_adopted(
    data_dir: Path, programs: Binaries
) -> None:
    with service(data_dir, programs) as (process, pid):
        await run(dsn_of(data_dir), "insert into kept values (7)")
        process.kill()
        process.wait()
    async with Embedded(data_dir) as embedded:
        assert embedded.pid == int(pid)
        assert await run(embedded.dsn, "select n from kept") == 7
    assert not processes.is_alive(int(pid))


async def test_an_adopted_server_is_watched_too(data_dir: Path, programs: Binaries) -> None:
    with service(data_dir, programs) as (process, pid):
        process.kill()
        process.wait()
    async with Embedded(data_dir) as embedded, asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(embedded.supervise(), name="supervise")
        os.kill(int(pid), signal.SIGKILL)
        await until_answers(embedded, int(pid))
        watch.cancel()


async def test_rows_survive_when_service_and_server_are_killed_together(
    data_dir: Path, programs: Binaries
) -> None:
    with service(data_dir, programs) as (process, pid):
        await run(dsn_of(data_dir), "insert into kept select generate_series(1, 1000)")
        os.kill(int(pid), signal.SIGKILL)
        process.kill()
        process.wait()
    async with Embedded(data_dir) as embedded:
        assert embedded.pid != int(pid)
        assert await run(embedded.dsn, "select count(*) from kept") == 1000


async def test_a_service_that_is_asked_to_stop_takes_its_server_along(
    data_dir: Path, programs: Binaries
) -> None:
    with service(data_dir, programs) as (process, pid):
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


async def test_a_server_whose_program_was_deleted_is_replaced(data_dir: Path) -> None:
    programs = copied_programs(data_dir.parent)
    with service(data_dir, programs) as (process, pid):
        process.kill()
        process.wait()
        programs.postgres.unlink()
    async with Embedded(data_dir) as embedded:
        assert embedded.pid != int(pid)
        assert await run(embedded.dsn, "select 1") == 1
