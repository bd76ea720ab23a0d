"""`watchdog notify test` against a Slack, a mail server and a receiver of posts that answer."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from notifiers.webhook import signature
from tests.command_line import Said, Terminal
from tests.fake_slack import TOKEN, FakeSlack
from tests.hook_server import HookServer, Reply
from tests.smtp_server import MailServer

SECRET = "0123456789abcdef0123456789abcdef"
RULES = """\
version: 1
channels:
  slack: {{ token: "{token}", api: "{slack}" }}
  email: {{ smtp: "{smtp}?starttls=never", from: watchdog@example.com }}
  webhook: {{ url: "{hook}", secret: "{secret}" }}
  apprise: {{ url: "json://127.0.0.1:{port}/in" }}
people: {{ ana: {{ email: ana@example.com }} }}
teams: {{ data: {{ lead: ana, slack: data-alerts, email: data@example.com }} }}
defaults: {{ team: data }}
sources: {{ web: {{ sqlite: web.db }} }}
rules:
  orders: {{ title: Orders, stale: {{ source: web, table: orders, column: at, max_age: 1h }} }}
"""
CHANNEL, MAIL = "slack to #data-alerts", "email to data@example.com"


@dataclass
class Ways:
    """A terminal, and what is at the other end of each way."""

    shell: Terminal
    slack: FakeSlack
    mail: MailServer
    hook: HookServer

    async def test(self, *words: str) -> Said:
        return await self.shell.run("notify", "test", *words)


@pytest.fixture
async def ways(tmp_path: Path) -> AsyncIterator[Ways]:
    async with FakeSlack(("data-alerts",)) as slack, MailServer() as mail, HookServer() as hook:
        shell = Terminal(tmp_path)
        text = RULES.format(
            token=TOKEN, slack=slack.api, smtp=mail.url, hook=hook.url, secret=SECRET,
            port=hook.port,
        )  # fmt: skip
        shell.rules.write_text(text)
        yield Ways(shell, slack, mail, hook)


async def test_a_team_is_tested_in_its_channel_and_by_its_mail(ways: Ways) -> None:
    said = await ways.test("--team", "data")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [f"{CHANNEL}: delivered", f"{MAIL}: delivered"]
    [post] = ways.slack.messages
    [mail] = ways.mail.mails
    assert "TEST" in post.text
    assert mail.recipient == "data@example.com"


async def test_a_channel_that_is_not_there_is_said_and_the_mail_is_tried(ways: Ways) -> None:
    ways.slack.channels = ()
    said = await ways.test("--team", "data")
    assert said.code == 3
    first, second = said.out.splitlines()
    assert first.startswith(f"{CHANNEL}: did not arrive: ")
    assert second == f"{MAIL}: delivered"


async def test_the_webhook_gets_a_signed_test(ways: Ways) -> None:
    said = await ways.test("--webhook")
    assert (said.code, said.out, said.err) == (0, "webhook: delivered\n", "")
    [posted] = ways.hook.posted
    assert json.loads(posted.raw)["event"] == "test"
    stamp = posted.headers["Watchdog-Timestamp"]
    assert posted.headers["Watchdog-Signature"] == signature(SECRET, stamp, posted.raw)


async def test_the_room_of_apprise_gets_a_test(ways: Ways) -> None:
    said = await ways.test("--apprise")
    assert (said.code, said.out, said.err) == (0, "apprise: delivered\n", "")
    [posted] = ways.hook.posted
    assert "Watchdog test message" in json.loads(posted.raw)["title"]


@pytest.mark.parametrize(
    ("option", "reason"),
    [("--webhook", "the webhook refused: HTTP 401"), ("--apprise", "apprise could not deliver it")],
)
async def test_what_a_receiver_refuses_is_said_without_its_address(
    option: str, reason: str, ways: Ways
) -> None:
    ways.hook.replies.append(Reply(401))
    said = await ways.test(option)
    assert said.code == 3
    assert said.out.startswith(f"{option[2:]}: did not arrive: {reason}")
    assert "in-the-url" not in said.out + said.err


async def test_all_that_is_named_is_tested_and_one_failure_is_exit_3(ways: Ways) -> None:
    ways.hook.replies.append(Reply(500))
    said = await ways.test("ana", "--team", "data", "--webhook", "--apprise")
    assert said.code == 3
    assert [line.partition(":")[0] for line in said.out.splitlines()] == [
        "email to ana@example.com",
        CHANNEL,
        MAIL,
        "webhook",
        "apprise",
    ]
    assert said.out.count(": delivered\n") == 4
