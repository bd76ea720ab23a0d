"""What the button of a mail says, and where it leads."""

from dataclasses import replace
from datetime import timedelta

import pytest

from notifiers.base import Event, Message, Part
from notifiers.keys import KEY_MIN
from notifiers.mail_call import NO_LINKS, Call, Links, call_of
from notifiers.mail_link import LASTS, Grant, is_ours, read
from notifiers.mail_text import render_mail
from notifiers.registry import Settings, build
from notifiers.samples import sample

BASE = "https://watchdog.example.com"
KEY = "k" * KEY_MIN
LINKS = Links(BASE, KEY)
PAGE = f"{BASE}/i/1042"


@pytest.mark.parametrize(
    ("event", "label", "url"),
    [
        (Event.OPENED, "Take it", f"{PAGE}/take"),
        (Event.ESCALATED, "Take it", f"{PAGE}/take"),
        (Event.OFFERED, "Take it", f"{PAGE}/take"),
        (Event.BACK_AGAIN, "Take it", f"{PAGE}/take"),
        (Event.RECOVERED, "Write the cause", PAGE),
        (Event.CAUSE_ASKED, "Write the cause", PAGE),
        (Event.RESOLVED, "Open it", PAGE),
        (Event.STILL_OPEN, "Open it", PAGE),
        (Event.TEST, "Open it", BASE),
    ],
)
def test_the_button_is_for_what_comes_next(event: Event, label: str, url: str) -> None:
    call = call_of(sample(event), "ana", NO_LINKS)
    assert call is not None
    assert (call.label, call.url) == (label, url)


def test_only_the_owner_is_asked_for_the_cause() -> None:
    call = call_of(sample(Event.RECOVERED), "raj", NO_LINKS)
    assert call == Call("Open it", PAGE)


def test_without_a_page_there_is_no_button() -> None:
    assert call_of(replace(sample(Event.OPENED), url=""), "ana", LINKS) is None


def test_with_a_key_the_button_takes_it_for_its_reader_alone() -> None:
    facts = sample(Event.OPENED)
    call = call_of(facts, "ana", LINKS)
    assert call is not None
    token = call.url.removeprefix(f"{BASE}/take/")
    assert read(token) == Grant(1042, "ana", facts.at + LASTS)
    assert is_ours(token, Grant(1042, "ana", facts.at + LASTS), facts.opened_at, KEY)


def test_the_link_of_a_mail_that_was_held_lasts_from_when_it_goes_out() -> None:
    facts = sample(Event.OPENED)
    monday = facts.at + timedelta(days=3)
    message = Message("n-7", "ana@example.com", Part.PAGE, 1, facts, reader="ana", due_at=monday)

    text = render_mail(message, "w@example.com", "x", LINKS).body["text"]

    assert read(text.partition(f"{BASE}/take/")[2].split()[0]) == Grant(1042, "ana", monday + LASTS)


@pytest.mark.parametrize(("reader", "key"), [("", KEY), ("ana", ""), ("ana", "short")])
def test_without_a_reader_or_a_key_its_reader_signs_in_first(reader: str, key: str) -> None:
    call = call_of(sample(Event.OPENED), reader, Links(BASE, key))
    assert call == Call("Take it", f"{PAGE}/take", "asks once, then it is yours")


@pytest.mark.parametrize("event", [one for one in Event if one is not Event.OFFERED])
def test_only_what_is_open_can_be_taken_by_a_link(event: Event) -> None:
    facts = sample(event)
    call = call_of(facts, "ana", LINKS)
    assert call is not None
    assert ("/take/" in call.url) == (facts.state == "open" and facts.id > 0)


def test_every_attempt_writes_the_same_link() -> None:
    message = Message("n-7", "ana@example.com", Part.PAGE, 1, sample(Event.OPENED), reader="ana")
    first, second = (render_mail(message, "w@example.com", "x", LINKS).body for _ in range(2))
    assert first == second
    assert f"{BASE}/take/" in first["text"]
    assert f"{BASE}/take/" in first["html"]


def test_the_outbox_shows_nobody_a_link_that_takes_in_anothers_name() -> None:
    message = Message("n-7", "ana@example.com", Part.PAGE, 1, sample(Event.OPENED), reader="ana")
    outbox = build(Settings(base_url=BASE, link_key=KEY))["email"]
    assert f"{PAGE}/take" in outbox.render(message).body["text"]
    assert "/take/" not in str(outbox.render(message).body)
    mail = build(Settings(base_url=BASE, link_key=KEY, smtp_url="smtp://localhost:25"))["email"]
    assert f"{BASE}/take/" in mail.render(message).body["text"]
