"""Checks of 1,000 endpoints on 1,000 origins, answered by another process."""

import asyncio
import contextlib
import resource
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta

from bench.rulefiles import endpoint_rules
from bench.world import NOW, World, world

ORIGINS = 1000
_BODY = b'{"status":"ok","queue":17}'
_REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)


async def endpoints(*, quick: bool) -> dict[str, float]:
    """Check all endpoints again and again, over kept connections."""
    _allow_files()
    rounds = 3 if quick else 15
    async with answering() as addresses, world() as watched:
        await watched.watch(endpoint_rules(addresses))
        await watched.engine.evaluate(watched.rules, NOW)  # connects
        wall_s, cpu_s = await _checked(watched, rounds)
    return {"per_second": rounds * ORIGINS / wall_s, "cpu_ms": 1000 * cpu_s / rounds / ORIGINS}


async def _checked(watched: World, rounds: int) -> tuple[float, float]:
    """Return the seconds of wall and of CPU that rounds of checks took, all of them healthy."""
    began_s, wall_s = time.process_time(), time.perf_counter()
    for number in range(rounds):
        await watched.engine.evaluate(watched.rules, NOW + number * timedelta(seconds=1))
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - began_s
    assert watched.engine.memory is not None
    looks = watched.engine.memory.looks.values()
    assert all(one.outcome == "ok" for one in looks), "an endpoint was not healthy"
    return wall_s, cpu_s


def _allow_files() -> None:
    """Allow as many open files as this account may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.asynccontextmanager
async def answering() -> AsyncIterator[list[str]]:
    """Run the endpoints in a process of their own; gives their addresses."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.endpoints", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        ports = (await process.stdout.readline()).split()
        yield [f"http://127.0.0.1:{int(port)}" for port in ports]
    finally:
        process.terminate()
        await process.wait()


class _Endpoint(asyncio.Protocol):
    """Says the same to every request; enough of HTTP for requests without a body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self._transport.write(_REPLY)


async def _answer() -> None:
    _allow_files()
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(_Endpoint, "127.0.0.1", 0, backlog=64) for _ in range(ORIGINS)
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_answer())
