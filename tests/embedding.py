"""Services that own an embedded PostgreSQL, to be killed by tests."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from watchdog.store import processes
from watchdog.store.binaries import Binaries, find_binaries, readable_binaries

ROOT = Path(__file__).parents[1]
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


async def run(dsn: str | None, statement: str, *values: object) -> object:
    """Run one statement on a connection of its own; return its value."""
    connection = await asyncpg.connect(dsn, timeout=30, command_timeout=60)
    try:
        return await connection.fetchval(statement, *values)
    finally:
        await connection.close(timeout=30)


def copied_programs(place: Path) -> Binaries:
    """Copy PostgreSQL's programs to where any account can read them."""
    return readable_binaries(find_binaries(), processes.account_of(os.geteuid()), place)


@contextlib.contextmanager
def service(
    data_dir: Path, programs: Binaries, uid: int | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Give a process that owns a data directory, and what it says first: its server's number."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVICE, data_dir, *([] if uid is None else [str(uid)])],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "WATCHDOG_POSTGRES_BIN": str(programs.folder)},
    )
    assert process.stdout
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
