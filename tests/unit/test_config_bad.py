"""Every mistake in tests/config/*.bad.yaml reads exactly as the file beside it says."""

from pathlib import Path

import pytest

from watchdog.config.load import load
from watchdog.config.report import as_text

FILES = Path(__file__).parent.parent / "config"
CANARY = "s3cr3tCanary"
ENV = {
    "CRM_DSN": f"postgres://crm:{CANARY}@db/crm",
    "TZ_NAME": CANARY,
    "LEAD": CANARY,
    "SOURCE_NAME": CANARY,
    "SENDER": CANARY,
    "HOST": f"{CANARY} x",
    "LINK_KEY": CANARY,
}
BAD = sorted(path.name for path in FILES.glob("*.bad.yaml"))


@pytest.fixture(autouse=True)
def _in_the_directory_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FILES)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_says_what_is_wrong_with_it(name: str) -> None:
    loaded = load(name, ENV)
    promised = (FILES / name).with_suffix(".txt").read_text()
    assert as_text(loaded, name) + "\n" == promised


@pytest.mark.parametrize("name", BAD)
def test_no_message_shows_what_came_from_the_environment(name: str) -> None:
    loaded = load(name, ENV, partial=True)
    assert CANARY not in as_text(loaded, name, colour=True)
    assert CANARY not in repr(loaded.problems)
    assert CANARY not in repr(loaded.config and loaded.config.sources)


def test_the_files_hold_many_kinds_of_mistakes() -> None:
    problems = [problem for name in BAD for problem in load(name, ENV).problems]
    assert len(problems) >= 150
    assert len({problem.code for problem in problems}) >= 50
