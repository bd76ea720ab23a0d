"""The folder that PostgreSQL keeps: making it, starting a server in it, clearing up after a dead one."""

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from watchdog.store import processes
from watchdog.store.binaries import Binaries
from watchdog.store.processes import Account

DATABASE = "watchdog"
"""Name of the database, and of the one role in it."""

_INIT_SECONDS = 120.0
_LOG_BYTES_MAX = 4_000_000
_NO_PROCESS = 2**31 - 1  # above every system's limit of process numbers


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot run; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Left:
    """What the newest server in a cluster wrote down about itself.

    Attributes:
        socket_dir: Where its socket is.
        ready: It says that it takes connections.
    """

    pid: int
    socket_dir: Path
    ready: bool


def left_behind(folder: Path) -> Left | None:
    """Return what the newest server in this cluster wrote down; None when it ended in order."""
    try:
        lines = (folder / "postmaster.pid").read_text(errors="replace").splitlines()
        said = lines[7] if len(lines) > 7 else ""
        return Left(int(lines[0]), Path(lines[4]), said.strip() in ("ready", "standby"))
    except (OSError, ValueError, IndexError):
        return None


def choose_account(folder: Path) -> Account:
    """Return the account that PostgreSQL runs as with its cluster in `folder`: never root.

    Raises:
        EmbeddedError: The cluster belongs to somebody else, or root finds no account to become.
    """
    owner = folder.stat().st_uid if folder.is_dir() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise EmbeddedError(
                f"{folder} belongs to user {processes.account_of(owner or 0).name}; start the "
                "service as that user or as root, or choose another data directory"
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


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster, the account it belongs to and the programs that work on it.

    Args:
        durable: False writes nothing through to the disk, for tests.
    """

    folder: Path
    account: Account
    binaries: Binaries
    durable: bool = True

    @property
    def log(self) -> Path:
        """Return the path of what the server says of itself."""
        return self.folder.with_name("postgres.log")

    def last_words(self) -> str:
        """Return the end of the log in one line."""
        try:
            return " · ".join(self.log.read_text(errors="replace").splitlines()[-3:])
        except OSError as error:
            return str(error)

    def check_version(self) -> None:
        """Check that the programs can read the cluster.

        Raises:
            EmbeddedError: Another major version wrote it.
        """
        marker = self.folder / "PG_VERSION"
        if not marker.is_file():
            return
        kept, ours = marker.read_text().strip(), self.binaries.major()
        if kept != str(ours):
            raise EmbeddedError(
                f"{self.folder} was written by PostgreSQL {kept}, and this is {ours}: set "
                f"WATCHDOG_POSTGRES_BIN to the programs of {kept}, or choose another data directory"
            )

    async def create(self) -> None:
        """Make the cluster with our empty database; it gets its name once it is whole and on disk."""
        fresh = await asyncio.to_thread(self._make_folder)
        place = ("-D", self._seen_by_account(fresh))
        initdb, postgres = self.binaries.initdb, self.binaries.postgres
        options = await asyncio.to_thread(self._init_options)
        await self._run(fresh, initdb, *place, *options)
        make = f"create database {DATABASE} strategy wal_log;\n".encode()
        await self._run(
            fresh, postgres, "--single", "-c", "fsync=off", *place, "postgres", words=make
        )
        if self.durable:
            await self._run(fresh, initdb, *place, "--sync-only")
        await asyncio.to_thread(self._name, fresh)

    def spawn(self, socket_dir: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a server that outlives us if we are killed; returns before it answers."""
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES_MAX:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        command = [str(self.binaries.postgres), "-D", self._seen_by_account(self.folder)]
        for name, value in {**settings, "unix_socket_directories": _quoted(socket_dir)}.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (a program we found or the operator named)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=_environment(),
                umask=0o077,
                # Ctrl-C in the terminal is for the service, which stops the server in order.
                start_new_session=True,
                **self.account.identity(),
            )

    async def clear_the_way(self) -> None:
        """Deal with what a server that was killed left behind; there must be no living one."""
        if left_behind(self.folder) is not None:
            # Another process may have the number by now, or the dead one is still listed because
            # nobody asked how it ended: PostgreSQL would take either for a living postmaster.
            _disown(self.folder / "postmaster.pid", self.account)
        for pid in await asyncio.to_thread(processes.postgres_processes_in, self.folder):
            # Without their postmaster they only hold up the new one; recovery covers what they did.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            await processes.exit_of(pid, within=5)

    def _make_folder(self) -> Path:
        for leftover in self.folder.parent.glob(f"{self.folder.name}.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{self.folder.name}.new-", dir=self.folder.parent))
        give(fresh, self.account)
        return fresh

    def _init_options(self) -> list[str]:
        options = [
            f"--username={DATABASE}",
            "--auth-local=trust",  # who can reach the socket is decided by the modes of its folder
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--no-instructions",
            "--no-sync",  # synced once at the end
        ]
        if self.binaries.major() >= 17:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return options

    def _seen_by_account(self, folder: Path) -> str:
        """Return the name by which the account can enter `folder`, which is its working directory.

        Root may keep data below folders that nobody else can pass, such as /root. We go there
        first, then become the account: it needs no way in when it is in already.
        """
        return str(folder) if self.account.can_enter(folder) else "/proc/self/cwd"

    async def _run(self, folder: Path, program: Path, *options: str, words: bytes = b"") -> None:
        process = await asyncio.create_subprocess_exec(
            program,
            *options,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env=_environment(),
            umask=0o077,
            start_new_session=True,
            **self.account.identity(),
        )
        try:
            async with asyncio.timeout(_INIT_SECONDS):
                said, _ = await process.communicate(words)
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise EmbeddedError(
                f"{program.name} in {folder.parent} ended with {process.returncode}: "
                + " · ".join(said.decode(errors="replace").strip().splitlines()[-3:])
            )

    def _name(self, fresh: Path) -> None:
        fresh.rename(self.folder)
        handle = os.open(self.folder.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def give(folder: Path, account: Account) -> None:
    """Make `folder` the account's own: nobody else but root comes in."""
    folder.chmod(0o700)
    if account.uid != os.geteuid():
        os.chown(folder, account.uid, account.gid)


def _disown(pid_file: Path, account: Account) -> None:
    """Take the process number out of the file; the rest leads PostgreSQL to its shared memory.

    The folder belongs to the account, and we may be root: nothing but the account's own plain file
    is written to.
    """
    handle = os.open(pid_file, os.O_RDWR | os.O_NOFOLLOW)
    with os.fdopen(handle, "r+") as lines:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != account.uid:
            raise EmbeddedError(f"{pid_file} is not a plain file of {account.name}")
        rest = lines.read().partition("\n")[2]
        lines.seek(0)
        lines.write(f"{_NO_PROCESS}\n{rest}")
        lines.truncate()


def _quoted(folder: Path) -> str:
    return '"' + str(folder).replace('"', '""') + '"'


def _environment() -> dict[str, str]:
    """Return what PostgreSQL's programs see of our environment: none of the PG* variables."""
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
    return {"LC_ALL": "C", "TZ": "UTC"} | {
        name: os.environ[name] for name in kept if name in os.environ
    }
