"""How people arrange who covers for whom, with one meaning on every surface."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg

from rules.spans import short_span
from watchdog.domain.incident import Refused
from watchdog.domain.oncall import swapped
from watchdog.domain.people import Cover, Directory
from watchdog.moving import require_responder
from watchdog.store import covers
from watchdog.store.pool import transaction

COVER_MAX = timedelta(weeks=26)
"""Whoever answers for longer belongs into the rotation."""


async def cover(pool: asyncpg.Pool, directory: Directory, wanted: Cover, now: datetime) -> Cover:
    """Let somebody answer for a team; what of it has passed is not covered.

    Raises:
        Refused: It is over, too long, or somebody covers a part of it already.
        NotAllowed: Who covers or who arranges it may not own incidents.
    """
    require_responder(directory, wanted.made_by)
    starts_at = max(wanted.starts_at, now)
    if wanted.ends_at <= starts_at:
        raise Refused(f"that would end at {wanted.ends_at:%Y-%m-%d %H:%M} UTC, before it begins")
    begun = replace(wanted, starts_at=starts_at)
    _check_length(begun)
    [kept] = await _keep(pool, directory, [begun], now)
    return kept


async def swap(
    pool: asyncpg.Pool,
    directory: Directory,
    team: str,
    people: tuple[str, str],
    after: datetime,
    by: str,
    now: datetime,
) -> list[Cover]:
    """Let two people swap their next shifts that begin at `after` or later: both, or neither.

    Raises:
        Refused: One of them has no such shift within a year, or it is covered already.
        NotAllowed: One of the three may not own incidents.
    """
    require_responder(directory, by)
    async with transaction(pool) as conn:
        known = await covers.with_covers(conn, directory, now)
    pair = swapped(known, team, *people, max(after, now), by) if people[0] != people[1] else None
    if pair is None:
        raise Refused(f"{people[0]} and {people[1]} have no two shifts of {team} to swap")
    return await _keep(pool, directory, pair, now)


async def end(
    pool: asyncpg.Pool, directory: Directory, number: int, by: str, now: datetime
) -> Cover:
    """End a cover now, or take it back before it begins.

    Raises:
        Refused: There is no such cover, or it is over.
        NotAllowed: This person may not own incidents.
    """
    require_responder(directory, by)
    async with transaction(pool) as conn:
        ended = await covers.end(conn, number, now)
    if ended is None:
        raise Refused(f"there is no cover {number} to end; `watchdog oncall list` shows them")
    return ended


async def take_over(
    pool: asyncpg.Pool, directory: Directory, wanted: Sequence[Cover], by: str, now: datetime
) -> list[Cover]:
    """Keep the covers of a calendar, all or none, and return those that are new.

    What is over is left out, and so is what is kept already: a calendar may be taken over again.

    Raises:
        Refused: One is too long, or lies over another cover.
        NotAllowed: Somebody may not own incidents.
    """
    require_responder(directory, by)
    async with transaction(pool) as conn:
        known = (await covers.with_covers(conn, directory, now)).covers
    ahead = [replace(one, starts_at=max(one.starts_at, now)) for one in wanted if one.ends_at > now]
    for one in ahead:
        _check_length(one)
    fresh = [one for one in ahead if not any(_is_kept(one, other) for other in known)]
    return await _keep(pool, directory, fresh, now)


def _is_kept(wanted: Cover, kept: Cover) -> bool:
    """Return whether a cover does what is wanted; one that has begun may have begun earlier."""
    same = (wanted.team, wanted.person, wanted.ends_at) == (kept.team, kept.person, kept.ends_at)
    return same and kept.starts_at <= wanted.starts_at


def _check_length(cover: Cover) -> None:
    if cover.ends_at - cover.starts_at > COVER_MAX:
        raise Refused(f"a cover lasts at most {short_span(COVER_MAX)}; change the rotation instead")


async def _keep(
    pool: asyncpg.Pool,
    directory: Directory,
    wanted: Sequence[Cover],
    now: datetime,
) -> list[Cover]:
    """Keep all covers or none."""
    for one in wanted:
        require_responder(directory, one.person)
    try:
        async with transaction(pool) as conn:
            return [await covers.add(conn, one, now) for one in wanted]
    except covers.Overlaps:
        async with transaction(pool) as conn:
            known = await covers.with_covers(conn, directory, now)
        raise Refused(_in_the_way(known, wanted)) from None


def _in_the_way(directory: Directory, wanted: Sequence[Cover]) -> str:
    for one in directory.covers:
        for other in wanted:
            if (
                one.team == other.team
                and one.starts_at < other.ends_at
                and one.ends_at > other.starts_at
            ):
                return (
                    f"{one.person} covers {one.team} until {one.ends_at:%Y-%m-%d %H:%M} UTC already; "
                    f"end that first: watchdog oncall end {one.number}"
                )
    return "somebody else has just arranged a cover of that time; look again: watchdog oncall list"
