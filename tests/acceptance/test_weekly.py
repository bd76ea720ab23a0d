"""The weekly mail of the whole program: after an outage, after restarts, and stopped by its reader."""

import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import running, small_world
from tests.acceptance.running import Program, Receivers

SATURDAY = datetime(2025, 6, 14, 12, tzinfo=UTC)
WEDNESDAY = datetime(2025, 6, 18, 10, tzinfo=UTC)
MONDAY = datetime(2025, 6, 23, 8, 30, tzinfo=UTC)
WEEK = timedelta(days=7)
REPORTS = """version: 1
service: { url: "https://watchdog.example.com" }
reports: { weekly: { kind: weekly, to: [ana, heads@example.com] } }
"""
ANA, HEADS = "ana@example.com", "heads@example.com"


@dataclass
class Office:
    """The program, and the mails that have arrived."""

    program: Program
    receivers: Receivers
    read: int = 0

    def mails(self) -> dict[str, dict[str, Any]]:
        """Return the mails since the last look, by recipient; none of them twice."""
        fresh = self.receivers.mails()[self.read :]
        self.read += len(fresh)
        by_recipient = {str(one["recipient"]): one for one in fresh}
        assert len(by_recipient) == len(fresh)
        return by_recipient

    def restart_at(self, instant: datetime) -> None:
        """Stop the program and start it at a later instant."""
        self.program.stop()
        self.program.start(instant)
        self.program.advance(60)

    def until(self, instant: datetime) -> None:
        """Let time pass until a minute after an instant."""
        self.program.jump((instant - self.program.now()).total_seconds() - 60)
        self.program.advance(120)

    def ask(self, path: str, **form: str) -> str:
        """Do with a link of a mail what a program does, which has never signed in."""
        body = urllib.parse.urlencode(form).encode() if form else None
        with urllib.request.urlopen(f"{self.program.url}{path}", body, timeout=20) as answer:  # noqa: S310
            return str(answer.read().decode())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    small_world.make_things(tmp_path)
    with running.receivers(tmp_path) as receivers:
        rules = small_world.rules(receivers, tmp_path, thing="A thing is broken")
        rules = rules.replace("\nversion: 1\n", REPORTS)
        with running.program(receivers, demo=False, rules=rules, start=SATURDAY) as program:
            program.advance(60)
            yield Office(program, receivers)


def test_the_weekly_mail_comes_once_and_until_its_reader_stops_it(office: Office) -> None:
    it_comes_late_and_once_when_nothing_ran_on_monday(office)
    a_restart_sends_nothing_again(office)
    opening_the_link_changes_nothing_and_one_click_stops_it(office)
    it_comes_again_to_whoever_wants_it_again(office)


def it_comes_late_and_once_when_nothing_ran_on_monday(office: Office) -> None:
    assert office.mails() == {}
    office.restart_at(WEDNESDAY)
    arrived = office.mails()
    assert arrived.keys() == {ANA, HEADS}
    for mail in arrived.values():
        assert mail["headers"]["Subject"].startswith("Week 24: quiet, 1 rule checked every minute")
        assert mail["headers"]["Message-ID"].startswith("<week-2025-24.")
    ids = {mail["headers"]["Message-ID"] for mail in arrived.values()}
    assert len(ids) == 2


def a_restart_sends_nothing_again(office: Office) -> None:
    office.restart_at(WEDNESDAY + timedelta(hours=3))
    assert office.mails() == {}


def opening_the_link_changes_nothing_and_one_click_stops_it(office: Office) -> None:
    office.until(MONDAY)
    arrived = office.mails()
    assert arrived.keys() == {ANA, HEADS}
    headers = arrived[ANA]["headers"]
    assert headers["Subject"].startswith("Week 25: quiet, ")
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.fullmatch(r"<https://watchdog\.example\.com(/u/\S+)>", headers["List-Unsubscribe"])
    assert link
    assert "ana@example.com gets it every week" in office.ask(link[1])
    office.until(MONDAY + WEEK)
    assert office.mails().keys() == {ANA, HEADS}
    said = office.ask(link[1], **{"List-Unsubscribe": "One-Click"})
    assert "No more weekly summaries" in said
    office.until(MONDAY + 2 * WEEK)
    assert office.mails().keys() == {HEADS}
    assert "stopped" in office.program.run("report", "readers")


def it_comes_again_to_whoever_wants_it_again(office: Office) -> None:
    assert "gets it again" in office.program.run("report", "resume", ANA)
    office.until(MONDAY + 3 * WEEK)
    assert office.mails().keys() == {ANA, HEADS}
