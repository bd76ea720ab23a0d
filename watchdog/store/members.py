"""Members of storms: what would be incidents, had they not come at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from rules.base import Entity, Severity
from watchdog.domain.fingerprint import fingerprint
from watchdog.domain.incident import Ended, Incident
from watchdog.domain.storms import NAMES_MAX, Member, MemberState, Name, Tally
from watchdog.store.columns import in_columns
from watchdog.store.copying import copy
from watchdog.store.incident_rows import entity_of, incident_of
from watchdog.store.incidents import Figures
from watchdog.store.sql import load
from watchdog.store.text import JsonText, clean, json_text

_SQL = load("members")
_COLUMNS = (
    *("incident_id", "number", "fingerprint", "rule", "identity", "entity", "title", "severity"),
    *("failure_class", "value", "value_limit", "fact", "detail", "joined_at", "first_bad_at"),
)

Group = tuple[str, str]
"""A team and a source."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a bad member is now.

    Attributes:
        state: Bad still, with another level; good; or gone, for a `reason`.
    """

    storm: int
    fingerprint: bytes
    state: MemberState
    severity: Severity
    failure_class: str
    value: float | None
    limit: float | None
    fact: str
    detail: str
    first_good_at: datetime | None = None
    reason: str = ""


def gone(one: Member, reason: str) -> Settled:
    """Return what a member is that nobody watches any more."""
    return Settled(
        one.storm,
        one.fingerprint,
        MemberState.GONE,
        one.severity,
        one.failure_class,
        one.value,
        one.limit,
        one.fact,
        one.detail,
        reason=reason,
    )


async def lock_storms(
    conn: asyncpg.Connection, groups: Collection[Group], recovered_since: datetime
) -> dict[Group, Incident]:
    """Return the storm of each team and source, locked: the one that lives, or the latest to recover."""
    rows = await conn.fetch(_SQL["lock_storms"], *_groups(groups), recovered_since)
    found: dict[Group, Incident] = {}
    for one in sorted(map(incident_of, rows), key=lambda one: (one.is_live, one.id)):
        found[one.team, one.source] = one
    return found


async def lock_waiting(
    conn: asyncpg.Connection, groups: Collection[Group], since: datetime
) -> list[Incident]:
    """Return incidents of these teams and sources that opened after `since`, are open and told; locked."""
    if not groups:
        return []
    rows = await conn.fetch(_SQL["lock_waiting"], *_groups(groups), since)
    return [incident_of(row) for row in rows]


def _groups(groups: Collection[Group]) -> tuple[list[str], list[str]]:
    return [team for team, _ in groups], [source for _, source in groups]


async def take_over(conn: asyncpg.Connection, joined: Mapping[int, int], now: datetime) -> None:
    """Let storms have what was written for incidents that joined them, by number: tracks and messages.

    What somebody was to be told of them and has not been told yet is replaced by what the storm
    tells them. The storms must have been written.
    """
    if joined:
        numbers, storms = list(joined), list(joined.values())
        await conn.execute(_SQL["point_tracks"], numbers, storms)
        await conn.execute(_SQL["replace_messages"], numbers, storms, now)


async def ended(
    conn: asyncpg.Connection, fingerprints: Sequence[bytes], since: datetime
) -> dict[bytes, Ended]:
    """Return where each fingerprint was latest good again in a storm, if after `since`."""
    rows = await conn.fetch(_SQL["list_ended_members"], list(fingerprints), since)
    return {
        row["fingerprint"]: Ended(row["incident_id"], row["first_good_at"], row["failure_class"])
        for row in rows
    }


async def latest_at(conn: asyncpg.Connection, incidents: Sequence[int]) -> dict[int, datetime]:
    """Return when something has happened last to each of some incidents."""
    rows = await conn.fetch(_SQL["list_latest_at"], list(incidents))
    return {row["id"]: row["at"] for row in rows}


async def live_storms(conn: asyncpg.Connection) -> list[int]:
    """Return the numbers of the storms that are open or taken."""
    return [row["id"] for row in await conn.fetch(_SQL["live_storms"])]


@dataclass(frozen=True, slots=True)
class Split:
    """A member that is an incident of its own."""

    storm: int
    fingerprint: bytes
    rule: str
    entity: Entity
    incident: int


async def splits(conn: asyncpg.Connection, storms: Collection[int]) -> list[Split]:
    """Return which members of these storms were split out."""
    if not storms:
        return []
    return [
        Split(
            row["incident_id"],
            row["fingerprint"],
            row["rule"],
            entity_of(row["entity"]),
            row["split_id"],
        )
        for row in await conn.fetch(_SQL["list_splits"], list(storms))
    ]


async def settle(conn: asyncpg.Connection, settled: Sequence[Settled]) -> None:
    """Write what has become of bad members; others are left alone."""
    if not settled:
        return
    rows = [
        (
            one.storm,
            one.fingerprint,
            one.state.value,
            one.severity.value,
            one.failure_class,
            one.value,
            one.limit,
            clean(one.fact),
            clean(one.detail),
            one.first_good_at,
            clean(one.reason),
        )
        for one in settled
    ]
    await conn.execute(_SQL["settle_members"], *in_columns(rows))


async def add(conn: asyncpg.Connection, storm: int, joining: Sequence[Member]) -> None:
    """Add members to a storm, numbered on in their order; those that it has had are bad again in it.

    Incidents about the same things must have ended before.
    """
    if not joining:
        return
    last: int = await conn.fetchval(_SQL["last_number"], storm)
    known: set[bytes] = set()
    if last:
        again = in_columns(list(map(_again, joining)))
        found = await conn.fetch(_SQL["turn_bad_again"], storm, *again)
        known = {row["fingerprint"] for row in found}
    new = [one for one in joining if one.fingerprint not in known]
    rows = (_row(storm, number, one) for number, one in enumerate(new, start=last + 1))
    await copy(conn, "member", _COLUMNS, rows)


def _again(one: Member) -> tuple[Any, ...]:
    return (
        one.fingerprint,
        one.identity,
        one.severity.value,
        one.failure_class,
        one.value,
        one.limit,
        clean(one.fact),
        clean(one.detail),
        one.joined_at,
        one.first_bad_at,
    )


def _row(storm: int, number: int, one: Member) -> tuple[Any, ...]:
    return (
        storm,
        number,
        one.fingerprint,
        one.rule,
        one.identity,
        JsonText(json_text(one.entity)),
        clean(one.title),
        one.severity.value,
        one.failure_class,
        one.value,
        one.limit,
        clean(one.fact),
        clean(one.detail),
        one.joined_at,
        one.first_bad_at,
    )


async def update_figures(conn: asyncpg.Connection, figures: Sequence[Figures]) -> None:
    """Write the latest values of bad members; nothing is told and no event is made."""
    if not figures:
        return
    rows = [
        (
            one.incident_id,
            fingerprint(one.rule, one.entity),
            one.value,
            one.limit,
            clean(one.fact),
            clean(one.detail),
        )
        for one in figures
    ]
    await conn.execute(_SQL["update_member_figures"], *in_columns(rows))


async def tally(conn: asyncpg.Connection, storm: int) -> Tally:
    """Return how a storm's members are now."""
    rows = await conn.fetch(_SQL["count_members"], storm)
    names = await conn.fetch(_SQL["name_members"], storm, NAMES_MAX + 1)
    first = await conn.fetchrow(_SQL["first_member"], storm)
    counts = dict.fromkeys(MemberState, 0)
    for row in rows:
        counts[MemberState(row["state"])] += row["number"]
    own = [row for row in rows if row["state"] in ("bad", "good")]
    return Tally(
        bad={Severity(row["severity"]): row["number"] for row in rows if row["state"] == "bad"},
        good=counts[MemberState.GOOD],
        split=counts[MemberState.SPLIT],
        gone=counts[MemberState.GONE],
        names=[Name(row["title"], Severity(row["severity"]), row["number"]) for row in names],
        first=(first["title"], first["first_bad_at"]) if first else None,
        first_bad_at=min((row["first_bad_at"] for row in own), default=None),
        first_good_at=max(
            (row["first_good_at"] for row in own if row["first_good_at"]), default=None
        ),
        reason=max((row["reason"] for row in rows), default=""),
    )


async def listed(
    conn: asyncpg.Connection, storm: int, *, limit: int, after: int = 0
) -> list[Member]:
    """Return members of a storm: bad ones before others, the worst before others.

    Args:
        after: How many of them are left out.
    """
    rows = await conn.fetch(_SQL["list_members"], storm, limit, after)
    return [member_of_row(row) for row in rows]


async def by_number(conn: asyncpg.Connection, storm: int, number: int) -> Member | None:
    """Return the member with this place in the list; None if there is none."""
    row = await conn.fetchrow(_SQL["member_by_number"], storm, number)
    return member_of_row(row) if row else None


async def by_name(conn: asyncpg.Connection, storm: int, rule: str, entity: Entity) -> Member | None:
    """Return the member that is about an entity of a rule; None if there is none."""
    row = await conn.fetchrow(_SQL["member_by_name"], storm, fingerprint(rule, entity))
    return member_of_row(row) if row else None


async def split(conn: asyncpg.Connection, one: Member, incident: int) -> None:
    """Make a bad member an incident of its own, which must be written in the same transaction."""
    await conn.execute(_SQL["split_member"], one.storm, one.fingerprint, incident)


async def bad(conn: asyncpg.Connection) -> list[Member]:
    """Return every member that is bad."""
    return [member_of_row(row) for row in await conn.fetch(_SQL["list_bad_members"])]


async def joined_at(
    conn: asyncpg.Connection, wanted: Iterable[tuple[int, bytes]]
) -> dict[tuple[int, bytes], datetime]:
    """Return when members joined, or were bad again, by storm and fingerprint; others are left out."""
    rows = await conn.fetch(_SQL["list_joined_at"], *in_columns(list(wanted)))
    return {(row["incident_id"], row["fingerprint"]): row["joined_at"] for row in rows}


def member_of_row(row: asyncpg.Record | Mapping[str, Any]) -> Member:
    """Return the member of a row of table `member`."""
    return Member(
        storm=row["incident_id"],
        number=row["number"],
        fingerprint=row["fingerprint"],
        rule=row["rule"],
        identity=row["identity"],
        entity=entity_of(row["entity"]),
        title=row["title"],
        severity=Severity(row["severity"]),
        joined_at=row["joined_at"],
        first_bad_at=row["first_bad_at"],
        failure_class=row["failure_class"],
        state=MemberState(row["state"]),
        value=row["value"],
        limit=row["value_limit"],
        fact=row["fact"],
        detail=row["detail"],
        first_good_at=row["first_good_at"],
        reason=row["reason"],
        split=row["split_id"],
    )
