"""Set up this checkout and work in it: `python3 dev.py COMMAND`; without a command it lists them.

Needs Python 3.11 and nothing else. Older Pythons must be able to parse this file so that they can be told
so: only syntax of Python 3.6 here, however new the Python that runs it.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (nobody knows yet which Python this is)
    sys.stderr.write(
        f"dev.py: needs Python 3.11 or newer, and {sys.executable} is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}; name a newer one, as in `python3.13 dev.py`\n"
    )
    sys.exit(2)
if sys.platform == "win32":
    sys.exit("dev.py: needs Linux or macOS; on Windows run it inside WSL")

import contextlib
import difflib
import fcntl
import hashlib
import json
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent
RUN_LOCK, DEV_LOCK = "requirements.lock", "requirements-dev.lock"
CHECKS = (
    "ruff format --check",
    "ruff check --quiet",
    "mypy --no-error-summary",
    "lint-imports --no-logo",
    "hadolint Dockerfile",
    "compose-lint check --quiet --strict-config --skip-suppressed --no-env --fail-on low compose.yaml",
    *(["python docs/generate.py --check"] if (ROOT / "docs" / "generate.py").exists() else []),
)
WORKERS_MAX = 4  # every worker of the tests starts a PostgreSQL of its own
LAUNCH = "import sys\n\nfrom watchdog.cli import main\n\nsys.exit(main())\n"
INTERRUPTED = 130  # what shells report of a program that Ctrl-C ended


class Trouble(Exception):  # noqa: N818 (not always a mistake)
    """Something that the reader can do something about; its text is the whole message."""


def say(sentence: str) -> None:
    """Tell the terminal; standard output belongs to the program that is started."""
    print(f"dev.py: {sentence}", file=sys.stderr, flush=True)


# --- Is .venv what is asked for? ---


def wanted(root: Path, lock: str) -> dict[str, str]:
    """Describe the environment that a lock file asks for; of equal descriptions none is built again.

    The path is part of it because an environment's scripts hold it: a checkout that moved builds anew.

    Raises:
        Trouble: The lock file cannot be read.
    """
    try:
        content = (root / lock).read_bytes()
    except OSError as error:
        raise Trouble(
            f"cannot read {root / lock}: {error.strerror}; `git checkout {lock}`?"
        ) from error
    return {
        "lock": lock,
        "sha256": hashlib.sha256(content).hexdigest(),
        "python": f"{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]}",
        "machine": platform.machine(),
        "path": str(root),
    }


def present(root: Path) -> Any:
    """Return the description that the environment carries; None when it is unfinished or broken."""
    venv = root / ".venv"
    if not os.access(venv / "bin" / "python", os.X_OK):  # its Python may have been uninstalled
        return None
    try:
        return json.loads((venv / "stamp.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None


def next_step(root: Path, lock: str) -> str:
    """Return what `.venv` needs: `nothing`, `add` (packages to a sound one) or `build` (from nothing)."""
    found = present(root)
    held = found.get("lock") if isinstance(found, dict) else None
    if held not in (RUN_LOCK, DEV_LOCK) or found != wanted(root, held):
        return "build"
    return "nothing" if held in (lock, DEV_LOCK) else "add"  # the latter holds all of the former


# --- Making it so ---


def open_lock(root: Path, name: str) -> int:
    """Return the descriptor of a file to lock. Open for reading only, so that others can share it.

    Raises:
        Trouble: This account may not write into the checkout.
    """
    path = root / ".cache" / name
    try:
        path.parent.mkdir(exist_ok=True)
        return os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
    except OSError as error:
        raise Trouble(f"cannot make {path}: {error.strerror}; is the checkout yours?") from error


@contextlib.contextmanager
def changing(root: Path) -> Iterator[int]:
    """Hold the right to change `.venv`; yields a descriptor for the installers to inherit.

    An installer that outlives us, because we were killed, keeps the next dev.py out by it until it ends.
    """
    descriptor = open_lock(root, "dev-changing.lock")
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another dev.py is making .venv; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def hold_in_use(root: Path) -> None:
    """Keep others from replacing `.venv` until this process, and what it becomes by exec, has ended."""
    descriptor = open_lock(root, "dev-in-use.lock")
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.set_inheritable(descriptor, True)


def remove(root: Path) -> None:
    """Remove `.venv`, whatever it is.

    Raises:
        Trouble: A program still runs from it, or it belongs to somebody else.
    """
    descriptor = open_lock(root, "dev-in-use.lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        venv = root / ".venv"
        if venv.is_symlink() or venv.is_file():
            venv.unlink()
        elif venv.exists():
            shutil.rmtree(venv)
    except BlockingIOError as error:
        raise Trouble(
            "the locked packages changed and something still runs on the old ones; stop that first"
        ) from error
    except OSError as error:
        raise Trouble(f"cannot remove {root / '.venv'}: {error.strerror}; is it yours?") from error
    finally:
        os.close(descriptor)


def installers(root: Path, lock: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the ways to install a lock file, best first: what it is called, and its commands."""
    python = str(root / ".venv" / "bin" / "python")
    exactly = ["--require-hashes", "--only-binary", ":all:", "-r", lock]
    uv = shutil.which("uv")
    if uv:
        install = [uv, "pip", "install", "--quiet", "--python", python, *exactly]
        yield "uv from its cache", [[*install, "--offline"]]
        yield "uv", [install]
    install = [python, "-m", "pip", "install", "-qq", "--no-input", "--retries", "2", *exactly]
    yield "pip", [[python, "-m", "ensurepip"], install]


def install(root: Path, lock: str, lock_descriptor: int) -> None:
    """Install the packages of a lock file into `.venv`.

    Raises:
        Trouble: No installer could, and why.
    """
    said = ""
    for name, commands in installers(root, lock):
        say(f"installing {lock} with {name}")
        problem = next(
            filter(None, (complaint(each, root, lock_descriptor) for each in commands)), ""
        )
        if not problem:
            return
        said += f"\n{problem}\n"
    raise Trouble(
        f"could not install what {root / lock} lists; this was tried:\n{said}\n"
        f"No network? Where there is one, `pip download --only-binary :all: -d wheels -r {lock}`;\n"
        "bring the folder here and start again with PIP_NO_INDEX=1 PIP_FIND_LINKS=wheels in front.\n"
        "No ensurepip (Debian, Ubuntu)? `apt install python3-venv`, or install uv."
    )


def complaint(command: Sequence[str], root: Path, keep: int) -> str:
    """Run a command to its end; return "" if it did well, else what it said, for a person to read."""
    # PIP_USER, which some have in their settings, is refused inside an environment
    env = {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        command, cwd=root, env=env, input=b"", capture_output=True, check=False, pass_fds=[keep]
    )
    words = (done.stderr or done.stdout).decode(errors="replace").strip()
    return f"{shlex.join(command)}\n{words}" if done.returncode else ""


def add_project(root: Path) -> None:
    """Make the checkout itself importable from `.venv`, with its console script.

    `pip install -e .` would fetch the build backend into an environment of its own, which needs a network
    even where every package is in the cache. What it leaves behind is these two files; so they are written.
    """
    venv = root / ".venv"
    base = {"base": str(venv), "platbase": str(venv)}
    packages = Path(sysconfig.get_path("purelib", "venv", base))
    (packages / "incident_watchdog.pth").write_bytes(os.fsencode(f"{root}\n"))
    script = venv / "bin" / "watchdog"
    python = shlex.quote(str(venv / "bin" / "python"))
    # a line that starts Python for sh, a string for Python: after `#!` a path may have no blanks
    script.write_text(f"#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n{LAUNCH}")
    script.chmod(0o755)


def build(root: Path, lock_descriptor: int) -> None:
    """Make an empty `.venv` in the place of whatever is there.

    Raises:
        Trouble: The old one cannot be removed, or this Python cannot make one.
    """
    remove(root)
    # dev.py may have been started by the .venv that was just removed
    python = getattr(sys, "_base_executable", None) or sys.executable
    problem = complaint([python, "-m", "venv", "--without-pip", ".venv"], root, lock_descriptor)
    if problem:
        raise Trouble(f"this Python cannot make an environment: {problem}")


def prepare(lock: str, root: Path = ROOT) -> Path:
    """Return the directory of programs of a `.venv` that is what `lock` asks for, making it if need be.

    The stamp goes first and comes last: whatever is interrupted in between is made anew by the next run.
    Adding to an environment leaves alone what a service runs from it: both locks pin the same versions.

    Raises:
        Trouble: It could not be made.
    """
    with changing(root) as lock_descriptor:
        step = next_step(root, lock)
        stamp = root / ".venv" / "stamp.json"
        if step != "nothing":
            with contextlib.suppress(NotADirectoryError):  # `build` removes such a thing
                stamp.unlink(missing_ok=True)
            if step == "build":
                build(root, lock_descriptor)
            install(root, lock, lock_descriptor)
            add_project(root)
            stamp.write_text(json.dumps(wanted(root, lock), indent=2), "utf-8")
        hold_in_use(root)
    return root / ".venv" / "bin"


# --- The commands ---


def become(program: Path, *arguments: str) -> NoReturn:
    """Turn this process into the program: signals reach it, and its exit code is ours."""
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(program, [str(program), *arguments])  # noqa: S606 (no shell is meant)


def run(arguments: list[str]) -> int:
    """Start the service with the demo systems and this checkout's rules.yaml."""
    become(prepare(RUN_LOCK) / "watchdog", "run", "--demo", *arguments)


def test(arguments: list[str]) -> int:
    """Run the tests; what follows goes to pytest."""
    workers = str(min(WORKERS_MAX, os.cpu_count() or 1))
    os.environ.setdefault("PYTEST_XDIST_AUTO_NUM_WORKERS", workers)  # so that --pdb may mean none
    # files in their order: those that take longest come first, and the many short ones fill what is left
    spread = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")
    words = ("-m", "pytest", *spread, *arguments)
    become(prepare(DEV_LOCK) / "python", *words)


def long(arguments: list[str]) -> int:
    """Run the tests, those that take minutes too."""
    return test(["--long", *arguments])


def check(_arguments: list[str]) -> int:
    """Run the linters, the type checker and the import contracts; all, even after a failure."""
    programs, failed = prepare(DEV_LOCK), []
    for line in CHECKS:
        say(line)
        program, *words = line.split()
        if subprocess.run([programs / program, *words], cwd=ROOT, check=False).returncode:
            failed.append(line)
    say(f"not clean: {', '.join(failed)}" if failed else "all clean")
    return 1 if failed else 0


def bench(arguments: list[str]) -> int:
    """Run the benchmarks; they print a table and write JSON."""
    become(prepare(DEV_LOCK) / "python", "-m", "bench", *arguments)


def wheel(arguments: list[str]) -> int:
    """Build the wheel into dist/."""
    become(prepare(DEV_LOCK) / "python", "-m", "hatchling", "build", "-t", "wheel", *arguments)


def lock(arguments: list[str]) -> int:
    """Make both lock files again from pyproject.toml, with uv; `--upgrade` takes newer versions."""
    uv = shutil.which("uv")
    if uv is None:
        raise Trouble("only uv can make the lock files; `pipx install uv` brings it")
    always = "--universal --python-version 3.11 --generate-hashes --only-binary :all: --emit-build-options"
    command = [
        uv,
        "pip",
        "compile",
        "--quiet",
        "--no-header",
        "--no-annotate",
        *always.split(),
        "pyproject.toml",
    ]
    # the second follows the first, so that the development environment can stand in for the other
    for extra in (["-o", RUN_LOCK], ["--group", "dev", "-c", RUN_LOCK, "-o", DEV_LOCK]):
        code = subprocess.run([*command, *extra, *arguments], cwd=ROOT, check=False).returncode
        if code:
            return code
    return 0


def setup(_arguments: list[str]) -> int:
    """Make .venv for running the service, and stop there."""
    return 0 if prepare(RUN_LOCK) else 1


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    command.__name__: command for command in (run, test, long, check, bench, wheel, lock, setup)
}


def usage() -> str:
    """Return the list of commands."""
    lines = [
        f"  {name:6} {(command.__doc__ or '').splitlines()[0]}"
        for name, command in COMMANDS.items()
    ]
    return "\n".join(["usage: python3 dev.py COMMAND [ARGUMENT ...]", "", *lines])


def end(_number: int, _frame: "FrameType | None") -> NoReturn:
    """Leave on SIGTERM as on Ctrl-C, so that the installer at work is ended too."""
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Run the command that is named first; the rest is for it."""
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help", "help", ""):
        print(usage())
        return 0 if name else 2
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1) or ["--help"]
        say(f"there is no command `{name}`; did you mean `{near[0]}`?")
        return 2
    signal.signal(signal.SIGTERM, end)
    try:
        return COMMANDS[name](arguments[1:])
    except Trouble as trouble:
        say(str(trouble))
        return 1
    except OSError as error:  # a full disk, a directory that may not be written
        say(f"{error.filename or name}: {error.strerror}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next run picks up from here")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
