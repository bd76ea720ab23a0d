"""The weekly mail can be read: every text on every ground, light and dark."""

import re
from itertools import product

import pytest

from notifiers.summary_mail import html_part
from notifiers.summary_samples import sample_summary
from tests.contrast import READABLE, contrast

HTML = html_part(sample_summary(), "T0KEN")


def dark(of: str, what: str) -> str:
    """Return the colour that a class has in the dark."""
    found = re.search(rf"\.{of} {{[^}}]*\b{what}: (#[0-9a-f]{{6}})", HTML)
    assert found, of
    return found[1]


def test_contrast_is_what_it_is_known_to_be() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_in_the_light_every_text_can_be_read_on_every_ground() -> None:
    body = HTML[HTML.index("<body") :]
    texts = set(re.findall(r"[;\"]color:(#[0-9a-f]{6})", body)) - {"#ffffff"}  # the button's
    assert len(texts) >= 5
    for text, ground in product(texts, ("#ffffff", "#f4f6f8")):
        assert contrast(text, ground) >= READABLE, (text, ground)
    assert contrast("#ffffff", "#0b5cad") >= READABLE


@pytest.mark.parametrize("of", ["ink", "soft", "better", "worse", "link"])
def test_in_the_dark_every_text_can_be_read_on_every_ground(of: str) -> None:
    for ground in ("card", "box"):
        assert contrast(dark(of, "color"), dark(ground, "background")) >= READABLE


def test_in_the_dark_the_button_can_be_read() -> None:
    assert contrast(dark("button", "color"), dark("button", "background")) >= READABLE


@pytest.mark.parametrize("bar", ["by-day", "by-night"])
def test_in_the_dark_bars_stand_out(bar: str) -> None:
    assert contrast(dark(bar, "background"), dark("card", "background")) >= 3
