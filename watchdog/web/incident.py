"""The page of one incident, and what people do there. GET never changes anything."""

from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from watchdog.domain.closing import CAUSE_KINDS, UNNEEDED, Prevention, usual_due
from watchdog.domain.escalation import next_up
from watchdog.domain.incident import Incident, State
from watchdog.domain.opinions import reopen
from watchdog.domain.people import Role
from watchdog.store import covers, incidents, silences
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed, Refused, UnknownIncident
from watchdog.web import acting, storm
from watchdog.web.asking import FORMS, Asked
from watchdog.web.forms import read_form
from watchdog.web.gate import visitor_of
from watchdog.web.pages import render
from watchdog.web.room import Room, number_of, room_of

_ROWS_MAX = 20
_COLUMNS_MAX = 12
SNOOZE_HOURS = (1, 2, 4, 8, 24)


async def show_incident(request: Request) -> Response:
    """Show the incident with everything that is known of it."""
    return await _page(request, "incident.html")


async def show_incident_part(request: Request) -> Response:
    """Show what changes on it by itself: everything but the forms."""
    return await _page(request, "part_incident.html")


async def show_take(request: Request) -> Response:
    """Ask once whether to take it: one button, for a phone."""
    return await _page(request, "take.html")


async def _page(
    request: Request, template: str, status_code: int = 200, refusal: str = "", words: str = ""
) -> Response:
    room, number = room_of(request), number_of(request)
    async with transaction(room.service.pool) as conn:
        one = await incidents.by_id(conn, number)
        if one is None:
            raise HTTPException(404, f"There is no incident #{number}.")
        entries = await incidents.timeline(conn, number)
        evidence = await incidents.evidence(conn, number)
        crowd = await storm.crowd_of(conn, one)
        silence = await silences.in_force_for(conn, one, room.now())
        directory = await covers.with_covers(conn, room.service.directory(), room.now())
        doing = await acting.of_incident(conn, room, one, visitor_of(request).name)
    return render(
        template,
        status_code,
        visitor=visitor_of(request),
        now=room.now(),
        one=one,
        entries=entries[::-1],
        evidence={name: _table(rows) for name, rows in evidence.items()},
        refusal=refusal,
        typed=words,
        states=State,
        cause_kinds=CAUSE_KINDS,
        unneeded=UNNEEDED,
        snooze_hours=SNOOZE_HOURS,
        may_reopen=_may_reopen(one, room.now()),
        preventions=list(Prevention),
        due_on=usual_due(room.now()),
        responders=_responders(room, one),
        next_up=next_up(one, directory),
        crowd=crowd,
        silence=silence,
        **doing,
    )


def _may_reopen(one: Incident, now: datetime) -> bool:
    """Return whether the page offers to reopen it."""
    try:
        reopen(one, one.owner, "not well", now)
    except Refused:
        return False
    return True


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    columns = list(rows[0])[:_COLUMNS_MAX] if rows else []
    return {
        "columns": columns,
        "rows": [[row.get(column) for column in columns] for row in rows[:_ROWS_MAX]],
    }


def _responders(room: Room, one: Incident) -> list[str]:
    people = room.service.directory().people.values()
    return sorted(
        person.name
        for person in people
        if person.role is not Role.VIEWER and person.name != one.owner
    )


async def ask(request: Request, *, form: str) -> Response:
    """Do what a form of the page asks for; a refusal is shown above the page, with what was typed."""
    room, number = room_of(request), number_of(request)
    fields = await read_form(request)
    try:
        await FORMS[form](Asked(room, number, visitor_of(request).name, fields, room.now()))
    except UnknownIncident as error:
        raise HTTPException(404, f"There is no incident #{number}.") from error
    except NotAllowed as error:
        return await _page(request, "incident.html", 403, str(error), fields.get("words", ""))
    except Refused as error:
        return await _page(request, "incident.html", 409, str(error), fields.get("words", ""))
    room.service.wake.set()
    return RedirectResponse(f"/i/{number}", 303)
