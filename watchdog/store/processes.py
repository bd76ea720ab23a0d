"""What the service must know of processes it did not start: who lives, who owns, who has ended."""

import asyncio
import contextlib
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

_PROC = Path("/proc")


class Identity(TypedDict, total=False):
    """Arguments of `subprocess` that make a child run as an account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the machine."""

    name: str
    uid: int
    gid: int

    def identity(self) -> Identity:
        """Return what `subprocess` needs to run as this account; nothing when we are it already."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        """Return True when the modes of `folder` and of all above let this account pass.

        Access lists are not looked at; when they say more than the modes, the answer is too careful.
        """
        if self.uid == os.geteuid():
            return True
        return all(self._may(place, 0o1) for place in (folder, *folder.parents))

    def can_run(self, program: Path) -> bool:
        """Return True when this account can enter the program's folder, read and run it."""
        return self.can_enter(program.parent) and self._may(program, 0o5)

    def _may(self, place: Path, bits: int) -> bool:
        facts = place.stat()
        if facts.st_uid == self.uid:
            return facts.st_mode >> 6 & bits == bits
        if facts.st_gid == self.gid:
            return facts.st_mode >> 3 & bits == bits
        return facts.st_mode & bits == bits


def account_of(uid: int) -> Account:
    """Return the account with this number, under its number when it has no name."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return Account(str(uid), uid, os.getegid() if uid == os.geteuid() else uid)
    return Account(entry.pw_name, uid, entry.pw_gid)


def account_named(*names: str) -> Account | None:
    """Return the first of these accounts that the machine has."""
    for name in names:
        with contextlib.suppress(KeyError):
            return account_of(pwd.getpwnam(name).pw_uid)
    return None


def is_alive(pid: int) -> bool:
    """Return True while process `pid` runs; a zombie has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError):
        # The command's name may hold spaces and brackets; the state follows its last bracket.
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def is_postgres_in(pid: int, directory: Path) -> bool:
    """Return True when `pid` is a living PostgreSQL process that works in `directory`."""
    if not is_alive(pid):
        return False
    if not _PROC.joinpath("self").exists():
        return _ps(pid, "comm=").rpartition("/")[2] == "postgres"
    place = _PROC / str(pid)
    try:
        program = os.readlink(place / "exe").removesuffix(" (deleted)")
        return program.endswith("/postgres") and os.path.samefile(place / "cwd", directory)
    except OSError:
        return False


def runs_deleted_program(pid: int) -> bool:
    """Return True when the program that `pid` runs is no longer on disk."""
    try:
        return os.readlink(_PROC / str(pid) / "exe").endswith(" (deleted)")
    except OSError:
        return False


def postgres_processes_in(directory: Path) -> list[int]:
    """Return every living PostgreSQL process that works in `directory`; none where /proc is not."""
    numbers = [int(entry.name) for entry in _PROC.glob("[0-9]*")]
    return [pid for pid in numbers if is_postgres_in(pid, directory)]


def _ps(pid: int, column: str) -> str:
    done = subprocess.run(  # noqa: S603 (a fixed program and a number)
        ["/bin/ps", "-o", column, "-p", str(pid)],
        check=False,
        capture_output=True,
        text=True,
        timeout=5,
    )
    return done.stdout.strip()


async def exit_of(pid: int, within: float | None = None) -> bool:
    """Return True when process `pid`, a child of ours or not, has ended; False after `within` seconds."""
    try:
        async with asyncio.timeout(within):
            await _exit_of(pid)
    except TimeoutError:
        return False
    return True


async def _exit_of(pid: int) -> None:
    if not hasattr(os, "pidfd_open"):
        while is_alive(pid):  # noqa: ASYNC110 (this system has no event for it)
            await asyncio.sleep(0.1)
        return
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    # Stays readable once the process has ended, so the reader goes at the first call.
    loop.add_reader(handle, _settle, loop, handle, ended)
    try:
        await ended
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def _settle(loop: asyncio.AbstractEventLoop, handle: int, ended: asyncio.Future[None]) -> None:
    loop.remove_reader(handle)
    if not ended.done():
        ended.set_result(None)
