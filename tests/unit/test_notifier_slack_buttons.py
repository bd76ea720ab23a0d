"""Which buttons stand below a message, what they carry, and what is read of a press."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifiers.base import Event, Facts, Message, Part
from notifiers.clean import tidy
from notifiers.samples import sample
from notifiers.slack_blocks import render_slack
from notifiers.slack_buttons import Button, Press, button, elements_of
from notifiers.slack_commands import Command
from notifiers.slack_dialogs import Submission
from notifiers.slack_members import NotAPress
from notifiers.slack_targets import Target
from notifiers.slack_told import read_told
from tests.golden_files import assert_golden
from tests.slack_presses import payload_of, words_of

LINKS = ["Open", "Runbook"]
NOISE = ["(Silence this rule…)", "(Not actionable…)"]
OPEN = ["Take", "Runbook", "(Hand over…)", "(Escalate now)", "(Add note)", *NOISE]
MENU = ["(Hand over…)", "(Snooze…)", "(Give back)", *NOISE]
TAKEN = ["Add note", "Runbook", *MENU]
STORM_MENU = [
    *("Open list", "(Hand over…)", "(Escalate now)", "(Add note)"),
    *("(Split one out…)", "(Not actionable…)"),
]
RECOVERED = ["Write cause and close", "Open", "(Keep open…)", "(False alarm…)", "(Add note)"]
WORDS = {
    **dict.fromkeys(Event, TAKEN),
    Event.OPENED: OPEN,
    Event.LEVEL: OPEN,
    Event.OFFERED: ["Accept", "Decline", *MENU],
    Event.ESCALATED: OPEN,
    Event.MISSED: OPEN,
    Event.EXHAUSTED: OPEN,
    Event.EXPIRED: OPEN,
    Event.GIVEN_BACK: OPEN,
    Event.RECOVERED: RECOVERED,
    Event.BACK_AGAIN: OPEN,
    Event.REOPENED: ["Resolve…", "Add note", *MENU],
    Event.CAUSE_ASKED: RECOVERED,
    Event.RESOLVED: ["Open"],
    Event.ACTION_LATE: ["It is done…", "Open"],
    Event.ACTION_DONE: ["Open"],
    Event.WITHDRAWN: ["Open"],
    Event.STORM: ["Take all 14", *STORM_MENU],
    Event.MEMBERS: ["Take all 11", *STORM_MENU],
    Event.JOINED: ["Open"],
    Event.SPLIT: ["Take all 13", *STORM_MENU],
    Event.FLAPPING: OPEN,
    Event.SILENCED: OPEN,
    Event.RELEASED: OPEN,
    Event.SILENCE_ENDS: OPEN,
    Event.TEST: ["Press to test"],
}
ENDED = {
    *(Event.RECOVERED, Event.CAUSE_ASKED, Event.RESOLVED, Event.WITHDRAWN, Event.JOINED),
    *(Event.ACTION_LATE, Event.ACTION_DONE),
}


def blocks_of(facts: Facts, version: int = 3) -> list[dict[str, Any]]:
    message = Message("n-7", "#data-alerts", Part.ROOT, version, facts)
    blocks: list[dict[str, Any]] = render_slack(message, has_buttons=True).body["blocks"]
    return blocks


@pytest.mark.parametrize("event", Event)
def test_each_event_has_the_buttons_that_do_something_then(event: Event) -> None:
    assert words_of(blocks_of(sample(event))) == WORDS[event]


@pytest.mark.parametrize("event", Event)
def test_without_somebody_who_listens_there_are_links_only(event: Event) -> None:
    elements = elements_of(tidy(sample(event)), 1, has_buttons=False)
    assert all(one["url"].startswith("https://") for one in elements)
    words = [one["text"]["text"] for one in elements]
    assert words == (["Open"] if event in ENDED else LINKS[: len(words)])


def test_without_a_runbook_the_second_button_opens_the_incident() -> None:
    assert words_of(blocks_of(replace(sample(Event.OPENED), runbook="ask raj")))[:2] == [
        "Take",
        "Open",
    ]
    alone = replace(sample(Event.OPENED), runbook="", url="")
    assert words_of(blocks_of(alone)) == ["Take", *OPEN[2:]]


def test_a_storm_of_thousands_and_one_of_an_older_release_can_be_taken() -> None:
    for number, words in ((10_000, "Take all 10,000"), (0, "Take all")):
        facts = replace(sample(Event.STORM), bad_members=number)
        assert words_of(blocks_of(facts))[0] == words


def test_a_message_with_buttons_looks_as_agreed() -> None:
    pretty = json.dumps(blocks_of(sample(Event.OPENED)), indent=1, ensure_ascii=False)
    assert_golden("slack_buttons.json", pretty + "\n")


def test_a_line_below_has_no_buttons() -> None:
    message = Message("n-7", "#data-alerts", Part.THREAD, 3, sample(Event.ESCALATED))
    assert words_of(render_slack(message, has_buttons=True).body["blocks"]) == []


def test_a_press_of_take_says_which_incident_and_which_state_of_it() -> None:
    facts = sample(Event.OPENED)
    press = read_told(payload_of(blocks_of(facts), "Take"))
    assert isinstance(press, Press)
    assert (press.button, press.member.id, press.member.name) == (Button.TAKE, "U02RAJ", "raj")
    assert press.target == Target.of(1042, 3, facts.opened_at)
    assert (press.channel, press.ts) == ("CDATAALERTS", "1780000001.000001")
    assert press.member.workspaces == {"T01TEAM"}
    assert press.answer_at.startswith("https://hooks.slack.com/actions/")
    assert not press.is_private


@pytest.mark.parametrize(
    ("event", "words", "button"),
    [
        (Event.OPENED, "Escalate now", Button.ESCALATE),
        (Event.TAKEN, "Give back", Button.GIVE_BACK),
        (Event.TAKEN, "Snooze…", Button.SNOOZE),
        (Event.TAKEN, "Hand over…", Button.HAND_OVER),
        (Event.TAKEN, "Silence this rule…", Button.SILENCE),
        (Event.TAKEN, "Not actionable…", Button.UNNEEDED),
        (Event.TAKEN, "Add note", Button.NOTE),
        (Event.RECOVERED, "Write cause and close", Button.RESOLVE),
        (Event.RECOVERED, "Keep open…", Button.REOPEN),
        (Event.REOPENED, "Resolve…", Button.RESOLVE),
        (Event.ACTION_LATE, "It is done…", Button.DONE),
        (Event.STORM, "Split one out…", Button.SPLIT),
        (Event.STORM, "Take all 14", Button.TAKE),
        (Event.OFFERED, "Decline", Button.DECLINE),
        (Event.OFFERED, "Accept", Button.TAKE),
        (Event.TEST, "Press to test", Button.TRY),
    ],
)
def test_each_button_asks_for_what_it_says(event: Event, words: str, button: Button) -> None:
    press = read_told(payload_of(blocks_of(sample(event)), words))
    assert isinstance(press, Press)
    assert press.button is button
    assert (press.target is None) is (button is Button.TRY)


def test_a_link_asks_for_nothing() -> None:
    assert read_told(payload_of(blocks_of(sample(Event.OPENED)), "Runbook")) is None


def test_what_only_the_presser_sees_stands_nowhere() -> None:
    target = Target(1042, 3, 7)
    blocks = [{"type": "actions", "elements": [button(Button.TAKE_OVER, target)]}]
    press = read_told(payload_of(blocks, "Take over", is_ephemeral=True))
    assert isinstance(press, Press)
    assert (press.button, press.target) == (Button.TAKE_OVER, target)
    assert press.is_private
    assert (press.channel, press.ts) == ("", "")


@given(st.integers(0, 10**18 - 1), st.integers(1, 10**9 - 1), st.datetimes())
def test_a_target_reads_back_as_it_was_written(number: int, version: int, opened: datetime) -> None:
    target = Target.of(number, version, opened.replace(tzinfo=UTC))
    blocks = [{"type": "actions", "elements": [button(Button.TAKE_OVER, target)]}]
    press = read_told(payload_of(blocks, "Take over"))
    assert isinstance(press, Press)
    assert press.target == target


def test_a_microsecond_makes_another_incident() -> None:
    at = datetime(2026, 6, 10, 1, 15, 0, 123_456, tzinfo=UTC)
    later = at + timedelta(microseconds=1)
    assert str(Target.of(1, 1, at)) != str(Target.of(1, 1, later))


def changed(**changes: Any) -> dict[str, Any]:
    return {**payload_of(blocks_of(sample(Event.OPENED)), "Take"), **changes}


def action(**changes: Any) -> dict[str, Any]:
    [one] = changed()["actions"]
    return {"actions": [{**one, **changes}]}


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (None, "block_actions"),
        ([], "block_actions"),
        ("block_actions", "block_actions"),
        (changed(type="view_submission"), "names no incident"),
        (changed(type=7), "block_actions"),
        (changed(actions=None), "no button of this service"),
        (changed(actions=[]), "no button of this service"),
        (changed(actions={"0": {}}), "no button of this service"),
        (changed(actions=["take"]), "no button of this service"),
        (changed(actions=[{}, {}]), "no button of this service"),
        (changed(**action(action_id="close")), "no button of this service"),
        (changed(**action(action_id="TAKE")), "no button of this service"),
        (changed(**action(action_id="more")), "no button of this service"),
        (changed(**action(action_id=["take"])), "no button of this service"),
        (changed(**action(value="")), "names no incident"),
        (changed(**action(value="1042")), "names no incident"),
        (changed(**action(value="1042.1.x")), "names no incident"),
        (changed(**action(value="-1.1.7")), "names no incident"),
        (changed(**action(value="1042.1.7\n")), "names no incident"),
        (changed(**action(value="٤٢.1.7")), "names no incident"),
        (changed(**action(value="9" * 1999)), "names no incident"),
        (changed(**action(value=1042)), "names no incident"),
        (changed(user=None), "names no member"),
        (changed(user={"id": "raj"}), "names no member"),
        (changed(user={"id": "U02RAJ\n"}), "names no member"),
        (changed(user={"id": ["U02RAJ"]}), "names no member"),
    ],
)
def test_what_is_no_press_of_ours_says_why(payload: object, words: str) -> None:
    with pytest.raises(NotAPress, match=words):
        read_told(payload)


@pytest.mark.parametrize("missing", ["container", "team", "enterprise", "response_url", "channel"])
@pytest.mark.parametrize("value", [None, 7, [], "x" * 5000, {"id": {}}])
def test_what_is_not_needed_may_be_missing_or_strange(missing: str, value: object) -> None:
    press = read_told(changed(**{missing: value}))
    assert isinstance(press, Press)
    assert press.member.id == "U02RAJ"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_KEYS = [
    *("type", "actions", "user", "container", "team", "response_url", "trigger_id"),
    *("view", "command", "text", "user_id", "team_id"),
]
_KINDS = ["block_actions", "view_submission", "view_closed", "/watchdog"]


@given(
    st.dictionaries(st.sampled_from(_KEYS), _JSON | st.sampled_from(_KINDS)),
    st.dictionaries(st.sampled_from(["id", "callback_id", "private_metadata", "state"]), _JSON),
    st.dictionaries(st.text(max_size=12), _JSON),
)
def test_any_payload_is_read_or_refused(
    changes: dict[str, Any], view: dict[str, Any], odd: dict[str, Any]
) -> None:
    sent = {"private_metadata": "1042.1.7", **view}
    for payload in (
        changed(**changes),
        changed(**action(**odd)),
        changed(type="view_submission", view=sent),
        changed(type="view_submission", view=sent | {"state": {"values": odd}}),
        {"command": "/watchdog", "user_id": "U02RAJ", **changes},
        changes,
    ):
        try:
            told = read_told(payload)
        except NotAPress:
            continue
        assert told is None or isinstance(told, Press | Submission | Command)


def id_of(payload: object) -> str:
    press = read_told(payload)
    assert isinstance(press, Press)
    return press.id


def test_a_press_has_the_same_id_however_often_it_is_told_and_another_one_another() -> None:
    told = changed()
    assert id_of(told) == id_of({**told, "response_url": "https://hooks.slack.com/else"})
    others = [
        changed(),
        {**told, "user": {"id": "U01ANA"}},
        {**told, "trigger_id": None},
        {**told, "trigger_id": None, **action(action_ts="1780000000.2")},
        {**told, "trigger_id": "\ud800"},
    ]
    assert len({id_of(told), *map(id_of, others)}) == 6
