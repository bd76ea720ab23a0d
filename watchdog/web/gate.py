"""The gate before every page: who asks, whether they may, and the headers that every answer carries."""

import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response

from watchdog.domain.people import Role
from watchdog.store import sessions
from watchdog.store.pool import StoreDown, transaction
from watchdog.web.pages import render

if TYPE_CHECKING:
    from watchdog.service import Service

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/sign-in", "/slack/actions"})
"""What answers without a session, besides `OPEN_BELOW` and, for this machine, /metrics.

Slack signs what it sends.
"""

OPEN_BELOW = ("/static/", "/ping/", "/take/", "/u/")
"""Files that say nothing of anybody, where jobs report under keys of their own, and links of mails."""

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

_SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in.

    Attributes:
        name: As under `people:`; empty for somebody who only looks.
        form_token: What a form must carry to be theirs: it cannot be known without their cookie.
    """

    name: str
    role: Role
    form_token: str

    @property
    def may_act(self) -> bool:
        """Return whether this person may move incidents."""
        return self.role is not Role.VIEWER


def visitor_of(request: Request) -> Visitor:
    """Return who asks; only behind the gate, where that is known."""
    visitor = request.scope["watchdog.visitor"]
    assert isinstance(visitor, Visitor)
    return visitor


@dataclass(frozen=True, slots=True)
class Cookie:
    """The cookie that holds a session's secret.

    Browsers tell cookies of one host apart by name only, never by port: two services on one machine
    would sign each other's people out without the port in it.
    """

    name: str
    is_secure: bool

    @staticmethod
    def of(url: str, port: int) -> "Cookie":
        """Return the cookie for a service that people reach by `url`; empty: on this machine."""
        if url.startswith("https:"):
            return Cookie("__Host-watchdog", is_secure=True)
        return Cookie(f"watchdog-{port}", is_secure=False)

    def put(self, response: Response, secret: str) -> None:
        """Sign the browser in."""
        response.set_cookie(
            self.name,
            secret,
            max_age=int(sessions.SESSION_LASTS.total_seconds()),
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
        )

    def drop(self, response: Response) -> None:
        """Sign the browser out."""
        response.delete_cookie(
            self.name, path="/", secure=self.is_secure, httponly=True, samesite="lax"
        )


class Gate:
    """Lets through what may pass, refuses everything else, before any route is looked up.

    Args:
        app: What is behind the gate.
        service: For its people, its clock and its store.
        cookie: Asked at each request: the port is known only once the server listens.
    """

    def __init__(
        self,
        app: Callable[[Scope, Receive, Send], Awaitable[None]],
        service: "Service",
        cookie: Callable[[], Cookie],
    ) -> None:
        self._app = app
        self._service = service
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        send = self._with_headers(send)
        try:
            refusal = await self._refusal(request)
        except StoreDown as error:
            refusal = store_down(error)
        await (refusal or self._app)(scope, receive, send)

    def _with_headers(self, send: Send) -> Send:
        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers["date"] = format_datetime(self._service.clock.now(), usegmt=True)
                if self._cookie().is_secure:
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        return with_headers

    async def _refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that may not pass; else leave the visitor in its scope."""
        if request.method not in _SAFE_METHODS and is_from_elsewhere(
            request, self._service.config.service.url
        ):
            return _refuse(403, "This request was made by a page of another site.")
        path = request.url.path
        if path in OPEN_PATHS or path.startswith(OPEN_BELOW):
            return None
        if path == "/metrics" and is_from_this_machine(request, self._service.config.service.url):
            return None
        visitor = await self._visitor(request)
        if visitor is None:
            if path == "/metrics":
                return _refuse(403, "Metrics are for this machine and for people signed in.")
            return _refuse(401, "")
        request.scope["watchdog.visitor"] = visitor
        return None

    async def _visitor(self, request: Request) -> Visitor | None:
        secret = request.cookies.get(self._cookie().name, "")
        if not secret:
            return None
        async with transaction(self._service.pool) as conn:
            name = await sessions.person_of(conn, secret, self._service.clock.now())
        if name is None:
            return None
        person = self._service.directory().people.get(name)
        if person is None and name:
            return None  # no longer among the people
        role = person.role if person else Role.VIEWER
        return Visitor(name, role, form_token(secret))


def form_token(secret: str) -> str:
    """Return what forms of this session carry."""
    return hmac.new(secret.encode("utf-8", "replace"), b"form", hashlib.sha256).hexdigest()


def _refuse(status: int, reason: str) -> Response:
    return render("refused.html", status, reason=reason, status=status)


def store_down(error: Exception) -> Response:
    """Return the answer while the store cannot be asked, or is busy with something else for too long."""
    logger.warning("page not shown", extra={"reason": str(error)})
    page = render("refused.html", 503, reason=f"{error}. Try again in a moment.", status=503)
    page.headers["retry-after"] = "5"
    return page


def is_from_elsewhere(request: Request, url: str) -> bool:
    """Return whether a page of another site made this request, as far as the browser says.

    `Origin` is `null` for our own forms because our pages send no referrer, so only the browser's
    word on the site, and the form's token, tell them from others.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = request.headers.get("origin", "null")
    if origin == "null":
        return False
    site_of_origin = _host_and_port(origin)
    ours = {request.headers.get("host", ""), urlsplit(url).netloc}
    return not site_of_origin or site_of_origin not in ours


def _host_and_port(address: str) -> str:
    """Return `host:port` as it stands in an address; empty for what is no address."""
    try:
        return urlsplit(address).netloc
    except ValueError:  # brackets that are no IPv6 address: a header may hold anything
        return ""


def is_from_this_machine(request: Request, url: str) -> bool:
    """Return whether a program on this machine asks, itself and by an address of this machine.

    A proxy on this machine asks for others; a page in a browser here may have been told that its own
    name is this machine's address.
    """
    if request.client is None or not _is_loopback(request.client.host):
        return False
    if any(name in request.headers for name in ("x-forwarded-for", "forwarded", "via")):
        return False
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:  # brackets that are no IPv6 address
        return False
    return host == "localhost" or _is_loopback(host) or host == urlsplit(url).hostname


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
