"""The page of one incident, and what people do there. GET never changes anything."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from watchdog import verbs
from watchdog.domain.closing import CAUSE_KINDS, UNNEEDED, Answer, Closing, Prevention, usual_due
from watchdog.domain.escalation import next_up
from watchdog.domain.incident import Incident, State
from watchdog.domain.opinions import reopen
from watchdog.domain.people import Role
from watchdog.store import covers, incidents, silences
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed, Refused, UnknownIncident
from watchdog.web import acting, storm
from watchdog.web.forms import action_id_of, read_form
from watchdog.web.gate import visitor_of
from watchdog.web.pages import render
from watchdog.web.room import Room, number_of, room_of

_ROWS_MAX = 20
_COLUMNS_MAX = 12
SNOOZE_HOURS = (1, 2, 4, 8, 24)

Do = Callable[[Room, int, str, Mapping[str, str]], Awaitable[object]]


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


async def take(request: Request) -> Response:
    """Make the visitor its owner."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        return await verbs.take(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            room.now(),
            over=fields.get("over") == "yes",
            action_id=action_id_of(fields),
        )

    return await perform(request, do)


async def hand_over(request: Request) -> Response:
    """Offer it to somebody else."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        return await verbs.hand_over(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            fields.get("to", ""),
            fields.get("words", "").strip(),
            room.now(),
            action_id=action_id_of(fields),
        )

    return await perform(request, do)


async def give_back(request: Request) -> Response:
    """Give back what the visitor took; whoever is on call is paged for it."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        words = fields.get("words", "").strip()
        return await verbs.give_back(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            words,
            room.now(),
            action_id=action_id_of(fields),
        )

    return await perform(request, do)


async def escalate(request: Request) -> Response:
    """Pass it on to the next person at once."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        return await verbs.escalate(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            room.now(),
            action_id=action_id_of(fields),
        )

    return await perform(request, do)


async def note(request: Request) -> Response:
    """Write a note on its timeline."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        return await verbs.note(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            fields.get("words", ""),
            room.now(),
            action_id=action_id_of(fields),
        )

    return await perform(request, do)


async def resolve(request: Request) -> Response:
    """End it with its cause."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        closing = _closing(fields, person, room.now())
        return await verbs.resolve(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            closing,
            room.now(),
            action_id=action_id_of(fields),
        )

    return await perform(request, do)


def _closing(fields: Mapping[str, str], person: str, now: datetime) -> Closing:
    """Return what the form says; whoever sends it does the action, two weeks from now, by default.

    Raises:
        Refused: Something in it cannot be understood.
    """
    try:
        prevention = Prevention(fields.get("prevention", Prevention.OTHER))
        due_on = date.fromisoformat(fields["due"]) if fields.get("due") else usual_due(now)
    except ValueError as error:
        raise Refused(f"the form cannot be understood: {error}") from error
    words = fields.get("answer", "")
    answer = Answer(prevention, words, fields.get("doer") or person, due_on)
    if prevention is Prevention.NOTHING_NEEDED:
        answer = Answer(prevention, words)
    return Closing(fields.get("words", ""), fields.get("kind", ""), answer, fields.get("risk", ""))


async def finish_action(request: Request) -> Response:
    """Say that its preventive action is done."""

    async def do(room: Room, number: int, person: str, fields: Mapping[str, str]) -> Incident:
        words = fields.get("words", "")
        return await verbs.finish_action(
            room.service.pool,
            room.service.directory(),
            number,
            person,
            words,
            room.now(),
            action_id=action_id_of(fields),
        )

    return await perform(request, do)


async def act(request: Request) -> Response:
    """Run a recovery action."""
    return await perform(request, acting.act)


async def approve(request: Request) -> Response:
    """Approve a recovery action that somebody else has asked for."""
    return await perform(request, acting.approve)


async def perform(request: Request, do: Do) -> Response:
    """Do what a form of the page asks for; a refusal is shown above the page, with what was typed."""
    room, number = room_of(request), number_of(request)
    fields = await read_form(request)
    try:
        await do(room, number, visitor_of(request).name, fields)
    except UnknownIncident as error:
        raise HTTPException(404, f"There is no incident #{number}.") from error
    except NotAllowed as error:
        return await _page(request, "incident.html", 403, str(error), fields.get("words", ""))
    except Refused as error:
        return await _page(request, "incident.html", 409, str(error), fields.get("words", ""))
    room.service.wake.set()
    return RedirectResponse(f"/i/{number}", 303)
