"""What people did, by the id of each action: the same action takes effect once, whatever road it takes."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from watchdog.domain.incident import State
from watchdog.store.sql import load

_SQL = load("deeds")

KEPT_FOR = timedelta(days=30)
"""How long an action is known; a page or a message with its id is older than that by then."""

ID_CHARACTERS_MAX = 100


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action led to: the incident's version by it, and how the incident was then."""

    incident_id: int
    version: int
    state: State
    owner: str


def new_action_id() -> str:
    """Return an id for one action: what carries it may be sent any number of times."""
    return secrets.token_hex(16)


async def find(conn: asyncpg.Connection, action_id: str) -> Effect | None:
    """Return what an action has led to; None: it has not taken effect."""
    row = await conn.fetchrow(_SQL["find_deed"], action_id)
    if row is None:
        return None
    return Effect(row["incident_id"], row["version"], State(row["state"]), row["owner"])


async def keep(
    conn: asyncpg.Connection, action_id: str, incident_id: int, version: int, now: datetime
) -> bool:
    """Write that an action took effect, in its transaction; False: it did before, roll this back."""
    row = (action_id, incident_id, version, now, now - KEPT_FOR)
    return await conn.fetchval(_SQL["insert_deed"], *row) is not None
