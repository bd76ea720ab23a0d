"""Taking an incident by the link of a mail: a page that asks once, and its one button."""

import logging
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from notifiers import mail_link
from watchdog import verbs
from watchdog.domain.incident import Incident, State
from watchdog.domain.people import Role
from watchdog.moving import Deed
from watchdog.store import incidents
from watchdog.store.pool import transaction
from watchdog.verbs import NotAllowed, Refused
from watchdog.web.forms import read_fields
from watchdog.web.pages import render
from watchdog.web.room import Room, room_of

logger = logging.getLogger(__name__)

_NO_GOOD = (
    "This link does not work, or does not work any more. Links of mails last for "
    f"{mail_link.LASTS.total_seconds() / 3600:g} hours; sign in to take an incident."
)


@dataclass(frozen=True, slots=True)
class _Holder:
    """Whoever holds a link, and what it is for."""

    person: str
    one: Incident

    @property
    def may_take(self) -> bool:
        return self.one.state is State.OPEN or self.one.offered_to == self.person


async def show(request: Request) -> Response:
    """Ask once whether to take it. Changes nothing: programs open the links of mails, too."""
    return _page(room_of(request), await _holder(request))


async def take(request: Request) -> Response:
    """Take it for the person that the link was written to."""
    room, holder = room_of(request), await _holder(request)
    service, number = room.service, holder.one.id
    fields = await read_fields(request)
    facts = {"incident": number, "person": holder.person}
    try:
        deed = Deed(number, holder.person, room.now(), fields.get("action_id", ""))
        await verbs.take(service.pool, service.directory(), deed)
    except (Refused, NotAllowed) as refusal:
        logger.info("link of a mail used", extra=facts | {"refused": str(refusal)})
        return _page(room, await _holder(request), str(refusal))
    logger.info("link of a mail used", extra=facts)
    service.wake.set()
    return RedirectResponse(request.url.path, 303)


def _page(room: Room, holder: _Holder, refusal: str = "") -> Response:
    return render(
        "take_by_mail.html", 409 if refusal else 200,
        one=holder.one, person=holder.person, may_take=holder.may_take, refusal=refusal,
        now=room.now(),
    )  # fmt: skip


async def _holder(request: Request) -> _Holder:
    """Return who holds the link of this request, and the incident that it is about.

    Raises:
        HTTPException: 403, with one text for all reasons but one: nobody learns from it whether an
            incident exists, or which part of a link was wrong. The person's role is told to themselves.
    """
    room, token = room_of(request), str(request.path_params["token"])
    grant = mail_link.read(token)
    if grant is None or grant.ends_at <= room.now():
        raise HTTPException(403, _NO_GOOD)
    async with transaction(room.service.pool) as conn:
        one = await incidents.by_id(conn, grant.incident)
    key = room.service.config.email.link_key.get_secret_value()
    person = room.service.directory().people.get(grant.person)
    if one is None or person is None or not mail_link.is_ours(token, grant, one.opened_at, key):
        raise HTTPException(403, _NO_GOOD)
    if person.role is Role.VIEWER:
        raise HTTPException(403, f"{person.name} is a viewer; taking incidents needs a responder.")
    return _Holder(person.name, one)
