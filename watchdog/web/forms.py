"""What a form posts: bounded, of the right type, and from one of our own pages."""

import asyncio
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from watchdog.web.gate import visitor_of

_BYTES_MAX = 64 * 1024
_FIELDS_MAX = 50
_READ_SECONDS = 10.0
_TYPE = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form that somebody signed in has sent from one of our pages.

    Raises:
        HTTPException: 403 without the session's own token, 415 for what no form of ours sends, or
            what `read_body` raises.
    """
    fields = await read_fields(request)
    if not hmac.compare_digest(
        fields.get("token", "").encode(), visitor_of(request).form_token.encode()
    ):
        raise HTTPException(403, "This form is not of your present session. Load the page again.")
    return fields


async def read_fields(request: Request) -> Mapping[str, str]:
    """Return the fields of a form without asking where it came from.

    Raises:
        HTTPException: 415, or what `read_body` raises, as for `read_form`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise HTTPException(415, f"Forms are sent as {_TYPE}.")
    body = await read_body(request)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX))
    except ValueError as error:
        raise HTTPException(400, "This is not a form in UTF-8.") from error


async def read_body(request: Request, most: int = _BYTES_MAX) -> bytes:
    """Return what was posted.

    Args:
        most: Bytes that are read; any form of ours has less than the usual.

    Raises:
        HTTPException: 413 for more than that, 408 for what does not come in time, 400 for what breaks off.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise HTTPException(413, f"A request here has at most {most} bytes.")
    except TimeoutError:
        raise HTTPException(408, f"It did not arrive within {_READ_SECONDS:g} s.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The request ended too early.") from None
    return bytes(body)
