"""Recovery actions on the page of an incident: what there is, what was run, and the button."""

import asyncpg

from watchdog import action_offers, recovery_actions
from watchdog.action_offers import Offer
from watchdog.domain.acting import Run
from watchdog.domain.incident import Incident
from watchdog.recovery_actions import Hands
from watchdog.web.room import Room


async def offers(conn: asyncpg.Connection, room: Room, one: Incident, person: str) -> list[Offer]:
    """Return the actions that the page offers, each with why the visitor cannot run it now."""
    return await action_offers.offers(conn, room.service.config, one, person, room.now())


async def act(
    room: Room,
    number: int,
    person: str,
    action: str,
    hypothesis: str,
    mitigation: str,
    *,
    action_id: str,
) -> Run:
    """Run an action, or ask for it where it needs a second person."""
    said = (number, action, person, hypothesis, mitigation)
    with room.service.clock.working():
        return await recovery_actions.act(_hands(room), *said, action_id=action_id)


async def approve(room: Room, number: int, person: str, action: str, *, action_id: str) -> Run:
    """Approve what somebody else has asked for, and run it."""
    with room.service.clock.working():
        return await recovery_actions.approve(
            _hands(room), number, action, person, action_id=action_id
        )


def _hands(room: Room) -> Hands:
    service = room.service
    return Hands(service.pool, service.config, service.addresses, room.now)
