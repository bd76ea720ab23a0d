"""Whatever data holds, a mail has the headers that it always has: also where Python checks nothing.

The default run takes a sample; `--long` takes all 2,112 payloads.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import Policy, default
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest

from notifiers.base import Event, Message, Part
from notifiers.mail_build import POLICY, build
from notifiers.mail_text import render_mail
from notifiers.samples import sample

BREAKS = [
    *("\r\n", "\n", "\r", "\n\n", "\r\n\r\n", "\r\n ", "\n\t", "\r\r\n"),
    *("\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\x00"),
    *("%0d%0a", "\\r\\n", "=0D=0A", "\u010d\u010a", "\u560d\u560a"),  # the last end in 0D and 0A
]
HEADERS = [
    "Bcc: evil@example.org",
    "To: evil@example.org",
    "Subject: all is well",
    "From: boss@example.com",
    "X-Watchdog-Severity: info",
    "Importance: low",
    "Content-Type: text/html; boundary=x",
    "<script>alert(1)</script>",
]
Wrap = Callable[[str], str]
WRAPS: list[Wrap] = [
    lambda text: text,
    lambda text: f"=?utf-8?q?x{quote(text, safe='').replace('%', '=')}?=",
    lambda text: f"=?utf-8?b?{b64encode(b'x' + text.encode()).decode()}?=",
    lambda text: f'" <x@example.org>{text}',
]
PLACES: list[Wrap] = [
    lambda text: f"Orders{text}",
    lambda text: text,
    lambda text: f"{'x ' * 40}{text}",  # so that it lies where a header is folded
]
PAYLOADS = [
    place(wrap(line_end + header))
    for place, wrap, line_end, header in product(PLACES, WRAPS, BREAKS, HEADERS)
]
FIELDS = (
    *("title", "rule", "team", "severity", "state", "owner", "fact", "detail", "words"),
    *("failure_class", "impact", "do_first", "zone", "next_person"),
)
NAMES = [
    *("From", "To", "Date", "Message-ID", "List-Id", "Auto-Submitted", "X-Auto-Response-Suppress"),
    *("X-Watchdog-Incident", "X-Watchdog-State", "X-Watchdog-Severity", "X-Watchdog-Rule"),
    *("X-Watchdog-Reason", "In-Reply-To", "References", "Subject", "MIME-Version", "Content-Type"),
]
REMOTE = {"message_id": "<i1042.1.8e43ca377012@watchdog.example.com>"}


def unchecked() -> Policy:
    """Return the policy of our mails without the look at line ends that newer interpreters take."""
    off: dict[str, Any] = {"verify_generated_headers": False}
    return POLICY.clone(**off) if hasattr(POLICY, "verify_generated_headers") else POLICY


def body_of(payload: str) -> dict[str, Any]:
    changed: dict[str, Any] = dict.fromkeys(FIELDS, payload)
    facts = replace(sample(Event.BACK_AGAIN), **changed)
    message = Message("n-7", "ana@example.com", Part.PAGE, 7, facts, REMOTE, "ana")
    return dict(render_mail(message, "watchdog@example.com", "watchdog.example.com").body)


def told_wrong(mail: EmailMessage) -> list[str]:
    """Return what of a mail's headers data has changed."""
    wrong = [] if mail.keys() == NAMES else [str(mail.keys())]
    said = {
        "To": "ana@example.com",
        "Message-ID": "<i1042.7.8e43ca377012@watchdog.example.com>",
        "References": REMOTE["message_id"],
        "X-Watchdog-Incident": "1042",
        "X-Watchdog-Reason": "told-before",
    }
    wrong += [f"{name}: {mail[name]}" for name, value in said.items() if mail[name] != value]
    if [one.addr_spec for one in mail["From"].addresses] != ["watchdog@example.com"]:
        wrong.append(f"From: {mail['From']}")
    if not str(mail["Subject"]).endswith(" #1042") or not str(mail["Subject"]).startswith("["):
        wrong.append(f"Subject: {mail['Subject']}")
    return wrong + [str(one) for one in mail.defects]


def check(payloads: Sequence[str]) -> None:
    policy, problems = unchecked(), {}
    for payload in payloads:
        body = body_of(payload)
        values = (*body["headers"].values(), body["subject"])
        assert all(one.isprintable() and "=?" not in one for one in values), payload
        mail = message_from_bytes(build(body, policy), policy=default)
        if wrong := told_wrong(mail):
            problems[payload] = wrong
    assert problems == {}


def test_no_payload_changes_a_header() -> None:
    check(PAYLOADS[::29])


@pytest.mark.long
def test_not_one_of_two_thousand_payloads_changes_a_header() -> None:
    assert len(PAYLOADS) > 2000
    check(PAYLOADS)


def test_what_gets_past_the_cleaning_would_be_found() -> None:
    body = body_of("x")
    body["headers"] = body["headers"] | {"Bcc": "evil@example.org"}
    assert told_wrong(message_from_bytes(build(body, unchecked()), policy=default))
