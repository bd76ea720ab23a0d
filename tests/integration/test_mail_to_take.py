"""From the commit of an incident to the person who took it: outbox, mail server, link and page are real."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from pydantic import SecretStr

from notifiers.base import Notifier
from notifiers.email import Email
from notifiers.keys import KEY_MIN
from tests.page import DIRECTORY, FORM, Page, open_incident, running_page, stored
from tests.post_office import PostOffice
from tests.smtp_server import Mail, MailServer
from tests.watching import config_of, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import EmailChannel
from watchdog.domain.incident import State

KEY = "k" * KEY_MIN


@pytest.fixture
async def page(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Page]:
    email = EmailChannel(link_key=SecretStr(KEY))
    config = replace(config_of("", [stuck_rule()]), directory=DIRECTORY, email=email)
    async with running_page(store, clock, config) as running:
        yield running


async def mailed(store: asyncpg.Pool, clock: MovedClock, url: str) -> Mail:
    """Open an incident of pages at `url`; return the one mail that is sent of it, to ana."""
    await open_incident(store, clock, directory=replace(DIRECTORY, url=url))
    async with MailServer() as server:
        email: Notifier = Email(server.url, "watchdog@example.com", url, link_key=KEY)
        office = PostOffice(store, clock, directory=DIRECTORY)
        await office.deliver_all(office.worker(notifiers={"email": email, "slack": office.slack}))
        await email.close()
    [mail] = server.mails
    assert mail.recipient == "ana@example.com"
    return mail


def links(mail: Mail, subtype: str) -> list[str]:
    """Return the links of a part that lead to our pages."""
    part = mail.parsed.get_body((subtype,))
    assert part is not None
    return re.findall(r"http://127\.0\.0\.1:\d+/[^\s\"<]+", part.get_content())


@pytest.mark.parametrize("subtype", ["plain", "html"])
async def test_whoever_is_woken_takes_it_from_the_mail_in_two_presses(
    subtype: str, page: Page, store: asyncpg.Pool, clock: MovedClock
) -> None:
    mail = await mailed(store, clock, page.url)
    assert mail.parsed["Importance"] == "high"
    assert mail.parsed["X-Watchdog-Reason"] == "on-call"
    link = links(mail, subtype)[0]
    async with page.client() as phone:
        assert "Take it as ana" in (await phone.get(link)).text
        assert (await stored(store)).state is State.OPEN
        await phone.post(link, data={"action_id": "once"}, headers=FORM)
        assert "It is yours." in (await phone.get(link)).text
    assert (await stored(store)).owner == "ana"


async def test_a_scanner_that_opens_every_link_of_a_mail_takes_nothing(
    page: Page, store: asyncpg.Pool, clock: MovedClock
) -> None:
    mail = await mailed(store, clock, page.url)
    found = {*links(mail, "plain"), *links(mail, "html")}
    assert len(found) == 2
    async with page.client(follow_redirects=True) as scanner:
        for link in found:
            for method in ("HEAD", "GET"):
                await scanner.request(method, link)
    assert (await stored(store)).version == 1
