"""The text part of a mail: 76 columns, a label column, quotes, and links left whole."""

import re
from dataclasses import replace
from typing import Any

import pytest

from notifiers.base import Event, Facts, Message, Part
from notifiers.clean import tidy
from notifiers.mail_text import COLUMNS, message_id, recipient, render_mail, subject
from notifiers.samples import sample

LONG = "every word of this sentence is short but the sentence goes on and on " * 8
SOLID = "x" * 300
LINK = "https://wiki.example.com/" + "runbook-" * 20
TEXTS = ("title", "fact", "detail", "owner", "team", "words", "impact", "do_first", "cause", "rule")


def message(facts: Facts, **more: Any) -> Message:
    return replace(Message("n-7", "ana@example.com", Part.PAGE, 1, facts), **more)


def text_of(event: Event, **changes: Any) -> str:
    facts = replace(sample(event), **changes)
    text = render_mail(message(facts), "watchdog@example.com", "example.com").body["text"]
    assert isinstance(text, str)
    return text


def assert_fits(text: str) -> None:
    for line in text.splitlines():
        assert len(line) <= COLUMNS or "https://" in line, line
        assert line == line.rstrip() or line == "> "
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\n\n\n" not in text


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("name", TEXTS)
def test_no_text_makes_a_line_longer_than_76_columns(event: Event, name: str) -> None:
    for value in (LONG, SOLID, "", "one"):
        assert_fits(text_of(event, **{name: value}))


@pytest.mark.parametrize("event", Event)
def test_everything_long_at_once_fits_too(event: Event) -> None:
    assert_fits(text_of(event, **dict.fromkeys(TEXTS, LONG)))


def test_a_long_runbook_stays_on_one_line_so_that_it_can_be_clicked() -> None:
    assert f"\nRunbook  {LINK}\n" in text_of(Event.OPENED, runbook=LINK)


def test_a_runbook_that_is_no_link_is_wrapped_below_its_label() -> None:
    lines = text_of(Event.OPENED, runbook=LONG).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("Runbook  "))
    assert lines[first + 1].startswith(" " * 9 + "w") or lines[first + 1].startswith(" " * 9)
    assert lines[first + 1][9] != " "


@pytest.mark.parametrize("label", ["Owner", "Impact", "Do first"])
def test_what_follows_a_label_begins_in_the_tenth_column(label: str) -> None:
    text = text_of(Event.OPENED, impact=LONG, do_first=LONG)
    line = next(line for line in text.splitlines() if line.startswith(label))
    assert line[:9] == f"{label:<9}"
    assert line[9] != " "


def test_each_line_of_a_quote_is_marked() -> None:
    text = text_of(Event.NOTED, words=LONG)
    quoted = next(part for part in text.split("\n\n") if part.startswith("> "))
    assert len(quoted.splitlines()) > 3
    assert all(line.startswith("> ") for line in quoted.splitlines())
    assert re.sub(r"\s*\n?> ", " ", quoted).strip().startswith("ana: every word of this")


def test_wrapping_loses_no_word() -> None:
    text = text_of(Event.OPENED, impact=" ".join(f"word{number}" for number in range(40)))
    assert re.findall(r"word\d+", text) == [f"word{number}" for number in range(40)]


def test_the_page_is_named_on_a_line_of_its_own() -> None:
    page = "https://watchdog.example.com/i/1042"
    told = f"\n\nTake it (asks once, then it is yours):\n{page}/take\n\n"
    assert told in text_of(Event.OPENED)
    assert f"\n\nOpen it:\n{page}\n\n" in text_of(Event.RESOLVED)
    for url in ("", "javascript:alert(1)"):
        assert "it:" not in text_of(Event.RESOLVED, url=url)
        assert "Take it" not in text_of(Event.OPENED, url=url)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (Event.OPENED, "because you are on call for team data until Mon 10:00."),
        (Event.OFFERED, "because you are asked to take over for team data."),
        (Event.TEST, "because somebody tests the way to you, in team data."),
        (Event.RECOVERED, "because you were told of this incident of team data."),
    ],
)
def test_the_last_line_says_why_it_came(event: Event, reason: str) -> None:
    assert text_of(event).rstrip().replace("\n", " ").endswith(reason)


def test_without_a_team_it_is_yours() -> None:
    text = text_of(Event.OPENED, team="", on_call_until=None)
    assert text.rstrip().endswith("on call for your team.")


@pytest.mark.parametrize(
    ("event", "changes", "line"),
    [
        (Event.OPENED, {}, "[CRITICAL] Orders stopped syncing #1042"),
        (Event.OPENED, {"severity": "warning"}, "[WARNING] Orders stopped syncing #1042"),
        (Event.OPENED, {"severity": ""}, "[OPEN] Orders stopped syncing #1042"),
        (Event.BACK_AGAIN, {}, "[BACK AGAIN] Orders stopped syncing #1042"),
        (Event.STILL_OPEN, {}, "[STILL OPEN 3h10m] Orders stopped syncing #1042"),
        (Event.OFFERED, {}, "[HANDOVER] Orders stopped syncing #1042"),
        (Event.TEST, {}, "[TEST] Watchdog test message"),
        (Event.RESOLVED, {"title": "a\r\nBcc: b"}, "[RESOLVED] a Bcc: b #1042"),
        (Event.RESOLVED, {"title": "", "rule": "orders"}, "[RESOLVED] orders #1042"),
        (Event.RESOLVED, {"title": "", "rule": ""}, "[RESOLVED] Incident #1042"),
    ],
)
def test_a_subject_reads_as_agreed(event: Event, changes: dict[str, Any], line: str) -> None:
    assert subject(tidy(replace(sample(event), **changes))) == line


@pytest.mark.parametrize("other", ["ANA@example.com", " ana@example.com "])
def test_an_address_written_otherwise_has_the_same_id(other: str) -> None:
    one = message(sample(Event.OPENED))
    assert message_id(replace(one, address=other), "x") == message_id(one, "x")


@pytest.mark.parametrize(
    "changes", [{"number": 2}, {"address": "raj@example.com"}, {"facts": sample(Event.TEST)}]
)
def test_another_event_or_person_or_incident_has_another_id(changes: dict[str, Any]) -> None:
    one = message(sample(Event.OPENED))
    assert message_id(replace(one, **changes), "x") != message_id(one, "x")


@pytest.mark.parametrize(
    "address", ["", "ana", "ana@", "@b.c", "a@b\r\nBcc: c@d", "a..b@c.d", "ä@b.c", "a@b, c@d", "a b@c.d"]
)  # fmt: skip
def test_what_is_no_address_is_never_written_into_a_header(address: str) -> None:
    assert recipient(address) == "undisclosed-recipients:;"
