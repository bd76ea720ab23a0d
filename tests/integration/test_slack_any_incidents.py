"""Whatever an incident says, Slack takes the message as it is, it fits a phone, and nothing comes alive."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings

from notifiers.base import Message, Part
from notifiers.slack import Slack
from notifiers.slack_blocks import VISIBLE_MAX
from tests.any_facts import any_messages
from tests.fake_slack import TOKEN, FakeSlack, Posted
from tests.slack_limits import texts_of, visible

_CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack() as slack:
        yield slack


async def arrives_as_it_is(slack: FakeSlack, message: Message) -> None:
    notifier = Slack(TOKEN, slack.api, has_buttons=message.number % 2 == 0)
    slack.messages.clear()
    slack.calls.clear()
    rendered = notifier.render(message)
    await notifier.send(message, rendered)
    await notifier.close()
    [posted] = slack.messages
    assert [method for method, _ in slack.calls] == ["chat.postMessage"]  # refused once, it is two
    assert slack.live_mentions == []
    assert (posted.text, posted.blocks) == (rendered.body["text"], rendered.body["blocks"])
    if message.part is not Part.THREAD:
        fits_a_phone(posted)


def fits_a_phone(posted: Posted) -> None:
    assert 0 < len(posted.blocks) <= 5
    elements = [one for block in posted.blocks for one in block.get("elements", [])]
    assert sum(one["type"] == "button" for one in elements) <= 2
    assert sum(one["type"] == "overflow" for one in elements) <= 1
    seen = "".join(visible(one) for one in texts_of(posted.blocks)).replace("\u2060", "")
    assert len(seen) <= VISIBLE_MAX


@settings(max_examples=200, deadline=None, suppress_health_check=_CHECKS)
@given(any_messages())
async def test_two_hundred_incidents_arrive_as_they_are(slack: FakeSlack, message: Message) -> None:
    await arrives_as_it_is(slack, message)


@pytest.mark.long
@settings(max_examples=2000, deadline=None, suppress_health_check=_CHECKS)
@given(any_messages())
async def test_two_thousand_incidents_arrive_as_they_are(
    slack: FakeSlack, message: Message
) -> None:
    await arrives_as_it_is(slack, message)
