"""What only the presser of a button sees, and where it may be sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.slack_buttons import Button, button
from notifiers.slack_replies import may_be_sent_to, reply
from notifiers.slack_targets import Target
from tests.any_facts import NASTY
from tests.slack_limits import live_parts, refusal, texts_of

API = "https://slack.com/api/"
HERE = "http://127.0.0.1:8065/api/"


@given(st.sampled_from(NASTY) | st.text(max_size=2000), st.booleans())
def test_slack_takes_every_reply_and_nothing_in_it_comes_alive(words: str, replaces: bool) -> None:
    body = reply(
        f"No: {words}", button=button(Button.TAKE_OVER, Target(1, 1, 1)), replaces=replaces
    )
    assert refusal(body) == ""
    marked = [body["text"], *texts_of(body["blocks"], "mrkdwn")]
    assert [live for text in marked for live in live_parts(text)] == []
    assert (body["response_type"], body["replace_original"]) == ("ephemeral", replaces)


def test_lines_to_copy_stand_below_the_words() -> None:
    first, second = reply("Add this.", code="people:\n  zoe: { slack: U0ZOE }")["blocks"]
    assert first["text"]["text"] == "Add this."
    assert second["text"]["text"] == "```\npeople:\n  zoe: { slack: U0ZOE }\n```"


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://hooks.slack.com/actions/T01TEAM/1234567/abcDEF_-9", API),
        ("https://hooks.slack.com/actions/T01TEAM/1234567/abcDEF", HERE),
        ("http://127.0.0.1:8065/actions/T01TEAM/7/abc", HERE),
    ],
)
def test_replies_go_to_slack(url: str, api: str) -> None:
    assert may_be_sent_to(url, api)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.slack.com/actions/T/1/x",
        "http://hooks.slack.com/actions/T/1/x",
        "https://hooks.slack.com",
        "https://hooks.slack.com/",
        "https://hooks.slack.com.evil.example/actions/T/1/x",
        "https://hooks.slack.com@evil.example/actions/T/1/x",
        "https://hooks.slack.com\\@evil.example/actions/T/1/x",
        "https://hooks.slack.com:443@evil.example/x",
        "https://hooks.slack.com:8443/actions/T/1/x",
        "https://hooks.slack.com/actions/../../x",
        "https://hooks.slack.com/actions/T/1/x?to=evil",
        "https://hooks.slack.com/actions/T/1/x#y",
        "https://hooks.slack.com/actions/T/1/x\r\nHost: evil.example",
        "https://hooks.slack.com/actions/T/1/x ",
        "https://hooks.slack.com//evil.example/x",
        "https://evil.example/?https://hooks.slack.com/actions/T/1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:5432/actions/T/1/x",
        "http://127.0.0.1:80650/actions/T/1/x",
        "file:///etc/passwd",
        "HTTPS://HOOKS.SLACK.COM/actions/T/1/x",
    ],
)
@pytest.mark.parametrize("api", [API, HERE])
def test_replies_go_nowhere_else(url: str, api: str) -> None:
    assert not may_be_sent_to(url, api)
