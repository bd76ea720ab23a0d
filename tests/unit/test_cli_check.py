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
    "aiosmtplib",
    "asyncio",
    "asyncpg",
    "difflib",
    "jinja2",
    "re2",
    "rules.overridden",
    "slack_sdk",
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


CHANNELS = """channels:
  slack: { token: "${TOKEN}", app_token: "${APP_TOKEN}" }
  email: { smtp: "smtp://mail.example.com:587", link_key: "${LINK_KEY}" }
  webhook: { url: "https://programs.example.com", secret: "${HOOK_SECRET}" }
"""


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


def test_channels_are_read_without_the_libraries_that_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TOKEN", "APP_TOKEN", "LINK_KEY", "HOOK_SECRET"):
        monkeypatch.setenv(name, "k" * 32)
    assert NEVER & imported(tmp_path, CHANNELS) == set()
