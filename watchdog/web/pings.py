"""Where jobs report: `/ping/KEY`, by a key and without a session, for curl and cron."""

import asyncio
import hmac
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from rules.heartbeat import Heartbeat
from watchdog.store import pings
from watchdog.store.pings import Ping
from watchdog.store.pool import transaction
from watchdog.web.room import Room, room_of

BODY_MAX = 10_240
"""Bytes of a report that are kept, the first of them."""

_READ_MAX = 1_000_000
_READ_SECONDS = 10.0
_RUN_MAX = 64

_WAYS = "nothing, start, fail, log or an exit status from 0 to 255"


async def ping(request: Request) -> Response:
    """Keep what a job says of itself.

    A failure must be posted: browsers, previews and scanners GET whatever they find.
    """
    room = room_of(request)
    key = request.path_params["key"]
    if not _is_known(room, key):
        return _say(404, "no rule of the kind heartbeat has this key")
    said = _said(request)
    if said is None:
        return _say(400, f"after the key stands {_WAYS}; `?rid=` has at most {_RUN_MAX} characters")
    if said.what == "fail" and request.method != "POST":
        return _say(405, "a failure is reported by POST", {"allow": "POST"})
    try:
        async with asyncio.timeout(_READ_SECONDS):
            body, is_cut = await _body(request)
    except TimeoutError:
        return _say(408, f"the report did not arrive within {_READ_SECONDS:g} s")
    except ClientDisconnect:
        body, is_cut = b"", True
    heard = replace(said, at=room.now(), body=body.decode(errors="replace"), is_cut=is_cut)
    async with transaction(room.service.pool) as conn:
        await pings.add(conn, pings.beat_of(key), heard)
    return _say(200, "OK")


def _is_known(room: Room, key: str) -> bool:
    known = [
        rule.kind.key
        for rule in room.service.config.rules.values()
        if isinstance(rule.kind, Heartbeat)
    ]
    # Not `in`: how long it took would tell how much of a key was right.
    return any(hmac.compare_digest(one.encode(), key.encode()) for one in known)


def _said(request: Request) -> Ping | None:
    """Return what the address says, without the body; None if it says nothing we know."""
    run, word = request.query_params.get("rid", ""), request.path_params.get("word", "")
    if len(run) > _RUN_MAX or not (run.isprintable() and word.isascii()):
        return None
    at = room_of(request).now()
    if word in {"start", "fail", "log"}:
        return Ping(at, word, run=run)
    if not word:
        return Ping(at, "success", run=run)
    if not (word.isdigit() and len(word) <= 3 and int(word) <= 255):
        return None
    return Ping(at, "fail" if int(word) else "success", int(word), run)


async def _body(request: Request) -> tuple[bytes, bool]:
    """Return the beginning of the body, and whether there was more."""
    body, size = b"", 0
    async for chunk in request.stream():
        size += len(chunk)
        body += chunk[: BODY_MAX - len(body)]
        if size > _READ_MAX:
            break
    return body, size > BODY_MAX


def _say(status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{words}\n", status, headers)
