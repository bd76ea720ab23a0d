"""A pooler in transaction mode, as small as can be: every transaction goes to another server session."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from pathlib import Path

_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def transaction_pooler(server: Path) -> AsyncIterator[int]:
    """Give the port on 127.0.0.1 of a pooler before the PostgreSQL with its socket at `server`."""
    clients: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients.add(task)
        sessions = [await asyncio.open_unix_connection(server) for _ in range(2)]
        try:
            # The streams of this Python complain of a server's task that ends as cancelled.
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await _log_in((reader, writer), sessions)
                async with asyncio.TaskGroup() as tasks:
                    answers = tasks.create_task(_answer(writer, sessions), name="answers")
                    while (message := await _message(reader))[:1] != b"X":
                        sessions[0][1].write(message)
                    answers.cancel()
        finally:
            for _, one in [*sessions, (reader, writer)]:
                one.close()
            clients.discard(task)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in list(clients):
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def _log_in(client: _Stream, sessions: list[_Stream]) -> None:
    length = await client[0].readexactly(4)
    startup = length + await client[0].readexactly(struct.unpack("!i", length)[0] - 4)
    if len(startup) == 8:  # asks for TLS first
        client[1].write(b"N")
        await _log_in(client, sessions)
        return
    for place, (reader, writer) in enumerate(sessions):
        writer.write(startup)
        while True:
            message = await _message(reader)
            if place == 0:
                client[1].write(message)
            if message[:1] == b"Z":
                break


async def _answer(client: asyncio.StreamWriter, sessions: list[_Stream]) -> None:
    while True:
        message = await _message(sessions[0][0])
        client.write(message)
        if message[:1] == b"Z" and message[5:6] == b"I":  # idle, outside a transaction
            sessions.reverse()


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return head + await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
