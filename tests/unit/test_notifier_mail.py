import json
import re
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given

from notifiers.base import Event, Facts, Message, Part
from notifiers.mail_build import build
from notifiers.mail_text import COLUMNS, domain_of, is_address, render_mail
from notifiers.samples import sample
from tests.any_facts import NASTY, any_messages
from tests.golden_files import assert_golden

ANA = "ana@example.com"
SENDER = "watchdog@example.com"
DOMAIN = "watchdog.example.com"
HTML_BYTES_MAX = 20_000
ROOT_ID = "<i1042.1.8e43ca377012@watchdog.example.com>"

NAMES = {
    "From",
    "To",
    "Date",
    "Message-ID",
    "List-Id",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Watchdog-Incident",
    "X-Watchdog-State",
    "X-Watchdog-Severity",
    "X-Watchdog-Rule",
    "X-Watchdog-Reason",
    "Subject",
    "MIME-Version",
    "Content-Type",
}


def message_of(
    facts: Facts, number: int = 1, remote: dict[str, str] | None = None, reader: str = "ana"
) -> Message:
    return Message("n-7", ANA, Part.PAGE, number, facts, remote or {}, reader)


def body_of(message: Message) -> dict[str, Any]:
    return dict(render_mail(message, SENDER, DOMAIN).body)


def read(message: Message) -> EmailMessage:
    raw = build(body_of(message))
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    return message_from_bytes(raw, policy=default)


class Tags(HTMLParser):
    """The tags of a page, and the addresses it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


@pytest.mark.parametrize("event", Event)
def test_each_mail_reads_as_agreed(event: Event) -> None:
    body = body_of(message_of(sample(event)))
    assert_golden(f"mail_{event}.txt", f"Subject: {body['subject']}\n\n{body['text']}")


@pytest.mark.parametrize("event", [Event.OPENED, Event.RECOVERED])
def test_mails_look_as_agreed(event: Event) -> None:
    assert_golden(f"mail_{event}.html", body_of(message_of(sample(event)))["html"])


def test_the_whole_mail_is_as_agreed() -> None:
    raw = build(body_of(message_of(sample(Event.OPENED)))).decode("ascii")
    assert_golden("mail_opened.eml", raw)


def test_text_comes_first_and_html_second() -> None:
    parts = list(read(message_of(sample(Event.OPENED))).iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]


def test_the_subject_is_the_same_outside_its_brackets_for_a_whole_life() -> None:
    events = set(Event) - {Event.TEST, Event.STORM, Event.MEMBERS, Event.SPLIT}
    subjects = {body_of(message_of(sample(event)))["subject"] for event in events}
    assert {one.partition("] ")[2] for one in subjects} == {"Orders stopped syncing #1042"}
    assert len(subjects) > 5


def test_the_first_mail_to_a_recipient_is_a_root() -> None:
    mail = read(message_of(sample(Event.OPENED)))
    assert re.fullmatch(r"<i1042\.1\.[0-9a-f]{12}@watchdog\.example\.com>", mail["Message-ID"])
    assert mail["In-Reply-To"] is None


def test_whoever_joins_later_gets_a_root_too() -> None:
    mail = read(message_of(sample(Event.OFFERED), number=5))
    assert mail["Message-ID"].startswith("<i1042.5.")
    assert mail["References"] is None


def test_later_mails_answer_the_first() -> None:
    mail = read(message_of(sample(Event.RECOVERED), 7, {"message_id": ROOT_ID}))
    assert mail["Message-ID"].startswith("<i1042.7.")
    assert mail["In-Reply-To"] == mail["References"] == ROOT_ID


def test_every_attempt_has_the_same_bytes() -> None:
    message = message_of(sample(Event.OPENED))
    assert build(body_of(message)) == build(body_of(message))


def test_a_rendered_mail_can_be_stored_and_sent_later() -> None:
    body = body_of(message_of(sample(Event.OPENED)))
    assert json.loads(json.dumps(body)) == body


def test_recipients_have_ids_of_their_own() -> None:
    message = message_of(sample(Event.OPENED))
    other = replace(message, address="raj@example.com")
    assert read(message)["Message-ID"] != read(other)["Message-ID"]


def test_two_test_mails_are_two_mails() -> None:
    message = message_of(sample(Event.TEST))
    again = replace(message, key="n-8")
    assert read(message)["Message-ID"] != read(again)["Message-ID"]


def test_only_what_is_critical_and_open_is_important_and_to_its_owner_alone() -> None:
    facts = sample(Event.OPENED)
    assert read(message_of(facts))["Importance"] == "high"
    assert read(message_of(replace(facts, severity="warning")))["Importance"] is None
    assert read(message_of(sample(Event.RECOVERED)))["Importance"] is None
    for reader in ("raj", ""):
        assert read(message_of(facts, reader=reader))["Importance"] is None


def test_programs_can_read_what_it_is_about() -> None:
    mail = read(message_of(sample(Event.OPENED)))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Watchdog-Incident"] == "1042"
    assert mail["X-Watchdog-Rule"] == "orders-stale"
    assert mail["X-Watchdog-Reason"] == "on-call"
    assert mail["List-Id"] == "incidents of team data <data.incidents.watchdog.example.com>"
    assert str(mail["From"]) == '"Watchdog, team data" <watchdog@example.com>'


@given(any_messages(ANA))
def test_any_facts_make_a_mail_with_the_same_headers(message: Message) -> None:
    mail = read(message)
    assert set(mail.keys()) - {"Importance"} == NAMES
    assert len(mail.keys()) == len(set(mail.keys()))
    assert mail["To"] == ANA
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("payload", NASTY)
@pytest.mark.parametrize("name", ["title", "rule", "team", "severity", "state"])
def test_no_payload_adds_a_header_or_a_recipient(name: str, payload: str) -> None:
    changed: dict[str, Any] = {name: payload}
    facts = replace(sample(Event.OPENED), **changed)
    mail = read(message_of(facts))
    assert set(mail.keys()) - {"Importance"} == NAMES
    assert "Bcc" not in mail
    assert mail["To"] == ANA
    assert not mail.defects


def test_a_title_arrives_in_the_subject_as_it_was() -> None:
    facts = replace(sample(Event.OPENED), title="Bestellungen für Zürich: مزامنة 🚚 stehen")
    assert read(message_of(facts))["Subject"] == f"[CRITICAL] {facts.title} #1042"


def test_long_names_are_not_folded_into_encoded_words() -> None:
    facts = replace(sample(Event.OPENED), id=10**15, rule="r" * 60, team="t" * 38)
    domain = "a-rather-long-host-name.in-a-department.of-a-company.example.com"
    body = dict(render_mail(message_of(facts, 12), SENDER, domain).body)
    raw = build(body)
    assert b"=?" not in raw.partition(b"\r\n\r\n")[0]
    mail = message_from_bytes(raw, policy=default)
    assert mail["Message-ID"] == body["headers"]["Message-ID"]


@given(any_messages(ANA))
def test_the_text_part_is_76_columns_wide_but_for_links(message: Message) -> None:
    for line in body_of(message)["text"].splitlines():
        assert len(line) <= COLUMNS or "https://" in line


@given(any_messages(ANA))
def test_data_adds_no_tag_and_no_foreign_address_to_the_html(message: Message) -> None:
    html = body_of(message)["html"]
    agreed = Tags(body_of(message_of(sample(Event.OFFERED)))["html"])
    page = Tags(html)
    assert page.tags <= agreed.tags
    assert all(link.startswith(("https://", "http://")) for link in page.links)
    assert len(html.encode("utf-8")) <= HTML_BYTES_MAX


def test_the_html_fetches_nothing() -> None:
    html = body_of(message_of(sample(Event.OPENED)))["html"]
    assert not {"img", "script", "link", "iframe", "form"} & Tags(html).tags
    assert "url(" not in html
    assert "@import" not in html


def test_a_list_of_mails_shows_the_figures_and_the_owner() -> None:
    html = body_of(message_of(sample(Event.OPENED)))["html"]
    assert ">1h02m old (max 1h). Owner ana, not taken. Next: raj at 03:25 Berlin.<" in html


def test_facts_that_break_the_layout_are_told_plainly() -> None:
    nonsense: dict[str, Any] = {"entity": None, "opened_at": "not a time"}
    mail = read(message_of(replace(sample(Event.OPENED), **nonsense)))
    assert mail["Subject"] == "[OPENED] Orders stopped syncing #1042"
    assert "Newest row is 1 h 02 min old" in mail.get_content()


@pytest.mark.parametrize(
    ("base_url", "sender", "domain"),
    [
        ("https://watchdog.example.com", SENDER, "watchdog.example.com"),
        ("https://watchdog.example.com:8443/x", SENDER, "watchdog.example.com"),
        ("", SENDER, "example.com"),
        ("", "Watchdog <w@Mail.Example.com>", "mail.example.com"),
        ("", "nobody", "localhost"),
        ("javascript:x", "", "localhost"),
    ],
)
def test_ids_end_in_a_host_of_ours(base_url: str, sender: str, domain: str) -> None:
    assert domain_of(base_url, sender) == domain


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        ("ana@example.com", True),
        ("ana+night@mail.example.com", True),
        ("ana", False),
        ("ana@example.com\r\nBcc: x@y.z", False),
        ("ana@example.com, raj@example.com", False),
        ("<ana@example.com>", False),
        ("änna@example.com", False),
        ("a..b@example.com", False),
        ("", False),
    ],
)
def test_only_plain_addresses_get_mail(address: str, is_good: bool) -> None:
    assert is_address(address) is is_good
    mail = read(replace(message_of(sample(Event.OPENED)), address=address))
    assert len(mail["To"].addresses) == (1 if is_good else 0)
