"""The wheel, built and installed into an empty environment, far from the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import dev

PACKAGES = ("watchdog", "rules", "notifiers")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": ""}


def finish(command: Sequence[str | Path], cwd: Path) -> str:
    """Run a command to its good end, in an environment without our paths; give what it printed."""
    done = subprocess.run(
        command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def data_files() -> set[str]:
    """Give what the packages hold beside modules: migrations, queries, templates."""
    found = (path for package in PACKAGES for path in (dev.ROOT / package).rglob("*"))
    return {
        str(path.relative_to(dev.ROOT))
        for path in found
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, as somebody would who has only the files."""
    copy = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(dev.ROOT / package, copy / package)
    for name in ("pyproject.toml", "README.md", ".gitignore"):
        shutil.copy(dev.ROOT / name, copy)
    finish([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], copy)
    [built] = (copy / "dist").glob("*.whl")
    return built


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel."""

    venv: Path
    elsewhere: Path

    def run(self, program: str, *arguments: str) -> str:
        """Run one of its programs, far from any checkout."""
        return finish([self.venv / "bin" / program, *arguments], self.elsewhere)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel; what it depends on is lent by the tests' environment, so no network is needed."""
    venv, elsewhere = tmp_path_factory.mktemp("venv"), tmp_path_factory.mktemp("elsewhere")
    finish([sys.executable, "-m", "venv", venv], elsewhere)
    python = venv / "bin" / "python"
    finish([python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", wheel], elsewhere)
    [packages] = venv.glob("lib/python3*/site-packages")
    lent = sysconfig.get_path("purelib")
    (packages / "lent.pth").write_bytes(os.fsencode(lent + "\n"))
    return Installed(venv, elsewhere)


def test_it_holds_every_migration_query_and_template(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert data_files() - set(archive.namelist()) == set()


def test_it_holds_nothing_but_the_three_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_console_script_runs_from_it(installed: Installed) -> None:
    assert installed.run("watchdog", "version") == "watchdog 0.1.0\n"


def test_its_modules_find_their_files_in_it(installed: Installed) -> None:
    where = (
        "import watchdog; from watchdog.store import migrate, sql; "
        "print(len(migrate.migrations()), len(sql.load('outbox')), watchdog.__file__)"
    )
    migrations, queries, place = installed.run("python", "-c", where).split(maxsplit=2)
    assert int(migrations) >= 1
    assert int(queries) >= 1
    assert Path(place).is_relative_to(installed.venv)


def test_every_module_of_the_command_line_is_in_it(installed: Installed) -> None:
    assert "--demo" in installed.run("watchdog", "run", "--help")
    assert "Usage: watchdog" in installed.run("watchdog", "--help")
