"""What an incoming webhook posts: short messages with links, in which data does not come alive."""

from dataclasses import replace

import pytest
from hypothesis import given

from notifiers.base import Event, Message, Part, Report
from notifiers.samples import sample, sample_handover, sample_report
from notifiers.slack_hook import SlackHook
from notifiers.summary import Summary
from notifiers.summary_samples import sample_summary
from tests.any_facts import any_messages
from tests.golden_files import assert_golden
from tests.slack_limits import live_parts, refusal

HOOK = SlackHook("https://hooks.slack.com/services/T01/B01/secret")


def message_of(event: Event, part: Part = Part.ROOT, address: str = "#data-alerts") -> Message:
    return Message("n-7", address, part, 1, sample(event))


def test_each_event_reads_as_agreed() -> None:
    told = [HOOK.render(message_of(event)).body["text"] for event in Event]
    assert_golden("slack_hook.txt", "\n\n".join(told) + "\n")


def test_a_page_names_whom_it_is_to_reach_and_a_channel_nobody() -> None:
    page = HOOK.render(message_of(Event.OPENED, Part.PAGE, "@U01ANA"))
    assert page.body["text"].startswith("<@U01ANA> 🔴 CRITICAL Orders stopped syncing")
    assert page.line.startswith("🔴 CRITICAL")
    for address in ("#data-alerts", "@here", "@U01ANA> <!channel"):
        text = HOOK.render(message_of(Event.OPENED, Part.PAGE, address)).body["text"]
        assert text.startswith("🔴 CRITICAL")


@given(any_messages())
def test_slack_takes_every_message_and_nothing_in_it_comes_alive(message: Message) -> None:
    body = HOOK.render(replace(message, address="#data-alerts")).body
    assert refusal(dict(body)) == ""
    assert live_parts(body["text"]) == []


def test_facts_that_break_the_looks_are_told_plainly() -> None:
    broken = replace(sample(Event.OPENED), at="not a time")  # type: ignore[arg-type]
    rendered = HOOK.render(Message("n-7", "#data-alerts", Part.ROOT, 1, broken))
    assert rendered.line.startswith("❗ OPENED Orders stopped syncing")


@pytest.mark.parametrize("told", [sample_report(), sample_handover(), sample_summary()])
def test_a_report_has_its_blocks(told: Report | Summary) -> None:
    rendered = HOOK.render(Message("n-7", "#data-alerts", Part.ROOT, 1, told))
    assert refusal(dict(rendered.body)) == ""
    assert len(rendered.body["blocks"]) > 1


@pytest.mark.parametrize("part", [Part.ROOT, Part.PAGE, Part.THREAD])
async def test_a_webhook_cannot_be_asked(part: Part) -> None:
    assert await HOOK.look_up(message_of(Event.OPENED, part)) is None
    await HOOK.close()
