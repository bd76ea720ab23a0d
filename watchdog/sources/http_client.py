"""What all HTTP sources of a service share: connections, name look-ups, the TLS context, limits.

aiohttp is used as it is. httpx on top of it doubles the CPU of a check (0.72 against 0.34 ms in the
same run), follows its own cookies, and hides whose fault an error was.
"""

import asyncio
import resource
import socket
import ssl
import zlib
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, Final
from weakref import WeakKeyDictionary

import aiohttp
import certifi
from aiohttp.abc import ResolveResult
from aiohttp.connector import Connection
from aiohttp.resolver import ThreadedResolver

AT_ONCE_MAX: Final = 500
"""Most requests of the whole service at once."""

KEPT_ORIGINS_MAX: Final = 1000
"""Most origins whose connection is kept for the next check; others get a new one each time."""

KEPT_S: Final = 30.0
_NO_CHECK_TIME: Final = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name."""

_IDEMPOTENT: Final = {"GET", "HEAD", "OPTIONS"}
_CHUNK_BYTES: Final = 65_536


class EncodingError(aiohttp.ClientError):
    """The body is in an encoding that was not asked for."""


class _Resolver(ThreadedResolver):
    """Looks up names, and knows which ones are still on their way."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way: Counter[str] = Counter()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the host's addresses."""
        self.under_way[host] += 1
        try:
            return await super().resolve(host, port, family)
        finally:
            self.under_way[host] -= 1


class _Response(aiohttp.ClientResponse):
    """An answer that knows the certificate it came under."""

    peer: Mapping[str, Any] | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Read the head; a short answer has let go of its connection when that is done."""
        if connection.transport is not None:
            self.peer = connection.transport.get_extra_info("peercert")
        return await super().start(connection)


def certificate_ends_at(response: aiohttp.ClientResponse) -> datetime | None:
    """Return when the certificate ends that an answer came under; None without TLS."""
    peer = response.peer if isinstance(response, _Response) else None
    if not peer or "notAfter" not in peer:
        return None
    return _instant(peer["notAfter"])


@lru_cache(KEPT_ORIGINS_MAX)
def _instant(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)


def context_of_demo(roots: str) -> ssl.SSLContext:
    """Return what trusts the demo's own authority, and nobody else.

    OpenSSL knows the machine's time only, and the demo may live in another: when a certificate
    ends there is a matter of its rule alone.
    """
    context = ssl.create_default_context(cafile=roots)
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    return context


class HttpClient:
    """Connections to many origins. One an event loop; `HttpClient.shared` gives it."""

    _of_loop: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, "HttpClient"]] = (
        WeakKeyDictionary()
    )

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(min(AT_ONCE_MAX, _files_max() // 4))
        self._users = 0
        self._kept: set[str] = set()
        self._kept_max = min(KEPT_ORIGINS_MAX, _files_max() // 4)
        self._resolver = _Resolver()
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())  # containers may have no roots of their own
        self._keeping = self._session(context, keep=True)
        self._closing = self._session(context, keep=False)

    @classmethod
    def shared(cls) -> "HttpClient":
        """Return the running loop's client; whoever asks gives it back with `release`."""
        loop = asyncio.get_running_loop()
        client = cls._of_loop.get(loop)
        if client is None:
            client = cls._of_loop[loop] = cls()
        client._users += 1
        return client

    async def release(self) -> None:
        """Give the client back; the last one closes its connections."""
        self._users -= 1
        if self._users == 0:
            self._of_loop.pop(asyncio.get_running_loop(), None)
            await self._keeping.close()
            await self._closing.close()

    def session(self, method: str, origin: str, *, is_alone: bool = False) -> aiohttp.ClientSession:
        """Return the session for one request; `is_alone`: on a connection of its own.

        A kept connection may have been closed at the other end a moment ago. aiohttp then asks
        again, but only where asking twice does no harm; all else gets a new connection.
        """
        if is_alone or method not in _IDEMPOTENT:
            return self._closing
        if origin not in self._kept:
            if len(self._kept) >= self._kept_max:
                return self._closing
            self._kept.add(origin)
        return self._keeping

    def is_looking_up(self, host: str) -> bool:
        """Return whether a look-up of this name is under way.

        aiohttp lets look-ups run to their end when the request that wanted them is given up, so
        this tells a time-out of the look-up from one of the endpoint.
        """
        return self._resolver.under_way[host] > 0

    def _session(self, context: ssl.SSLContext, *, keep: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,  # `turns` is the limit
            ssl=context,
            resolver=self._resolver,
            force_close=not keep,
            keepalive_timeout=KEPT_S if keep else None,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            response_class=_Response,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # one deadline around everything is ours
            auto_decompress=False,  # it would unpack without end
            trust_env=False,
            headers={"User-Agent": "incident-watchdog", "Accept-Encoding": "gzip"},
        )
        # A PUT counts as harmless to repeat, and would be sent twice when the answer is lost. Where
        # no connection is kept, no other than the first try is needed; there is no public way.
        session._retry_connection = keep
        return session


async def read_capped(response: aiohttp.ClientResponse, bytes_max: int) -> tuple[bytes, bool]:
    """Return the body, and whether it was cut because it is longer than `bytes_max`.

    The bound holds for the bytes on the wire as well as for those after decompression.

    Raises:
        EncodingError: The body is compressed in a way that was not asked for.
        zlib.error: It is not what its `Content-Encoding` says.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    unpack = _unpacker(encoding)
    body = bytearray()
    wire_bytes = 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        wire_bytes += len(chunk)
        body += chunk if unpack is None else unpack.decompress(chunk, bytes_max + 1 - len(body))
        if len(body) > bytes_max or wire_bytes > bytes_max:
            response.close()
            return bytes(body[:bytes_max]), True
    if unpack is not None and wire_bytes and not unpack.eof:
        raise zlib.error("it ends too early")
    return bytes(body), False


def _unpacker(encoding: str) -> "zlib._Decompress | None":
    if encoding in ("identity", ""):
        return None
    if encoding in ("gzip", "x-gzip"):
        return zlib.decompressobj(wbits=31)
    raise EncodingError("the encoding was not asked for")


def _files_max() -> int:
    return max(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
