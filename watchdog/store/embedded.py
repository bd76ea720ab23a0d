"""Runs a PostgreSQL of our own in a data directory, for when no DSN is configured.

In the data directory: `lock` (held while a service owns it, names its process), `cluster` (what
PostgreSQL keeps), `socket` (the only way in), `postgres.log`, and `binaries-…` where the account
that PostgreSQL runs as cannot read the installed ones. The server outlives a service that is killed;
the next one adopts it.
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
from watchdog.store.binaries import Binaries, NoBinaries, find_binaries, readable_binaries
from watchdog.store.processes import Account

logger = logging.getLogger(__name__)

DATABASE = "watchdog"
"""Name of the database, and of the one role in it."""

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
    "wal_level": "minimal",
}

_START_SECONDS = 90.0  # crash recovery replays at most max_wal_size
_STOP_SECONDS = 15.0
_RESTARTS_MAX = 5
_RESTARTS_SECONDS = 60.0
_SOCKET_FOLDER_BYTES_MAX = 88  # sun_path holds 104 bytes on the strictest system, with the name
_LOG_BYTES_MAX = 4_000_000
_NO_PROCESS = 2**31 - 1  # above every system's limit of process numbers


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot run; the text says why and what to do."""


class Embedded:
    """One PostgreSQL in one data directory.

    Args:
        data_dir: Made when it is not there. One service at a time owns it.
        settings: Settings that replace those in `SETTINGS`.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self._settings = {**SETTINGS, **(settings or {})}
        self._pid = 0
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._binaries: Binaries
        self._account: Account
        self._socket_dir: Path | None = None
        self._stopping = False

    @property
    def pid(self) -> int:
        """Return the process number of the postmaster; another one after a restart."""
        return self._pid

    @property
    def dsn(self) -> str:
        """Return the DSN of our database; it stays the same over restarts."""
        assert self._socket_dir is not None, "not started"
        return dsn_at(self._socket_dir)

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "cluster"

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
            await asyncio.to_thread(self._own)
            if not self._cluster.is_dir():
                await self._init()
            if not await self._adopt():
                await self._launch()
        except (OSError, NoBinaries) as error:
            await self._abandon()
            raise EmbeddedError(f"embedded PostgreSQL in {self.data_dir}: {error}") from error
        except BaseException:
            await self._abandon()
            raise
        return self.dsn

    async def stop(self) -> None:
        """Shut the server down in order, by force if it takes longer than 15 s, and give up the directory."""
        self._stopping = True
        if self._pid:
            await self._end(self._pid)
        self._pid = 0
        if self._socket_dir is not None and self._socket_dir != self.data_dir / "socket":
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._release()

    async def supervise(self) -> None:
        """Start the server again whenever it ends; return after `stop`.

        Raises:
            EmbeddedError: It ended 5 times within a minute, or does not start again.
        """
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
                    f"minute; its last words: {self._last_words()}"
                )
            logger.error("embedded PostgreSQL ended, starting it again", extra={"pid": self._pid})
            await self._launch()

    # -- owning the directory --------------------------------------------------------------------

    def _own(self) -> None:
        self.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._take_lock()
        self._account = self._choose_account()
        places = [self.data_dir]
        try:
            self._binaries = readable_binaries(find_binaries(), self._account, places)
        except NoBinaries:
            self._socket_dir = self._short_folder()
            raise
        self._check_version()
        for leftover in self.data_dir.glob("*.new-*"):
            shutil.rmtree(leftover)

    def _take_lock(self) -> None:
        # Not inherited by the server: the lock ends with this process, whatever ends it.
        lock = (self.data_dir / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise EmbeddedError(
                f"data directory {self.data_dir} is in use by process {owner}; stop that one, "
                "choose another directory, or run several replicas on one DSN"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
        self._lock = None

    def _choose_account(self) -> Account:
        owner = self._cluster.stat().st_uid if self._cluster.is_dir() else None
        if os.geteuid() != 0:
            if owner not in (None, os.geteuid()):
                raise EmbeddedError(
                    f"{self._cluster} belongs to user {processes.account_of(owner or 0).name}; "
                    "start the service as that user or as root, or choose another data directory"
                )
            return processes.account_of(os.geteuid())
        if owner:
            return processes.account_of(owner)
        account = processes.account_named("postgres", "nobody")
        if account is None:
            raise EmbeddedError(
                "PostgreSQL does not run as root, and the machine has no account `postgres` or "
                "`nobody`; start the service as an ordinary user"
            )
        return account

    def _check_version(self) -> None:
        marker = self._cluster / "PG_VERSION"
        if not marker.is_file():
            return
        kept, ours = marker.read_text().strip(), self._binaries.major()
        if kept != str(ours):
            raise EmbeddedError(
                f"{self._cluster} was written by PostgreSQL {kept}, and this is {ours}: set "
                f"WATCHDOG_POSTGRES_BIN to the programs of {kept}, or choose another data directory"
            )

    # -- making a cluster ------------------------------------------------------------------------

    async def _init(self) -> None:
        fresh = Path(tempfile.mkdtemp(prefix="cluster.new-", dir=self.data_dir))
        if self._account.uid != os.geteuid():
            os.chown(fresh, self._account.uid, self._account.gid)
        await self._run(
            fresh,
            str(self._binaries.initdb),
            f"--username={DATABASE}",
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
            *(await asyncio.to_thread(self._collation)),
            "-D",
            self._seen_by_account(fresh),
        )
        await self._run(
            fresh,
            str(self._binaries.postgres),
            "--single",
            "-c",
            "fsync=off",
            "-D",
            self._seen_by_account(fresh),
            "postgres",
            words=f"create database {DATABASE} strategy wal_log;\n".encode(),
        )
        fresh.rename(self._cluster)  # noqa: ASYNC240 (one call)

    def _collation(self) -> list[str]:
        return (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if self._binaries.major() >= 17
            else []
        )

    def _seen_by_account(self, folder: Path) -> str:
        """Return the name by which the account can enter `folder`, which is its working directory.

        Root may keep data below folders that nobody else can pass, such as /root. We go there
        first, then become the account: it needs no way in when it is in already.
        """
        return str(folder) if self._account.can_enter(folder) else "/proc/self/cwd"

    async def _run(self, folder: Path, *command: str, words: bytes = b"") -> None:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env=_environment(),
            umask=0o077,
            start_new_session=True,
            **self._account.identity(),
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                said, _ = await process.communicate(words)
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise EmbeddedError(
                f"{Path(command[0]).name} in {self.data_dir} ended with {process.returncode}: "
                + " · ".join(said.decode(errors="replace").strip().splitlines()[-3:])
            )

    # -- adopting and launching ------------------------------------------------------------------

    async def _adopt(self) -> bool:
        """Return True when a server that an earlier service left behind answers us."""
        left = _left_behind(self._cluster)
        if left is None or not processes.is_postgres_in(left[0], self._cluster):
            return False
        pid, self._socket_dir = left
        if processes.runs_deleted_program(pid):
            await self._end(pid)
            return False
        self._pid = pid
        if not await self._ready():
            self._pid = 0
            return False
        logger.info("adopted the embedded PostgreSQL that was left running", extra={"pid": pid})
        return True

    async def _launch(self) -> None:
        await self._clear_the_way()
        if self._socket_dir is None:
            self._socket_dir = await asyncio.to_thread(self._make_socket_dir)
        await asyncio.to_thread(self._spawn)
        if not await self._ready():
            raise EmbeddedError(
                f"embedded PostgreSQL in {self.data_dir} does not start: {self._last_words()}"
            )

    def _spawn(self) -> None:
        log = self.data_dir / "postgres.log"
        if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
            log.replace(log.with_name("postgres.log.1"))
        settings = {**self._settings, "unix_socket_directories": _quoted(self._socket_dir)}
        command = [str(self._binaries.postgres), "-D", self._seen_by_account(self._cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with log.open("ab") as words:
            self._child = subprocess.Popen(  # noqa: S603 (a program we found or the operator named)
                command,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                cwd=self._cluster,
                env=_environment(),
                umask=0o077,
                # Ctrl-C in the terminal is for the service, which stops the server in order.
                start_new_session=True,
                **self._account.identity(),
            )
        self._pid = self._child.pid

    async def _ready(self) -> bool:
        """Return True once the server answers `select 1`, False when it ends before."""
        assert self._socket_dir is not None
        async with asyncio.timeout(_START_SECONDS):
            while not await asyncio.to_thread(probe.answers, self._socket_dir, DATABASE, DATABASE):
                if await processes.exit_of(self._pid, within=0.01):
                    self._reap()
                    return False
        return True

    async def _clear_the_way(self) -> None:
        """Deal with what a server that was killed left behind."""
        self._reap()
        left = _left_behind(self._cluster)
        if left is not None and processes.is_alive(left[0]):
            # The number went to another process. PostgreSQL would take that one for its postmaster.
            # Only the number is taken away: it still needs the file to find its shared memory.
            _disown(self._cluster / "postmaster.pid")
        for pid in await asyncio.to_thread(
            lambda: list(processes.postgres_processes_in(self._cluster))
        ):
            # Without their postmaster they only hold up the new one; recovery covers what they did.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            await processes.exit_of(pid, within=5)

    def _make_socket_dir(self) -> Path:
        folder = self.data_dir / "socket"
        folder_bytes = len(os.fsencode(folder))
        if folder_bytes <= _SOCKET_FOLDER_BYTES_MAX and self._account.can_enter(self.data_dir):
            folder.mkdir(mode=0o700, exist_ok=True)
            self._give_away(folder)
            return folder
        return self._short_folder()

    def _short_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="watchdog-"))
        self._give_away(folder)
        return folder

    def _give_away(self, folder: Path) -> None:
        folder.chmod(0o700)
        if self._account.uid != os.geteuid():
            os.chown(folder, self._account.uid, self._account.gid)

    # -- ending ----------------------------------------------------------------------------------

    async def _end(self, pid: int) -> None:
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # fast, immediate, by force
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
            if await processes.exit_of(pid, within=_STOP_SECONDS):
                break
        self._reap()

    def _reap(self) -> None:
        if self._child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=0.1)
        self._child = None

    async def _abandon(self) -> None:
        if self._lock is not None:
            await asyncio.shield(self.stop())

    def _last_words(self) -> str:
        try:
            lines = (self.data_dir / "postgres.log").read_text(errors="replace").splitlines()
        except OSError as error:
            return str(error)
        return " · ".join(lines[-3:])


def dsn_at(socket_dir: Path) -> str:
    """Return the DSN of our database on the server with its socket in this folder."""
    place = quote(str(socket_dir), safe="/")
    return f"postgresql://{DATABASE}@/{DATABASE}?host={place}&port={probe.PORT}"


def dsn_of(data_dir: Path) -> str | None:
    """Return the DSN of the server that runs in `data_dir`, None when none answers.

    For commands beside a running service: takes no lock and starts nothing.
    """
    left = _left_behind(data_dir.absolute() / "cluster")
    if left is None or not probe.answers(left[1], DATABASE, DATABASE):
        return None
    return dsn_at(left[1])


def _left_behind(cluster: Path) -> tuple[int, Path] | None:
    """Return process number and socket folder as the newest server in `cluster` wrote them down."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), Path(lines[4])
    except (OSError, ValueError, IndexError):
        return None


def _disown(pid_file: Path) -> None:
    rest = pid_file.read_text().partition("\n")[2]
    pid_file.write_text(f"{_NO_PROCESS}\n{rest}")


def _quoted(folder: Path | None) -> str:
    return '"' + str(folder).replace('"', '""') + '"'


def _environment() -> dict[str, str]:
    """Return what PostgreSQL's programs see of our environment: none of the PG* variables."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
    return {"LC_ALL": "C", "TZ": "UTC"} | {
        name: os.environ[name] for name in kept if name in os.environ
    }
