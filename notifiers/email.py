"""Mail by SMTP."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn

import aiosmtplib

from notifiers.base import DeliveryError, Message, Pace, Part, Receipt, Rendered, Report
from notifiers.mail_build import build
from notifiers.mail_call import Links
from notifiers.mail_server import parse_server
from notifiers.mail_text import domain_of, is_address, message_id, render_mail, sender_address
from notifiers.report_mail import render_report_mail
from notifiers.summary import Summary
from notifiers.summary_mail import render_summary_mail

KEEP_OPEN_S = 10.0
"""How long a connection stays open for the next mail."""

_CLOSING = 421
"""The server takes its leave, for instance because nothing was said for a while."""


class Email:
    """Sends mail to one recipient at a time, over one connection that is kept for a while.

    Certificates are checked, and a password is never sent over a connection that is not encrypted.

    Args:
        smtp_url: As `parse_server` describes.
        sender: Address the mail comes from, `watchdog@example.com`.
        base_url: Where our pages are; its host ends our message ids.
        deadline: For one mail from waiting for the connection to the server's last word.
        tls: Trust other than the system's.
        link_key: Signs the links by which people take incidents; empty: they have to sign in.

    Attributes:
        at_once: One mail is on its way at a time: there is one connection.
    """

    at_once = 1
    paces: Mapping[Part, Pace] = {}
    is_one_place = False
    keeps_rendered = False

    def __init__(
        self,
        smtp_url: str,
        sender: str,
        base_url: str = "",
        *,
        deadline: timedelta = timedelta(seconds=45),
        tls: ssl.SSLContext | None = None,
        link_key: str = "",
    ) -> None:
        self._server = parse_server(smtp_url)
        self._sender = sender
        self._domain = domain_of(base_url, sender)
        self._links = Links(base_url, link_key)
        self._deadline_s = deadline.total_seconds()
        self._tls = tls
        self._client: aiosmtplib.SMTP | None = None
        self._one_at_a_time = asyncio.Lock()
        self._closing: asyncio.TimerHandle | None = None

    def render(self, message: Message) -> Rendered:
        """Return the mail with subject, headers, text and HTML. Pure; never fails."""
        if isinstance(message.facts, Report):
            return render_report_mail(message, self._sender, self._domain)
        if isinstance(message.facts, Summary):
            return render_summary_mail(message, self._sender, self._domain)
        return render_mail(message, self._sender, self._domain, self._links)

    async def send(self, message: Message, rendered: Rendered) -> Receipt:
        """Send the mail; the receipt has the `message_id` of this recipient's first mail.

        Raises:
            DeliveryError: It did not, or may not, have arrived. Permanent when the recipient, the
                sender, the password or the encryption was refused; unknown when the connection was
                lost after the mail had begun to be sent.
        """
        if not is_address(message.address):
            raise DeliveryError("this is not an address that mail can be sent to", permanent=True)
        attempt = _Attempt(message.address, build(rendered.body))
        try:
            async with asyncio.timeout(self._deadline_s), self._one_at_a_time:
                await self._send(attempt)
        except TimeoutError:  # aiosmtplib's own is one, too
            raise DeliveryError(
                f"the mail server did not answer in time, at {attempt.stage}",
                unknown=attempt.has_begun,
            ) from None
        except aiosmtplib.SMTPResponseException as error:
            _refused(error, attempt)
        except (aiosmtplib.SMTPException, OSError) as error:
            _lost(error, attempt)
        return Receipt(
            {"message_id": message.remote.get("message_id") or message_id(message, self._domain)}
        )

    async def _send(self, attempt: "_Attempt") -> None:
        """Send over the open connection or a new one; leave it open only if all went well."""
        client = await self._begin_reused(attempt) or await self._begin_anew(attempt)
        try:
            attempt.stage = "the mail itself"
            attempt.has_begun = True
            await client.data(attempt.mail)
        except BaseException:
            client.close()
            raise
        self._keep(client)

    async def _begin_reused(self, attempt: "_Attempt") -> aiosmtplib.SMTP | None:
        """Return the open connection with the mail begun, or None if there is none that lives."""
        client = self._take_client()
        if client is None:
            return None
        try:
            await self._begin(client, attempt)
        except (aiosmtplib.SMTPServerDisconnected, ConnectionError):
            client.close()  # the server closed it meanwhile; nothing was sent yet
            return None
        except aiosmtplib.SMTPResponseException as error:
            client.close()
            if error.code == _CLOSING:
                return None
            raise
        except BaseException:
            client.close()
            raise
        return client

    async def _begin_anew(self, attempt: "_Attempt") -> aiosmtplib.SMTP:
        client = await self._connect(attempt)
        try:
            await self._begin(client, attempt)
        except BaseException:
            client.close()
            raise
        return client

    async def _begin(self, client: aiosmtplib.SMTP, attempt: "_Attempt") -> None:
        attempt.stage = "the sender"
        await client.mail(sender_address(self._sender))
        attempt.stage = "the recipient"
        await client.rcpt(attempt.address)

    async def _connect(self, attempt: "_Attempt") -> aiosmtplib.SMTP:
        server = self._server
        attempt.stage = "the connection"
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.is_tls,
            start_tls=not server.is_tls and server.starttls == "always",
            local_hostname=self._domain,
            timeout=None,
            tls_context=self._tls,
        )
        await client.connect()
        if server.user:
            attempt.stage = "the password"
            try:
                await self._log_in(client)
            except BaseException:
                client.close()
                raise
        return client

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        if client.get_transport_info("sslcontext") is None:
            raise DeliveryError(
                "the connection is not encrypted, so the password is not sent", permanent=True
            )
        await client.login(self._server.user, self._server.password)

    def _take_client(self) -> aiosmtplib.SMTP | None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        client, self._client = self._client, None
        return client if client is not None and client.is_connected else None

    def _keep(self, client: aiosmtplib.SMTP) -> None:
        self._client = client
        self._closing = asyncio.get_running_loop().call_later(KEEP_OPEN_S, client.close)

    async def look_up(self, message: Message) -> Receipt | None:  # noqa: ARG002 (the contract)
        """Return None: a mail server does not tell what it has taken. The id tells duplicates."""
        return None

    async def close(self) -> None:
        """Take leave of the mail server."""
        client = self._take_client()
        if client is None:
            return
        try:
            async with asyncio.timeout(2):
                await client.quit()
        except (aiosmtplib.SMTPException, OSError):
            client.close()  # the server is gone or slow; nothing is left to say to it


@dataclass(slots=True)
class _Attempt:
    """One mail on its way.

    Attributes:
        stage: What the server was last told or asked.
        has_begun: The mail's bytes may have left us.
    """

    address: str
    mail: bytes
    stage: str = "its turn"
    has_begun: bool = False


def _refused(error: aiosmtplib.SMTPResponseException, attempt: _Attempt) -> NoReturn:
    """Raise what a refusal means: 5xx for good, 4xx for now, anything else is no answer."""
    reason = f"the mail server refused {attempt.stage}: {error.code}"
    if 400 <= error.code < 600:
        permanent = error.code >= 500
        raise DeliveryError(reason, permanent=permanent, put_off=not permanent) from None
    raise DeliveryError(reason, unknown=attempt.has_begun) from None


def _lost(error: Exception, attempt: _Attempt) -> NoReturn:
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        raise DeliveryError("the mail server's certificate is not valid", permanent=True) from None
    if type(error) is aiosmtplib.SMTPException:
        # No kind of its own: the server does not offer what we ask for (STARTTLS, AUTH).
        raise DeliveryError(f"the mail server does not offer it: {error}", permanent=True) from None
    raise DeliveryError(
        f"the mail server was lost at {attempt.stage}: {type(error).__name__}",
        unknown=attempt.has_begun,
    ) from None
