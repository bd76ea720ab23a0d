import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event, Facts
from notifiers.clean import cut
from notifiers.line import LINE_MAX, render_line
from notifiers.samples import sample
from notifiers.times import short_span
from rules import spans
from tests.any_facts import any_facts

PROMISED = {
    Event.OPENED: "🔴 CRITICAL Orders stopped syncing: 1h02m old (max 1h) · ana · #1042",
    Event.LEVEL: "🔴 CRITICAL Orders stopped syncing: 1h02m old, warning since 02:43 · ana · #1042",
    Event.TAKEN: "👀 TAKEN Orders stopped syncing: by ana after 4m · #1042",
    Event.OFFERED: "🤝 HANDOVER Orders stopped syncing: ana asks raj, open 50m · #1042",
    Event.DECLINED: "🙅 DECLINED Orders stopped syncing: raj does not take it from ana · #1042",
    Event.HANDED_OVER: "🤝 HANDOVER Orders stopped syncing: ana → raj, open 52m · #1042",
    Event.ESCALATED: "⏫ ESCALATED Orders stopped syncing: ana silent 10m, now raj (2/3) · #1042",
    Event.SNOOZED: "💤 SNOOZED Orders stopped syncing: no reminder for 2h, by ana · #1042",
    Event.MISSED: "📵 MISSED Orders stopped syncing: ana in Do Not Disturb, now raj · #1042",
    Event.EXHAUSTED: "🆘 NOBODY Orders stopped syncing: nobody took it in 40m · tom · #1042",
    Event.EXPIRED: "⌛ EXPIRED Orders stopped syncing: ana silent for 30m, not taken · #1042",
    Event.LAPSED: "⌛ NO ANSWER Orders stopped syncing: raj did not take it from ana · #1042",
    Event.GIVEN_BACK: "👐 GIVEN BACK Orders stopped syncing: ana → raj, open 40m · #1042",
    Event.ACTION_ASKED: "✋ APPROVE Orders stopped syncing: ana asks: Start a sync by hand: the l… · #1042",
    Event.ACTION_BEGUN: "🔧 BEGUN Orders stopped syncing: raj: Start a sync by hand: approved, as… · #1042",
    Event.ACTION_RAN: "🔧 ACTION Orders stopped syncing: Start a sync by hand: done, the answer… · #1042",
    Event.NOTED: "📝 NOTE Orders stopped syncing: ana wrote “API key expired, asked the sh… · #1042",
    Event.NOT_ACTIONABLE: "🔕 NOISE Orders stopped syncing: false positive, says ana · #1042",
    Event.STILL_OPEN: "⏳ STILL OPEN Orders stopped syncing: 3h10m, note 3h ago · ana · #1042",
    Event.RECOVERED: "🟢 RECOVERED Orders stopped syncing: bad 1h12m, cause missing · ana · #1042",
    Event.BACK_AGAIN: "🔁 BACK AGAIN Orders stopped syncing: 20m after it recovered · ana · #1042",
    Event.REOPENED: "🚪 REOPENED Orders stopped syncing: ana says “customers still see no sto… · #1042",
    Event.CAUSE_ASKED: "🛠 ACTION Orders stopped syncing: what stops it next time? · ana · #1042",
    Event.RESOLVED: "✅ RESOLVED Orders stopped syncing: 1h31m, Shop API key expired · ana · #1042",
    Event.ACTION_LATE: "⏰ LATE Orders stopped syncing: ana, due 2026-06-24: Warn two weeks befo… · #1042",
    Event.ACTION_DONE: "🛠 DONE Orders stopped syncing: Warn two weeks before a key expires · ana · #1042",
    Event.WITHDRAWN: "⏹ WITHDRAWN Orders stopped syncing: rule orders-stale was removed · ana · #1042",
    Event.STORM: "⛈ STORM source main: 14 incidents at once, 3 critical · ana · #1050",
    Event.MEMBERS: "⛈ STORM source main: 11 of 16 bad, 1 critical · ana · #1050",
    Event.JOINED: "↪ JOINED Orders stopped syncing: part of storm #1050 · ana · #1042",
    Event.SPLIT: "⛈ STORM source main: Orders stopped syncing is #1061 now · ana · #1050",
    Event.FLAPPING: "〰 FLAPPING Orders stopped syncing: 6 times in 1h · ana · #1042",
    Event.SILENCED: "🔕 SILENCED Orders stopped syncing: by raj until 18:00 Berlin: deploy · #1042",
    Event.RELEASED: "📢 STILL BAD Orders stopped syncing: 1h02m old (max 1h) · ana · #1042",
    Event.SILENCE_ENDS: "⏰ SILENCE Orders stopped syncing: ends in 15m, 3 still bad · ana · #1042",
    Event.TEST: "🔔 TEST Watchdog test message: you can be reached here · ana",
}


@pytest.mark.parametrize("event", Event)
def test_each_event_has_the_line_that_was_promised(event: Event) -> None:
    assert render_line(sample(event)) == PROMISED[event]


@given(any_facts())
def test_a_line_fits_a_phone_whatever_the_facts(facts: Facts) -> None:
    line = render_line(facts)
    assert len(line) <= LINE_MAX
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", line)
    assert line.encode("utf-8")


@pytest.mark.parametrize("event", Event)
def test_the_title_starts_within_the_first_14_characters(event: Event) -> None:
    facts = sample(event)
    assert render_line(facts).index(facts.title) < 14


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_a_level_is_said_by_glyph_and_word(severity: str) -> None:
    glyph, word = render_line(replace(sample(Event.OPENED), severity=severity)).split()[:2]
    assert word == severity.upper()
    assert len(glyph) == 1


def test_levels_have_different_glyphs() -> None:
    levels = ("critical", "warning", "info")
    lines = [render_line(replace(sample(Event.OPENED), severity=one)) for one in levels]
    assert len({line[0] for line in lines}) == 3


def test_a_long_title_is_cut_to_32_and_a_long_fact_to_what_is_left() -> None:
    line = render_line(replace(sample(Event.OPENED), title="t" * 300, fact="f" * 300))
    assert "t" * 31 + "…: f" in line
    assert len(line) == LINE_MAX
    assert line.endswith("… · ana · #1042")


def test_a_family_of_emoji_is_never_torn_apart() -> None:
    family = "👨‍👩‍👧‍👦"
    title = render_line(replace(sample(Event.OPENED), title=family * 10, fact="")).split(" ")[2]
    assert title.replace(family, "") == "…"


def test_flags_and_skin_tones_are_cut_whole() -> None:
    assert cut("🇩🇪🇫🇷", 4) == "🇩🇪🇫🇷"
    assert cut("🇩🇪🇫🇷🇪🇸", 4) == "🇩🇪…"
    assert cut("ok👍🏽", 3) == "ok…"


def test_the_number_and_a_huge_owner_still_fit() -> None:
    facts = replace(sample(Event.OPENED), id=10**18, owner="o" * 100, title="t" * 50)
    assert len(render_line(facts)) <= LINE_MAX
    assert f"#{10**18}" in render_line(facts)


def test_without_a_fact_there_is_no_colon() -> None:
    line = render_line(replace(sample(Event.OPENED), fact=""))
    assert line == "🔴 CRITICAL Orders stopped syncing · ana · #1042"


def test_a_warning_after_a_critical_says_what_it_was() -> None:
    facts = replace(sample(Event.LEVEL), severity="warning", previous_severity="critical")
    assert (
        render_line(facts)
        == "🔶 WARNING Orders stopped syncing: 1h02m old, was critical · ana · #1042"
    )


def test_the_level_before_is_dated_when_it_was_not_today() -> None:
    facts = replace(
        sample(Event.LEVEL), opened_at=sample(Event.LEVEL).at - timedelta(days=2), fact="9"
    )
    assert "9, warning since Mon 03:15" in render_line(facts)


def test_what_comes_back_says_a_remark_before_how_soon_it_came() -> None:
    back = replace(sample(Event.BACK_AGAIN), title="Orders", fact="2h old", recovered_at=None)
    soon = replace(back, words="20m after it recovered: 2h old")
    assert "Orders: 20m after it recovered · ana" in render_line(soon)
    still = replace(back, words="Still broken after a move. 20m after it recovered: 2h old")
    assert "Orders: Still broken after a move. 20m after it" in render_line(still)
    assert "Orders: 2h old · ana" in render_line(replace(back, words=""))


def test_how_long_it_was_bad_is_told_by_the_data_where_they_tell() -> None:
    told = replace(sample(Event.RECOVERED), title="Orders", cause="")
    begin, hour = told.opened_at, timedelta(hours=1)
    data = replace(told, first_bad_at=begin - hour, first_good_at=begin + hour)
    assert "Orders: bad 2h, cause missing" in render_line(data)
    ours = replace(told, first_bad_at=None, first_good_at=None, recovered_at=begin + 3 * hour)
    assert "Orders: bad 3h, cause missing" in render_line(ours)
    nothing = replace(ours, recovered_at=None, at=begin + 4 * hour)
    assert "Orders: bad 4h, cause missing" in render_line(nothing)


@given(st.timedeltas(min_value=timedelta(days=-3), max_value=timedelta(days=4000)))
def test_spans_read_as_in_rules(span: timedelta) -> None:
    assert short_span(span) == spans.short_span(span)
