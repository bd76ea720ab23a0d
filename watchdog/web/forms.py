"""What a form posts: bounded, of the right type, and from one of our own pages."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from watchdog.web.gate import visitor_of

_BYTES_MAX = 64 * 1024
_FIELDS_MAX = 50
_TYPE = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form that somebody signed in has sent from one of our pages.

    Raises:
        HTTPException: 403 without the session's own token, 415 or 413 for what no form of ours sends.
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
        HTTPException: 415 or 413, as for `read_form`.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise HTTPException(415, f"Forms are sent as {_TYPE}.")
    body = await read_body(request)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX))
    except ValueError as error:
        raise HTTPException(400, "This is not a form in UTF-8.") from error


async def read_body(request: Request) -> bytes:
    """Return what was posted.

    Raises:
        HTTPException: 413 for more than any form of ours has.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _BYTES_MAX:
            raise HTTPException(413, f"A form has at most {_BYTES_MAX} bytes.")
    return bytes(body)
