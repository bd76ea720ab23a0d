"""What commands that read or move incidents share: where the service lives, and who is asking."""

import asyncio
import contextlib
import functools
import getpass
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from watchdog.cli.ending import UNREACHABLE, WRONG_USE, Ended

if TYPE_CHECKING:
    import asyncpg

    from watchdog.config.load import Loaded
    from watchdog.config.model import Config
    from watchdog.domain.incident import Incident

CommandFunction = TypeVar("CommandFunction", bound=Callable[..., Any])

NUMBER = click.IntRange(1, 2**63 - 1)
"""Numbers of incidents and messages, as far as the store can count."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service's configuration and data are."""

    config: Path
    data: Path


@dataclass(frozen=True, slots=True)
class Session:
    """An open store, the configuration in force, and the present instant.

    Attributes:
        mistakes: How many keep the files as they are from being in force.
    """

    pool: "asyncpg.Pool"
    config: "Config"
    now: datetime
    place: Place
    mistakes: int = 0


def placed(command: CommandFunction) -> CommandFunction:
    """Add the options that say where the service lives; the command gets them as `place`."""

    @click.option(
        "--config",
        type=click.Path(path_type=Path),
        default=Path("rules.yaml"),
        envvar="WATCHDOG_CONFIG",
        show_default=True,
        show_envvar=True,
        help="The rules.",
    )
    @click.option(
        "--data",
        type=click.Path(path_type=Path),
        default=Path("data"),
        envvar="WATCHDOG_DATA",
        show_default=True,
        show_envvar=True,
        help="Where the embedded PostgreSQL lives.",
    )
    @functools.wraps(command)
    def with_place(*args: Any, config: Path, data: Path, **options: Any) -> Any:
        return command(*args, place=Place(config, data), **options)

    return with_place  # type: ignore[return-value]


def run(work: Coroutine[Any, Any, int | None]) -> int:
    """Run a command's work and return its exit code."""
    return asyncio.run(work) or 0


def read_files(place: Place) -> "Loaded":
    """Return what the files hold, as far as it is right."""
    from watchdog.config.load import load

    return load(place.config, os.environ, partial=True)


def read_config(place: Place) -> "Config":
    """Return the configuration as far as it is right.

    Raises:
        Ended: There is nothing to go by.
    """
    config = read_files(place).config
    if config is None:
        raise Ended(WRONG_USE, f"{place.config} cannot be read; `watchdog check` says why")
    return config


@contextlib.asynccontextmanager
async def session(place: Place) -> AsyncIterator[Session]:
    """Open the store for one command.

    Raises:
        Ended: The service does not run here, or has no configuration.
        StoreDown: The configured store does not answer.
    """
    from watchdog.moved_time import asked_now
    from watchdog.store.pool import close_pool, open_pool

    files = read_files(place)
    dsn = await store_dsn(files.config, place)
    now = await asked_now(os.environ)
    pool = await open_pool(dsn, size=2)
    try:
        config, mistakes = await _in_force(files, pool)
        if config is None:
            raise Ended(WRONG_USE, f"{place.config} cannot be read; `watchdog check` says why")
        yield Session(pool, config, now, place, mistakes)
    finally:
        await close_pool(pool)


async def _in_force(files: "Loaded", pool: "asyncpg.Pool") -> "tuple[Config | None, int]":
    """Return what the service goes by, and how many mistakes keep it from the files as they are."""
    from watchdog.config.load import load_text
    from watchdog.store import configurations
    from watchdog.store.pool import transaction

    if not files.errors:
        return files.config, 0
    async with transaction(pool) as conn:
        kept = await configurations.newest(conn)
    earlier = load_text(kept, next(iter(kept)), os.environ).config if kept else None
    return earlier or files.config, len(files.errors)


async def store_dsn(config: "Config | None", place: Place) -> str:
    """Return where the store is: the configured one, or the running service's own.

    Raises:
        Ended: No service runs on this data directory.
    """
    from watchdog.store.embedded import dsn_of

    configured = config.service.store.get_secret_value() if config else ""
    if configured:
        return configured
    dsn = await asyncio.to_thread(dsn_of, place.data)
    if dsn is None:
        raise Ended(
            UNREACHABLE,
            f"no service runs on {place.data}: start it with `watchdog run`, "
            "or say where it lives with --data",
        )
    return dsn


def person_option(command: CommandFunction) -> CommandFunction:
    """Add `--as PERSON`; the command gets the name as `person`, empty when it was not said."""
    option = click.option(
        "--as",
        "person",
        envvar="WATCHDOG_PERSON",
        default="",
        show_envvar=True,
        help="Who you are, by your name under `people:`; else your login.",
    )
    return option(command)


def _login() -> str:
    """Return the login; empty where the account has no name, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


async def moved(
    place: Place,
    person: str,
    verb: "Callable[..., Awaitable[Incident]]",
    number: int,
    *said: Any,
    **named: Any,
) -> "Incident":
    """Return an incident as a verb has left it.

    Args:
        person: As typed.
        said, named: What the verb is told besides the deed.
    """
    from watchdog.moving import Deed

    async with session(place) as here:
        who = acting_person(here.config, person)
        deed = Deed(number, who, here.now)
        return await verb(here.pool, here.config.directory, deed, *said, **named)


def acting_person(config: "Config", person: str) -> str:
    """Return who acts.

    Raises:
        Ended: Nobody of that name is in the configuration.
    """
    people = config.directory.people
    name = person or _login()
    if name in people:
        return name
    known = ", ".join(sorted(people)) or "nobody yet"
    said = "say who you are with --as" if not person else f"nobody is called {person}"
    raise Ended(WRONG_USE, f"{said}: known under `people:` are {known}")
