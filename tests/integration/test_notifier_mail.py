import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from notifiers.base import DeliveryError, Event, Message, Part, Receipt
from notifiers.email import Email
from notifiers.mail_server import parse_server
from notifiers.samples import sample
from tests.any_facts import NASTY
from tests.smtp_server import MailServer, client_tls

ANA = "ana@example.com"
PASSWORD = "p@ss:w/rd"
USER_PART = "watchdog:p%40ss%3Aw%2Frd@"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with MailServer() as running:
        yield running


@pytest.fixture
async def email(server: MailServer) -> AsyncIterator[Email]:
    client = email_to(server)
    yield client
    await client.close()


def email_to(
    server: MailServer, *, user: str = "", query: str = "", trusts: bool = True, seconds: float = 5
) -> Email:
    url = server.url.replace("://", f"://{user}") + query
    return Email(
        url,
        "watchdog@example.com",
        "https://watchdog.example.com",
        deadline=timedelta(seconds=seconds),
        tls=client_tls() if trusts else None,
    )


def message_of(event: Event = Event.OPENED, address: str = ANA, number: int = 1) -> Message:
    return Message(f"n-{number}", address, Part.PAGE, number, sample(event))


async def send(email: Email, message: Message) -> Receipt:
    return await email.send(message, email.render(message))


async def failure(email: Email, message: Message) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await send(email, message)
    await email.close()
    assert PASSWORD not in str(caught.value)
    return caught.value


async def test_a_mail_arrives_as_it_was_rendered(server: MailServer, email: Email) -> None:
    message = message_of()
    await send(email, message)
    [mail] = server.mails
    assert (mail.sender, mail.recipient) == ("watchdog@example.com", ANA)
    assert mail.parsed["Subject"] == "[CRITICAL] Orders stopped syncing #1042"
    text = mail.parsed.get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == email.render(message).body["text"]


async def test_the_receipt_leads_later_mails_to_the_first(server: MailServer, email: Email) -> None:
    first = await send(email, message_of())
    later = replace(message_of(Event.RECOVERED, number=4), remote=first.remote)
    assert await send(email, later) == first
    assert server.mails[1].parsed["In-Reply-To"] == server.mails[0].parsed["Message-ID"]


async def test_one_connection_serves_many_mails(server: MailServer, email: Email) -> None:
    for number in range(1, 6):
        await send(email, message_of(number=number))
    assert len(server.mails) == 5
    assert server.connections == 1


async def test_mails_at_the_same_time_go_one_after_the_other(
    server: MailServer, email: Email
) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(1, 11):
            group.create_task(send(email, message_of(number=number)), name=f"mail {number}")
    assert len({mail.parsed["Message-ID"] for mail in server.mails}) == 10
    assert server.connections == 1


async def test_a_connection_that_the_server_closed_is_made_anew(
    server: MailServer, email: Email
) -> None:
    await send(email, message_of())
    server.hang_up()
    await send(email, message_of(number=2))
    assert len(server.mails) == 2
    assert server.connections == 2


async def test_a_greylisted_mail_may_be_tried_again(server: MailServer, email: Email) -> None:
    server.script.refuse[ANA] = "451 4.7.1 greylisted, come back later"
    error = await failure(email, message_of())
    assert (error.permanent, error.unknown) == (False, False)
    server.script.refuse.clear()
    await send(email, message_of())
    assert len(server.mails) == 1


async def test_one_refused_recipient_of_five_leaves_the_four_alone(
    server: MailServer, email: Email
) -> None:
    server.script.refuse["p3@example.com"] = "550 5.1.1 no such person"
    refused = []
    for number in range(1, 6):
        try:
            await send(email, message_of(address=f"p{number}@example.com"))
        except DeliveryError as error:
            refused.append((number, error.permanent, error.unknown))
    assert refused == [(3, True, False)]
    assert [mail.recipient[:2] for mail in server.mails] == ["p1", "p2", "p4", "p5"]


@pytest.mark.parametrize(
    ("answer", "permanent"), [("451 4.3.0 disk full", False), ("554 5.6.0 no thanks", True)]
)
async def test_a_mail_refused_after_it_was_read_has_not_arrived(
    answer: str, permanent: bool, server: MailServer, email: Email
) -> None:
    server.script.refuse_data = answer
    error = await failure(email, message_of())
    assert (error.permanent, error.unknown) == (permanent, False)


async def test_lost_after_the_final_dot_is_unknown_and_the_second_has_the_same_id(
    server: MailServer, email: Email
) -> None:
    server.script.drop_after_data = True
    assert (await failure(email, message_of())).unknown
    server.script.drop_after_data = False
    assert await email.look_up(message_of()) is None
    await send(email, message_of())
    assert len({mail.raw for mail in server.mails}) == 1
    assert len(server.mails) == 2


async def test_a_refused_connection_is_known_not_to_have_arrived(server: MailServer) -> None:
    email = email_to(server)
    await server.stop()
    error = await failure(email, message_of())
    assert (error.permanent, error.unknown) == (False, False)


async def test_a_port_that_talks_no_smtp_is_not_counted_as_sent() -> None:
    async def lie(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(lie, "127.0.0.1", 0)
    url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    error = await failure(Email(url, "w@example.com"), message_of())
    server.close()
    assert not error.unknown


@pytest.mark.parametrize(("tls", "query"), [("always", ""), ("starttls", "?starttls=always")])
async def test_with_encryption_it_logs_in_and_sends(tls: str, query: str) -> None:
    async with MailServer(tls=tls, password=PASSWORD) as server:
        email = email_to(server, user=USER_PART, query=query)
        await send(email, message_of())
        await email.close()
        assert len(server.mails) == 1
        assert server.logins == [True]


async def test_a_wrong_password_is_permanent() -> None:
    async with MailServer(tls="always", password="another") as server:
        error = await failure(email_to(server, user=USER_PART), message_of())
    assert error.permanent
    assert server.mails == []


async def test_the_password_is_never_sent_in_clear() -> None:
    async with MailServer(password=PASSWORD) as server:
        error = await failure(email_to(server, user=USER_PART), message_of())
    assert error.permanent
    assert server.logins == []


async def test_a_stripped_starttls_is_refused(server: MailServer) -> None:
    email = email_to(server, user=USER_PART, query="?starttls=always")
    error = await failure(email, message_of())
    assert error.permanent
    assert server.mails == []


@pytest.mark.parametrize(("tls", "query"), [("always", ""), ("starttls", "?starttls=always")])
async def test_a_certificate_that_nobody_vouches_for_is_refused(tls: str, query: str) -> None:
    async with MailServer(tls=tls, password=PASSWORD) as server:
        error = await failure(
            email_to(server, user=USER_PART, query=query, trusts=False), message_of()
        )
    assert error.permanent
    assert "certificate" in str(error)
    assert server.logins == []


async def test_an_address_that_is_none_is_permanent(email: Email, server: MailServer) -> None:
    error = await failure(email, message_of(address="ana@example.com\r\nRCPT TO:<x@y.z>"))
    assert error.permanent
    assert server.connections == 0


async def test_hostile_facts_are_cleaned_cut_and_sent(server: MailServer, email: Email) -> None:
    for number, text in enumerate(NASTY, start=1):
        facts = replace(sample(Event.OPENED), title=text, fact=text, detail=text * 3, owner=text)
        await send(email, replace(message_of(number=number), facts=facts))
    assert len(server.mails) == len(NASTY)
    assert not any("Bcc" in mail.parsed for mail in server.mails)
    assert max(len(mail.raw) for mail in server.mails) < 50_000


@pytest.mark.parametrize(
    ("url", "port", "starttls"),
    [
        ("smtp://mail.example.com", 587, "always"),
        ("smtp://mail.example.com:25?starttls=never", 25, "never"),
        ("smtp://localhost:2525", 2525, "never"),
        ("smtp://127.0.0.1?starttls=always", 587, "always"),
        ("smtps://mail.example.com", 465, "always"),
    ],
)
def test_a_url_says_how_to_reach_the_server(url: str, port: int, starttls: str) -> None:
    server = parse_server(url)
    assert (server.port, server.starttls) == (port, starttls)
    assert server.is_tls is url.startswith("smtps")


@pytest.mark.parametrize(
    "url",
    ["", "http://x", "smtp://", "smtp://u:secret@h:port", "smtp://h?starttls=maybe", "smtp://[::1"],
)
def test_a_url_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="mail server's URL") as caught:
        parse_server(url)
    assert "secret" not in str(caught.value)


def test_the_password_is_decoded_and_not_shown() -> None:
    server = parse_server(f"smtp://{USER_PART}mail.example.com")
    assert (server.user, server.password) == ("watchdog", PASSWORD)
    assert PASSWORD not in repr(server)
