"""The page of a week: the same as the mail, with every row, and the readers who stop the mail."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from notifiers.summary_mail import html_page
from watchdog.domain.summary import LISTED_MAX
from watchdog.domain.weeks import week_at, week_named
from watchdog.reports.weekly import make_week, name_and_zone
from watchdog.store import subscriptions
from watchdog.store.figures import TooMany
from watchdog.store.pool import transaction
from watchdog.store.subscriptions import Reader
from watchdog.web.forms import read_body, read_fields
from watchdog.web.pages import render
from watchdog.web.room import room_of

_HEADERS = {
    # Its looks are inline styles, as in a mail; nothing in it runs or loads.
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}
_AGAIN, _STOP = "again", "stop"
_ONE_CLICK = ("List-Unsubscribe", "One-Click")


async def show_present(request: Request) -> Response:
    """Lead to the present week."""
    room = room_of(request)
    _, zone = name_and_zone(room.service.config)
    return RedirectResponse(f"/week/{week_at(room.now(), zone)}", 303)


async def show_week(request: Request) -> Response:
    """Show a week as far as it has gone."""
    room = room_of(request)
    config, now = room.service.config, room.now()
    name, zone = name_and_zone(config)
    try:
        week = week_named(request.path_params["week"], now, zone)
    except ValueError as error:
        raise HTTPException(404, f"There is no page of this week: {error}.") from error
    try:
        async with transaction(room.service.pool) as conn:
            summary = await make_week(conn, config, week, now, name)
    except TooMany as error:
        raise HTTPException(404, f"There is no page of this week: {error}.") from error
    return HTMLResponse(html_page(summary, LISTED_MAX), headers=_HEADERS)


async def show_subscription(request: Request) -> Response:
    """Ask whoever opens the link of a mail whether no more of them shall come. Changes nothing."""
    async with transaction(room_of(request).service.pool) as conn:
        return _shown(await subscriptions.of_token(conn, request.path_params["token"]))


async def change_subscription(request: Request) -> Response:
    """Stop the mails of a link, or let them come again where the page's button says so.

    Mail programs post what RFC 8058 says, in either form of a form. Whatever else is posted changes nothing.
    """
    room, token = room_of(request), request.path_params["token"]
    wish = await _wish(request)
    async with transaction(room.service.pool) as conn:
        if wish == _AGAIN:
            return _shown(await subscriptions.start(conn, token))
        if wish == _STOP:
            return _shown(await subscriptions.stop(conn, token, room.now()))
        return _shown(await subscriptions.of_token(conn, token))


async def _wish(request: Request) -> str:
    """Return what is posted: `again`, `stop`, or something that nobody can have meant."""
    if request.headers.get("content-type", "").startswith("multipart/"):  # no form of ours
        body = await read_body(request)
        return _STOP if all(one.encode() in body for one in _ONE_CLICK) else ""
    fields = await read_fields(request)
    name, value = _ONE_CLICK
    return _STOP if fields.get(name) == value else fields.get("do", "")


def _shown(reader: Reader | None) -> Response:
    if reader is None:
        raise HTTPException(404, "This link is nobody's; the one in the latest mail works.")
    return render("subscription.html", reader=reader)
