"""What `check` imports: no more than the rules of a file need."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rules.registry import KINDS
from tests.config_files import ENV, GOOD

NEVER = {
    "aiohttp",
    "asyncio",
    "asyncpg",
    "difflib",
    "jinja2",
    "re2",
    "rules.overridden",
    "unicodedata",
    "watchdog.config.templates",
    "watchdog.domain.samples",
}


def imported(folder: Path, rule: str = "") -> set[str]:
    """Return the modules that are there when a file with one more rule was checked."""
    (folder / "rules.yaml").write_text(GOOD + rule, "utf-8")
    script = (
        "import atexit, json, sys; from watchdog.cli import main;"
        "atexit.register(lambda: print(json.dumps(list(sys.modules)), file=sys.stderr));"
        f"main(['check', {str(folder / 'rules.yaml')!r}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | ENV | {"XDG_CACHE_HOME": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr))


def kinds_in(modules: set[str]) -> set[str]:
    return set(KINDS) & {name.removeprefix("rules.") for name in modules}


def test_a_right_file_needs_nothing_that_asks_sends_or_explains(tmp_path: Path) -> None:
    assert NEVER & imported(tmp_path) == set()


@pytest.mark.parametrize(
    ("rule", "kinds"),
    [
        ("", {"stale"}),
        ("  q: { queue: { source: crm, table: t, max_rows: 5 } }\n", {"stale", "queue"}),
    ],
)
def test_only_the_kinds_of_a_file_are_imported(tmp_path: Path, rule: str, kinds: set[str]) -> None:
    assert kinds_in(imported(tmp_path, rule)) == kinds
