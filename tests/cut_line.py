"""A line to PostgreSQL that can be cut at the worst moment: after a commit, before its answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

_COMMIT = b"COMMIT;"


@dataclass
class CutLine:
    """The line as tests hold it.

    Attributes:
        cuts: How many of the next commits take place without their client hearing of it.
        done: Commits that were cut off.
    """

    port: int = 0
    cuts: int = 0
    done: int = 0


@contextlib.asynccontextmanager
async def cut_line(server: Path) -> AsyncIterator[CutLine]:
    """Give a line on 127.0.0.1 to the PostgreSQL with its socket at `server`."""
    line = CutLine()
    clients: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        upstream, downstream = await asyncio.open_unix_connection(server)
        back = asyncio.ensure_future(_copy(upstream, writer))
        try:
            # The streams of this Python complain of a server's task that ends as cancelled.
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await _ask(line, (reader, upstream), (downstream, writer), back)
        finally:
            back.cancel()
            await asyncio.wait([back])
            for one in (writer, downstream):
                one.close()
            clients.discard(task)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    line.port = listener.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        listener.close()
        for task in list(clients):
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def _ask(
    line: CutLine,
    readers: tuple[asyncio.StreamReader, asyncio.StreamReader],
    writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    back: asyncio.Task[None],
) -> None:
    while said := await readers[0].read(65536):
        if line.cuts and _COMMIT in said:
            line.cuts -= 1
            back.cancel()
            await asyncio.wait([back])
            writers[0].write(said)
            await readers[1].read(65536)  # it has taken place
            line.done += 1
            writers[1].transport.abort()
            return
        writers[0].write(said)
        await writers[0].drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while said := await reader.read(65536):
            writer.write(said)
            await writer.drain()
        writer.close()
