"""Slack by incoming webhook: what arrives, and what each failure means."""

from datetime import timedelta

import pytest

from notifiers.base import DeliveryError, Event, Message, Part, Receipt
from notifiers.samples import sample
from notifiers.slack_hook import SlackHook
from tests.fake_slack import FakeSlack, Trouble, fake_slack, rate_limited


async def send(slack: FakeSlack, part: Part = Part.ROOT, seconds: float = 5) -> Receipt:
    hook = SlackHook(slack.webhook, deadline=timedelta(seconds=seconds))
    message = Message("n-7", "@U01ANA", part, 1, sample(Event.OPENED))
    return await hook.send(message, hook.render(message))


async def test_each_event_is_one_message_and_an_edit_none() -> None:
    async with fake_slack() as slack:
        for part in (Part.ROOT, Part.EDIT, Part.THREAD, Part.PAGE):
            assert await send(slack, part) == Receipt()
        assert len(slack.messages) == 3
        assert all(one.text.startswith("<@U01ANA> 🔴 CRITICAL") for one in slack.messages)


@pytest.mark.parametrize(
    ("trouble", "permanent", "unknown"),
    [
        (Trouble(status=400, body=b"invalid_payload", content_type="text/html"), True, False),
        (Trouble(status=403, body=b"action_prohibited", content_type="text/html"), True, False),
        (Trouble(status=404, body=b"no_service", content_type="text/html"), True, False),
        (Trouble(status=410, body=b"channel_is_archived", content_type="text/html"), True, False),
        (Trouble(status=500, body=b"rollup_error", content_type="text/html"), False, True),
        (Trouble(status=200, body=b"<html>", content_type="text/html"), False, True),
        (Trouble(status=302, headers=(("Location", "/x"),)), False, False),
        (Trouble(drop=True, accept=True), False, True),
        (Trouble(hang=True), False, True),
    ],
)
async def test_each_failure_says_whether_another_try_helps(
    trouble: Trouble, permanent: bool, unknown: bool
) -> None:
    async with fake_slack() as slack:
        slack.troubles.append(trouble)
        with pytest.raises(DeliveryError) as failure:
            await send(slack, seconds=0.3)
        assert (failure.value.permanent, failure.value.unknown) == (permanent, unknown)
        assert "secret" not in str(failure.value)


async def test_a_wait_that_is_asked_for_is_kept() -> None:
    async with fake_slack() as slack:
        slack.troubles.append(rate_limited("7"))
        with pytest.raises(DeliveryError) as failure:
            await send(slack)
        assert failure.value.retry_after == timedelta(seconds=7)
        assert not failure.value.permanent


async def test_a_slack_that_is_not_there_has_surely_taken_nothing() -> None:
    async with fake_slack() as slack:
        pass
    with pytest.raises(DeliveryError) as failure:
        await send(slack)
    assert not failure.value.unknown
