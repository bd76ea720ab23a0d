"""What people answer on the page of an incident: decline, snooze, reopen, not actionable."""

from collections.abc import Mapping
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from watchdog import verbs
from watchdog.domain.incident import Incident
from watchdog.web.forms import action_id_of
from watchdog.web.incident import perform
from watchdog.web.room import Room


async def decline(request: Request) -> Response:
    """Say that the visitor does not take what is offered to them."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        return await verbs.decline(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            fields.get("words", ""),
            room.now(),
            action_id=action_id_of(fields),
        )

    return await perform(request, do)


async def snooze(request: Request) -> Response:
    """Let it rest for some hours."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        return await verbs.snooze(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            _hours(fields.get("hours", "")),
            room.now(),
            action_id=action_id_of(fields),
        )

    return await perform(request, do)


def _hours(text: str) -> timedelta:
    """Return so many hours; none, which is refused, where the form says no number of them."""
    is_number = text.isascii() and text.isdigit() and len(text) <= 3
    return timedelta(hours=int(text)) if is_number else timedelta()


async def reopen(request: Request) -> Response:
    """Say that it is not well though it is over."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        return await verbs.reopen(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            fields.get("words", ""),
            room.now(),
            action_id=action_id_of(fields),
        )

    return await perform(request, do)


async def not_actionable(request: Request) -> Response:
    """Say that it needed nobody."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        return await verbs.not_actionable(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            fields.get("why", ""),
            fields.get("words", ""),
            room.now(),
            action_id=action_id_of(fields),
        )

    return await perform(request, do)
