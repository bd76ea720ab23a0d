"""The picture of the days: drawn to scale, beside the mail, and never missed."""

import base64
import struct
import sys
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Message, Part
from notifiers.mail_build import build
from notifiers.summary import DayLine
from notifiers.summary_chart import HEIGHT, WIDTH, png, svg
from notifiers.summary_mail import CHART, chart, render_summary_mail
from notifiers.summary_samples import quiet_summary, sample_summary

PNG = b"\x89PNG\r\n\x1a\n"
MONDAY = date(2025, 6, 2)


class Bar(NamedTuple):
    """A bar of the picture."""

    left: float
    top: float
    height: float


def bars_of(*days: tuple[int, int, int]) -> list[Bar]:
    """Return the bars of days: incidents, those at night, and those of the week before."""
    lines = tuple(DayLine(MONDAY + timedelta(number), *one) for number, one in enumerate(days))
    _, *bars = ElementTree.fromstring(svg(lines))  # noqa: S314 (ours)
    return [Bar(*(float(bar.attrib[name]) for name in ("x", "y", "height"))) for bar in bars]


def test_bars_are_as_high_as_there_were_incidents() -> None:
    before, by_day, by_night = bars_of((4, 1, 2))
    room = HEIGHT - 8
    assert (before.height, by_day.height, by_night.height) == (room / 2, room * 3 / 4, room / 4)
    assert by_day.top + by_day.height == before.top + before.height == HEIGHT
    assert by_night.top + by_night.height == by_day.top  # the night stands upon the day
    assert before.left < by_day.left == by_night.left


def test_where_nothing_happened_nothing_is_drawn() -> None:
    assert bars_of((0, 0, 0)) == []
    assert len(bars_of((0, 0, 0), (0, 0, 1), (1, 1, 0), (2, 1, 1))) == 1 + 1 + 3


counts = st.integers(0, 10**6)


@given(st.lists(st.tuples(counts, st.just(0), counts), max_size=9))
def test_no_bar_leaves_the_picture(days: list[tuple[int, int, int]]) -> None:
    for left, top, height in bars_of(*days):
        assert left >= 0
        assert left + 52 <= WIDTH
        assert top >= 0
        assert top + height <= HEIGHT + 0.2


def test_it_is_a_png_twice_as_wide_as_its_room() -> None:
    drawn = png(svg(sample_summary().days))
    assert drawn.startswith(PNG)
    assert struct.unpack(">II", drawn[16:24]) == (WIDTH, HEIGHT)
    assert len(drawn) < 10_000


def test_what_cannot_be_drawn_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert png("<svg") == b""
    assert [one.message for one in caplog.records] == ["the days of a week cannot be drawn"]


def read(message: Message) -> EmailMessage:
    body = render_summary_mail(message, "watchdog@example.com", "watchdog.example.com").body
    assert build(body) == build(body)
    return message_from_bytes(build(body), policy=default)


def test_it_stands_beside_the_html_that_names_it() -> None:
    mail = read(Message("n-9", "boss@example.com", Part.PAGE, 1, sample_summary()))
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    [picture] = [one for one in mail.walk() if one.get_content_type() == "image/png"]
    assert html is not None
    assert text is not None
    assert f'src="cid:{CHART}"' in html.get_content()
    assert picture["Content-ID"] == f"<{CHART}>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content().startswith(PNG)
    assert [one.get_content_type() for one in mail.walk()] == [
        *("multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png")
    ]


def test_its_words_say_the_same_where_pictures_are_not_shown() -> None:
    html = read(Message("n-9", "boss@example.com", Part.PAGE, 1, sample_summary())).get_body(
        ("html",)
    )
    assert html is not None
    assert 'alt="Incidents by day: Mon 1; Tue 3, 1 at night; Wed 1; Thu 0;' in html.get_content()


def test_without_the_extra_the_days_are_bars_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    png.cache_clear()
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    mail = read(Message("n-9", "boss@example.com", Part.PAGE, 1, sample_summary()))
    png.cache_clear()
    html = mail.get_body(("html",))
    assert html is not None
    assert 'class="by-night"' in html.get_content()
    assert "<img" not in html.get_content()
    assert mail.get_content_type() == "multipart/alternative"
    assert all(one.get_content_maintype() != "image" for one in mail.walk())


def test_a_week_without_incidents_has_no_picture() -> None:
    assert chart(quiet_summary()) == ""
    assert chart(replace(quiet_summary(), counted=sample_summary().counted)) != ""
    assert base64.b64decode(chart(sample_summary())).startswith(PNG)
