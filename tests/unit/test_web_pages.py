"""How instants, spans, texts and messages are written in the pages' HTML."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from notifiers.base import Event, Message, Part
from notifiers.samples import sample
from notifiers.slack_blocks import render_slack
from tests.any_facts import NASTY, any_messages
from watchdog.web import pages
from watchdog.web.pages import ago, at, render
from watchdog.web.slack_view import mrkdwn

NOW = datetime(2026, 6, 10, 2, 15, tzinfo=UTC)
instants = st.timedeltas(timedelta(days=-300_000), timedelta(days=2_900_000)).map(NOW.__add__)
SCRIPT = "<script>alert(1)</script>"


class Seen(HTMLParser):
    """What a browser makes of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_an_instant_is_said_in_utc_for_whoever_runs_no_script() -> None:
    berlin = NOW.astimezone(ZoneInfo("Europe/Berlin"))
    assert at(berlin) == at(NOW)
    assert Seen(at(NOW)).text == "10 Jun 02:15 UTC"
    assert 'datetime="2026-06-10T02:15:00+00:00"' in at(NOW)
    assert 'title="2026-06-10 02:15:00 UTC"' in at(NOW)


def test_only_an_instant_without_other_words_is_said_anew_by_the_script() -> None:
    assert 'class="at"' in at(NOW)
    assert 'class="at"' not in at(NOW, "4m ago")


@pytest.mark.parametrize("write", [lambda: at(None), lambda: ago(None, NOW)])
def test_what_never_was_is_never(write: Any) -> None:
    assert write() == "never"


def test_words_beside_an_instant_are_escaped() -> None:
    assert Seen(at(NOW, SCRIPT)).tags == ["time"]


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(), "0s ago"),
        (timedelta(seconds=59), "59s ago"),
        (timedelta(minutes=4), "4m ago"),
        (timedelta(hours=1, minutes=2), "1h02m ago"),
        (timedelta(days=3, hours=4), "3d04h ago"),
        (timedelta(seconds=-30), "0s ago"),
    ],
)
def test_how_long_ago_it_was_is_said_short_and_never_negative(span: timedelta, words: str) -> None:
    assert Seen(ago(NOW - span, NOW)).text == words


@given(instants, instants)
def test_any_instant_can_be_written(one: datetime, other: datetime) -> None:
    for written in (at(one), ago(one, other)):
        assert Seen(written).tags == ["time"]
        found = re.search(r'datetime="([^"]+)"', written)
        assert found
        assert datetime.fromisoformat(found[1]) == one.replace(microsecond=0)


def lines(text: object) -> Markup:
    written: Markup = pages._ENVIRONMENT.filters["lines"](text)
    return written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", ""),
        ("one", "one"),
        ("one\ntwo", "one\ntwo"),
        ("one\r\ntwo\n", "one\ntwo"),
        ("one\n\n  two", "one\n\n  two"),
        (" " * 100 + "deep", " " * 20 + "deep"),
        ("a <b> & c", "a &lt;b&gt; &amp; c"),
        ("tab\there", "tab here"),
        ("\u202eturned", "turned"),
        (7, "7"),
    ],
)
def test_a_text_of_several_lines_keeps_its_lines_and_nothing_else(
    text: object, written: str
) -> None:
    assert lines(text) == written


@pytest.mark.parametrize("text", NASTY)
def test_no_text_gets_tags_of_its_own(text: str) -> None:
    assert Seen(lines(text)).tags == []
    assert Seen(str(render("refused.html", 403, reason=text, status=403).body, "utf-8")).tags


@pytest.mark.parametrize("status", [400, 403, 404, 413, 415, 503])
def test_a_refusal_has_its_status_and_says_why(status: int) -> None:
    page = render("refused.html", status, reason="because of <x>", status=status)
    text = bytes(page.body).decode()
    assert page.status_code == status
    assert "because of &lt;x&gt;" in text
    assert "<x>" not in text


@dataclass
class Entry:
    """What a template asks of a message's row."""

    id: int = 7
    tries: list[Any] = field(default_factory=list)
    incident_id: int | None = None


def reading(body: Any, line: str = "the push line", incident: int | None = None) -> str:
    """Return a message as the outbox shows it."""
    words = pages._ENVIRONMENT.get_template("words.html").module
    read = SimpleNamespace(entry=Entry(incident_id=incident), line=line, body=body)
    return str(words.reading(read))  # type: ignore[attr-defined]


def block(**parts: Any) -> str:
    return reading({"blocks": [parts]})


def mrkdwn_of(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def plain_of(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


@pytest.mark.parametrize(
    ("shown", "text", "tags"),
    [
        (block(type="section", text=mrkdwn_of("*a* b")), "a b", ["p", "b"]),
        (block(type="section", text=plain_of("*a* b")), "*a* b", ["p"]),
        (
            block(type="section", fields=[mrkdwn_of("*Owner*\nana"), plain_of("x")]),
            "Owner ana x",
            ["div", "p", "b", "br", "p"],
        ),
        (block(type="context", elements=[plain_of("one"), mrkdwn_of("*two*")]), "one two", ["p", "b"]),
        (
            block(type="actions", elements=[{"text": plain_of("Open"), "url": "https://x.example"}]),
            "Open",
            ["p", "a"],
        ),
        (block(type="actions", elements=[{"text": plain_of("Open")}]), "Open", ["p", "span"]),
        (block(type="divider"), "", []),
        (block(type="unheard_of", text=plain_of("x")), "", []),
    ],
)  # fmt: skip
def test_each_block_looks_as_in_slack(shown: str, text: str, tags: list[str]) -> None:
    seen = Seen(re.sub("(<br>|</p>)", "\\1 ", shown))
    assert seen.text.split() == text.split()
    assert seen.tags == ["div", *tags]


@pytest.mark.parametrize("make", [mrkdwn_of, plain_of])
@pytest.mark.parametrize("hostile", [*NASTY, SCRIPT, "<javascript:alert(1)|x>", "<!date^x^y|z>"])
def test_no_block_lets_its_text_become_more(make: Any, hostile: str) -> None:
    for shown in (
        block(type="section", text=make(hostile)),
        block(type="section", fields=[make(hostile)]),
        block(type="context", elements=[make(hostile)]),
        block(type="actions", elements=[{"text": make(hostile), "url": hostile}]),
    ):
        seen = Seen(shown)
        assert set(seen.tags) <= {"div", "p", "span", "a", "b", "br", "q", "time"}
        assert all(link.startswith(("http://", "https://")) for link in seen.links)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,<script>",
        "//evil.example",
        "https://user:secret@evil.example",
        "https://x.example/\n.evil",
        "",
    ],
)
def test_a_button_leads_only_to_plain_web_addresses(url: str) -> None:
    seen = Seen(block(type="actions", elements=[{"text": plain_of("Open"), "url": url}]))
    assert seen.links == []
    assert "Open" in seen.text


def test_buttons_lead_to_the_pages_where_the_same_can_be_done() -> None:
    message = Message("n-7", "#data", Part.ROOT, 1, sample(Event.OPENED))
    body = render_slack(message, has_buttons=True).body
    seen = Seen(reading(body, incident=1042))
    assert seen.links[-3:] == [
        "/i/1042/take",
        "https://wiki.example.com/runbooks/orders-stale",
        "/i/1042",
    ]
    assert "⋯ Hand over… · Escalate now · " in seen.text
    alone = Seen(reading(body))
    assert "Take" in alone.text
    assert not [link for link in alone.links if link.startswith("/")]


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"type": None},
        {"type": "section"},
        {"type": "section", "text": None, "fields": None},
        {"type": "section", "text": {}},
        {"type": "section", "text": {"type": "mrkdwn"}},
        {"type": "section", "fields": [{}]},
        {"type": "context"},
        {"type": "context", "elements": [{}]},
        {"type": "actions"},
        {"type": "actions", "elements": [{}]},
        {"type": "actions", "elements": [{"url": None, "text": None}]},
        {"type": "actions", "elements": [{"type": "overflow", "options": None}]},
    ],
)
def test_a_block_that_misses_something_is_shown_without_it(odd: dict[str, Any]) -> None:
    shown = reading({"blocks": [odd, {"type": "section", "text": plain_of("the rest")}]})
    assert "the rest" in Seen(shown).text


@pytest.mark.parametrize("event", Event)
def test_what_our_notifier_draws_is_shown_with_all_its_words(event: Event) -> None:
    rendered = render_slack(Message("n-7", "#data", Part.ROOT, 1, sample(event)))
    seen = Seen(reading(rendered.body))
    assert sample(event).title in seen.text
    assert ("Open" in seen.text) == bool(sample(event).url)


@settings(max_examples=40, deadline=None)
@given(any_messages())
def test_any_message_can_be_shown(message: Message) -> None:
    seen = Seen(reading(render_slack(message).body))
    assert set(seen.tags) <= {"div", "p", "span", "a", "b", "br", "q", "time"}


def test_a_mail_is_shown_in_a_frame_without_powers() -> None:
    shown = reading({"subject": SCRIPT, "html": "<p>hi</p>", "text": "one\n  two"})
    assert "<p>hi</p>" not in shown
    assert '<iframe src="/outbox/7/mail" sandbox ' in shown
    assert "one\n  two" in Seen(shown).text
    assert "script" not in Seen(shown).tags


def test_a_mail_without_html_is_shown_as_its_text() -> None:
    seen = Seen(reading({"subject": "s", "html": "", "text": "plain <facts>"}))
    assert "iframe" not in seen.tags
    assert "plain <facts>" in seen.text


@pytest.mark.parametrize(
    ("body", "line", "shown"),
    [
        ({}, "the push line", "the push line"),
        ({}, "", "Nothing was rendered yet."),
        ({"text": "*told* plainly"}, "x", "told plainly"),
        ({"text": "told", "blocks": []}, "x", "told"),
    ],
)
def test_without_blocks_the_text_is_shown_and_without_text_the_line(
    body: dict[str, Any], line: str, shown: str
) -> None:
    assert Seen(reading(body, line)).text.strip() == shown


@pytest.mark.parametrize("digits", [13, 300, 5_000])
def test_a_date_of_many_digits_is_shown_as_its_words(digits: int) -> None:
    assert mrkdwn(f"<!date^{'9' * digits}^{{time}}|later>") == "later"


@pytest.mark.parametrize(
    ("seconds", "instant"),
    [
        ("0", "1970-01-01T00:00:00+00:00"),
        ("1781057700", "2026-06-10T02:15:00+00:00"),
        ("253402300799", "9999-12-31T23:59:59+00:00"),
    ],
)
def test_a_date_is_the_instant_it_counts_to(seconds: str, instant: str) -> None:
    assert f'datetime="{instant}"' in mrkdwn(f"<!date^{seconds}^{{time}}|then>")


@pytest.mark.parametrize("seconds", ["", "-1", "+1", "1.5", "１２", "²", "253402300800", " 1"])
def test_what_is_no_count_of_seconds_is_shown_as_its_words(seconds: str) -> None:
    assert mrkdwn(f"<!date^{seconds}^{{time}}|then>") == "then"
