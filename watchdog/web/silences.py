"""The page of silences: what is not told now, who says so and why, what each of them hides."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from notifiers.times import time_of_day, zone_word
from rules.durations import parse_duration
from watchdog import silencing
from watchdog.domain.naming import entity_in
from watchdog.domain.silences import Silence
from watchdog.silencing import Hiding
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed, Refused
from watchdog.web.forms import read_form
from watchdog.web.gate import visitor_of
from watchdog.web.pages import render
from watchdog.web.room import Room, number_of, room_of

SPANS = ("30m", "1h", "2h", "4h", "8h", "1d", "3d", "7d")


async def show_silences(request: Request) -> Response:
    """Show the silences that hold now, and a form for another."""
    return await _page(request)


async def _page(
    request: Request,
    status_code: int = 200,
    refusal: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response:
    room = room_of(request)
    async with transaction(room.service.pool) as conn:
        found = await silencing.in_force(conn, room.now())
    return render(
        "silences.html",
        status_code,
        visitor=visitor_of(request),
        now=room.now(),
        silences=found,
        refusal=refusal,
        typed={
            **dict.fromkeys(("pattern", "lasts", "words", "team", "entity"), ""),
            **(typed or {}),
        },
        spans=SPANS,
        rules=sorted(room.service.config.rules),
        teams=sorted(room.service.directory().teams),
    )


async def add(request: Request) -> Response:
    """Make a silence."""
    room, fields = room_of(request), await read_form(request)
    service = room.service
    try:
        wanted = wanted_in(fields, visitor_of(request).name, room.now())
        names = silencing.names_of(service.config)
        await silencing.add(
            *(service.pool, service.directory(), wanted, names, room.now()),
            action_id=fields.get("action_id", "").strip(),
        )
    except NotAllowed as error:
        return await _page(request, 403, str(error), fields)
    except Refused as error:
        return await _page(request, 409, str(error), fields)
    service.wake.set()
    return RedirectResponse("/silences", 303)


def wanted_in(fields: Mapping[str, str], person: str, now: datetime) -> Silence:
    """Return what the form says.

    Raises:
        Refused: Something in it cannot be understood.
    """
    return Silence(
        pattern=fields.get("pattern", "").strip(),
        reason=fields.get("words", ""),
        made_by=person,
        made_at=now,
        ends_at=now + _span(fields.get("lasts", "")),
        team=fields.get("team", ""),
        entity=_entity(fields.get("entity", "")),
    )


def _span(typed: str) -> timedelta:
    try:
        return parse_duration(typed)
    except ValueError as error:
        words = f"a silence needs its length, such as `2h`: {error}"
        raise Refused(words, about="lasts") from error


def _entity(typed: str) -> tuple[tuple[str, str], ...]:
    """Return the columns and values of `workspace=acme, shop=web`."""
    try:
        return entity_in(one for one in typed.split(",") if one.strip())
    except ValueError as error:
        raise Refused(f"`{error}` must read COLUMN=VALUE; several stand behind commas") from error


def told(kept: Hiding, room: Room, now: datetime) -> str:
    """Return what a new silence does, by the clock of whoever made it."""
    silence = kept.silence
    zone = room.service.directory().people[silence.made_by].zone.key
    said = silencing.said_of(kept, f"{time_of_day(silence.ends_at, zone, now)} {zone_word(zone)}")
    if silence.of_critical:
        return said
    return f"{said} What is critical is told all the same; only an admin silences that."


async def end(request: Request) -> Response:
    """End a silence now."""
    room, number = room_of(request), number_of(request)
    await read_form(request)
    person = visitor_of(request).name
    try:
        await silencing.end(room.service.pool, room.service.directory(), number, person, room.now())
    except NotAllowed as error:
        return await _page(request, 403, str(error))
    except Refused as error:
        raise HTTPException(404, f"There is no silence {number} to end.") from error
    room.service.wake.set()
    return RedirectResponse("/silences", 303)
