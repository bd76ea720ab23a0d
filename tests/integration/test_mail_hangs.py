"""A mail server that falls silent at any word: it costs the deadline, and what is known stays true."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from notifiers.base import DeliveryError, Event, Message, Part
from notifiers.email import Email
from notifiers.samples import sample

MESSAGE = Message("n-7", "ana@example.com", Part.PAGE, 1, sample(Event.OPENED))
GREETING = "220 mail.example.com"
ANSWERS = {
    "EHLO": "250-mail.example.com\r\n250 STARTTLS",
    "MAIL": "250 OK",
    "RCPT": "250 OK",
    "DATA": "354 go on",
    ".": "250 OK",
    "QUIT": "221 bye",
    "STARTTLS": "220 go on",
}
"""A dot stands for the mail's end; the handshake after STARTTLS is never answered."""


@contextlib.asynccontextmanager
async def silent_at(word: str) -> AsyncIterator[str]:
    """Run a server that answers until `word`; give its address."""
    released = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if word != "connection":
            writer.write(f"{GREETING}\r\n".encode())
            await _answer(reader, writer, word)
        await released.wait()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        released.set()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, word: str) -> None:
    is_mail = False
    async for line in reader:
        text = line.decode("latin-1").strip()
        said = text.partition(" ")[0].upper()
        if is_mail and text != ".":
            continue
        if said == word or (word == "handshake" and said not in ANSWERS):
            return
        writer.write(f"{ANSWERS[said]}\r\n".encode())
        is_mail = said == "DATA"


@pytest.mark.parametrize(
    ("word", "query", "stage", "is_unknown"),
    [
        ("connection", "", "the connection", False),
        ("EHLO", "", "the sender", False),
        ("STARTTLS", "?starttls=always", "the connection", False),
        ("handshake", "?starttls=always", "the connection", False),
        ("MAIL", "", "the sender", False),
        ("RCPT", "", "the recipient", False),
        ("DATA", "", "the mail itself", True),
        (".", "", "the mail itself", True),
    ],
)
async def test_a_server_that_falls_silent_costs_the_deadline(
    word: str, query: str, stage: str, is_unknown: bool
) -> None:
    async with silent_at(word) as url:
        email = Email(url + query, "watchdog@example.com", deadline=timedelta(seconds=0.2))
        async with asyncio.timeout(5):
            with pytest.raises(DeliveryError, match=f"in time, at {stage}") as caught:
                await email.send(MESSAGE, email.render(MESSAGE))
        await email.close()
    assert (caught.value.unknown, caught.value.permanent) == (is_unknown, False)


async def test_taking_leave_of_a_silent_server_takes_two_seconds_at_most() -> None:
    async with silent_at("QUIT") as url:
        email = Email(url, "watchdog@example.com")
        await email.send(MESSAGE, email.render(MESSAGE))
        async with asyncio.timeout(5):
            await email.close()
