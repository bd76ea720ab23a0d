"""Who is signed in. Only hashes are stored: whoever reads the tables cannot sign in with them."""

import hashlib
import secrets
from datetime import datetime, timedelta

import asyncpg

from watchdog.store.sql import load

_SQL = load("sessions")

LINK_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(days=30)
_SECRET_BYTES = 32


def _hash(secret: str) -> bytes:
    # No salt and no slow hash: these are 256 random bits, not passwords.
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


async def make_link(conn: asyncpg.Connection, now: datetime) -> str:
    """Return the secret of a fresh sign-in link, which works once within `LINK_LASTS`."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    await conn.execute(_SQL["insert_link"], _hash(secret), now, now + LINK_LASTS)
    return secret


async def link_ends_at(conn: asyncpg.Connection, secret: str, now: datetime) -> datetime | None:
    """Return until when the link works; None if it was used, is over, or was never made."""
    ends_at: datetime | None = await conn.fetchval(_SQL["find_link"], _hash(secret), now)
    return ends_at


async def use_link(conn: asyncpg.Connection, secret: str, now: datetime) -> bool:
    """Use a link up; return False if it does not work (any more)."""
    return await conn.fetchval(_SQL["use_link"], _hash(secret), now) is not None


async def begin(conn: asyncpg.Connection, person: str, now: datetime) -> str:
    """Return the secret of a fresh session of `person`, which lasts for `SESSION_LASTS`."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    await conn.execute(_SQL["insert_session"], _hash(secret), person, now, now + SESSION_LASTS)
    return secret


async def person_of(conn: asyncpg.Connection, secret: str, now: datetime) -> str | None:
    """Return whose session this is; None if there is none or it is over."""
    person: str | None = await conn.fetchval(_SQL["find_session"], _hash(secret), now)
    return person


async def end(conn: asyncpg.Connection, secret: str) -> None:
    """End a session: its secret is worth nothing from now on."""
    await conn.execute(_SQL["end_session"], _hash(secret))
