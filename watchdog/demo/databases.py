"""Where the demo's PostgreSQL databases are, and how they come to be."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from watchdog.demo.failure import Step
from watchdog.demo.places import WORKSPACES
from watchdog.demo.scripts import load, read

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

Executes: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"
"""A connection, on its own or lent by a pool."""

READER = "demo_reader"
"""The role that rules use; it may only select."""

WRITER = "demo_writer"
"""The role that recovery actions use; it may change what they change, and nothing else."""

STATEMENT_SECONDS = 30.0
CONNECT_SECONDS = 10.0
_LOCK = 4_208_711
"""Advisory lock under which one process at a time makes the databases, or ticks."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database of the demo: its name, its owner's DSN, its readers' and that of recovery actions."""

    name: str
    dsn: str
    reader_dsn: str
    writer_dsn: str


def place(admin_dsn: str, name: str) -> Place:
    """Return where database `name` of the same cluster is."""
    return Place(name, *(_with(admin_dsn, name, role) for role in ("", READER, WRITER)))


def role_password(admin_dsn: str, role: str) -> str:
    """Return a role's password; empty where the owner has none, so where none is asked for.

    It follows from the owner's password, so that every replica knows it and nobody else does.
    """
    parts = urlsplit(admin_dsn)
    secret = unquote(parts.password or "") or dict(parse_qsl(parts.query)).get("password", "")
    if not secret:
        return ""
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()


def _with(dsn: str, database: str, user: str = "") -> str:
    parts = urlsplit(dsn)
    settings = [
        (key, value)
        for key, value in parse_qsl(parts.query)
        if key not in {"database", "dbname"} and not (user and key in {"user", "password"})
    ]
    host = parts.netloc
    if user:
        password = role_password(dsn, user)
        secret = f":{quote(password)}" if password else ""
        host = f"{user}{secret}@{host.rpartition('@')[2]}"
    # Not `urlunsplit`: it drops the slashes of an empty host, as it is with a socket.
    query = f"?{urlencode(settings, safe='/')}" if settings else ""
    return f"{parts.scheme}://{host}/{database}{query}"


async def ensure(admin_dsn: str, crm: Place, desk: Place, now: datetime) -> None:
    """Make the role and whichever of the databases is missing, with a history up to `now`.

    Raises:
        asyncpg.InsufficientPrivilegeError: The DSN's role may not make databases or roles.
    """
    import asyncio

    import asyncpg

    admin = await asyncpg.connect(
        admin_dsn, timeout=CONNECT_SECONDS, command_timeout=STATEMENT_SECONDS
    )
    try:
        await admin.execute("select pg_advisory_lock($1)", _LOCK)
        for role in (READER, WRITER):
            await _ensure_role(admin, role, role_password(admin_dsn, role))
        for one in (crm, desk):
            await _ensure_database(admin, one.name)
        async with asyncio.TaskGroup() as group:
            group.create_task(_fill(crm, "crm", now), name="demo: fill crm")
            group.create_task(_fill(desk, "desk", now), name="demo: fill desk")
    finally:
        await admin.close()


async def _ensure_role(admin: "asyncpg.Connection[Any]", role: str, password: str) -> None:
    if not await admin.fetchval("select 1 from pg_roles where rolname = $1", role):
        await admin.execute(f"create role {role} login")
    if role == READER:
        await admin.execute(f"alter role {role} set default_transaction_read_only = on")
    if password:
        # A hexadecimal digest of ours: nothing in it needs quoting.
        await admin.execute(f"alter role {role} password '{password}'")


async def _ensure_database(admin: "asyncpg.Connection[Any]", name: str) -> None:
    assert name.isidentifier(), name
    if not await admin.fetchval("select 1 from pg_database where datname = $1", name):
        await admin.execute(f'create database "{name}"')


async def _fill(target: Place, part: str, now: datetime) -> None:
    """Make tables, history and indexes in one transaction: all of it is there or none."""
    import asyncpg

    db = await asyncpg.connect(
        target.dsn, timeout=CONNECT_SECONDS, command_timeout=STATEMENT_SECONDS
    )
    try:
        if await db.fetchval("select 1 from pg_tables where schemaname = 'public' limit 1"):
            await db.execute(read(f"{part}_writer"))  # a database of before knows no such role
            return
        async with db.transaction():
            await db.execute(read(f"{part}_tables"))
            for name, statement in load(f"{part}_history").items():
                await db.execute(statement, *_arguments(name, statement, now))
            await db.execute(read(f"{part}_indexes"))
            await db.execute(read("reader"))
            await db.execute(read(f"{part}_writer"))
    finally:
        await db.close()


def _arguments(name: str, statement: str, now: datetime) -> Sequence[object]:
    if name == "add_workspaces":
        return [[getattr(one, key) for one in WORKSPACES] for key in ("id", "name", "zone")]
    return (now,) if "$1" in statement else ()


async def lock(db: "Executes") -> None:
    """Wait until no other process ticks; lasts to the end of the transaction."""
    await db.execute("select pg_advisory_xact_lock($1)", _LOCK)


async def take_steps(db: "Executes", part: str, steps: Iterable[Step], now: datetime) -> None:
    """Run a failure's statements in their order."""
    for name, *given in steps:
        statement = load(f"failures_{part}")[name]
        await db.execute(statement, *((now, *given) if "$1" in statement else ()))
