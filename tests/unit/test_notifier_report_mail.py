from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given

from notifiers.base import Message, Part, Report
from notifiers.email import Email
from notifiers.mail_build import build
from notifiers.mail_text import COLUMNS
from notifiers.report_mail import render_report_mail
from notifiers.samples import sample_handover, sample_report
from tests.any_facts import NASTY
from tests.any_reports import any_report_messages
from tests.golden_files import assert_golden
from tests.unit.test_notifier_mail import Tags

TEAM = "data@example.com"
SENDER = "watchdog@example.com"
DOMAIN = "watchdog.example.com"
CLIPPED_FROM_BYTES = 102_000
"""Larger mails are cut off by a large webmail."""


def message_of(report: Report) -> Message:
    return Message("n-9", TEAM, Part.PAGE, 1, report)


def body_of(message: Message) -> dict[str, Any]:
    return dict(render_report_mail(message, SENDER, DOMAIN).body)


def read(message: Message) -> EmailMessage:
    return message_from_bytes(build(body_of(message)), policy=default)


def test_a_report_reads_as_agreed() -> None:
    email = Email("smtp://localhost:25", SENDER, "https://watchdog.example.com")
    body = email.render(message_of(sample_report())).body
    assert_golden("mail_report.txt", f"Subject: {body['subject']}\n\n{body['text']}")
    assert_golden("mail_report.html", body["html"])


def test_a_hand_over_reads_as_agreed() -> None:
    body = body_of(message_of(sample_handover()))
    assert_golden("mail_on_call.txt", f"Subject: {body['subject']}\n\n{body['text']}")
    assert sample_handover().fact in body["html"]
    assert "ON CALL: data" in body["html"]


def test_programs_can_read_which_report_it_is() -> None:
    mail = read(message_of(sample_report()))
    assert mail["X-Watchdog-Report"] == "issues-morning"
    assert mail["List-Id"] == "reports of team data <data.reports.watchdog.example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"] is None


def test_two_mornings_are_two_mails() -> None:
    first, second = (message_of(sample_report()) for _ in range(2))
    assert read(first)["Message-ID"] == read(second)["Message-ID"]
    assert read(replace(second, key="n-10"))["Message-ID"] != read(first)["Message-ID"]


def test_the_subject_says_the_result() -> None:
    report = replace(sample_report(), parts=sample_report().parts[:1])
    subject = read(message_of(report))["Subject"]
    assert subject.startswith("[REPORT] Issues this morning: repositories 120, successful 113")


@given(any_report_messages(TEAM))
def test_the_text_part_of_any_report_is_76_columns_wide(message: Message) -> None:
    for line in body_of(message)["text"].splitlines():
        assert len(line) <= COLUMNS or "https://" in line


@given(any_report_messages(TEAM))
def test_data_adds_no_tag_and_no_foreign_address_to_a_report(message: Message) -> None:
    agreed = Tags(body_of(message_of(sample_report()))["html"])
    page = Tags(body_of(message)["html"])
    assert page.tags <= agreed.tags
    assert all(link.startswith(("https://", "http://")) for link in page.links)
    assert len(build(body_of(message))) <= CLIPPED_FROM_BYTES


@pytest.mark.parametrize("payload", NASTY)
@pytest.mark.parametrize("name", ["name", "title", "team"])
def test_no_payload_adds_a_header_to_a_report(name: str, payload: str) -> None:
    changed: dict[str, Any] = {name: payload}
    mail = read(message_of(replace(sample_report(), **changed)))
    assert set(mail.keys()) == set(read(message_of(sample_report())).keys())
    assert mail["To"] == TEAM
    assert not mail.defects


def test_data_that_breaks_the_layout_leaves_the_title() -> None:
    nonsense: dict[str, Any] = {"parts": None}
    mail = read(message_of(replace(sample_report(), **nonsense)))
    assert mail["Subject"] == "[REPORT] Issues this morning"
    assert "cannot be shown" in mail.get_content()
