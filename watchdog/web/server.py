"""The page's server, inside the service's own event loop."""

import contextlib
import errno
import logging
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from watchdog.store.pool import TROUBLE
from watchdog.store.sessions import LINK_LASTS
from watchdog.web import (
    health,
    incident,
    mail_links,
    messages,
    now,
    pings,
    sign_in,
    silences,
    slack,
    storm,
    week,
)
from watchdog.web.asking import FORMS
from watchdog.web.gate import Gate, store_down
from watchdog.web.live import Live, TooManyTabs
from watchdog.web.pages import STATIC, render
from watchdog.web.room import Room, room_of
from watchdog.web.slack_socket import SlackSocket

if TYPE_CHECKING:
    from watchdog.delivery.worker import Delivery
    from watchdog.engine.engine import Engine
    from watchdog.service import Service

logger = logging.getLogger(__name__)

_STOP_SECONDS = 2
_BACKLOG = 128


class CannotListen(Exception):  # noqa: N818 (an ending with a sentence)
    """The address of the page cannot be used; the text says which and what to do."""


def listen(address: str) -> socket.socket:
    """Return a socket that listens on `host:port`; port 0 takes any that is free.

    Raises:
        CannotListen: The address is not one, not this machine's, or taken.
    """
    host: str | None = None
    port: int | None = None
    try:
        parts = urlsplit(f"//{address}")
        host, port = parts.hostname, parts.port  # refuses what is no port
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM) if host else []
    except (OSError, ValueError):
        found = []
    if not found or port is None:
        raise CannotListen(
            f"cannot listen on {address}: it must read HOST:PORT, such as 127.0.0.1:8711"
        )
    family, kind, protocol, _, where = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(_why_not(address, error)) from error
    listener.setblocking(False)
    return listener


def _why_not(address: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"cannot listen on {address}: another program uses this port; "
            "stop that, or choose another with --listen HOST:PORT or service.listen"
        )
    return f"cannot listen on {address}: {error}; choose another with --listen HOST:PORT"


class _Server(uvicorn.Server):
    """uvicorn without its signals and its loop: the service stops it."""

    @contextlib.asynccontextmanager
    async def serving(
        self, listener: socket.socket, close: Callable[[], None]
    ) -> AsyncIterator[None]:
        """Answer requests until the context ends.

        Args:
            close: Ends what would not end by itself.
        """
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup([listener])
        try:
            yield
        finally:
            close()
            await self.shutdown([listener])


class Web:
    """Serves the page, health and metrics."""

    def __init__(self, service: "Service", engine: "Engine", delivery: "Delivery") -> None:
        self._service = service
        self._live = Live(service.pool, self._own_mark)
        self._room = Room(service, engine, delivery, self._live)

    def _own_mark(self) -> str:
        """Return what changes with the configuration, and once a minute: spans on pages grow."""
        service = self._service
        digest = service.config.digest.hex()
        return f"{digest} {id(service.loaded)} {service.clock.now():%H:%M}"

    async def run(self, announce: Callable[[str], None]) -> None:
        """Listen until cancelled. Open streams are ended, requests under way get two seconds.

        Args:
            announce: Is given where the page is, and the link to sign in with.

        Raises:
            CannotListen: See its text.
            StoreDown: The sign-in link could not be written.
        """
        address = self._service.options.listen or self._service.config.service.listen
        listener = listen(address)
        self._room.port = listener.getsockname()[1]
        server = _Server(
            uvicorn.Config(
                Gate(application(self._room), self._service, self._room.cookie),
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",  # it would tell of every start and stop
                access_log=False,  # secrets of links stand in paths
                proxy_headers=False,  # nobody is believed to be somebody else
                server_header=False,
                date_header=False,  # the gate adds it, by the service's clock
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        )
        async with server.serving(listener, self._live.close):
            here = f"http://{_shown_host(address)}:{self._room.port}"
            self._service.listens_at = here
            base = f"{here}/"
            url = self._service.config.service.url
            announce(f"The page is at {base}" + (f", for others at {url}" if url else ""))
            link = await sign_in.make_link(self._room, base)
            minutes = int(LINK_LASTS.total_seconds() // 60)
            announce(f"Sign in (once, within {minutes} minutes): {link}")
            await self._live.run()

    async def heed_slack(self) -> None:
        """Listen to Slack over its socket, where an app token is configured, until cancelled."""
        await SlackSocket(self._room).run()


def _shown_host(address: str) -> str:
    """Return a host that a browser on this machine can open."""
    host = address.rpartition(":")[0]
    return "127.0.0.1" if host in {"0.0.0.0", "[::]"} else host  # noqa: S104 (compared)


def application(room: Room) -> Starlette:
    """Return everything behind the gate."""
    application = Starlette(
        routes=routes(),
        exception_handlers={HTTPException: _refused, **dict.fromkeys(TROUBLE, _trouble)},
    )
    application.state.room = room
    return application


def _form(name: str) -> Route:
    return Route(f"/i/{{number:int}}/{name}", partial(incident.ask, form=name), methods=["POST"])


def routes() -> list[BaseRoute]:
    """Return every address there is. What is not open to all is listed in no other place."""
    return [
        Route("/", now.show_now),
        Route("/parts/{part}", now.show_part),
        Route("/live", _live),
        Route("/i/{number:int}", incident.show_incident),
        Route("/i/{number:int}/part", incident.show_incident_part),
        Route("/i/{number:int}/take", incident.show_take),
        *(_form(name) for name in FORMS),
        Route("/take/{token}", mail_links.show),
        Route("/take/{token}", mail_links.take, methods=["POST"]),
        Route("/i/{number:int}/members", storm.show_members),
        Route("/i/{number:int}/split", storm.split, methods=["POST"]),
        Route("/silences", silences.show_silences),
        Route("/silences", silences.add, methods=["POST"]),
        Route("/silences/{number:int}/end", silences.end, methods=["POST"]),
        Route("/week", week.show_present),
        Route("/week/{week}", week.show_week),
        Route("/u/{token}", week.show_subscription),
        Route("/u/{token}", week.change_subscription, methods=["POST"]),
        Route("/outbox/{number:int}", messages.show_message),
        Route("/outbox/{number:int}/mail", messages.show_mail),
        Route("/sign-in", sign_in.show_sign_in),
        Route("/sign-in", sign_in.sign_in, methods=["POST"]),
        Route("/sign-out", sign_in.sign_out, methods=["POST"]),
        Route("/ping/{key}", pings.ping, methods=["GET", "POST"]),
        Route("/ping/{key}/{word}", pings.ping, methods=["GET", "POST"]),
        Route("/slack/actions", slack.act, methods=["POST"]),
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        Route("/metrics", health.show_metrics),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


async def _live(request: Request) -> Response:
    try:
        stream = room_of(request).live.open()
    except TooManyTabs:
        return PlainTextResponse("too many tabs are open", 503, {"retry-after": "60"})
    return StreamingResponse(stream, media_type="text/event-stream")


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    page = render("refused.html", error.status_code, reason=error.detail, status=error.status_code)
    for name, value in (error.headers or {}).items():
        page.headers[name] = value
    return page


async def _trouble(_request: Request, error: Exception) -> Response:
    return store_down(error)
