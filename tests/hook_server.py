"""A receiver of webhooks of our own on 127.0.0.1: keeps what it was sent, and answers as it is told."""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True)
class Posted:
    """A request: its headers and its body, byte for byte."""

    headers: Mapping[str, str]
    raw: bytes


@dataclass(frozen=True)
class Reply:
    """How one request is answered.

    Attributes:
        hang: Never. `drop`: By closing the connection.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    hang: bool = False
    drop: bool = False


@dataclass
class HookServer:
    """The server. `replies` are used up in order; afterwards it takes everything.

    Attributes:
        posted: All requests in order, whatever they were answered. `followed`: those that came by a redirect.
    """

    replies: deque[Reply] = field(default_factory=deque)
    posted: list[Posted] = field(default_factory=list)
    followed: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self.port}/in?token=in-the-url"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/in", self._take)
        app.router.add_route("*", "/elsewhere", self._follow)
        self._released = asyncio.Event()
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        server: Any = site._server
        self.port = server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._released.set()
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.posted.append(Posted(dict(request.headers), await request.read()))
        reply = self.replies.popleft() if self.replies else Reply()
        if reply.hang:
            await self._released.wait()
        if reply.drop and request.transport is not None:
            request.transport.abort()
        return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body)

    async def _follow(self, _request: web.Request) -> web.Response:
        self.followed += 1
        return web.Response()


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Give the https address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/in"
