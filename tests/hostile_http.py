"""An HTTP server on 127.0.0.1 that answers well, badly or never, as the path says."""

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

LINGER_RESET = struct.pack("ii", 1, 0)
TLS_HELLO = b"\x16"
BOMB_BYTES = 200_000_000
LATE_S = 0.06
SELF_SIGNED = Path(__file__).with_name("self_signed.pem")
EXPIRED = Path(__file__).with_name("certificates") / "expired.pem"


def answered(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a well-formed answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def bomb() -> bytes:
    """Return 200 MB of zeros in 200 kB of gzip."""
    packer = zlib.compressobj(9, wbits=31)
    million = bytes(1_000_000)
    parts = [packer.compress(million) for _ in range(BOMB_BYTES // 1_000_000)]
    return b"".join(parts) + packer.flush()


OK = answered(b'{"status": "ok"}', "Content-Type: application/json")
FIXED = {
    "/ok": OK,
    "/accepted": answered(b"", status="202 Accepted"),
    "/busy": answered(b"one runs", status="409 Conflict"),
    "/failed": answered(b"sorry", status="500 Internal Server Error"),
    "/down": answered(b"sorry", status="503 Service Unavailable"),
    "/redirect": answered(b"", "Location: /ok", status="302 Found"),
    "/cookie": answered(b"", "Set-Cookie: session=1; Path=/"),
    "/big": answered(b"x" * 3_000_000),
    "/packed": answered(gzip.compress(b"well packed"), "Content-Encoding: gzip"),
    "/not-packed": answered(b"not gzip at all", "Content-Encoding: gzip"),
    "/half-packed": answered(gzip.compress(b"x" * 1000)[:-9], "Content-Encoding: gzip"),
    "/odd-packed": answered(b"??", "Content-Encoding: br"),
    "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfive!",
    "/garbage": b"\x00\x01\x02 this is no HTTP\r\n\r\n",
    "/bad-length": b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n",
    "/bad-chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nwhat\r\n",
    "/long-header": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
    "/empty": b"",
}


MISSING = answered(b"", status="404 Not Found")


class HostileServer:
    """A running server.

    Attributes:
        heads: The head of every request, in the order they came in.
        asked: Set when the first came in.
        connections: How many were opened.
    """

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.asked = asyncio.Event()
        self.bodies: list[bytes] = []
        self.connections = 0
        self.address = ""
        self.hang_up_after_answer = False
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        task.add_done_callback(self._open.pop)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self._one(reader, writer):
                pass
        writer.close()

    async def hang_up(self) -> None:
        """Close every connection and wait until nobody is served any more."""
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.readexactly(1)
        if first == TLS_HELLO:
            writer.write(FIXED["/down"])
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        self.asked.set()
        length = [line[16:] for line in head.splitlines() if line.lower().startswith("content-l")]
        self.bodies.append(await reader.readexactly(int(length[0])) if length else b"")
        path = head.split()[1]
        if path in ("/silent", "/drip", "/headers", "/reset", "/endless", "/continue", "/late"):
            await self._misbehave(path, reader, writer)
            return False
        writer.write(
            answered(bomb(), "Content-Encoding: gzip")
            if path == "/bomb"
            else FIXED.get(path, MISSING)
        )
        await writer.drain()
        return path in ("/ok", "/cookie") and not self.hang_up_after_answer

    async def _misbehave(
        self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if path == "/silent":
            await reader.read()  # until the client gives up
        elif path == "/reset":
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        elif path == "/drip":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            await repeat(writer, b".", 0.02)
        elif path == "/late":
            await asyncio.sleep(LATE_S)
            writer.write(OK)
        elif path == "/continue":
            await repeat(writer, b"HTTP/1.1 100 Continue\r\n\r\n", 0.01)
        elif path == "/endless":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await repeat(writer, b"x" * 65_536, 0)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\n")
            await repeat(writer, b"X-More: of the same\r\n" * 10, 0)


async def repeat(writer: asyncio.StreamWriter, data: bytes, pause_s: float) -> None:
    """Send `data` until the client hangs up; the pauses are what is hostile about a drip."""
    while not writer.is_closing():
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(pause_s)


@contextlib.asynccontextmanager
async def hostile_server(
    *, tls: bool = False, certificate: Path = SELF_SIGNED
) -> AsyncIterator[HostileServer]:
    """Give a running server; with `tls`, under a certificate that it signed itself."""
    server = HostileServer()
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    server.address = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listening.close()
        await server.hang_up()
        await listening.wait_closed()
