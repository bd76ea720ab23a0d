"""A real PostgreSQL for tests: one cluster a session, one database a test."""

import asyncio
import concurrent.futures
import contextlib
import fcntl
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from watchdog.store import processes
from watchdog.store.embedded import Embedded
from watchdog.store.migrate import migrate

T = TypeVar("T")

NIGHT = datetime(2025, 6, 13, 2, 15, tzinfo=UTC)
"""When tests happen: a Friday night."""

UNSAFE = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "100",
    "autovacuum": "off",
}
"""Settings for speed; a test that kills servers and looks for lost rows starts its own `Embedded`."""

_FOLDER = "watchdog-tests-"
_MEMORY = Path("/dev/shm")  # noqa: S108 (folders of its own are made in it)
_MEMORY_BYTES_MIN = 2 * 10**9
"""Of which a cluster takes a tenth: a container may have next to nothing there."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """A database of one test.

    Attributes:
        dsn: Its owner's address: everything is allowed.
        reader_dsn: The address of a role that can only select.
    """

    dsn: str
    reader_dsn: str


class Server:
    """The session's PostgreSQL.

    Attributes:
        embedded: Its process: `pid`, `data_dir`.
    """

    def __init__(self, embedded: Embedded) -> None:
        self.embedded = embedded

    def dsn(self, database: str, role: str = "watchdog") -> str:
        """Return the address of a database of this server."""
        return self.embedded.dsn.replace("watchdog@/watchdog?", f"{role}@/{database}?", 1)

    @contextlib.asynccontextmanager
    async def database(self, template: str = "template0") -> AsyncIterator[Database]:
        """Give a new database, and drop it with all its connections afterwards."""
        name = f"test_{next(_numbers)}"
        connection = await asyncpg.connect(self.dsn("postgres"), timeout=10)
        try:
            await connection.execute(
                f"create database {name} template {template} strategy file_copy"
            )
            yield Database(self.dsn(name), self.dsn(name, "reader"))
            await connection.execute(f"drop database {name} with (force)")
        finally:
            await connection.close(timeout=10)

    async def prepare(self) -> None:
        """Make the migrated template and the role that only reads."""
        connection = await asyncpg.connect(self.dsn("postgres"), timeout=10)
        try:
            await connection.execute("create role reader login")
            await connection.execute("grant pg_read_all_data to reader")
            await connection.execute("create database migrated template template0")
            await migrate(self.dsn("migrated"), NIGHT)
            await connection.execute("alter database migrated with is_template true")
        finally:
            await connection.close(timeout=10)


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own in another thread; the tests' loops do not notice."""
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


def quick_folder() -> str:
    """Return the folder for what lasts no longer than a test: in memory, if there is plenty of it.

    A database is a few hundred files, and making them takes a disk ten times as long. PostgreSQL may be
    copied there, so that programs must be allowed to run from it.
    """
    if os.access(_MEMORY, os.W_OK):
        system = os.statvfs(_MEMORY)
        is_large = system.f_bavail * system.f_frsize >= _MEMORY_BYTES_MIN
        if is_large and not system.f_flag & os.ST_NOEXEC:
            return str(_MEMORY)
    return tempfile.gettempdir()


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Give a fresh cluster in a short temporary folder, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=_FOLDER, dir=quick_folder()))
    _sweep(folder.stat().st_mtime)
    folder.chmod(0o755)
    embedded = Embedded(folder / "data", UNSAFE)
    try:
        run_apart(embedded.start())
        server = Server(embedded)
        run_apart(server.prepare())
        yield server
    finally:
        run_apart(embedded.stop())
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(now: float) -> None:
    """Remove what earlier runs left that were killed an hour ago or longer: nobody holds their locks."""
    folders = {quick_folder(), tempfile.gettempdir()}
    for lock in (one for each in folders for one in Path(each).glob(f"{_FOLDER}*/data/lock")):
        with contextlib.suppress(OSError), lock.open("a") as handle:  # another run sweeps, too
            if now - lock.stat().st_mtime > 3600:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for pid in processes.postgres_processes_in(lock.with_name("cluster")):
                    os.kill(pid, signal.SIGKILL)
                shutil.rmtree(lock.parents[1], ignore_errors=True)
