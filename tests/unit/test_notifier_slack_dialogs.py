"""What a dialog looks like, and that Slack takes it whatever the incident says."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.slack_buttons import DIALOGS, Button
from notifiers.slack_dialogs import Choice, Dialog, Line, view_of, with_message
from notifiers.slack_replies import reply
from notifiers.slack_targets import Target, target_in
from rules.base import Severity
from tests.any_facts import NASTY
from tests.golden_files import assert_golden
from tests.slack_desk import PEOPLE
from tests.slack_limits import live_parts, texts_of
from tests.slack_views import inputs_of, view_refusal
from tests.unit.test_incident import an_incident
from watchdog.domain.incident import Incident, State
from watchdog.domain.people import Directory, Person
from watchdog.domain.storms import Member, member_of
from watchdog.web.asking_slack import FIRST_FIELD, Scene, dialog_of
from watchdog.web.dialogs import _SENT

NOW = datetime(2025, 6, 13, 3, 25, tzinfo=UTC)
ANY = st.sampled_from(NASTY) | st.text(max_size=300)


def an_ended() -> Incident:
    return replace(an_incident(), state=State.RECOVERED, recovered_at=NOW, entity=(("shop", "eu"),))


def some(one: Incident, count: int = 1) -> list[Member]:
    return [member_of(1050, number, one) for number in range(1, count + 1)]


def view(asked: Button, one: Incident, directory: Directory = PEOPLE, count: int = 1) -> Any:
    scene = Scene(one, directory, "raj", NOW, some(one, count))
    return view_of(dialog_of(asked, scene), asked.value, Target.of(one.id, 3, one.opened_at))


@pytest.mark.parametrize("asked", sorted(DIALOGS))
def test_each_dialog_looks_as_agreed(asked: Button) -> None:
    pretty = json.dumps(view(asked, an_ended()), indent=1, ensure_ascii=False)
    assert_golden(f"slack_dialog_{asked.name.lower()}.json", pretty + "\n")


def test_each_dialog_can_be_sent_and_nothing_else() -> None:
    assert set(_SENT) == {one.value for one in DIALOGS}


@pytest.mark.parametrize("asked", sorted(DIALOGS))
def test_a_refusal_of_each_dialog_has_a_field_to_stand_at(asked: Button) -> None:
    names = {one["block_id"] for one in inputs_of(view(asked, an_ended()))}
    assert FIRST_FIELD.get(asked.value, "words") in names


@pytest.mark.parametrize("asked", sorted(DIALOGS))
def test_a_dialog_names_its_incident_and_nothing_that_grants_anything(asked: Button) -> None:
    one = an_ended()
    shown = view(asked, one)
    assert target_in(shown["private_metadata"]) == Target.of(one.id, 3, one.opened_at)
    assert shown["callback_id"] == asked.value


@given(st.sampled_from(sorted(DIALOGS)), ANY, ANY, ANY, st.integers(1, 120))
def test_slack_takes_every_dialog_and_nothing_in_it_comes_alive(
    asked: Button, title: str, fact: str, value: str, count: int
) -> None:
    entity = (("shop", value),)
    one = replace(an_ended(), title=title, fact=fact, entity=entity, severity=Severity.INFO)
    people = {f"person{number}": Person(f"person{number}") for number in range(count)}
    shown = view(asked, one, replace(PEOPLE, people={**PEOPLE.people, **people}), count)
    assert view_refusal(shown) == ""
    marked = texts_of([block for block in shown["blocks"] if block["type"] == "section"], "mrkdwn")
    assert [live for text in marked for live in live_parts(text)] == []


@given(ANY, ANY)
def test_slack_takes_every_message_in_the_place_of_a_dialog(title: str, words: str) -> None:
    shown = with_message(f"T{title}", reply(f"No: {words}")["blocks"])
    assert view_refusal(shown["view"]) == ""


def test_what_is_chosen_at_first_is_one_of_the_first_hundred_or_nothing() -> None:
    options = [(str(number), "x") for number in range(200)]
    for chosen, expected in (("99", "99"), ("100", None), ("", None)):
        dialog = Dialog("T", "S", "about", [Choice("one", "One", options, chosen), Line("w", "W")])
        element = view_of(dialog, "note", Target(1, 1, 1))["blocks"][1]["element"]
        assert element.get("initial_option", {}).get("value") == expected
        assert len(element["options"]) == 100


@pytest.mark.parametrize(("count", "hint"), [(100, ""), (101, "These are the first 100; the page")])
def test_a_choice_of_more_than_slack_shows_says_so(count: int, hint: str) -> None:
    choice = Choice("one", "One", [(str(number), "x") for number in range(count)])
    shown = view_of(Dialog("T", "S", "about", [choice]), "note", Target(1, 1, 1))
    assert view_refusal(shown) == ""
    told = inputs_of(shown)[0].get("hint", {}).get("text", "")
    assert told.partition(" of")[0] == hint
