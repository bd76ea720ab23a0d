"""Storms written past the engine: for the pages, the commands and the store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import asyncpg

from rules.base import Severity
from tests.page import DIRECTORY
from tests.unit.test_incident import an_incident
from watchdog.clock import MovedClock
from watchdog.domain import storm_life
from watchdog.domain.fingerprint import fingerprint
from watchdog.domain.incident import Incident
from watchdog.domain.notices import with_notices
from watchdog.domain.storm_life import Guide
from watchdog.domain.storms import Member, MemberState, member_of
from watchdog.store import incidents, members
from watchdog.store.members import Settled
from watchdog.store.pool import transaction

STORM = 1050
GUIDE = Guide(Severity.CRITICAL, "Nobody can buy.", "Restart it.", (), "")


def some_members(count: int, clock: MovedClock, rule: str = "jobs-stuck") -> list[Member]:
    """Return bad members that are about queues q1, q2, …; the third of five is critical."""
    made = []
    for number in range(1, count + 1):
        entity = (("queue", f"q{number}"),)
        one = an_incident(
            rule=rule,
            entity=entity,
            fingerprint=fingerprint(rule, entity),
            title=f"Jobs of q{number} hang",
            severity=Severity.CRITICAL if number % 5 == 3 else Severity.WARNING,
            opened_at=clock.now(),
            first_bad_at=clock.now() - timedelta(minutes=2),
            fact=f"{number}m old",
        )
        made.append(member_of(STORM, number, one))
    return made


async def open_storm(
    store: asyncpg.Pool, clock: MovedClock, count: int = 6, joining: Sequence[Member] = ()
) -> Incident:
    """Commit the beginning of storm 1050 of team data and source crm, with its members."""
    async with transaction(store) as conn:
        return await begin_storm(conn, clock, joining or some_members(count, clock))


async def begin_storm(
    conn: asyncpg.Connection, clock: MovedClock, joining: Sequence[Member]
) -> Incident:
    """Write that storm inside the caller's transaction."""
    storm = storm_life.storm_of(STORM, "data", "crm", "ana", GUIDE, clock.now())
    await members.add(conn, STORM, joining)
    begun = storm_life.begun(storm, await members.tally(conn, STORM), "UTC", {})
    step = with_notices(begun, DIRECTORY)
    await incidents.commit(conn, [step])
    return step.transition.after


async def heal(store: asyncpg.Pool, clock: MovedClock, storm: Incident, *numbers: int) -> Incident:
    """Commit that members are good again; return the storm as it is then."""
    async with transaction(store) as conn:
        found = [await members.by_number(conn, storm.id, number) for number in numbers]
        await members.settle(conn, [_good(one, clock) for one in found if one])
        tally = await members.tally(conn, storm.id)
        changed = storm_life.counted_anew(storm, tally, "UTC", clock.now())
        assert changed is not None
        step = with_notices(changed, DIRECTORY)
        await incidents.commit(conn, [step])
    return step.transition.after


def _good(one: Member, clock: MovedClock) -> Settled:
    settled = members.gone(one, "")
    return replace(settled, state=MemberState.GOOD, fact="good", first_good_at=clock.now())
