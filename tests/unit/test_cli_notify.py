"""What `watchdog notify` shows and sends, and how it ends."""

import json
import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from notifiers.base import Event
from notifiers.line import LINE_MAX
from tests.command_line import Terminal, say
from watchdog.cli.notify import way_back
from watchdog.config.model import Config, EmailChannel, Service, SlackChannel
from watchdog.domain.people import Directory

REQUEST_URL = "the Request URL of your Slack app (Interactivity & Shortcuts)"

RULES = """\
version: 1
channels:
  email: { smtp: "smtp://127.0.0.1:PORT?starttls=never", from: watchdog@example.com }
people:
  ana: { email: ana@example.com, slack: U01ANA }
  raj: { email: raj@example.com }
teams: { data: { lead: ana } }
defaults: { team: data }
sources: { web: { sqlite: web.db } }
rules:
  orders: { title: Orders, stale: { source: web, table: orders, column: at, max_age: 1h } }
"""


@pytest.fixture
def shell(tmp_path: Path) -> Terminal:
    """Give a terminal with a mail server at a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    here = Terminal(tmp_path)
    here.rules.write_text(RULES.replace("PORT", str(port)))
    return here


@pytest.mark.parametrize("event", [one.value for one in Event])
def test_every_event_can_be_seen_as_its_readers_see_it(event: str) -> None:
    slack = json.loads(say("notify", "preview", event).out)
    assert 0 < len(slack["text"]) <= 4 * LINE_MAX
    mail = say("notify", "preview", event, "--channel", "email")
    subject, blank, *lines = mail.out.splitlines()
    assert subject.startswith("Subject: [")
    assert blank == ""
    assert all(len(line) <= 76 or "http" in line for line in lines)
    html = say("notify", "preview", event, "--channel", "email", "--html")
    assert html.out.lstrip().lower().startswith("<!doctype html>")
    assert {slack is not None, mail.code == 0, html.code == 0} == {True}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("preview", "exploded"), "'exploded' is not one of"),
        (("preview", "opened", "--channel", "pigeon"), "'pigeon' is not one of"),
        (("preview",), "Missing argument"),
    ],
)
def test_what_is_no_message_is_wrong_use(words: tuple[str, ...], sentence: str) -> None:
    said = say("notify", *words)
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err


def test_a_message_that_does_not_arrive_is_said_and_the_other_road_is_tried(
    shell: Terminal,
) -> None:
    said = shell.run_now("notify", "test", "ana")
    assert said.code == 3
    slack, mail = said.out.splitlines()
    assert slack == "slack to @U01ANA: no credentials, so messages stay in the outbox"
    assert mail.startswith("email to ana@example.com: did not arrive: the mail server was lost")


def test_without_any_credentials_nothing_is_sent_and_that_is_said(shell: Terminal) -> None:
    text = shell.rules.read_text()
    begin, end = text.index("channels:"), text.index("people:")
    shell.rules.write_text(text[:begin] + text[end:])
    said = shell.run_now("notify", "test", "raj")
    assert (said.code, said.err) == (0, "")
    assert said.out == "email to raj@example.com: no credentials, so messages stay in the outbox\n"


@pytest.mark.parametrize("person", ["zoe", "ana ", "ANA", "\x1b[2J"])
def test_nobody_else_gets_a_test_message(person: str, shell: Terminal) -> None:
    said = shell.run_now("notify", "test", person)
    assert (said.code, said.out) == (2, "")
    assert "known under `people:` are ana, raj" in said.err
    assert "\x1b" not in said.err


@pytest.mark.parametrize(
    ("url", "app_token", "way"),
    [
        ("", "", f"{REQUEST_URL} leads to /slack/actions of this service"),
        (
            "https://watchdog.example.com",
            "",
            f"{REQUEST_URL} is https://watchdog.example.com/slack/actions",
        ),
        ("", "xapp-1", "the service runs and Socket Mode is on in your Slack app"),
    ],
)
def test_how_presses_come_back_is_said(url: str, app_token: str, way: str) -> None:
    slack = SlackChannel(signing_secret=SecretStr("s"), app_token=SecretStr(app_token))
    config = Config(Service(url), slack, EmailChannel(), {}, Directory(), {})
    assert way_back(config) == way


def test_without_a_token_no_button_is_to_be_pressed(shell: Terminal) -> None:
    rules = RULES.replace("email: {", 'slack: { signing_secret: "${SIGNING:-s}" }\n  email: {')
    rules = rules.replace("PORT", "1").replace("email: raj@example.com", "slack: U02RAJ")
    shell.rules.write_text(rules)
    said = shell.run_now("notify", "test", "raj")
    assert (said.code, said.err) == (0, "")
    assert said.out == "slack to @U02RAJ: no credentials, so messages stay in the outbox\n"


def test_the_weekly_summary_can_be_previewed() -> None:
    mail = say("notify", "preview", "weekly", "--channel", "email")
    html = say("notify", "preview", "weekly", "--channel", "email", "--html")
    slack = json.loads(say("notify", "preview", "weekly").out)
    assert mail.out.startswith("Subject: Week 23: 12 incidents (5 fewer)")
    assert html.out.startswith("<!doctype html>")
    assert slack["text"].startswith("🗓 Week 23: 12 incidents")


def test_a_hand_over_can_be_previewed() -> None:
    mail = say("notify", "preview", "on_call", "--channel", "email")
    slack = json.loads(say("notify", "preview", "on_call").out)
    assert mail.out.startswith("Subject: [ON CALL] data: raj until Mon 9 Jun 10:00 (then mei)")
    assert slack["text"].startswith("🗓 ON CALL data: raj until")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "name a person, or --team TEAM, --webhook or --apprise"),
        (("--webhook",), "there is no `webhook` under `channels:`"),
        (("--apprise",), "there is no `apprise` under `channels:`"),
        (("--team", "web"), "there is no team web; there are: data"),
        (("--team", "data"), "data has neither slack nor email under `teams:`"),
        (("ana", "--webhook"), "there is no `webhook` under `channels:`"),
    ],
)
def test_what_is_not_configured_is_wrong_use_and_nothing_is_sent(
    words: tuple[str, ...], sentence: str, shell: Terminal
) -> None:
    said = shell.run_now("notify", "test", *words)
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
