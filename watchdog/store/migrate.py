"""Brings the store's schema up to date."""

import hashlib
import importlib.resources
import re
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from watchdog.store import sql
from watchdog.store.pool import readable_address

MIGRATION_LOCK = 0x5744_0001
"""Number of the advisory lock under which the schema changes."""

_CONNECT_SECONDS = 10.0
_LOCK_WAIT_SECONDS = 120.0
_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class SchemaRefused(Exception):  # noqa: N818 (a refusal is not an error)
    """The store's schema cannot be used or changed by this release; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> bytes:
        """Return the SHA-256 of its text."""
        return hashlib.sha256(self.text.encode()).digest()


def migrations() -> tuple[Migration, ...]:
    """Return the steps that this release knows, in order; they are numbered 1, 2, 3 without gaps."""
    folder = importlib.resources.files("watchdog.store").joinpath("migrations")
    found = []
    for entry in folder.iterdir():
        if matched := _NAME.fullmatch(entry.name):
            found.append(Migration(int(matched[1]), matched[2], entry.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    return tuple(found)


async def migrate(
    dsn: str, now: datetime, steps: tuple[Migration, ...] | None = None
) -> tuple[str, ...]:
    """Apply what is missing, each step in its own transaction; return the names of the steps applied.

    Of several replicas that start at once, one applies a step and the others wait for it.

    Args:
        steps: For tests; the release's own by default.

    Raises:
        AddressRefused: `dsn` is not the address of a server.
        SchemaRefused: The store is a standby, is newer than this release, or was made by other steps.
    """
    known = migrations() if steps is None else steps
    with readable_address():
        connection = await asyncpg.connect(
            dsn,
            timeout=_CONNECT_SECONDS,
            command_timeout=_LOCK_WAIT_SECONDS,
            statement_cache_size=0,
        )
    applied: list[str] = []
    try:
        while (step := await _apply_next(connection, known, now)) is not None:
            applied.append(step.name)
    finally:
        await connection.close(timeout=_CONNECT_SECONDS)
    return tuple(applied)


async def _apply_next(
    connection: asyncpg.Connection, known: tuple[Migration, ...], now: datetime
) -> Migration | None:
    queries = sql.load("migration")
    # The lock belongs to the transaction, so that a pooler between us and the store does no harm.
    async with connection.transaction():
        if await connection.fetchval(queries["ask_recovery"]):
            raise SchemaRefused(
                "the store's DSN leads to a standby, which cannot be written; "
                "give the DSN of the primary"
            )
        await connection.execute(queries["take_lock"], MIGRATION_LOCK)
        await connection.execute(queries["set_lock_timeout"])
        await connection.execute(queries["make_schema"])
        await connection.execute(queries["set_path"])
        await connection.execute(queries["make_table"])
        step = _next(known, await connection.fetch(queries["list_applied"]))
        if step is not None:
            await connection.execute(step.text)
            await connection.execute(
                queries["add_applied"], step.number, step.name, step.digest, now
            )
    return step


def _next(known: tuple[Migration, ...], applied: list[asyncpg.Record]) -> Migration | None:
    for record in applied:
        number, name = record["number"], record["name"]
        if number > len(known):
            raise SchemaRefused(
                f"the store's schema is newer than this release: it has step {number} ({name}), and "
                f"this release knows {len(known)}; start the newer release"
            )
        if record["digest"] != known[number - 1].digest:
            raise SchemaRefused(
                f"step {number} ({name}) of the store's schema was applied with another text than "
                "this release has; start the release that made it, or use an empty database"
            )
    return known[len(applied)] if len(applied) < len(known) else None
