import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event, Facts, Message, Part, Rendered
from notifiers.samples import sample
from notifiers.slack_blocks import VISIBLE_MAX, plain, render_slack, shorter
from tests.any_facts import any_messages
from tests.golden_files import assert_golden
from tests.slack_limits import live_parts, refusal, texts_of, visible


def message_of(facts: Facts, part: Part = Part.ROOT, address: str = "#data-alerts") -> Message:
    return Message("n-7", address, part, 1, facts)


def seen(rendered: Rendered) -> str:
    return " ".join(visible(one) for one in texts_of(rendered.body["blocks"]))


@pytest.mark.parametrize("event", Event)
def test_each_event_looks_as_agreed(event: Event) -> None:
    body = render_slack(message_of(sample(event))).body
    pretty = json.dumps(body, indent=1, ensure_ascii=False, sort_keys=True)
    assert_golden(f"slack_{event}.json", pretty + "\n")


@pytest.mark.parametrize("event", Event)
def test_each_thread_line_reads_as_agreed(event: Event) -> None:
    rendered = render_slack(message_of(sample(event), Part.THREAD))
    assert_golden(f"slack_thread_{event}.txt", seen(rendered) + "\n")


@pytest.mark.parametrize("event", Event)
def test_a_line_of_which_nothing_is_known_says_at_least_what_it_is(event: Event) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("words", "fact", "detail", "actor"), "")
    facts = replace(sample(event), **nothing)
    rendered = render_slack(Message("n-7", "#data-alerts", Part.THREAD, 1, facts))
    assert refusal(dict(rendered.body)) == ""


@given(any_messages(), st.booleans())
def test_slack_takes_every_message_and_nothing_in_it_comes_alive(
    message: Message, has_buttons: bool
) -> None:
    rendered = render_slack(message, has_buttons=has_buttons)
    assert refusal(dict(rendered.body)) == ""
    marked = [rendered.body["text"], *texts_of(rendered.body["blocks"], "mrkdwn")]
    assert [live for text in marked for live in live_parts(text)] == []
    assert visible(rendered.body["text"]).replace("\u2060", "") != ""
    assert json.dumps(rendered.body).encode("utf-8")


@given(any_messages(), st.booleans())
def test_a_message_stays_short_enough_to_be_read(message: Message, has_buttons: bool) -> None:
    blocks = render_slack(message, has_buttons=has_buttons).body["blocks"]
    assert len(blocks) <= 5
    elements = [one for block in blocks if block["type"] == "actions" for one in block["elements"]]
    assert sum(one["type"] == "button" for one in elements) <= 2
    assert sum(one["type"] == "overflow" for one in elements) <= 1
    if message.part is not Part.THREAD:
        told = "".join(visible(one) for one in texts_of(blocks)).replace("\u2060", "")
        assert len(told) <= VISIBLE_MAX


def test_every_message_answers_who_has_it_and_what_to_do_first() -> None:
    shown = seen(render_slack(message_of(sample(Event.OPENED))))
    for part in ("Orders stopped syncing", "1 h 02 min", "ana, not taken yet", "Look at the last"):
        assert part in shown


def test_the_push_line_is_the_text_of_every_part() -> None:
    for part in Part:
        rendered = render_slack(message_of(sample(Event.TAKEN), part))
        assert rendered.body["text"] == rendered.line


def test_the_key_travels_in_the_metadata() -> None:
    metadata = render_slack(message_of(sample(Event.OPENED))).body["metadata"]
    assert metadata == {"event_type": "watchdog_notification", "event_payload": {"key": "n-7"}}


@pytest.mark.parametrize(
    ("event", "address", "is_broadcast"),
    [
        (Event.BACK_AGAIN, "#data-alerts", True),
        (Event.LEVEL, "#data-alerts", True),
        (Event.TAKEN, "#data-alerts", False),
        (Event.NOTED, "#data-alerts", False),
        (Event.HANDED_OVER, "@U01ANA", True),
    ],
)
def test_thread_lines_that_must_be_seen_go_into_the_channel_too(
    event: Event, address: str, is_broadcast: bool
) -> None:
    body = render_slack(message_of(sample(event), Part.THREAD, address)).body
    assert body.get("reply_broadcast", False) is is_broadcast


def test_there_are_buttons_only_where_there_are_links() -> None:
    facts = replace(sample(Event.OPENED), url="", runbook="ask raj")
    blocks = render_slack(message_of(facts)).body["blocks"]
    assert [block["type"] for block in blocks if block["type"] == "actions"] == []
    assert "*Runbook* ask raj" in " ".join(visible(one) for one in texts_of(blocks))


def test_times_are_in_the_zone_of_each_reader() -> None:
    texts = texts_of(render_slack(message_of(sample(Event.TAKEN))).body["blocks"])
    assert any("<!date^1781054340^{time}|03:19 Berlin>" in text for text in texts)


def test_facts_that_break_the_layout_are_told_plainly() -> None:
    nonsense: dict[str, Any] = {"entity": None, "at": "not a time"}
    broken = replace(sample(Event.OPENED), **nonsense)
    rendered = render_slack(message_of(broken))
    assert rendered.line == "❗ OPENED Orders stopped syncing · 1h02m old (max 1h) · ana · #1042"
    assert refusal(dict(rendered.body)) == ""


@given(any_messages())
def test_a_plain_message_is_always_taken(message: Message) -> None:
    rendered = plain(message)
    assert len(rendered.line) <= 80
    assert refusal(dict(rendered.body)) == ""
    assert live_parts(rendered.body["text"]) == []


def test_a_refused_layout_leaves_the_push_line_and_then_a_stub() -> None:
    message = message_of(sample(Event.OPENED))
    rendered = render_slack(message)
    assert shorter(rendered.body, message, 1)["text"] == rendered.line
    assert shorter(rendered.body, message, 2)["text"].endswith(
        "https://watchdog.example.com/i/1042"
    )
    assert shorter(rendered.body, message, 2)["blocks"] == []
