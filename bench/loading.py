"""What commands cost: their CPU beyond that of an interpreter that does nothing."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.rulefiles import mixed_rules, parted

_BARE = ("-c", "pass")
_UNCOMPILED = "PYTHONDONTWRITEBYTECODE"
"""With it set, every run would compile us anew, which no installed program does."""


async def loading(*, quick: bool) -> dict[str, float]:
    """Start commands, each in a process of its own."""
    runs = 3 if quick else 9
    bare_s = _cpu_s(_BARE, runs)
    figures = {"help_ratio": _cpu_s(("-m", "watchdog", "--help"), runs) / bare_s}
    with tempfile.TemporaryDirectory() as folder:
        for count in (100, 1000, 10_000):
            for name, text in parted(mixed_rules(count)).items():
                Path(folder, name).write_text(text, "utf-8")
            few = runs if count < 10_000 else 1
            used_s = _cpu_s(("-m", "watchdog", "check", f"{folder}/rules.yaml"), few)
            figures[f"check_{count}_ms"] = 1000 * (used_s - bare_s)
    return figures


def _cpu_s(arguments: Sequence[str], runs: int) -> float:
    """Return the median CPU of a command, the first run left out: it warms the caches."""
    return statistics.median([_run(arguments) for _ in range(runs + 1)][1:])


def _run(arguments: Sequence[str]) -> float:
    env = {name: value for name, value in os.environ.items() if name != _UNCOMPILED}
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, env=env)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{arguments} ended with {process.returncode}"
    return used.ru_utime + used.ru_stime
