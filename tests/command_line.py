"""The command line in this process, in a folder of its own and on a store of the test's."""

import asyncio
import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from watchdog.cli import main

RULES = """\
version: 1
service: {{ store: "{store}" }}
people:
  ana: {{ email: ana@example.com }}
  raj: {{ email: raj@example.com }}
  mei: {{ email: mei@example.com, role: viewer }}
teams: {{ data: {{ lead: ana, email: data@example.com }} }}
defaults: {{ team: data }}
sources: {{ web: {{ sqlite: web.db }} }}
rules:
  orders-stale:
    title: Orders stopped syncing
    stale: {{ source: web, table: orders, column: synced_at, max_age: 1h }}
"""


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said on standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return what was printed as JSON."""
        found: list[dict[str, Any]] = json.loads(self.out)
        return found


@dataclass(frozen=True)
class Terminal:
    """Somebody at a terminal in a folder with a `rules.yaml`."""

    folder: Path

    @property
    def rules(self) -> Path:
        return self.folder / "rules.yaml"

    async def run(self, *words: str) -> Said:
        """Run a command, as a thread because it has a loop of its own."""
        return await asyncio.to_thread(self.run_now, *words)

    def run_now(self, *words: str) -> Said:
        """Run a command where no loop runs."""
        return say(*words, "--config", str(self.rules), "--data", str(self.folder / "data"))


def say(*words: str) -> Said:
    """Run a command as it stands."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = _code(words)
    return Said(code, out.getvalue(), err.getvalue())


def _code(words: tuple[str, ...]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    code = ended.value.code
    assert isinstance(code, int)
    return code
