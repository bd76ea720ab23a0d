"""What a webhook is sent: the documented schema, for any incident."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from notifiers.base import Event, Facts, Message, Part
from notifiers.samples import sample
from notifiers.webhook import VERSION, Webhook, signature
from tests.any_facts import any_facts
from tests.golden_files import assert_golden
from tests.postgres import NIGHT

PAGE = Path(__file__).parents[2] / "docs/webhook.md"
SECRET = "0123456789abcdef0123456789abcdef"
WEBHOOK = Webhook("http://127.0.0.1:1/", SECRET, lambda: NIGHT)


def body(facts: Facts) -> dict[str, Any]:
    return dict(WEBHOOK.render(Message("7-63", "events", Part.ROOT, 1, facts)).body)


def block(language: str) -> str:
    """Return the page's only block of a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    return str(found)


@pytest.mark.parametrize("event", [Event.OPENED, Event.RESOLVED, Event.STORM])
def test_an_event_is_told_as_agreed(event: Event) -> None:
    told = json.dumps(body(sample(event)), indent=2, ensure_ascii=False)
    assert_golden(f"webhook_{event.value}.json", told + "\n")


def test_the_page_shows_what_is_sent() -> None:
    assert json.loads(block("json")) == body(sample(Event.OPENED))


def test_the_page_names_every_key() -> None:
    told = body(sample(Event.OPENED))
    described = PAGE.read_text(encoding="utf-8").partition("| key |")[2]
    for key in {*told, *told["incident"]}:
        assert f"`{key}`" in described, key


def test_the_page_tells_how_to_check_a_signature() -> None:
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102 (the page's own lines)
    is_genuine, raw, stamp = names["is_genuine"], b'{"version":1}', "1749780900"
    signed = signature(SECRET, stamp, raw)
    assert is_genuine(SECRET, stamp, signed, raw, 1749780900.0 + 299)
    assert not is_genuine(SECRET, stamp, signed, raw, 1749780900.0 + 301)
    assert not is_genuine(SECRET, stamp, signed, raw + b" ", 1749780900.0)
    assert not is_genuine(SECRET[::-1], stamp, signed, raw, 1749780900.0)
    assert not is_genuine(SECRET, "now", signed, raw, 1749780900.0)


@pytest.mark.parametrize("event", Event)
def test_every_event_has_the_same_keys(event: Event) -> None:
    told, opened = body(sample(event)), body(sample(Event.OPENED))
    assert list(told) == list(opened)
    assert list(told["incident"]) == list(opened["incident"])
    assert (told["version"], told["event"]) == (VERSION, event.value)


@given(any_facts())
def test_whatever_the_data_holds_it_is_json_of_bounded_texts(facts: Facts) -> None:
    told = json.loads(json.dumps(body(facts), allow_nan=False))
    title = told["incident"]["title"]
    assert title == facts.title or (len(title) <= 4000 < len(facts.title))
    assert len(told["text"]) <= 80
    for key in ("at", "opened_at"):
        assert (told | told["incident"])[key].endswith("+00:00")
