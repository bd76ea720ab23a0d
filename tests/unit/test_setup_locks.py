"""The lock files, and the names that this project shares with packages of others."""

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import dev
import watchdog

LOCKS = [dev.RUN_LOCK, dev.DEV_LOCK]
NAMESAKES = {"watchdog", "rules", "notifiers"}  # other people's packages on PyPI


def pins(lock: str) -> dict[str, list[str]]:
    """Give the lock's requirements, each `name==version` with its marker, and their hashes."""
    text = (dev.ROOT / lock).read_text().replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines() if "==" in line]
    return {
        " ".join(word for word in words if not word.startswith("--hash")): [
            word for word in words if word.startswith("--hash=sha256:")
        ]
        for words in lines
    }


def names(requirements: list[str]) -> set[str]:
    """Give the normalised names of requirements."""
    found = (re.match(r"[\w.-]+", each) for each in requirements)
    return {re.sub(r"[-_.]+", "-", name.group()).lower() for name in found if name}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((dev.ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_builds_nothing(lock: str) -> None:
    assert (dev.ROOT / lock).read_text().startswith("--only-binary :all:\n")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_address(lock: str) -> None:
    assert not re.search(r"https?:|//|--(extra-)?index|--find-links", (dev.ROOT / lock).read_text())


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes(lock: str) -> None:
    assert [pin for pin, hashes in pins(lock).items() if not hashes] == []


def test_the_development_lock_holds_all_that_the_service_runs_on() -> None:
    assert pins(dev.RUN_LOCK).items() <= pins(dev.DEV_LOCK).items()


def test_the_locks_cover_what_the_project_asks_for(project: dict[str, Any]) -> None:
    assert names(project["project"]["dependencies"]) <= names(list(pins(dev.RUN_LOCK)))
    assert names(project["dependency-groups"]["dev"]) <= names(list(pins(dev.DEV_LOCK)))


@pytest.mark.parametrize("lock", LOCKS)
def test_nothing_brings_a_package_that_is_called_like_one_of_ours(lock: str) -> None:
    assert names(list(pins(lock))) & NAMESAKES == set()


def test_watchdog_is_ours_and_not_the_one_that_observes_files() -> None:
    assert importlib.util.find_spec("watchdog.observers") is None
    assert Path(watchdog.__file__).parent == dev.ROOT / "watchdog"


def test_the_program_and_the_project_agree_on_the_version(project: dict[str, Any]) -> None:
    assert project["project"]["version"] == watchdog.__version__


def test_the_project_is_published_under_a_name_of_its_own(project: dict[str, Any]) -> None:
    assert project["project"]["name"] == "incident-watchdog"
    assert project["project"]["scripts"] == {"watchdog": "watchdog.cli:main"}
