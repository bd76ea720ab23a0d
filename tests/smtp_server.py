"""A mail server of our own on 127.0.0.1 (aiosmtpd): keeps mails, and fails as it is told.

In a test: `async with MailServer() as server: Email(server.url, …)`. As a process of its own:
`python -m tests.smtp_server --port-file PORT --log LOG`; each accepted mail is one line of JSON.
"""

import argparse
import asyncio
import contextlib
import json
import ssl
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

CERTIFICATES = Path(__file__).with_name("certificates")


@dataclass(frozen=True)
class Mail:
    """A mail as it arrived."""

    sender: str
    recipient: str
    raw: bytes

    @property
    def parsed(self) -> EmailMessage:
        """The mail as a reader's program sees it."""
        return message_from_bytes(self.raw, policy=default)


@dataclass
class Script:
    """What goes wrong, until it is changed.

    Attributes:
        refuse: Answer to `RCPT TO` by recipient, such as `550 no such person`.
        refuse_data: Answer after the mail, such as `451 try later`.
        drop_after_data: Take the mail, then close instead of answering.
    """

    refuse: dict[str, str] = field(default_factory=dict)
    refuse_data: str = ""
    drop_after_data: bool = False


class MailServer:
    """The server; `mails` in order of arrival, `connections` as many as were made.

    Args:
        tls: `none`, `starttls` or `always`; with the certificate in `tests/certificates`.
        password: Of the user `watchdog`; empty for no login.
        log: File that gets a line of JSON for each mail.
        context: The server's side of encryption; by default with the test certificate.
    """

    def __init__(
        self,
        tls: str = "none",
        password: str = "",
        log: Path | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.script = Script()
        self.mails: list[Mail] = []
        self.connections = 0
        self.logins: list[bool] = []
        self._tls, self._password, self._log = tls, password, log
        self._context = context or server_tls()
        self._protocols: list[SMTP] = []
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """URL for the client, without user and password."""
        scheme = "smtps" if self._tls == "always" else "smtp"
        return f"{scheme}://localhost:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen on a port of 127.0.0.1, a free one unless `port` was set."""
        loop = asyncio.get_running_loop()
        context = self._context if self._tls == "always" else None
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close, with all connections."""
        if self._server is not None:
            self._server.close()
        self.hang_up()
        await asyncio.sleep(0)

    def hang_up(self) -> None:
        """Close all connections, as servers do with idle ones."""
        for protocol in self._protocols:
            _abort(protocol)
        self._protocols.clear()

    def _protocol(self) -> SMTP:
        self.connections += 1
        protocol = SMTP(
            self,
            hostname="localhost",
            loop=asyncio.get_running_loop(),
            tls_context=self._context if self._tls == "starttls" else None,
            authenticator=self._authenticate if self._password else None,
            auth_require_tls=False,
        )
        self._protocols.append(protocol)
        return protocol

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        good = isinstance(given, LoginPassword) and given.password == self._password.encode()
        self.logins.append(good)
        return AuthResult(success=good, handled=False)

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's name)
        self,
        _server: SMTP,
        session: Session,
        _envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Greet."""
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take the sender."""
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take or refuse the recipient."""
        if refusal := self.script.refuse.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep the mail, or lose the connection after it."""
        if self.script.refuse_data:
            return self.script.refuse_data
        content = envelope.content
        assert isinstance(content, bytes)
        for address in envelope.rcpt_tos:
            self._keep(Mail(str(envelope.mail_from), address, content))
        if self.script.drop_after_data:
            _abort(server)
        return "250 OK"

    def _keep(self, mail: Mail) -> None:
        self.mails.append(mail)
        if self._log is None:
            return
        parsed = mail.parsed
        text = parsed.get_body(("plain",))
        line = {
            "recipient": mail.recipient,
            "headers": {name: str(value) for name, value in parsed.items()},
            "text": text.get_content() if text is not None else "",
        }
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")


def _abort(protocol: SMTP) -> None:
    if isinstance(protocol.transport, asyncio.WriteTransport):
        protocol.transport.abort()


def server_tls() -> ssl.SSLContext:
    """Return the server's side: a certificate for `localhost` that only `client_tls` trusts."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATES / "localhost.pem", CERTIFICATES / "localhost.key")
    return context


def client_tls() -> ssl.SSLContext:
    """Return a client's side that trusts the test certificate."""
    return ssl.create_default_context(cafile=str(CERTIFICATES / "localhost.pem"))


async def serve(port_file: Path, log: Path, port: int) -> None:
    """Serve until the process is ended; the port file appears when mail is taken."""
    server = MailServer(log=log)
    server.port = port
    await server.start()
    partial = port_file.with_suffix(".part")
    partial.write_text(str(server.port), encoding="utf-8")
    partial.rename(port_file)
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def main() -> None:
    """Run as a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.smtp_server")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(serve(given.port_file, given.log, given.port))


if __name__ == "__main__":
    main()
