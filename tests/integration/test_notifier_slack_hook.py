"""Slack by incoming webhook: what arrives, and what each failure means."""

from datetime import timedelta

import pytest

from notifiers.base import DeliveryError, Event, Message, Part, Receipt
from notifiers.samples import sample
from notifiers.slack_hook import SlackHook
from tests.fake_slack import FakeSlack, Trouble, fake_slack, rate_limited
from tests.hook_server import silent_server


def said(status: int, words: bytes) -> Trouble:
    return Trouble(status=status, body=words, content_type="text/html")


async def send(slack: FakeSlack, part: Part = Part.ROOT, seconds: float = 5) -> Receipt:
    hook = SlackHook(slack.webhook, deadline=timedelta(seconds=seconds))
    return await _sent_by(hook, part)


async def _sent_by(hook: SlackHook, part: Part = Part.ROOT) -> Receipt:
    message = Message("n-7", "@U01ANA", part, 1, sample(Event.OPENED))
    try:
        return await hook.send(message, hook.render(message))
    finally:
        await hook.close()


async def test_each_event_is_one_message_and_an_edit_none() -> None:
    async with fake_slack() as slack:
        for part in (Part.ROOT, Part.EDIT, Part.THREAD, Part.PAGE):
            assert await send(slack, part) == Receipt()
        assert len(slack.messages) == 3
        assert all(one.text.startswith("<@U01ANA> 🔴 CRITICAL") for one in slack.messages)


@pytest.mark.parametrize(
    ("trouble", "permanent", "unknown", "is_outage"),
    [
        (said(400, b"invalid_payload"), True, False, False),
        (said(403, b"action_prohibited"), True, False, False),
        (said(404, b"no_service"), True, False, False),
        (said(410, b"channel_is_archived"), True, False, False),
        (said(500, b"rollup_error"), False, True, True),
        (said(200, b"<html>"), False, True, False),
        (Trouble(status=302, headers=(("Location", "/x"),)), False, False, False),
        (Trouble(drop=True, accept=True), False, True, True),
        (Trouble(hang=True), False, True, True),
    ],
)
async def test_each_failure_says_whether_another_try_helps(
    trouble: Trouble, permanent: bool, unknown: bool, is_outage: bool
) -> None:
    async with fake_slack() as slack:
        slack.troubles.append(trouble)
        with pytest.raises(DeliveryError) as failure:
            await send(slack, seconds=0.3)
        told = failure.value
        assert (told.permanent, told.unknown, told.is_outage) == (permanent, unknown, is_outage)
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
    assert (failure.value.unknown, failure.value.is_outage) == (False, True)


async def test_a_slack_that_takes_a_connection_and_says_nothing_has_taken_nothing() -> None:
    with silent_server() as url:
        hook = SlackHook(url, deadline=timedelta(milliseconds=100))
        with pytest.raises(DeliveryError) as failure:
            await _sent_by(hook)
    assert (failure.value.unknown, failure.value.is_outage) == (False, True)
