"""Messages as their readers see them."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from watchdog.store import outbox
from watchdog.store.pool import transaction
from watchdog.web.gate import visitor_of
from watchdog.web.now import Read, as_read
from watchdog.web.pages import render
from watchdog.web.room import number_of, room_of

_MAIL_HEADERS = {
    # A mail's looks are inline styles; nothing in it runs, loads, or reaches our pages.
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'"
    ),
    "x-frame-options": "SAMEORIGIN",
}


async def show_message(request: Request) -> Response:
    """Show one message with all that was tried."""
    return render(
        "message.html",
        visitor=visitor_of(request),
        now=room_of(request).now(),
        message=await _message(request),
    )


async def show_mail(request: Request) -> Response:
    """Show the HTML of a mail, for a frame that gives it no powers."""
    read = await _message(request)
    html = read.body.get("html")
    if not isinstance(html, str) or not html:
        raise HTTPException(404, "This message is no mail with HTML.")
    for cid, encoded in read.body.get("images", {}).items():
        html = html.replace(f'src="cid:{cid}"', f'src="data:image/png;base64,{encoded}"')
    return HTMLResponse(html, headers=_MAIL_HEADERS)


async def _message(request: Request) -> Read:
    room, number = room_of(request), number_of(request)
    async with transaction(room.service.pool) as conn:
        entry = await outbox.by_number(conn, number)
        if entry is None:
            raise HTTPException(404, f"There is no message {number}.")
        [read] = await as_read(conn, room, [entry])
    return read
