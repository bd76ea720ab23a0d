"""What a person reopens while the service opens something about the same."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from tests.lock_waits import held_up
from tests.page import DIRECTORY
from tests.storms import begin_storm, some_members
from tests.unit.test_incident import an_incident
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.domain import life
from watchdog.domain.notices import with_notices
from watchdog.moving import Deed
from watchdog.store import incidents, silences
from watchdog.store.pool import transaction
from watchdog.verbs import Refused


async def test_who_reopens_waits_for_what_is_about_to_open_and_leaves_the_thing_to_it(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    [member], now = some_members(1, clock), clock.now()
    first = replace(an_incident(opened_at=now), fingerprint=member.fingerprint)
    async with transaction(store) as conn:
        opened = with_notices(life.opened(first, {}), DIRECTORY)
        await incidents.commit(conn, [opened])
        good = life.recovered(opened.transition.after, now, None, "good")
        await incidents.commit(conn, [with_notices(good, DIRECTORY)])
    async with transaction(store) as conn:
        await silences.hold_still(conn)  # as whatever opens does first
        await begin_storm(conn, clock, [member])
        reopening = asyncio.ensure_future(
            verbs.reopen(store, DIRECTORY, Deed(first.id, "ana", now), "still slow")
        )
        assert await held_up(store, reopening)
    with pytest.raises(Refused, match="a later incident about the same is open"):
        await reopening
