"""What the figures of a week are made of, in three statements however much has happened."""

from datetime import datetime

import asyncpg

from watchdog.domain.figures import (
    CAME_BACK_WITHIN,
    Change,
    History,
    Opening,
    Record,
)
from watchdog.domain.incident import State
from watchdog.domain.pages import Push
from watchdog.domain.weeks import Week
from watchdog.store.incident_rows import entity_of
from watchdog.store.sql import load

_SQL = load("figures")

ROWS_MAX = 100_000
"""Incidents, earlier ones and messages that are counted for a week at most."""

_COUNTED = {
    "list_histories": "incidents",
    "list_openings": "incidents before it that came back in it",
    "list_pushes": "messages to people",
}


class TooMany(Exception):  # noqa: N818 (an outcome)
    """More has happened in a week than is counted."""


async def record(
    conn: asyncpg.Connection, week: Week, now: datetime, rows_max: int = ROWS_MAX
) -> Record:
    """Return what is known by `now` of a week that has begun.

    Raises:
        TooMany: Figures of a part of it would be wrong, so there are none.
    """
    since, until = week.since, min(week.until, now)
    spans = {
        "list_histories": (since, until),
        "list_openings": (since - CAME_BACK_WITHIN, since, until),
        "list_pushes": (since, until),
    }
    found = {
        name: await conn.fetch(_SQL[name], *span, rows_max + 1) for name, span in spans.items()
    }
    for name, what in _COUNTED.items():
        if len(found[name]) > rows_max:
            raise TooMany(
                f"week {week} has more than {rows_max:,} {what}, and figures of a part of them would "
                "be wrong"
            )
    return Record(
        [_history(row) for row in found["list_histories"]],
        [_opening(row) for row in found["list_openings"]],
        [Push(**dict(row)) for row in found["list_pushes"]],
    )


def _history(row: asyncpg.Record) -> History:
    changes = zip(row["instants"], row["states"], row["owners"], strict=True)
    return History(
        _opening(row),
        tuple(Change(at, State(state), owner) for at, state, owner in changes),
        row["first_good_at"],
        row["cause_kind"],
        row["id"],
        row["first_bad_at"],
        row["cause"],
        row["unneeded"],
    )


def _opening(row: asyncpg.Record) -> Opening:
    return Opening(row["team"], row["rule"], entity_of(row["entity"]), row["opened_at"])
