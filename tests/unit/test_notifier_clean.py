from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event
from notifiers.clean import cut, fair_cuts, header_text, one_line, safe_url, slack_text, tidy
from notifiers.samples import sample
from tests.any_facts import NASTY, any_facts
from tests.slack_limits import live_parts, visible

any_text = st.one_of(st.sampled_from(NASTY), st.text(max_size=200))


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("a\r\nb\tc", "a b c"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("\x1b[31mred\x07", "[31mred"),
        ("\u202egnirts\u2066x\u2069", "gnirtsx"),
        ("  many   spaces\u00a0here ", "many spaces here"),
        ("\ud800lone", "lone"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("👩‍🚒 کتاب‌ها", "👩‍🚒 کتاب‌ها"),
    ],
)
def test_text_becomes_one_harmless_line(given_text: str, shown: str) -> None:
    assert one_line(given_text) == shown


def test_ten_megabytes_are_read_only_in_part() -> None:
    assert len(one_line("x" * 10_000_000)) == 20_000


@given(any_text, st.integers(min_value=0, max_value=50))
def test_a_cut_text_fits_and_begins_as_before(text: str, length_max: int) -> None:
    shown = cut(text, length_max)
    assert len(shown) <= length_max or shown == text
    if shown != text and length_max:
        assert text.startswith(shown[:-1])
        assert shown.endswith("…")


@given(st.lists(st.text(max_size=100), max_size=6), st.integers(min_value=0, max_value=300))
def test_fair_cuts_fit_together_and_leave_short_texts_whole(texts: list[str], room: int) -> None:
    cuts = fair_cuts(texts, room)
    assert sum(map(len, cuts)) <= room
    for text, shown in zip(texts, cuts, strict=True):
        if len(text) <= room // len(texts):
            assert shown == text


def test_what_short_texts_leave_over_goes_to_the_long_ones() -> None:
    assert [len(one) for one in fair_cuts(["a" * 10, "b" * 500, "c" * 60], 100)] == [10, 45, 45]


@given(any_text)
def test_nothing_in_data_comes_alive_in_slack(text: str) -> None:
    shown = slack_text(text)
    assert live_parts(shown) == []
    assert not set("*~`") & set(visible(shown))
    assert "://" not in shown
    assert not visible(shown).startswith(">")


def test_none_of_500_payloads_makes_a_mention() -> None:
    payloads = [f"{a}{b}{c}" for a in NASTY[:9] for b in NASTY[:9] for c in NASTY[:7]]
    assert len(payloads) > 500
    assert [payload for payload in payloads if live_parts(slack_text(payload))] == []


def test_identifiers_can_still_be_copied_from_slack() -> None:
    assert slack_text("rows in sync_runs & main.orders") == "rows in sync_runs &amp; main.orders"


def test_underscores_around_words_do_not_format() -> None:
    assert "_" not in slack_text("_it_ (_that_)")


@given(any_text)
def test_a_header_value_is_printable_bounded_and_no_encoded_word(text: str) -> None:
    value = header_text(text, 60)
    assert value.isprintable() or not value
    assert len(value) <= 60
    assert "=?" not in value


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://user:secret@host/",
        "https://",
        "http://[::1",
        "http://host:99999/",
        "//host/path",
        "https://host/a b",
        "https://host/\nx",
        "https://bücher.example/",
        "https://host/" + "x" * 600,
        "",
    ],
)
def test_only_plain_web_addresses_become_links(url: str) -> None:
    assert safe_url(url) == ""


def test_a_link_cannot_break_out_of_its_markup() -> None:
    assert safe_url('https://host/a|b>c<d"e`f') == "https://host/a%7Cb%3Ec%3Cd%22e%60f"
    assert safe_url("https://host/ü?x=1&y=%20#z") == "https://host/%C3%BC?x=1&y=%20#z"


@given(any_facts())
def test_tidying_twice_changes_nothing(facts: object) -> None:
    once = tidy(facts)  # type: ignore[arg-type]
    assert tidy(once) == once


def test_a_missing_title_falls_back_to_the_rule() -> None:
    assert tidy(replace(sample(Event.OPENED), title="\u200b\n")).title == "orders-stale"
