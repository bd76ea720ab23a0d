"""Slack's markup as HTML."""

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.clean import slack_text
from watchdog.web.slack_view import mrkdwn

TAGS = {"a", "b", "br", "q", "time"}
HOSTILE = st.text(alphabet="<>|*&;!^\"'/:ax1@#`\n @", max_size=60) | st.text(max_size=60)


class Reader(HTMLParser):
    """Collects the tags, targets and text of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*Owner*\nana", "<b>Owner</b><br>ana"),
        ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
        ("&gt; as said", "<q>as said</q>"),
        (
            "<https://x.example/a|Open it>",
            '<a href="https://x.example/a" rel="noreferrer">Open it</a>',
        ),
        (
            "*<https://x.example|Big>*",
            '<b><a href="https://x.example" rel="noreferrer">Big</a></b>',
        ),
        ("<javascript:alert(1)|x>", "x"),
        ("<!channel>", "!channel"),
        (
            "<!date^0^{time}|02:13 UTC>",
            '<time class="at" datetime="1970-01-01T00:00:00+00:00">02:13 UTC</time>',
        ),
        ("<!date^soon^{time}|later>", "later"),
        ("<!date^99999999999999999999^x|later>", "later"),
    ],
)
def test_what_our_notifier_writes_looks_as_in_slack(text: str, shown: str) -> None:
    assert mrkdwn(text) == shown


@given(HOSTILE)
def test_whatever_stands_in_a_message_only_known_tags_come_of_it(text: str) -> None:
    for tag, attributes in read(mrkdwn(text)).tags:
        assert tag in TAGS
        assert set(attributes) <= {"href", "rel", "datetime", "class"}
        assert re.match("https?://", attributes.get("href") or "https://")


@given(HOSTILE)
def test_data_that_our_notifier_has_cleaned_comes_out_as_text(text: str) -> None:
    shown = read(mrkdwn(f"x {slack_text(text)}"))
    assert shown.tags == []
    assert (
        shown.text.split() == html.unescape(f"x {slack_text(text)}").replace("\u2060", "").split()
    )
