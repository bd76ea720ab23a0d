"""What integration tests share: a terminal, tables, and data directories and servers to be mistreated."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.command_line import RULES, Terminal
from tests.embedding import copied_programs, run
from tests.postgres import Server, quick_folder, run_apart
from tests.watched_tables import NATIVE, STORAGES, Tables, tables
from watchdog.store import processes
from watchdog.store.binaries import Binaries
from watchdog.store.embedded import Embedded


@pytest.fixture
def shell(tmp_path: Path, store_dsn: str) -> Terminal:
    """Give a terminal where commands work on this test's store."""
    here = Terminal(tmp_path)
    here.rules.write_text(RULES.format(store=store_dsn))
    return here


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder with a short path that every account can enter."""
    place = Path(tempfile.mkdtemp(prefix="wd-", dir=quick_folder()))
    place.chmod(0o755)
    yield place
    for cluster in place.rglob("cluster"):
        for pid in processes.postgres_processes_in(cluster):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(place)


@pytest.fixture(scope="session")
def programs() -> Iterator[Binaries]:
    """Give PostgreSQL's programs where every account can run them."""
    with tempfile.TemporaryDirectory(prefix="wd-", dir=quick_folder()) as place:
        Path(place).chmod(0o755)
        yield copied_programs(Path(place))


@pytest.fixture(scope="session")
def stopped_server() -> Iterator[Path]:
    """Give a data directory that a server has worked in and left in order."""
    with tempfile.TemporaryDirectory(prefix="wd-", dir=quick_folder()) as place:
        data_dir = Path(place, "data")
        run_apart(_start_and_stop(data_dir))
        yield data_dir


async def _start_and_stop(data_dir: Path) -> None:
    async with Embedded(data_dir) as embedded:
        await run(embedded.dsn, "create table kept (n integer)")


@pytest.fixture
def data_dir(stopped_server: Path, folder: Path) -> Path:
    """Give a copy of that data directory, for this test alone; it has an empty table `kept`."""
    subprocess.run(["cp", "-a", stopped_server, folder / "data"], check=True)
    return folder / "data"


@pytest.fixture
async def embedded(data_dir: Path) -> AsyncIterator[Embedded]:
    """Give a server of this test's own, as durable as in production."""
    async with Embedded(data_dir) as embedded:
        yield embedded


@pytest.fixture(params=list(STORAGES))
async def db(
    request: pytest.FixtureRequest, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    """Give the module's `TABLE`, once for each way in which a database may hold an instant."""
    async with tables(STORAGES[request.param], postgres_server, tmp_path) as opened:
        await opened.run(request.module.TABLE)
        yield opened


@pytest.fixture(params=list(NATIVE))
async def native(
    request: pytest.FixtureRequest, postgres_server: Server, tmp_path: Path
) -> AsyncIterator[Tables]:
    """Give the module's `TABLE`, once in each database."""
    async with tables(NATIVE[request.param], postgres_server, tmp_path) as opened:
        await opened.run(request.module.TABLE)
        yield opened
