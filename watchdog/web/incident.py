"""The page of one incident, and what people do there. GET never changes anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from watchdog.domain.closing import CAUSE_KINDS, UNNEEDED, Prevention, usual_due
from watchdog.domain.escalation import next_up
from watchdog.domain.incident import Incident, State
from watchdog.domain.opinions import why_not_reopened
from watchdog.recovery_actions import NotWritten
from watchdog.store import covers, incidents, runs, silences
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed, Refused, UnknownIncident
from watchdog.web import acting, storm
from watchdog.web.asking import FORMS, SNOOZE_HOURS, Asked
from watchdog.web.forms import read_form
from watchdog.web.gate import visitor_of
from watchdog.web.pages import render
from watchdog.web.room import Room, number_of, room_of

_ROWS_MAX = 20
_COLUMNS_MAX = 12
_DIGITS_MAX = 9


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into a form that was refused: it stands there again, and in no other form."""

    form: str
    fields: Mapping[str, str]

    def into(self, form: str, name: str, otherwise: object = "", action: str = "") -> object:
        """Return what stands in a field; `otherwise` where nothing was typed into it.

        Args:
            action: The recovery action that the form is about, of which there are several.
        """
        is_same = form == self.form and action == self.fields.get("action", "")
        return self.fields.get(name, otherwise) if is_same else otherwise


async def show_incident(request: Request) -> Response:
    """Show the incident with everything that is known of it, and its forms."""
    return await _page(request)


async def show_incident_part(request: Request) -> Response:
    """Show what changes on it by itself: everything but the forms."""
    room = room_of(request)
    async with transaction(room.service.pool) as conn:
        one = await _incident(conn, request)
        known = await _known(conn, room, one)
    return render("part_incident.html", visitor=visitor_of(request), **known)


async def show_take(request: Request) -> Response:
    """Ask once whether to take it: one button, for a phone."""
    room = room_of(request)
    async with transaction(room.service.pool) as conn:
        one = await _incident(conn, request)
    return render("take.html", visitor=visitor_of(request), now=room.now(), one=one, states=State)


async def _incident(conn: asyncpg.Connection, request: Request) -> Incident:
    number = number_of(request)
    one = await incidents.by_id(conn, number)
    if one is None:
        raise HTTPException(404, f"There is no incident #{number}.")
    return one


async def _known(conn: asyncpg.Connection, room: Room, one: Incident) -> dict[str, Any]:
    """Return what is shown of an incident besides its forms."""
    entries = await incidents.timeline(conn, one.id)
    evidence = await incidents.evidence(conn, one.id)
    directory = await covers.with_covers(conn, room.service.directory(), room.now())
    return {
        "now": room.now(),
        "one": one,
        "states": State,
        "entries": entries[::-1],
        "evidence": {name: _table(rows) for name, rows in evidence.items()},
        "crowd": await storm.crowd_of(conn, one),
        "silence": await silences.in_force_for(conn, one, room.now()),
        "runs": (await runs.of_incident(conn, one.id))[::-1],
        "next_up": next_up(one, directory),
    }


async def _page(
    request: Request, status_code: int = 200, refusal: str = "", typed: Typed | None = None
) -> Response:
    room, visitor = room_of(request), visitor_of(request)
    async with transaction(room.service.pool) as conn:
        one = await _incident(conn, request)
        known = await _known(conn, room, one)
        offers = await acting.offers(conn, room, one, visitor.name)
    return render(
        "incident.html",
        status_code,
        visitor=visitor,
        refusal=refusal,
        typed=typed or Typed("", {}),
        cause_kinds=CAUSE_KINDS,
        unneeded=UNNEEDED,
        snooze_hours=SNOOZE_HOURS,
        may_reopen=not why_not_reopened(one, room.now()),
        preventions=[one.value for one in Prevention],
        due_on=usual_due(room.now()),
        responders=[name for name in room.service.directory().responders if name != one.owner],
        offers=offers,
        **known,
    )


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    columns = list(rows[0])[:_COLUMNS_MAX] if rows else []
    return {
        "columns": columns,
        "rows": [[row.get(column) for column in columns] for row in rows[:_ROWS_MAX]],
    }


async def ask(request: Request, *, form: str) -> Response:
    """Do what a form of the page asks for; a refusal is shown above the page, with what was typed."""
    room, number = room_of(request), number_of(request)
    fields = await read_form(request)
    try:
        person, seen = visitor_of(request).name, _version(fields.get("seen", ""))
        await FORMS[form](Asked(room, number, person, fields, room.now(), seen))
    except UnknownIncident as error:
        raise HTTPException(404, f"There is no incident #{number}.") from error
    except NotAllowed as error:
        return await _page(request, 403, str(error), Typed(form, fields))
    except (Refused, NotWritten) as error:
        return await _page(request, 409, str(error), Typed(form, fields))
    room.service.wake.set()
    return RedirectResponse(f"/i/{number}", 303)


def _version(text: str) -> int | None:
    """Return the version of the incident that a form was written for; None where it says none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else None
