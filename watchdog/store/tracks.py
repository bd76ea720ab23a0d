"""What is remembered of bad entities between looks and across restarts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from rules.base import Entity, Severity
from watchdog.domain.fingerprint import fingerprint
from watchdog.domain.track import Track
from watchdog.store.copying import copy
from watchdog.store.incident_rows import entity_of
from watchdog.store.sql import load
from watchdog.store.text import JsonText, clean, json_text

_SQL = load("tracks")
_COLUMNS = (
    *("rule", "fingerprint", "identity", "entity", "bad_checks", "good_checks", "bad_since"),
    *("first_bad_at", "severity", "failure_class", "incident_id", "excused_since", "reason"),
    "gone_since",
)


@dataclass(frozen=True, slots=True)
class StoredTrack:
    """A track and what its rule watched when it was written."""

    track: Track
    identity: str


async def every(conn: asyncpg.Connection) -> list[StoredTrack]:
    """Return every track there is."""
    return [
        StoredTrack(
            Track(
                rule=row["rule"],
                entity=entity_of(row["entity"]),
                bad_checks=row["bad_checks"],
                bad_since=row["bad_since"],
                first_bad_at=row["first_bad_at"],
                severity=Severity(row["severity"]),
                failure_class=row["failure_class"],
                good_checks=row["good_checks"],
                incident_id=row["points_to"],
                excused_since=row["excused_since"],
                reason=row["reason"],
                gone_since=row["gone_since"],
            ),
            row["identity"],
        )
        for row in await conn.fetch(_SQL["list_tracks"])
    ]


async def reasons(conn: asyncpg.Connection) -> dict[str, str]:
    """Return by rule why something bad of it has no incident: it is held, excused, or young."""
    return {row["rule"]: row["reason"] for row in await conn.fetch(_SQL["list_reasons"])}


async def write(conn: asyncpg.Connection, tracks: Sequence[Track], identity: str) -> None:
    """Remember tracks of one rule, in place of what was remembered of their entities."""
    if not tracks:
        return
    rows = [_row(one, identity) for one in tracks]
    await conn.execute(_SQL["delete_tracks"], tracks[0].rule, [row[1] for row in rows])
    await copy(conn, "track", _COLUMNS, rows)


def _row(one: Track, identity: str) -> tuple[Any, ...]:
    return (
        one.rule,
        fingerprint(one.rule, one.entity),
        identity,
        JsonText(json_text(one.entity)),
        one.bad_checks,
        one.good_checks,
        one.bad_since,
        one.first_bad_at,
        one.severity.value,
        one.failure_class,
        one.incident_id,
        one.excused_since,
        clean(one.reason),
        one.gone_since,
    )


async def forget(conn: asyncpg.Connection, rule: str, entities: Sequence[Entity]) -> None:
    """Forget entities of a rule."""
    if entities:
        prints = [fingerprint(rule, entity) for entity in entities]
        await conn.execute(_SQL["delete_tracks"], rule, prints)
