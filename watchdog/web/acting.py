"""Recovery actions on the page of an incident: what there is, what was run, and the button."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from watchdog import recovery_actions
from watchdog.domain.acting import Run
from watchdog.domain.incident import Incident
from watchdog.recovery_actions import Hands
from watchdog.store import runs
from watchdog.web.room import Room


async def of_incident(
    conn: asyncpg.Connection, room: Room, one: Incident, person: str
) -> dict[str, Any]:
    """Return what the page shows of an incident's actions."""
    config = room.service.config
    return {
        "offers": await recovery_actions.offers(conn, config, one, person, room.now()),
        "runs": (await runs.of_incident(conn, one.id))[::-1],
    }


async def act(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Run:
    """Run an action, or ask for it where it needs a second person."""
    said = (fields.get(name, "") for name in ("action", "hypothesis", "mitigation"))
    action, hypothesis, mitigation = said
    with room.service.clock.working():
        return await recovery_actions.act(
            _hands(room), number, action, person, hypothesis, mitigation
        )


async def approve(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Run:
    """Approve what somebody else has asked for, and run it."""
    with room.service.clock.working():
        return await recovery_actions.approve(
            _hands(room), number, fields.get("action", ""), person
        )


def _hands(room: Room) -> Hands:
    service = room.service
    return Hands(service.pool, service.config, service.addresses, room.now)
