"""The members of a storm, page by page, and splitting one out."""

from dataclasses import dataclass

import asyncpg
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from watchdog import splitting
from watchdog.domain.incident import Incident
from watchdog.domain.storms import Member, MemberState, Tally
from watchdog.store import incidents, members
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed, Refused, UnknownIncident
from watchdog.web.forms import read_form
from watchdog.web.gate import visitor_of
from watchdog.web.pages import render
from watchdog.web.room import number_of, room_of

ON_A_PAGE = 100
ON_THE_INCIDENT = 10
"""Members that the storm's own page shows."""

PAGES_MAX = 1000


@dataclass(frozen=True, slots=True)
class Crowd:
    """Some members of a storm, and how many there are.

    Attributes:
        page: Counts from 1. `pages`: how many there are.
    """

    members: list[Member]
    tally: Tally
    page: int = 1
    pages: int = 1

    @property
    def total(self) -> int:
        """Return how many members the storm has had."""
        return self.tally.total

    def may_split(self, storm: Incident, one: Member) -> bool:
        """Return whether a member can become an incident of its own."""
        return storm.is_live and one.state is MemberState.BAD and self.tally.bad_count > 1


async def crowd_of(conn: asyncpg.Connection, one: Incident) -> Crowd | None:
    """Return the first members of a storm, for its own page; None where it is none."""
    if not one.is_storm:
        return None
    found = await members.listed(conn, one.id, limit=ON_THE_INCIDENT)
    return Crowd(found, await members.tally(conn, one.id))


async def show_members(request: Request) -> Response:
    """Show the members of a storm, a hundred at a time."""
    return await _page(request)


async def _page(request: Request, status_code: int = 200, refusal: str = "") -> Response:
    room, number = room_of(request), number_of(request)
    said = request.query_params.get("page", "1")
    page = int(said) if said.isdecimal() and len(said) < 5 else 0
    if not 1 <= page <= PAGES_MAX:
        raise HTTPException(404, "There is no such page.")
    async with transaction(room.service.pool) as conn:
        one = await incidents.by_id(conn, number)
        if one is None or not one.is_storm:
            raise HTTPException(404, f"There is no storm #{number}.")
        tally = await members.tally(conn, number)
        after = (page - 1) * ON_A_PAGE
        found = await members.listed(conn, number, limit=ON_A_PAGE, after=after)
    crowd = Crowd(found, tally, page, max(1, -(-tally.total // ON_A_PAGE)))
    return render(
        "members.html",
        status_code,
        visitor=visitor_of(request),
        now=room.now(),
        one=one,
        crowd=crowd,
        refusal=refusal,
    )


async def split(request: Request) -> Response:
    """Make a member an incident of its own, and show that."""
    room, number = room_of(request), number_of(request)
    fields = await read_form(request)
    said = fields.get("member", "")
    try:
        own = await splitting.split(
            room.service.pool,
            room.service.config,
            number,
            splitting.which((said,)) if said else 0,
            visitor_of(request).name,
            room.now(),
            action_id=fields.get("action_id", "").strip(),
        )
    except UnknownIncident as error:
        raise HTTPException(404, f"There is no storm #{number}.") from error
    except NotAllowed as error:
        return await _page(request, 403, str(error))
    except Refused as error:
        return await _page(request, 409, str(error))
    room.service.wake.set()
    return RedirectResponse(f"/i/{own.id}", 303)
