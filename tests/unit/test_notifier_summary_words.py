"""What the weekly summary says in sentences, and that its text and its HTML say the same in one order."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest

from notifiers.summary import Counted, Summary
from notifiers.summary_mail import html_page, html_part, text_part
from notifiers.summary_samples import quiet_summary, sample_summary
from notifiers.summary_sections import bars, sections_above, sections_below
from notifiers.summary_words import (
    DEFINITIONS,
    cards,
    is_quiet,
    opening,
    preheader,
    subject,
    tidy_summary,
    watched,
    when,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SAMPLE, QUIET = sample_summary(), quiet_summary()


@pytest.mark.parametrize(
    ("every", "often"),
    [
        (timedelta(seconds=5), "every minute"),
        (MINUTE, "every minute"),
        (90 * MINUTE, "at least every 1 h 30 min"),
        (DAY, "at least every 1 d"),
    ],
)
def test_how_often_is_said_for_the_slowest_rule(every: timedelta, often: str) -> None:
    assert watched(replace(QUIET, slowest_every=every)) == (
        f"143 rules checked {often} without a gap"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"counted": Counted(1)},
        {"open_total": 1},
        {"actions": SAMPLE.actions},
        {"gaps": SAMPLE.gaps},
    ],
)
def test_a_week_that_asks_something_of_anybody_is_not_quiet(changed: dict[str, Any]) -> None:
    assert is_quiet(QUIET)
    busy = replace(QUIET, **changed)
    assert not is_quiet(busy)
    assert "quiet" not in subject(busy)


def test_a_week_without_incidents_says_what_is_still_open() -> None:
    still = replace(QUIET, open_total=2)
    assert subject(still) == "Week 23: 0 incidents (2 fewer), 2 still open"
    assert opening(still) == (
        "No incident opened. 2 are still open. 143 rules checked every minute without a gap."
    )
    assert preheader(still).startswith("2 still open. 143 rules")


@pytest.mark.parametrize(
    ("monday", "days"),
    [
        (date(2025, 6, 2), "Mon 2 Jun to Sun 8 Jun 2025"),
        (date(2025, 6, 30), "Mon 30 Jun to Sun 6 Jul 2025"),
        (date(2025, 12, 29), "Mon 29 Dec to Sun 4 Jan 2026"),
    ],
)
def test_the_days_of_the_week_are_said(monday: date, days: str) -> None:
    assert when(replace(SAMPLE, monday=monday)).startswith(f"{days} · ")


@pytest.mark.parametrize(
    ("teams", "said"),
    [
        ((), "2025 · times"),
        (("data",), "· team data ·"),
        (("a", "b", "c", "d"), "· teams a, b, c, d ·"),
        (("a", "b", "c", "d", "e", "f"), "· teams a, b, c, d and 2 more ·"),
    ],
)
def test_whose_week_it_is_is_said_for_four_teams_at_most(teams: tuple[str, ...], said: str) -> None:
    assert said in when(replace(SAMPLE, teams=teams))


def test_where_most_of_the_waiting_was_is_said_only_where_it_was() -> None:
    assert opening(replace(SAMPLE, worst_day=None)).endswith("waited 3 h 05 min to be taken.")
    monday = replace(SAMPLE, worst_day=SAMPLE.monday)
    assert opening(monday).endswith(", most of it on Monday.")


def test_tidying_twice_changes_nothing() -> None:
    odd = replace(SAMPLE, title="Week\n23" * 40, report="a\tb", teams=("x" * 99,), url="ftp://x")
    once = tidy_summary(odd)
    assert tidy_summary(once) == once
    assert (once.url, once.report) == ("", "a b")
    assert tidy_summary(replace(SAMPLE, title="")).title == "Week 23"


def words_of(html: str) -> str:
    """Return what a reader of the HTML reads, the preheader left out."""
    body = html[html.index("<h1") :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def told_in_order(summary: Summary) -> Iterator[str]:
    """Yield the beginnings of all that is said, in the agreed order."""
    yield opening(summary)[:40]
    yield from (one.label for one in cards(summary))
    for part in sections_above(summary):
        yield from (part.title, *(one.head[:20] for one in part.lines))
    if summary.counted.incidents:
        yield from ("By day", *(one.day for one in bars(summary)))
    for part in sections_below(summary):
        yield from (part.title, *(one.head[:20] for one in part.lines))
    yield from (one[:30] for one in DEFINITIONS)


@pytest.mark.parametrize("summary", [SAMPLE, QUIET], ids=["busy", "quiet"])
def test_text_and_html_say_the_same_in_the_same_order(summary: Summary) -> None:
    for read in (words_of(html_part(summary)), " ".join(text_part(summary).split())):
        at = 0
        for said in told_in_order(summary):
            found = read.lower().find(said.lower(), at)
            assert found >= at, said
            at = found + len(said)


def test_nothing_is_fetched_from_anywhere() -> None:
    for html in (html_part(SAMPLE), html_part(SAMPLE, "T", "cid:days"), html_page(SAMPLE, 50)):
        assert set(re.findall(r'src="([^":]+)', html)) <= {"cid"}
        assert "@import" not in html
        assert "url(" not in html
        assert "<script" not in html


def test_every_picture_has_words_and_every_table_its_role_or_its_heads() -> None:
    html = html_part(SAMPLE, "T", "cid:days")
    assert all('alt="' in one for one in re.findall(r"<img[^>]*>", html))
    for table in re.findall(r"<table[^>]*>.*?(?=<table|</table>)", html, re.DOTALL):
        assert 'role="presentation"' in table or "<th" in table


def test_the_page_names_no_address_of_ours() -> None:
    html = html_page(SAMPLE, 50)
    assert "watchdog.example.com" not in html
    assert 'href="/i/1051"' in html
    assert 'href="/week/2025-22"' in html


def test_the_mail_leads_only_to_our_address() -> None:
    links = re.findall(r'href="([^"]+)"', html_part(SAMPLE, "https://watchdog.example.com/u/T"))
    assert links
    assert all(one.startswith("https://watchdog.example.com/") for one in links)
    assert "https://watchdog.example.com/u/T" in links
