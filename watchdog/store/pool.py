"""Connections to our own store."""

import asyncio
import contextlib
import json
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from typing import cast

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from watchdog.store import sql
from watchdog.store.text import JsonText

_CONNECT_SECONDS = 5.0
_CLOSE_SECONDS = 5.0
_IDLE_SECONDS = 240.0
_TCP_OPTIONS = {
    "TCP_USER_TIMEOUT": 4_000,  # ms until what was sent must be acknowledged
    "TCP_KEEPIDLE": 2,  # s of silence until the first probe
    "TCP_KEEPINTVL": 1,
    "TCP_KEEPCNT": 3,
}

_JSONB_VERSION = b"\x01"
_QUERIES = sql.load("pool")

LOST = (
    OSError,  # TimeoutError among them
    asyncpg.PostgresConnectionError,  # 08xxx
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,  # 57P01
    asyncpg.CrashShutdownError,  # 57P02
    asyncpg.CannotConnectNowError,  # 57P03
    asyncpg.TooManyConnectionsError,  # 53300
    asyncpg.ReadOnlySQLTransactionError,  # 25006: an old primary after a failover
)
"""Errors that say nothing of the statement: the connection is lost or leads to the wrong server."""


_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)  # 28xxx, 3D000
"""What a server says that lets us in no more, as while a password is changed or a backup is restored."""


class StoreDown(Exception):  # noqa: N818 (a state, not a mistake)
    """The store cannot be reached now. Whether a commit under way took place is unknown: look first."""


TROUBLE = (
    StoreDown,
    asyncpg.TransactionRollbackError,  # 40xxx: deadlock, serialization
    asyncpg.InsufficientResourcesError,  # 53xxx: disk full
    asyncpg.ObjectNotInPrerequisiteStateError,  # 55xxx: lock not available
    asyncpg.OperatorInterventionError,  # 57xxx: statement time-out
)
"""What passes by itself; any other error of the store is a mistake of ours."""


class PoolerRefused(Exception):  # noqa: N818 (a refusal)
    """Between us and the store is a pooler in transaction mode; the text says what to do."""


class AddressRefused(Exception):  # noqa: N818 (a refusal)
    """The store's address cannot be read; the text says what it should look like."""


@contextlib.contextmanager
def readable_address() -> Iterator[None]:
    """Refuse an address that the library cannot read; its own words would show half a password."""
    try:
        yield
    except ValueError:
        raise AddressRefused(
            "the store's address cannot be read; write postgresql://USER:PASSWORD@HOST:PORT/NAME, "
            "with `/`, `#`, `?`, `@` and `:` of a password as %2F, %23, %3F, %40 and %3A"
        ) from None


@contextlib.contextmanager
def store_down(connection: asyncpg.Connection | None = None) -> Iterator[None]:
    """Turn what is lost with the connection to the store into `StoreDown`.

    Args:
        connection: The one that is used inside. The library has one type of error for a connection
            that is closed and for a mistake in how it is called; with a living connection it is a
            mistake, and passes.
    """
    try:
        yield
    except LOST as error:
        raise StoreDown(f"the store does not answer: {error or type(error).__name__}") from error
    except asyncpg.InterfaceError as error:
        if isinstance(error, ValueError) or (connection is not None and _is_living(connection)):
            raise
        raise StoreDown(f"the store does not answer: {error}") from error


async def open_pool(dsn: str, *, size: int = 10, patience: float = 5.0) -> asyncpg.Pool:
    """Return a pool of at most `size` connections to the store; it answers when this returns.

    Every connection finds our tables without their schema, speaks jsonb as Python values, and
    gives up: on a lock after 2 s, on a statement after `patience` seconds, on a network that went
    silent after 4 s. `search_path` and limits are set by a statement, since poolers refuse them as
    start parameters, and stay: `RESET ALL` is not part of giving a connection back.

    Raises:
        StoreDown: No server answers, or none that takes writes.
        AddressRefused: `dsn` is not the address of one.
        PoolerRefused: What answers is a pooler that changes servers between transactions.
    """
    with store_down():
        await _refuse_changing_servers(dsn)
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=_CONNECT_SECONDS,
            command_timeout=patience,
            max_inactive_connection_lifetime=_IDLE_SECONDS,
            target_session_attrs=SessionAttribute.read_write,
            init=_init,
            reset=_reset,
        )


async def close_pool(pool: asyncpg.Pool) -> None:
    """Close the pool once its connections are given back; after 5 s without that."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await pool.close()
    except (TimeoutError, *LOST):
        pool.terminate()


@contextlib.asynccontextmanager
async def connection(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection, each of whose statements is committed by itself.

    One that was lost, or whose user was cancelled, is dropped without a word: a farewell would wait for
    an answer, and what is raised by that would stand in place of the cancellation.

    Raises:
        StoreDown: No connection within 5 s, the server refused it, or it was lost on the way.
    """
    with store_down():
        try:
            borrowed = await pool.acquire(timeout=_CONNECT_SECONDS)
        except _REFUSED as error:
            raise StoreDown(f"the store lets us in no more: {error}") from error
    # What the pool lends stands for a connection in everything but its type.
    lent = cast("asyncpg.Connection", borrowed)
    is_sound = False
    try:
        with store_down(lent):
            try:
                yield lent
            except LOST:
                raise
            except Exception:
                is_sound = True
                raise
            is_sound = True
    except StoreDown as error:
        if isinstance(error.__cause__, asyncpg.ReadOnlySQLTransactionError):
            await pool.expire_connections()
        raise
    finally:
        if not is_sound and _is_living(lent):
            lent.terminate()
        with store_down():
            await pool.release(borrowed)


@contextlib.asynccontextmanager
async def together(lent: asyncpg.Connection) -> AsyncIterator[None]:
    """Make what is done on a connection one transaction: committed at the end, rolled back on an exception.

    The library's own waits for an answer to its rollback also when its user is cancelled.
    """
    work = lent.transaction()
    await work.start()
    try:
        yield
    except LOST:
        raise
    except Exception:
        await work.rollback()
        raise
    await work.commit()


@contextlib.asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection inside a transaction: `connection`, and all of it `together`.

    Tries once; whether and how to try again is the caller's to know.

    Raises:
        StoreDown: See `connection`.
    """
    async with connection(pool) as lent, together(lent):
        yield lent


def _is_living(lent: asyncpg.Connection) -> bool:
    try:
        return not lent.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken it back
        return False


def limit_silence(connection: asyncpg.Connection) -> None:
    """Let the kernel end a TCP connection on which nothing is acknowledged for 4 s.

    Time-outs in asyncio do not do it: closing and cancelling wait for the silent server, too.
    """
    transport = connection._transport  # type: ignore[attr-defined] # there is no public way
    line = transport.get_extra_info("socket")
    if line is None or line.family == socket.AF_UNIX:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _TCP_OPTIONS.items():
        if hasattr(socket, name):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _init(connection: asyncpg.Connection) -> None:
    limit_silence(connection)
    await connection.execute(_QUERIES["set_session"])
    await connection.set_type_codec(
        "jsonb", encoder=_jsonb, decoder=_of_jsonb, schema="pg_catalog", format="binary"
    )


def _jsonb(value: object) -> bytes:
    """Return what goes over the wire; texts of JSON as they are. COPY takes only this format."""
    text = value if isinstance(value, JsonText) else json.dumps(value)
    return _JSONB_VERSION + text.encode()


def _of_jsonb(wire: bytes) -> object:
    return json.loads(wire[len(_JSONB_VERSION) :])


async def _reset(connection: asyncpg.Connection) -> None:
    """Keep the session as `_init` made it; what we set beyond that ends with its transaction."""


async def _refuse_changing_servers(dsn: str) -> None:
    """Leave a mark in a session, and see whether the next transaction finds it.

    Another transaction is open meanwhile, so that a pooler in transaction mode cannot use the same
    server again. Everything is asked inside transactions, which such a pooler does carry.
    """
    async with contextlib.AsyncExitStack() as stack:
        one, other = [await _connected(stack, dsn) for _ in range(2)]
        mark = secrets.token_hex(8)
        async with one.transaction():
            await one.execute(_QUERIES["leave_mark"], mark)
        async with other.transaction(), one.transaction():
            found = await one.fetchval(_QUERIES["read_mark"])
    if found != mark:
        raise PoolerRefused(
            "the store's DSN leads to a pooler in transaction mode, which changes servers under "
            "us; give the DSN of the server itself, or of a pooler in session mode"
        )


async def _connected(stack: contextlib.AsyncExitStack, dsn: str) -> asyncpg.Connection:
    with readable_address():
        connection = await asyncpg.connect(
            dsn, timeout=_CONNECT_SECONDS, command_timeout=_CONNECT_SECONDS, statement_cache_size=0
        )
    stack.push_async_callback(connection.close, timeout=_CLOSE_SECONDS)
    return connection
