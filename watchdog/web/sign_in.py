"""Signing in by the one-time link that the service prints, and out again."""

import getpass
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from watchdog.store import sessions
from watchdog.store.pool import transaction
from watchdog.web.forms import read_fields, read_form
from watchdog.web.pages import render
from watchdog.web.room import Room, room_of


async def show_sign_in(request: Request) -> Response:
    """Ask who signs in. Changes nothing: programs open links, too."""
    room = room_of(request)
    secret = request.query_params.get("token", "")
    async with transaction(room.service.pool) as conn:
        ends_at = await sessions.link_ends_at(conn, secret, room.now())
    return _page(room, secret if ends_at else "")


async def sign_in(request: Request) -> Response:
    """Use up the link, and begin a session of the chosen person."""
    room = room_of(request)
    fields = await read_fields(request)
    person = fields.get("person", "")
    if person and person not in room.service.directory().people:
        raise HTTPException(400, f"Nobody is called {person[:80]} under `people:`.")
    async with transaction(room.service.pool) as conn:
        if not await sessions.use_link(conn, fields.get("token", ""), room.now()):
            return _page(room, "")
        secret = await sessions.begin(conn, person, room.now())
    response = RedirectResponse("/", 303)
    room.cookie().put(response, secret)
    return response


async def sign_out(request: Request) -> Response:
    """End the session, for whoever holds its cookie."""
    room = room_of(request)
    await read_form(request)
    cookie = room.cookie()
    async with transaction(room.service.pool) as conn:
        await sessions.end(conn, request.cookies.get(cookie.name, ""))
    response = RedirectResponse("/sign-in", 303)
    cookie.drop(response)
    return response


def _page(room: Room, secret: str) -> Response:
    people = sorted(room.service.directory().people)
    return render(
        "sign_in.html", 200 if secret else 403, secret=secret, people=people, me=_login(people)
    )


def _login(people: list[str]) -> str:
    """Return who has started the service, if that is one of the people; else the first of them."""
    try:
        login = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        login = ""
    return login if login in people else next(iter(people), "")


async def make_link(room: Room, base: str) -> str:
    """Return a link that signs somebody in, once, within `sessions.LINK_LASTS`.

    Args:
        base: Where browsers find the service, when the configuration does not say it.
    """
    async with transaction(room.service.pool) as conn:
        secret = await sessions.make_link(conn, room.now())
    url = room.service.config.service.url
    base = url if urlsplit(url).scheme in {"http", "https"} else base
    return f"{base.rstrip('/')}/sign-in?token={secret}"
