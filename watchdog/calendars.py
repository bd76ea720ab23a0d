"""Calendars at an address: fetched once, within bounds, when a person takes one over."""

import asyncio
from urllib.parse import urlsplit

import httpx

BYTES_MAX = 2_000_000
"""Of a calendar, from a file or an address."""

_WITHIN_SECONDS = 30.0
_REDIRECTS_MAX = 3
_HEADERS = {"Accept": "text/calendar", "Accept-Encoding": "identity"}
"""What comes packed all the same is not unpacked: 200 kB of it may be 200 MB."""

_TROUBLE = (httpx.HTTPError, httpx.InvalidURL, ExceptionGroup, ValueError, OSError)
"""What fetching raises; a port that is none raises a group."""


class CalendarUnreachable(Exception):  # noqa: N818 (an answer)
    """The address does not give a calendar. The text names the host only: the path is often a secret."""


def is_address(place: str) -> bool:
    """Return whether a calendar is to be fetched rather than read from a file."""
    return place.lower().startswith(("http://", "https://"))


async def fetch(address: str, *, within_seconds: float = _WITHIN_SECONDS) -> str:
    """Return the text at an address, as UTF-8.

    Args:
        within_seconds: Bound on all of it, redirects included, however slowly it drips.

    Raises:
        CalendarUnreachable: See its text.
    """
    host = _host_of(address)
    try:
        async with asyncio.timeout(within_seconds):
            return (await _body(address, host)).decode("utf-8-sig")
    except TimeoutError as error:
        raise CalendarUnreachable(f"{host} did not answer within {within_seconds:g} s") from error
    except UnicodeDecodeError as error:
        raise CalendarUnreachable(f"what {host} answers is no text") from error
    except _TROUBLE as error:
        reason = type(error).__name__
        raise CalendarUnreachable(f"{host} cannot be asked: {reason}") from error


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or "the address"
    except ValueError:
        return "the address"


async def _body(address: str, host: str) -> bytes:
    async with (
        httpx.AsyncClient(follow_redirects=True, max_redirects=_REDIRECTS_MAX) as client,
        client.stream("GET", address, headers=_HEADERS) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise CalendarUnreachable(f"{host} answers {answer.status_code} instead of a calendar")
        body = bytearray()
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > BYTES_MAX:
                raise CalendarUnreachable(f"what {host} answers is larger than {BYTES_MAX:,} bytes")
        return bytes(body)
