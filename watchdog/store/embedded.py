"""Runs a PostgreSQL of our own in a data directory, for when no DSN is configured.

In the data directory: `lock` (held while a service owns it, names its process), `cluster` (what
PostgreSQL keeps), `socket` (the only way in), `postgres.log`, and `binaries-…` where the account
that PostgreSQL runs as cannot read the installed ones. What that account must reach and cannot
reach there is in a short folder for temporary files, which the file `outside` names. The server
outlives a service that is killed; the next one adopts it.
"""

import asyncio
import collections
import contextlib
import fcntl
import logging
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from watchdog.store import probe, processes
from watchdog.store.binaries import NoBinaries, find_binaries, readable_binaries
from watchdog.store.cluster import (
    DATABASE,
    Cluster,
    EmbeddedError,
    choose_account,
    give,
    left_behind,
)
from watchdog.store.processes import Account

__all__ = ["DATABASE", "SETTINGS", "Embedded", "EmbeddedError", "dsn_at", "dsn_of"]

logger = logging.getLogger(__name__)

SETTINGS: Mapping[str, str] = {
    "autovacuum_naptime": "30s",
    "cluster_name": "watchdog",
    "fsync": "on",
    "full_page_writes": "on",
    "huge_pages": "off",
    "jit": "off",
    "listen_addresses": "",
    "log_checkpoints": "off",
    # What a client did wrong, the client is told; the log keeps what the server says of itself.
    "log_min_messages": "log",
    "max_connections": "60",
    # Parallel workers need shared memory that containers are short of.
    "max_parallel_workers_per_gather": "0",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "shared_buffers": "64MB",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
    "wal_level": "minimal",
}

_START_SECONDS = 90.0  # crash recovery replays at most max_wal_size
_STOPS = (  # a little longer than the longest statement of ours; at once; by force
    (signal.SIGINT, 15.0),
    (signal.SIGQUIT, 5.0),
    (signal.SIGKILL, 5.0),
)
_RESTARTS_MAX = 5
_RESTARTS_SECONDS = 60.0
_SOCKET_FOLDER_BYTES_MAX = 88  # sun_path holds 104 bytes on the strictest system, with the name
_OUTSIDE = "incident-watchdog-"


class Embedded:
    """One PostgreSQL in one data directory.

    Args:
        data_dir: Made when it is not there. One service at a time owns it.
        settings: Settings that replace those in `SETTINGS`.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self._settings = {**SETTINGS, **(settings or {})}
        self._lock: IO[str] | None = None
        self._cluster: Cluster | None = None
        self._socket_dir: Path | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._stopping = False

    @property
    def pid(self) -> int:
        """Return the process number of the postmaster, another one after a restart; 0 for none."""
        return self._pid

    @property
    def dsn(self) -> str:
        """Return the DSN of our database; it stays the same over restarts."""
        assert self._socket_dir is not None, "not started"
        return dsn_at(self._socket_dir)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> str:
        """Return the DSN of a server that answers: a living one that was left behind, or a new one.

        Raises:
            EmbeddedError: It cannot run; what it needs is in the text.
        """
        self._stopping = False
        try:
            await self._come_up()
        except BaseException as error:
            if self._lock is not None:
                await self.stop()
            if isinstance(error, OSError | NoBinaries):
                raise EmbeddedError(f"embedded PostgreSQL in {self.data_dir}: {error}") from error
            raise
        return self.dsn

    async def stop(self) -> None:
        """Shut the server down, by force if it takes longer than 15 s; give up the directory."""
        self._stopping = True
        if self._pid:
            await self._end(self._pid)
        self._pid = 0
        if self._lock is not None:
            await asyncio.to_thread(_remove_outside, self.data_dir)
            self._lock.close()
        self._lock = None

    async def supervise(self) -> None:
        """Start the server again whenever it ends; return after `stop`.

        Raises:
            EmbeddedError: It ended 5 times within a minute, or does not start again.
        """
        assert self._cluster is not None, "not started"
        loop = asyncio.get_running_loop()
        ends: collections.deque[float] = collections.deque(maxlen=_RESTARTS_MAX)
        while True:
            await processes.exit_of(self._pid)
            if self._stopping:
                return
            ends.append(loop.time())
            if len(ends) == _RESTARTS_MAX and ends[-1] - ends[0] < _RESTARTS_SECONDS:
                raise EmbeddedError(
                    f"embedded PostgreSQL in {self.data_dir} ended {_RESTARTS_MAX} times within a "
                    f"minute; its last words: {self._cluster.last_words()}"
                )
            logger.error("embedded PostgreSQL ended, starting it again", extra={"pid": self._pid})
            await self._launch(self._cluster)  # when it ends before it answers, that counts, too

    async def _come_up(self) -> None:
        self._cluster = cluster = await asyncio.to_thread(self._own)
        if not await asyncio.to_thread(cluster.folder.is_dir):
            await cluster.create()
        if not await self._adopt(cluster) and not await self._launch(cluster):
            raise EmbeddedError(
                f"embedded PostgreSQL in {self.data_dir} does not start: {cluster.last_words()}"
            )

    def _own(self) -> Cluster:
        self.data_dir.mkdir(0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        folder = self.data_dir / "cluster"
        account = choose_account(folder)
        self._lock = _locked(self.data_dir)
        binaries = find_binaries()
        if not account.can_run(binaries.postgres):
            place = self.data_dir if account.can_enter(self.data_dir) else _outside(self.data_dir)
            binaries = readable_binaries(binaries, account, place)
        cluster = Cluster(folder, account, binaries, durable=self._settings["fsync"] == "on")
        cluster.check_version()
        return cluster

    async def _adopt(self, cluster: Cluster) -> bool:
        """Return True when a server that an earlier service left behind answers us."""
        left = left_behind(cluster.folder)
        if left is None or not processes.is_postgres_in(left.pid, cluster.folder):
            return False
        if processes.runs_deleted_program(left.pid):
            await self._end(left.pid)
            return False
        self._pid, self._socket_dir = left.pid, left.socket_dir
        if not await self._ready(cluster):
            self._pid, self._socket_dir = 0, None
            return False
        logger.info("adopted the embedded PostgreSQL left running", extra={"pid": left.pid})
        return True

    async def _launch(self, cluster: Cluster) -> bool:
        """Return True when a new server answers, False when it ended before."""
        self._reap()
        await cluster.clear_the_way()
        self._socket_dir = await asyncio.to_thread(_socket_dir, self.data_dir, cluster.account)
        # Without an await between them: a server that nobody knows of must not be left behind.
        self._child = cluster.spawn(self._socket_dir, self._settings)
        self._pid = self._child.pid
        return await self._ready(cluster)

    async def _ready(self, cluster: Cluster) -> bool:
        """Return True once the server answers `select 1`, False when it ends before.

        Raises:
            EmbeddedError: It lives and does not answer.
        """
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await asyncio.to_thread(_answers, cluster.folder, self._pid):
                    if await processes.exit_of(self._pid, within=0.005):
                        self._reap()
                        return False
        except TimeoutError:
            raise EmbeddedError(
                f"embedded PostgreSQL in {self.data_dir}, process {self._pid}, has not answered for "
                f"{_START_SECONDS:.0f} s: {cluster.last_words()}"
            ) from None
        return True

    async def _end(self, pid: int) -> None:
        for how, seconds in _STOPS:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
            if await processes.exit_of(pid, within=seconds):
                break
        self._reap()

    def _reap(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None


def dsn_at(socket_dir: Path) -> str:
    """Return the DSN of our database on the server with its socket in this folder."""
    place = quote(str(socket_dir), safe="/")
    return f"postgresql://{DATABASE}@/{DATABASE}?host={place}&port={probe.PORT}"


def dsn_of(data_dir: Path) -> str | None:
    """Return the DSN of the server that runs in `data_dir`, None when none answers.

    For commands beside a running service: takes no lock and starts nothing; blocks for up to 1 s.
    """
    left = left_behind(data_dir.absolute() / "cluster")
    if left is None or not left.ready:
        return None
    if not probe.answers(left.socket_dir, DATABASE, DATABASE):
        return None
    return dsn_at(left.socket_dir)


def _answers(cluster: Path, pid: int) -> bool:
    # Asked before it says that it is ready, a server writes a refusal into its log.
    left = left_behind(cluster)
    ready = left is not None and left.pid == pid and left.ready
    return ready and left is not None and probe.answers(left.socket_dir, DATABASE, DATABASE)


def _locked(data_dir: Path) -> IO[str]:
    # The server does not inherit it: the lock ends with this process, whatever ends it.
    lock = (data_dir / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise EmbeddedError(
            f"data directory {data_dir} is in use by process {owner}; stop that one, "
            "choose another directory, or run several replicas on one DSN"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def _socket_dir(data_dir: Path, account: Account) -> Path:
    folder = data_dir / "socket"
    if not _fits(folder) or not account.can_enter(data_dir):
        folder = _outside(data_dir) / "socket"
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, account)
    # A dead server's lock on its socket names a process number that may be somebody else's by now.
    for leftover in folder.glob(f"{probe.socket_in(folder).name}*"):
        leftover.unlink()
    return folder


def _fits(folder: Path) -> bool:
    """Return True when a socket's address holds this path, and a DSN, which parts hosts by commas."""
    return len(os.fsencode(folder)) <= _SOCKET_FOLDER_BYTES_MAX and "," not in str(folder)


def _outside(data_dir: Path) -> Path:
    """Return the short folder for temporary files that belongs to this data directory."""
    known = _known_outside(data_dir)
    if known is not None:
        return known
    folder = Path(tempfile.mkdtemp(prefix=_OUTSIDE))
    if not _fits(folder / "socket"):
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix=_OUTSIDE, dir="/tmp"))
    # Others may pass, to run the programs; the socket's folder lets in the account alone.
    folder.chmod(0o711)
    (data_dir / "outside").write_text(str(folder))
    return folder


def _known_outside(data_dir: Path) -> Path | None:
    try:
        folder = Path((data_dir / "outside").read_text())
        ours = folder.lstat().st_uid == os.geteuid()
    except OSError:
        return None
    # A folder that vanished with a reboot may have been made anew by somebody else.
    return folder if ours and folder.name.startswith(_OUTSIDE) and not folder.is_symlink() else None


def _remove_outside(data_dir: Path) -> None:
    folder = _known_outside(data_dir)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    (data_dir / "outside").unlink(missing_ok=True)
