import subprocess
import sys
from dataclasses import replace

import pytest

from notifiers.base import Event, Message, Part
from notifiers.email import Email
from notifiers.outbox import Outbox
from notifiers.registry import Settings, build
from notifiers.samples import sample
from notifiers.slack import Slack
from notifiers.slack_hook import SlackHook

MESSAGE = Message("n-1", "#data-alerts", Part.ROOT, 1, sample(Event.OPENED))


def test_without_credentials_both_ways_lead_to_the_outbox() -> None:
    ways = build()
    assert set(ways) == {"slack", "email"}
    assert all(isinstance(way, Outbox) for way in ways.values())


def test_with_credentials_messages_go_out() -> None:
    ways = build(Settings(slack_token="xoxb-1", smtp_url="smtp://mail.example.com"))
    assert isinstance(ways["slack"], Slack)
    assert isinstance(ways["email"], Email)


def test_without_a_bot_a_webhook_is_posted_to_and_a_bot_is_the_better_way() -> None:
    hook = "https://hooks.slack.com/services/T01/B01/x"
    assert isinstance(build(Settings(slack_webhook=hook))["slack"], SlackHook)
    assert isinstance(build(Settings(slack_webhook=hook, slack_token="xoxb-1"))["slack"], Slack)


def test_a_wrong_mail_server_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="mail server's URL"):
        build(Settings(smtp_url="mail.example.com:25"))


@pytest.mark.parametrize("event", Event)
async def test_the_outbox_shows_what_would_have_been_sent(event: Event) -> None:
    message = replace(MESSAGE, facts=sample(event))
    there, here = build(Settings(slack_token="xoxb-1")), build()
    assert here["slack"].render(message) == there["slack"].render(message)
    mail = replace(message, address="ana@example.com")
    assert here["email"].render(mail).body["subject"].startswith("[")


async def test_a_second_attempt_into_the_outbox_gives_the_same_receipt() -> None:
    outbox = build()["slack"]
    rendered = outbox.render(MESSAGE)
    first, again = [await outbox.send(MESSAGE, rendered) for _ in range(2)]
    other = await outbox.send(replace(MESSAGE, key="n-2"), rendered)
    await outbox.close()
    assert first == again != other


async def test_edits_in_the_outbox_keep_to_their_message() -> None:
    outbox = build()["slack"]
    root = await outbox.send(MESSAGE, outbox.render(MESSAGE))
    edit = replace(MESSAGE, key="n-2", part=Part.EDIT, remote=root.remote)
    assert await outbox.send(edit, outbox.render(edit)) == root
    assert await outbox.look_up(edit) is None


def test_rendering_a_line_loads_no_heavy_library() -> None:
    program = (
        "import sys, notifiers.line, notifiers.registry, notifiers.samples\n"
        "heavy = {'aiohttp', 'slack_sdk', 'aiosmtplib', 'jinja2', 'watchdog', 'rules'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


STORMS = {Event.STORM, Event.MEMBERS, Event.SPLIT}


def test_samples_tell_of_one_incident_and_of_one_storm() -> None:
    facts = [sample(event) for event in Event if event is not Event.TEST]
    assert {(one.id, one.title) for one in facts if one.event not in STORMS} == {
        (1042, "Orders stopped syncing")
    }
    assert {(one.id, one.title) for one in facts if one.event in STORMS} == {(1050, "source main")}
    assert [one.event for one in facts] == [event for event in Event if event is not Event.TEST]
