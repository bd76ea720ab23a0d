"""How mails look: contrast in both schemes, one button that a thumb hits, and how large they are."""

import re
from dataclasses import replace

import pytest

from notifiers.base import Event, Facts, Message, Part, Report
from notifiers.email import Email
from notifiers.keys import KEY_MIN
from notifiers.mail_build import build
from notifiers.samples import sample, sample_report
from notifiers.summary import Summary
from notifiers.summary_samples import sample_summary
from tests.contrast import READABLE, contrast

EMAIL = Email("smtp://localhost", "w@example.com", "https://w.example.com", link_key="k" * KEY_MIN)
BYTES_MAX = 20_000

Colours = dict[str, str]
"""`color` and `background`, as far as they are said."""


def message(facts: Facts | Report | Summary) -> Message:
    return Message("n-7", "ana@example.com", Part.PAGE, 1, facts, reader="ana")


PAGES = {
    "opened": message(sample(Event.OPENED)),
    "offered": message(sample(Event.OFFERED)),
    "recovered": message(sample(Event.RECOVERED)),
    "report": message(sample_report()),
    "week": message(sample_summary()),
}


def html_of(name: str) -> str:
    return str(EMAIL.render(PAGES[name]).body["html"])


def dark(html: str) -> dict[str, Colours]:
    """Return what each class is in the dark."""
    [block] = re.findall(r"prefers-color-scheme: dark\) \{\n(.*?)\n\}", html, re.DOTALL)
    return {name: _colours(style) for name, style in re.findall(r"\.(\w+) \{([^}]*)\}", block)}


def elements(html: str, *, is_dark: bool) -> list[tuple[set[str], Colours]]:
    """Return the classes and colours of all elements that have both, as they look."""
    found = []
    for classes, style in re.findall(r'<[^>]*class="([^"]+)"[^>]*?style="([^"]*)"', html):
        names = classes.split()
        look = _colours(style)
        for name in names if is_dark else ():
            look |= dark(html).get(name, {})
        found.append((set(names), look))
    return found


def _colours(style: str) -> dict[str, str]:
    return dict(re.findall(r"(?<![-\w])(color|background):\s*(#[0-9a-f]{6})", style))


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("name", PAGES)
def test_every_text_can_be_read_in_both_schemes(name: str, is_dark: bool) -> None:
    shown = elements(html_of(name), is_dark=is_dark)
    [card] = [look["background"] for names, look in shown if "card" in names]
    texts = {(look["color"], look.get("background", card)) for _, look in shown if "color" in look}
    assert len(texts) >= 3
    assert [pair for pair in texts if contrast(*pair) < READABLE] == []


@pytest.mark.parametrize("name", PAGES)
def test_whatever_has_a_colour_has_one_in_the_dark(name: str) -> None:
    html = html_of(name)
    coloured = re.findall(r'<[^>]*style="[^"]*(?<![-\w])color:[^"]*"[^>]*>', html)
    assert coloured
    for tag in coloured:
        classes = re.findall(r'class="([^"]+)"', tag)
        assert classes, tag
        assert set(classes[0].split()) & set(dark(html)), tag


@pytest.mark.parametrize("name", PAGES)
def test_there_is_one_button_and_it_is_44_pixels_high(name: str) -> None:
    [button] = re.findall(r'<a class="button"[^>]*>', html_of(name))
    assert "line-height:44px" in button


@pytest.mark.parametrize("event", Event)
def test_no_mail_is_larger_than_20_kilobytes(event: Event) -> None:
    assert len(build(EMAIL.render(message(sample(event))).body)) <= BYTES_MAX


@pytest.mark.parametrize("text", ["x" * 10_000_000, "\ud800\x00\u202e\u2066" * 100_000, "\x00"])
def test_ten_megabytes_and_what_cannot_be_encoded_are_cut_and_cleaned(text: str) -> None:
    texts = ("title", "fact", "detail", "owner", "words", "impact", "do_first")
    facts = replace(sample(Event.OFFERED), **dict.fromkeys(texts, text))  # type: ignore[arg-type]
    raw = build(EMAIL.render(message(facts)).body)
    assert len(raw) <= BYTES_MAX
    assert not {"\x00", "\u202e", "\ud800"} & set(raw.decode("ascii"))


def test_a_mail_full_of_long_words_of_another_script_is_not_clipped_by_anybody() -> None:
    arabic = "مزامنة الطلبات توقفت منذ ساعة " * 40
    texts = ("title", "fact", "detail", "owner", "words", "impact", "do_first")
    facts = replace(sample(Event.OFFERED), steps=(arabic,) * 10, **dict.fromkeys(texts, arabic))  # type: ignore[arg-type]
    assert len(build(EMAIL.render(message(facts)).body)) <= 102_000  # where Gmail clips
