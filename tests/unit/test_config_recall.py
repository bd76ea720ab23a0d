"""What `check` remembers: right files, for as long as nothing changes that they depend on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.config_files import ENV, GOOD
from watchdog.config.files import Disk
from watchdog.config.load import load
from watchdog.config.recall import KEPT_MAX, Fine, recall, remember

OURS = Path(__file__).parents[2]
ROOT = "rules.yaml"
MORE = "rules:\n  b: { stale: { source: crm, table: t, column: at, max_age: 30m } }\n"
SECRET = "hunter2-hunter2"


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give an environment in whose directory stands a right configuration of several files."""
    home, folder = tmp_path / "cache", tmp_path / "here"
    (folder / "parts").mkdir(parents=True)
    monkeypatch.chdir(folder)
    text = GOOD.replace("version: 1\n", "version: 1\ninclude: [parts/*.yaml]\n")
    text += "service: { store: 'file:dsn', url: '${URL:-}' }\n"
    Path(ROOT).write_text(text, "utf-8")
    Path("parts/one.yaml").write_text(MORE, "utf-8")
    Path("dsn").write_text(f"postgres://w:{SECRET}@db/w", "utf-8")
    return ENV | {"XDG_CACHE_HOME": str(home)}


def check(env: dict[str, str], root: str = ROOT) -> None:
    disk = Disk()
    remember(root, env, disk, load(root, env, disk=disk))


def kept(env: dict[str, str]) -> list[Path]:
    return list(Path(env["XDG_CACHE_HOME"]).glob("incident-watchdog/checked/*"))


def said(env: dict[str, str], *words: str, code: Path = OURS) -> subprocess.CompletedProcess[str]:
    """Return what a check in a process of its own says; on stderr, whether it read the rules."""
    script = (
        f"import atexit, sys; sys.path.insert(0, {str(code)!r}); from watchdog.cli import main;"
        "atexit.register(lambda: print('pydantic' in sys.modules, file=sys.stderr));"
        f"main({['check', *words]!r})"
    )
    command = [sys.executable, "-c", script]
    environment = os.environ | env
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def test_a_right_configuration_is_remembered_with_its_number_of_rules(env: dict[str, str]) -> None:
    assert recall(ROOT, env) is None
    check(env)
    assert recall(ROOT, env) == Fine(2)


def rewrite(path: str, old: str, new: str) -> None:
    """Change a file so that neither its size nor its time says so."""
    file = Path(path)
    known = file.stat()
    file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
    os.utime(file, ns=(known.st_atime_ns, known.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda: rewrite(ROOT, "30m", "30x"),
        lambda: rewrite("parts/one.yaml", "max_age", "max_aeg"),
        lambda: rewrite("dsn", "postgres", "mistakes"),
        lambda: Path("parts/one.yaml").unlink(),
        lambda: Path("parts/two.yaml").write_text("rules: 5\n", "utf-8"),
        lambda: Path("dsn").unlink(),
        lambda: Path(ROOT).unlink(),
    ],
)
def test_it_is_forgotten_when_a_file_changes(
    env: dict[str, str], change: Callable[[], object]
) -> None:
    check(env)
    change()
    assert recall(ROOT, env) is None


@pytest.mark.parametrize("change", [{"CRM_DSN": "x"}, {"CRM_DSN": ""}, {"URL": "x"}])
def test_it_is_forgotten_when_the_environment_changes(
    env: dict[str, str], change: dict[str, str]
) -> None:
    check(env)
    assert recall(ROOT, env | change) is None


def test_another_variable_changes_nothing(env: dict[str, str]) -> None:
    check(env)
    assert recall(ROOT, env | {"OTHER": "x"}) == Fine(2)


def test_it_is_forgotten_when_a_library_is_installed(
    env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = tmp_path / "site-packages"
    libraries.mkdir()
    monkeypatch.syspath_prepend(libraries)
    check(env)
    os.utime(libraries, ns=(1, 1))
    assert recall(ROOT, env) is None


def test_it_is_forgotten_when_our_code_changes(env: dict[str, str], tmp_path: Path) -> None:
    for package in ("watchdog", "rules", "notifiers"):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(OURS / package, tmp_path / "code" / package, ignore=leave)
    said(env, ROOT, code=tmp_path / "code")
    assert said(env, ROOT, code=tmp_path / "code").stderr == "False\n"
    with (tmp_path / "code" / "rules" / "stale.py").open("a") as file:
        file.write("# another judgement\n")
    assert said(env, ROOT, code=tmp_path / "code").stderr == "True\n"


def test_the_same_name_elsewhere_is_another_file(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check(env)
    monkeypatch.chdir("parts")
    assert recall(ROOT, env) is None


@pytest.mark.parametrize(
    ("old", "new"), [("lead: ana", "lead: anna"), ("{ slack: U02RAJ }", "{}"), ("1\n", "2\n")]
)
def test_mistakes_and_warnings_are_never_remembered(
    env: dict[str, str], old: str, new: str
) -> None:
    rewrite(ROOT, old, new)
    check(env)
    assert kept(env) == []


def test_a_file_that_changed_while_it_was_checked_is_not_known(env: dict[str, str]) -> None:
    disk = Disk()
    loaded = load(ROOT, env, disk=disk)
    rewrite(ROOT, "30m", "30x")
    remember(ROOT, env, disk, loaded)
    assert recall(ROOT, env) is None


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"null", b"[]", b"{}", b'{"files": [5]}', b'{"files": ["\\u0000"]}']
)
def test_what_cannot_be_understood_is_nothing(env: dict[str, str], content: bytes) -> None:
    check(env)
    for path in kept(env):
        path.write_bytes(content)
    assert recall(ROOT, env) is None


def test_a_home_that_cannot_be_written_does_no_harm(env: dict[str, str]) -> None:
    Path(env["XDG_CACHE_HOME"]).write_text("a file where a folder should be", "utf-8")
    check(env)
    assert recall(ROOT, env) is None


def test_no_secret_is_kept_and_nobody_else_may_read_it(env: dict[str, str]) -> None:
    check(env)
    (path,) = kept(env)
    assert SECRET not in path.read_text("utf-8")
    assert ENV["CRM_DSN"] not in path.read_text("utf-8")
    assert path.stat().st_mode & 0o077 == 0


def test_only_the_latest_are_kept(env: dict[str, str]) -> None:
    check(env)
    (first,) = kept(env)
    os.utime(first, ns=(1, 1))
    for number in range(KEPT_MAX):
        first.with_name(f"{number}.json").write_text("{}", "utf-8")
    check(env, f"./{ROOT}")
    assert len(kept(env)) == KEPT_MAX
    assert not first.exists()


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_the_second_check_says_the_same_without_reading_the_rules(
    env: dict[str, str], form: str
) -> None:
    first, second = (said(env, "--format", form, "--strict", ROOT) for _ in range(2))
    assert first.stdout == second.stdout
    assert (first.stderr, second.stderr) == ("True\n", "False\n")
