"""For machines: is it alive, is it ready, and in figures."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from watchdog import metrics
from watchdog.engine.reconcile import LEASE
from watchdog.store import pages
from watchdog.store.pool import StoreDown, transaction
from watchdog.web.figures import read_figures
from watchdog.web.room import Room, room_of

_READY_SECONDS = 3.0


async def healthz(_request: Request) -> Response:
    """Say that the process lives; asks nothing of anybody, so a store that is down restarts nobody."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Say whether the store answers and somebody watches, we or another replica."""
    reason = await _why_not_ready(room_of(request))
    if reason:
        return JSONResponse({"status": "not ready", "reason": reason}, 503)
    return JSONResponse({"status": "ok"})


async def _why_not_ready(room: Room) -> str:
    try:
        async with asyncio.timeout(_READY_SECONDS), transaction(room.service.pool) as conn:
            is_led = await pages.is_led_by_another(conn, LEASE, room.service.replica)
    except TimeoutError:
        return f"the store does not answer within {_READY_SECONDS:g} s"
    except StoreDown:
        return "the store does not answer"
    if room.engine.memory is None and not is_led:
        return "nobody watches yet"
    return ""


async def show_metrics(request: Request) -> Response:
    """Return all figures as Prometheus reads them."""
    text = metrics.exposition(await read_figures(room_of(request)))
    return Response(text, media_type=metrics.CONTENT_TYPE)
