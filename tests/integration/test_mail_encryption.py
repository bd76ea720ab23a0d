"""Certificates as authorities issue them, and servers that want a password: what is refused, and when."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notifiers.base import DeliveryError, Event, Message, Part
from notifiers.email import Email
from notifiers.samples import sample
from tests.smtp_server import MailServer
from watchdog.demo.certificate import Certificate

PASSWORD = "p4ssw0rd"
HOST = "127.0.0.1"
VALID_FROM = datetime(2024, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=3600)
MESSAGE = Message("n-7", "ana@example.com", Part.PAGE, 1, sample(Event.OPENED))

WAYS = pytest.mark.parametrize(
    ("tls", "query"), [("always", ""), ("starttls", "?starttls=always")], ids=["smtps", "starttls"]
)


def certificate(folder: Path, host: str = HOST, since: datetime = VALID_FROM) -> Certificate:
    made = Certificate(folder, host, since)
    if since == VALID_FROM:
        made.tick(since, YEARS)
    return made


async def send_to(server: MailServer, query: str, *, user: bool = True) -> None:
    who = f"watchdog:{PASSWORD}@" if user else ""
    url = server.url.replace("://localhost", f"://{who}{HOST}") + query
    email = Email(url, "watchdog@example.com", deadline=timedelta(seconds=10))
    try:
        await email.send(MESSAGE, email.render(MESSAGE))
    finally:
        await email.close()


def trust(monkeypatch: pytest.MonkeyPatch, known: Certificate) -> None:
    """Let this process trust an authority of one's own, as operators do."""
    monkeypatch.setenv("SSL_CERT_FILE", str(known.roots))


@WAYS
async def test_a_certificate_of_ones_own_authority_is_good_once_that_is_trusted(
    tls: str, query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = certificate(tmp_path)
    trust(monkeypatch, shown)
    async with MailServer(tls, PASSWORD, context=shown.context) as server:
        await send_to(server, query)
    assert len(server.mails) == 1
    assert server.logins == [True]


@WAYS
@pytest.mark.parametrize("fault", ["expired", "another host", "another authority"])
async def test_a_certificate_with_a_fault_is_refused_before_the_password_is_sent(
    fault: str, tls: str, query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = certificate(
        tmp_path / "shown",
        host="127.0.0.2" if fault == "another host" else HOST,
        since=LONG_AGO if fault == "expired" else VALID_FROM,
    )
    known = certificate(tmp_path / "known") if fault == "another authority" else shown
    trust(monkeypatch, known)
    async with MailServer(tls, PASSWORD, context=shown.context) as server:
        with pytest.raises(DeliveryError, match="certificate is not valid") as caught:
            await send_to(server, query)
    assert caught.value.permanent
    assert (server.logins, server.mails) == ([], [])


async def test_no_setting_sends_a_password_in_clear() -> None:
    for query in ("", "?starttls=never"):
        async with MailServer(password=PASSWORD) as server:
            with pytest.raises(DeliveryError, match="not encrypted") as caught:
                await send_to(server, query)
        assert caught.value.permanent
        assert (server.logins, server.mails) == ([], [])


async def test_a_starttls_that_somebody_took_away_is_refused_unless_told_otherwise() -> None:
    async with MailServer() as server:
        with pytest.raises(DeliveryError, match="does not offer it") as caught:
            await send_to(server, "?starttls=always", user=False)
        assert caught.value.permanent
        assert server.mails == []
        await send_to(server, "?starttls=never", user=False)
        assert len(server.mails) == 1
