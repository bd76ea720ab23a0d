"""dev.py, as a newcomer meets it: a program in a checkout, with whatever is on PATH."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dev

GOOD_UV = 'echo "$@" >> "$UV_LOG"\n'
BAD_UV = 'echo "$@" >> "$UV_LOG"; echo "no route to the index" >&2; exit 2\n'
SECONDS_MAX = 60  # a busy machine; none of this takes one


@dataclass(frozen=True)
class Checkout:
    """A checkout with a project of two lines, and a PATH of its own."""

    root: Path
    programs: Path

    def uv(self, script: str) -> None:
        """Put an installer on PATH that does what `script` says."""
        program = self.programs / "uv"
        program.write_text(f"#!/bin/sh\n{script}")
        program.chmod(0o755)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start dev.py."""
        return subprocess.Popen(
            [sys.executable, str(self.root / "dev.py"), *arguments],
            cwd=self.programs,  # not the checkout: it must not matter
            env=self.environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Run dev.py to its end; give exit code, standard output and standard error."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=SECONDS_MAX)
        return process.returncode, out, err

    def environment(self) -> dict[str, str]:
        return {"PATH": f"{self.programs}:/usr/bin:/bin", "HOME": "", "UV_LOG": str(self.log)}

    @property
    def log(self) -> Path:
        return self.programs / "uv.log"

    @property
    def installs(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    @property
    def stamp(self) -> Path:
        return self.root / ".venv" / "stamp.json"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root, programs = tmp_path / "a checkout", tmp_path / "programs"
    (root / "watchdog" / "cli").mkdir(parents=True)
    programs.mkdir()
    shutil.copy(dev.__file__, root / "dev.py")
    (root / dev.RUN_LOCK).write_text("# nothing\n")
    (root / dev.DEV_LOCK).write_text("# nothing much\n")
    (root / "watchdog" / "__init__.py").write_text("")
    (root / "watchdog" / "cli" / "__init__.py").write_text(
        "import sys\n\n\ndef main():\n    print(sys.argv[1:])\n    return 7\n"
    )
    made = Checkout(root, programs)
    made.uv(GOOD_UV)
    return made


def finished(root: Path, lock: str, **changed: str) -> None:
    """Leave an environment behind that says it is what `lock` asks for."""
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").symlink_to(sys.executable)
    stamp = dev.wanted(root, lock) | changed
    (root / ".venv" / "stamp.json").write_text(json.dumps(stamp))


class TestWhatIsToDo:
    def test_a_checkout_without_an_environment_gets_one(self, checkout: Checkout) -> None:
        assert dev.next_step(checkout.root, dev.RUN_LOCK) == "build"

    @pytest.mark.parametrize(
        ("held", "asked", "step"),
        [
            (dev.RUN_LOCK, dev.RUN_LOCK, "nothing"),
            (dev.DEV_LOCK, dev.DEV_LOCK, "nothing"),
            (dev.DEV_LOCK, dev.RUN_LOCK, "nothing"),
            (dev.RUN_LOCK, dev.DEV_LOCK, "add"),
        ],
    )
    def test_a_finished_environment_is_kept(
        self, checkout: Checkout, held: str, asked: str, step: str
    ) -> None:
        finished(checkout.root, held)
        assert dev.next_step(checkout.root, asked) == step

    @pytest.mark.parametrize(
        "changed",
        [{"sha256": "0"}, {"python": "CPython 3.10"}, {"machine": "vax"}, {"path": "/elsewhere"}],
        ids=lambda changed: next(iter(changed)),
    )
    def test_an_environment_of_other_times_is_built_again(
        self, checkout: Checkout, changed: Mapping[str, str]
    ) -> None:
        finished(checkout.root, dev.RUN_LOCK, **changed)
        assert dev.next_step(checkout.root, dev.RUN_LOCK) == "build"

    def test_an_environment_whose_python_was_uninstalled_is_built_again(
        self, checkout: Checkout
    ) -> None:
        finished(checkout.root, dev.RUN_LOCK)
        python = checkout.root / ".venv" / "bin" / "python"
        python.unlink()
        python.symlink_to("/nowhere/python")
        assert dev.next_step(checkout.root, dev.RUN_LOCK) == "build"

    def test_the_image_needs_no_development_lock(self, checkout: Checkout) -> None:
        finished(checkout.root, dev.RUN_LOCK)
        (checkout.root / dev.DEV_LOCK).unlink()
        assert dev.next_step(checkout.root, dev.RUN_LOCK) == "nothing"

    def test_a_lock_file_that_is_gone_is_named(self, checkout: Checkout) -> None:
        (checkout.root / dev.RUN_LOCK).unlink()
        with pytest.raises(dev.Trouble, match=r"cannot read .*requirements\.lock: No such file"):
            dev.wanted(checkout.root, dev.RUN_LOCK)


@given(
    text=st.text()
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(json.dumps)
)
def test_a_stamp_that_says_anything_else_is_never_believed(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    root = tmp_path_factory.getbasetemp() / "any stamp"
    if not root.exists():
        root.mkdir()
        (root / dev.RUN_LOCK).touch()
        finished(root, dev.RUN_LOCK)
    (root / ".venv" / "stamp.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert dev.next_step(root, dev.RUN_LOCK) == "build"


class TestInstallers:
    def names(self, root: Path) -> list[str]:
        return [name for name, _ in dev.installers(root, dev.RUN_LOCK)]

    def test_uv_comes_first_where_it_is(
        self, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(checkout.programs))
        assert self.names(checkout.root) == ["uv from its cache", "uv", "pip"]

    def test_pip_alone_is_enough(self, checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(checkout.root))
        assert self.names(checkout.root) == ["pip"]

    def test_every_way_checks_hashes_and_builds_nothing(
        self, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(checkout.programs))
        for _, commands in dev.installers(checkout.root, dev.RUN_LOCK):
            words = " ".join(commands[-1])
            assert "--require-hashes --only-binary :all: -r requirements.lock" in words


class TestSetup:
    def test_the_service_starts_with_its_arguments_and_gives_its_own_exit_code(
        self, checkout: Checkout
    ) -> None:
        code, out, _ = checkout.run("run", "--listen", "a b")
        assert (code, out) == (7, "['run', '--demo', '--listen', 'a b']\n")

    def test_the_second_start_installs_nothing(self, checkout: Checkout) -> None:
        checkout.run("setup")
        code, _, err = checkout.run("setup")
        assert (code, err, checkout.installs) == (0, "", 1)

    def test_a_changed_lock_is_installed_into_a_new_environment(self, checkout: Checkout) -> None:
        checkout.run("setup")
        left_over = checkout.root / ".venv" / "left-over"
        left_over.touch()
        (checkout.root / dev.RUN_LOCK).write_text("# something\n")
        checkout.run("setup")
        assert (checkout.installs, left_over.exists()) == (2, False)

    def test_an_environment_that_was_never_finished_is_made_anew(self, checkout: Checkout) -> None:
        checkout.run("setup")
        checkout.stamp.unlink()
        checkout.run("setup")
        assert (checkout.installs, checkout.stamp.exists()) == (2, True)

    def test_a_file_in_the_place_of_the_environment_is_replaced(self, checkout: Checkout) -> None:
        (checkout.root / ".venv").write_text("what")
        assert checkout.run("setup")[0] == 0

    def test_two_at_once_install_once(self, checkout: Checkout) -> None:
        first, second = checkout.start("setup"), checkout.start("setup")
        for process in (first, second):
            process.communicate(timeout=SECONDS_MAX)
        assert (first.returncode, second.returncode, checkout.installs) == (0, 0, 1)

    def test_uv_is_asked_again_with_the_network_when_its_cache_was_not_enough(
        self, checkout: Checkout
    ) -> None:
        checkout.uv(GOOD_UV + 'for last; do :; done; test "$last" != --offline\n')
        code, _, err = checkout.run("setup")
        assert (code, checkout.installs) == (0, 2)
        assert err.splitlines()[-1] == "dev.py: installing requirements.lock with uv"


class TestTrouble:
    @pytest.fixture
    def cut_off(self, checkout: Checkout) -> Checkout:
        """Give a checkout whose uv reaches nothing, on a Python that was packaged without ensurepip."""
        (checkout.programs / "ensurepip.py").write_text(
            'raise SystemExit("pip is a package apart")'
        )
        checkout.uv(BAD_UV)
        return checkout

    def test_who_cannot_install_reads_what_was_tried_and_what_to_do(
        self, cut_off: Checkout
    ) -> None:
        code, _, err = cut_off.run("setup", PYTHONPATH=str(cut_off.programs))
        assert code == 1
        assert f"could not install what {cut_off.root / dev.RUN_LOCK} lists" in err
        assert "no route to the index" in err
        assert "pip is a package apart" in err
        assert "PIP_FIND_LINKS=wheels" in err
        assert "Traceback" not in err

    def test_a_failed_install_is_tried_again_by_the_next_run(self, cut_off: Checkout) -> None:
        cut_off.run("setup", PYTHONPATH=str(cut_off.programs))
        cut_off.uv(GOOD_UV)
        assert cut_off.run("setup")[0] == 0

    def test_a_mistyped_command_is_put_right(self, checkout: Checkout) -> None:
        code, _, err = checkout.run("rnu")
        assert (code, err) == (2, "dev.py: there is no command `rnu`; did you mean `run`?\n")

    def test_no_command_lists_them(self, checkout: Checkout) -> None:
        code, out, _ = checkout.run()
        assert code == 2
        assert all(f"\n  {name} " in out for name in dev.COMMANDS)

    def test_locks_cannot_be_made_without_uv(self, checkout: Checkout) -> None:
        (checkout.programs / "uv").unlink()
        code, _, err = checkout.run("lock")
        assert code == 1
        assert "only uv can make the lock files" in err


class TestOldPythons:
    source = Path(dev.__file__).read_text()

    def test_python_3_6_can_read_the_file(self) -> None:
        ast.parse(self.source, feature_version=(3, 6))

    def test_the_version_is_looked_at_before_anything_is_imported(self) -> None:
        body = ast.parse(self.source).body
        assert [type(each) for each in body[1:3]] == [ast.Import, ast.If]

    def test_an_old_python_is_told_so(self, checkout: Checkout) -> None:
        pretend = (
            "import runpy, sys; sys.version_info = (3, 9, 2); "
            f"runpy.run_path({str(checkout.root / 'dev.py')!r}, run_name='__main__')"
        )
        done = subprocess.run([sys.executable, "-c", pretend], capture_output=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(b"dev.py: needs Python 3.11 or newer, and ")
        assert done.stderr.count(b"\n") == 1


class TestService:
    """What is started is dev.py's own process, so that whoever stops it stops the service."""

    @pytest.fixture
    def waiting(self, checkout: Checkout) -> Checkout:
        (checkout.root / "watchdog" / "cli" / "__init__.py").write_text(
            "import os, signal, sys\n\n\ndef main():\n"
            "    signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
            "    print(os.getpid(), flush=True)\n    signal.pause()\n"
        )
        return checkout

    def test_a_signal_reaches_the_service(self, waiting: Checkout) -> None:
        with waiting.start("run") as process:
            assert process.stdout is not None
            assert int(process.stdout.readline()) == process.pid
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS_MAX) == 9

    def test_packages_are_not_replaced_under_a_running_service(self, waiting: Checkout) -> None:
        with waiting.start("run") as process:
            assert process.stdout is not None
            process.stdout.readline()
            (waiting.root / dev.RUN_LOCK).write_text("# something\n")
            code, _, err = waiting.run("setup")
            process.terminate()
        assert code == 1
        assert "something still runs on the old ones" in err

    def test_tests_may_start_beside_a_running_service(self, waiting: Checkout) -> None:
        with waiting.start("run") as process:
            assert process.stdout is not None
            process.stdout.readline()
            _, _, err = waiting.run("test")
            process.terminate()
        assert "No module named pytest" in err  # uv did not really install it
        assert waiting.installs == 2

    def test_an_installer_that_outlives_dev_py_keeps_the_next_one_waiting(
        self, checkout: Checkout
    ) -> None:
        gate = checkout.programs / "gate"
        os.mkfifo(gate)
        checkout.uv(
            GOOD_UV + f'if test ! -e "{gate}.passed"; then : > "{gate}.passed"; cat "{gate}"; fi\n'
        )
        with checkout.start("setup") as killed:
            with gate.open("w"):  # opens when the installer is there
                killed.kill()
                killed.wait(SECONDS_MAX)
                following = checkout.start("setup")
                assert following.stderr is not None
                assert "waiting for it" in following.stderr.readline()
            following.communicate(timeout=SECONDS_MAX)
        assert (following.returncode, checkout.installs) == (0, 2)


def test_every_linter_that_check_runs_is_installed_with_the_development_lock() -> None:
    programs = {line.split()[0] for line in dev.CHECKS}
    assert [each for each in programs if not (Path(sys.prefix) / "bin" / each).exists()] == []
