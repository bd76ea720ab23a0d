"""Incidents that nobody is told of, because one above them opened before anybody was."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import asyncpg

from notifiers.base import Event
from watchdog.domain.incident import Transition
from watchdog.domain.silences import LONGEST
from watchdog.store.sql import load

_SQL = load("waiting")


async def hold_back(conn: asyncpg.Connection, above: Mapping[int, int], now: datetime) -> None:
    """Hide incidents, by number, behind the one above each; what somebody was told of stays told.

    It lasts until that one is over, but no longer than any silence.
    """
    if above:
        wanted = sorted(above)
        await conn.execute(_SQL["lock_below"], wanted)
        explaining = [above[one] for one in wanted]
        await conn.execute(_SQL["hold_back"], wanted, explaining, now, LONGEST)


async def let_go(conn: asyncpg.Connection, transitions: Iterable[Transition]) -> None:
    """Let be told, from the commit of these transitions on, what waited for incidents that end by them."""
    ended = [one for one in transitions if one.before and one.before.is_live]
    ended = [one for one in ended if not one.after.is_live]
    joined = [one.after for one in ended if one.happened.event is Event.JOINED]
    if joined:
        storms = [one.storm for one in joined]
        await conn.execute(_SQL["wait_for_storm"], [one.id for one in joined], storms)
    over = [one for one in ended if one.happened.event is not Event.JOINED]
    if over:
        now = over[0].happened.at
        await conn.execute(_SQL["let_go"], [one.after.id for one in over], now)
