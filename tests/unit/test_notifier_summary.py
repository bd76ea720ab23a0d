"""What the weekly summary says, word by word, and that no data breaks it."""

import json
from dataclasses import replace
from datetime import timedelta
from difflib import unified_diff
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings

from notifiers.base import Message, Part
from notifiers.email import Email
from notifiers.mail_build import build
from notifiers.mail_text import COLUMNS
from notifiers.summary import Counted, OpenLine, Summary
from notifiers.summary_mail import html_page, html_part, render_summary_mail
from notifiers.summary_samples import quiet_summary, sample_summary
from notifiers.summary_sections import bars, decisions, sections_above, sections_below
from notifiers.summary_slack import render_summary_slack
from notifiers.summary_words import LINE_MAX, cards, line, opening, preheader, subject, tidy_summary
from tests.any_facts import NASTY
from tests.any_summaries import any_summaries
from tests.golden_files import assert_golden
from tests.slack_limits import live_parts, refusal, texts_of
from tests.unit.test_notifier_mail import Tags
from watchdog.store.facts import encode_report

BOSS = "boss@example.com"
SENDER = "watchdog@example.com"
DOMAIN = "watchdog.example.com"
CLIPPED_FROM_BYTES = 102_000
MINUTE = timedelta(minutes=1)
MAIL = html_part(sample_summary(), "https://watchdog.example.com/u/T0KEN")
"""Without the picture."""


def message_of(summary: Summary, stop: str = "T0KEN", address: str = BOSS) -> Message:
    return Message("n-9", address, Part.PAGE, 1, summary, stop=stop)


def body_of(summary: Summary, stop: str = "T0KEN") -> dict[str, Any]:
    return dict(render_summary_mail(message_of(summary, stop), SENDER, DOMAIN).body)


def read(summary: Summary, stop: str = "T0KEN") -> EmailMessage:
    return message_from_bytes(build(body_of(summary, stop)), policy=default)


def changes(before: str, after: str) -> str:
    """Return the lines that one has and the other has not."""
    compared = unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "".join(f"{one}\n" for one in list(compared)[2:] if not one.startswith("@@"))


def test_a_week_reads_as_agreed() -> None:
    email = Email("smtp://localhost:25", SENDER, "https://watchdog.example.com")
    body = email.render(message_of(sample_summary())).body
    assert_golden("mail_summary.txt", f"Subject: {body['subject']}\n\n{body['text']}")
    assert_golden("mail_summary.html", MAIL)
    assert_golden("mail_summary_picture.diff", changes(MAIL, body["html"]))


def test_a_week_in_slack_reads_as_agreed() -> None:
    rendered = render_summary_slack(message_of(sample_summary(), address="@U01ANA"))
    assert rendered.line == "🗓 Week 23: 12 incidents (5 fewer), 1 still open, 3 to decide"
    told = json.dumps(rendered.body, indent=1, ensure_ascii=False)
    assert_golden("slack_summary.json", f"{told}\n")


def test_the_page_of_a_week_is_its_mail_with_links_of_its_own() -> None:
    mail = MAIL.replace('href="https://watchdog.example.com/', 'href="/')
    assert_golden("page_summary.diff", changes(mail, html_page(sample_summary(), rows_max=50)))


def test_a_week_for_programs_is_as_agreed() -> None:
    encoded = json.dumps(encode_report(sample_summary()), indent=1, ensure_ascii=False)
    assert_golden("summary.json", f"{encoded}\n")


def test_a_quiet_week_reads_as_agreed() -> None:
    body = body_of(quiet_summary())
    assert_golden("mail_summary_quiet.txt", f"Subject: {body['subject']}\n\n{body['text']}")


def test_the_subject_says_the_result() -> None:
    assert subject(sample_summary()) == (
        "Week 23: 12 incidents (5 fewer), 1 still open, 3 to decide"
    )
    assert subject(quiet_summary()) == (
        "Week 23: quiet, 143 rules checked every minute without a gap"
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"unlooked": None}, "143 rules checked every minute"),
        ({"unlooked": 3}, "143 rules checked every minute, but 3 checks missing"),
        ({"slowest_every": 15 * MINUTE}, "143 rules checked at least every 15 min without a gap"),
        ({"rules": 1}, "1 rule checked every minute without a gap"),
    ],
)
def test_a_quiet_week_promises_no_more_than_is_known(changed: Any, said: str) -> None:
    assert subject(replace(quiet_summary(), **changed)) == f"Week 23: quiet, {said}"


def test_a_week_that_is_not_over_says_so() -> None:
    assert subject(replace(sample_summary(), is_over=False)).startswith("Week 23 so far: 12")


def test_a_week_that_is_not_over_is_compared_with_none() -> None:
    begun = replace(sample_summary(), is_over=False)
    assert subject(begun) == "Week 23 so far: 12 incidents, 1 still open, 3 to decide"
    assert opening(begun).startswith("12 incidents so far. One is still open.")
    assert {(one.change, one.tone) for one in cards(begun)} == {("so far", "same")}


@pytest.mark.parametrize(
    ("before", "said"), [(12, "as many as before"), (11, "1 more"), (13, "1 fewer")]
)
def test_the_change_is_said_in_words(before: int, said: str) -> None:
    summary = replace(sample_summary(), before=Counted(before))
    assert f"12 incidents ({said})" in subject(summary)


def test_the_preheader_says_what_to_decide() -> None:
    assert preheader(sample_summary()).startswith(
        "1 still open. Decide: Overdue: Alert 14 days before API keys expire; email-queue-long"
    )
    assert preheader(quiet_summary()) == "143 rules checked every minute without a gap."


def test_one_sentence_says_how_the_week_was() -> None:
    assert opening(sample_summary()) == (
        "12 incidents, 5 fewer than last week. One is still open. "
        "Together they waited 3 h 05 min to be taken, most of it on Saturday."
    )
    taken = replace(sample_summary(), counted=Counted(1), before=Counted(1), open_total=0)
    assert opening(taken) == (
        "1 incident, as many as the week before. None is still open. None had to wait for somebody."
    )


def test_six_cards_say_the_change_and_whether_it_is_better() -> None:
    shown = [(one.label, one.value, one.change, one.tone) for one in cards(sample_summary())]
    assert shown[0] == ("Incidents", "12", "▼ -5 better, was 17", "better")
    assert shown[4] == (
        "Time not taken",
        "3 h 05 min",
        "▲ +1 h 55 min worse, was 1 h 10 min",
        "worse",
    )
    assert len(shown) == 6


@pytest.mark.parametrize(
    ("now", "then", "value", "change"),
    [
        (None, None, "–", "nothing to compare"),
        (None, 4 * MINUTE, "–", "was 4 min"),
        (4 * MINUTE, None, "4 min", "nothing to compare"),
        (4 * MINUTE, 4.5 * MINUTE, "4 min", "as the week before"),
    ],
)
def test_a_median_of_nothing_is_compared_with_nothing(
    now: Any, then: Any, value: str, change: str
) -> None:
    summary = replace(sample_summary(), counted=Counted(1, now), before=Counted(1, then))
    card = cards(summary)[1]
    assert (card.value, card.change, card.tone) == (value, change, "same")


def test_at_most_three_things_are_to_be_decided_and_each_says_what_to_do() -> None:
    assert [(one.head, one.detail) for one in decisions(sample_summary())] == [
        (
            "Overdue: Alert 14 days before API keys expire",
            "tom, due 30 May (10 days late), #1017",
        ),
        (
            "email-queue-long fired 4 times, 3 of them for nothing",
            "with `for: 10m` it would have fired once",
        ),
        (
            "support has nobody on call from Sat 14 Jun 22:00 to Sun 15 Jun 02:00",
            "only the lead, tom, answers: add a turn or a cover",
        ),
    ]


def test_a_rule_that_paged_once_in_vain_is_nothing_to_decide_about() -> None:
    once = replace(sample_summary().noisy[0], fired=2, needed=1)
    silent = replace(sample_summary().noisy[0], noise=0)
    for line_ in (once, silent):
        assert len(decisions(replace(sample_summary(), noisy=(line_,)))) == 2


def test_five_rows_of_a_section_are_shown_and_the_rest_is_linked() -> None:
    lines = tuple(OpenLine(n, f"Open {n}", "warning", "open", "ana", MINUTE) for n in range(9))
    summary = replace(sample_summary(), still_open=lines, open_total=70)
    [section] = [one for one in sections_above(summary) if one.title == "Still open"]
    assert (len(section.lines), section.more, section.path) == (5, 65, "/")
    body = body_of(summary)
    assert "and 65 more: https://watchdog.example.com/\n" in body["text"]
    assert '<a class="link" href="https://watchdog.example.com/"' in body["html"]


def test_empty_sections_are_left_out() -> None:
    assert sections_above(quiet_summary()) == sections_below(quiet_summary()) == ()
    assert "BY DAY" not in body_of(quiet_summary())["text"]


def test_bars_are_parts_of_the_fullest_day() -> None:
    shown = [(one.day, one.by_day, one.by_night, one.words) for one in bars(sample_summary())]
    assert shown[1] == ("Tue", 50, 25, "3, 1 at night")
    assert shown[3] == ("Thu", 0, 0, "0")
    assert shown[5] == ("Sat", 50, 50, "4, 2 at night")


def test_the_mail_of_a_week_has_one_id_for_each_reader() -> None:
    mail = read(sample_summary())
    again = render_summary_mail(
        replace(message_of(sample_summary()), key="n-10"), SENDER, DOMAIN
    ).body["headers"]
    other = render_summary_mail(
        message_of(sample_summary(), address="tom@example.com"), SENDER, DOMAIN
    ).body["headers"]
    assert mail["Message-ID"].startswith("<week-2025-23.")
    assert mail["Message-ID"].endswith("@watchdog.example.com>")
    assert again["Message-ID"] == mail["Message-ID"] != other["Message-ID"]
    assert mail["List-Id"] == "the week <weekly.watchdog.example.com>"


def test_a_reader_stops_it_with_one_click_where_there_is_a_public_address() -> None:
    mail = read(sample_summary())
    assert mail["List-Unsubscribe"] == "<https://watchdog.example.com/u/T0KEN>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for nowhere in (read(replace(sample_summary(), url="")), read(sample_summary(), stop="")):
        assert nowhere["List-Unsubscribe"] is None
        assert nowhere["List-Unsubscribe-Post"] is None
        assert "Stop these mails" not in nowhere.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_without_an_address_nothing_is_linked() -> None:
    html = html_part(replace(sample_summary(), url=""))
    assert Tags(html).links == []


@settings(max_examples=30, deadline=None)
@given(any_summaries())
def test_any_week_is_a_mail_of_76_columns_without_foreign_tags(summary: Summary) -> None:
    body = body_of(summary)
    for text in body["text"].splitlines():
        assert len(text) <= COLUMNS or "https://" in text or "http://" in text
    page, agreed = Tags(body["html"]), Tags(body_of(sample_summary())["html"])
    assert page.tags <= agreed.tags
    assert all(link.startswith(("https://", "http://", "cid:days")) for link in page.links)
    assert len(build(body)) <= CLIPPED_FROM_BYTES
    assert len(line(tidy_summary(summary))) <= LINE_MAX


@settings(max_examples=20, deadline=None)
@given(any_summaries())
def test_any_week_is_a_message_that_slack_takes(summary: Summary) -> None:
    rendered = render_summary_slack(message_of(summary, address="@U01ANA"))
    assert refusal(dict(rendered.body)) == ""
    for said in texts_of(rendered.body["blocks"]):
        assert not [one for one in live_parts(said) if not one.startswith("http")]


@pytest.mark.parametrize("payload", NASTY)
def test_no_payload_adds_a_header(payload: str) -> None:
    changed: dict[str, Any] = {
        "report": payload, "title": payload, "teams": (payload,), "zone": payload
    }  # fmt: skip
    mail = read(replace(sample_summary(), **changed), stop="T0KEN")
    assert set(mail.keys()) == set(read(sample_summary()).keys())
    assert mail["To"] == BOSS
    assert not mail.defects


def test_data_that_breaks_the_layout_leaves_the_name_of_the_week() -> None:
    nonsense: dict[str, Any] = {"days": None}
    mail = read(replace(sample_summary(), **nonsense))
    assert mail["Subject"] == "Week 23"
    assert "cannot be shown" in mail.get_content()


def test_data_that_breaks_slacks_layout_leaves_the_name_of_the_week() -> None:
    nonsense: dict[str, Any] = {"counted": None}
    rendered = render_summary_slack(
        message_of(replace(sample_summary(), **nonsense), address="@U01ANA")
    )
    assert (rendered.line, rendered.body["blocks"]) == ("🗓 Week 23", [])
