"""Buttons in Slack's messages: what they say, what they carry, and what Slack tells of a press. Pure."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from notifiers.base import Event, Facts
from notifiers.clean import safe_url
from notifiers.slack_parts import Block, mapping, plain_text

_OVER = {
    *(Event.RECOVERED, Event.RESOLVED, Event.WITHDRAWN, Event.JOINED),
    *(Event.CAUSE_ASKED, Event.ACTION_LATE, Event.ACTION_DONE),
}
_LINKS = {"open", "runbook"}
_MORE = "more"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VALUE = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})\.(-?[0-9a-f]{1,16})")
_MEMBER = re.compile(r"[UW][A-Z0-9]{2,20}")
_TEXT_MAX = 200


class Button(StrEnum):
    """What a button asks for."""

    TAKE = "take"
    TAKE_OVER = "take_over"
    DECLINE = "decline"
    GIVE_BACK = "give_back"
    SNOOZE = "snooze"
    ESCALATE = "escalate"
    TRY = "try"
    """Nothing, but an answer: does a press arrive, and whose is it?"""


SNOOZE_SPAN = timedelta(hours=1)

_MENUS = {
    "open": {Button.ESCALATE: "Escalate now"},
    "taken": {Button.SNOOZE: "Snooze 1 h", Button.GIVE_BACK: "Give back"},
}
"""What stands in the menu of a message, by the state of its incident."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which incident a button is about, and how old the message is that it stands in.

    Attributes:
        version: Number of the event that the message tells of.
        opened: When the incident opened, in microseconds since 1970: a store that was made anew has
            other incidents of the same numbers.
    """

    incident: int
    version: int
    opened: int

    @staticmethod
    def of(incident: int, version: int, opened_at: datetime) -> "Target":
        """Return the target of an incident's message."""
        return Target(incident, version, (opened_at - _EPOCH) // timedelta(microseconds=1))

    def __str__(self) -> str:
        return f"{self.incident}.{self.version}.{self.opened:x}"


@dataclass(frozen=True, slots=True)
class Press:
    """A press of one of our buttons, as Slack tells of it.

    Attributes:
        target: None for a button about nothing.
        user: Member id. `user_name`: what they call themselves, so anything.
        workspaces: Ids of the workspace, and of the enterprise that it belongs to.
        channel, ts: Where the message is; empty where only the presser sees it.
        answer_at: Where a message goes that only the presser sees; empty for nowhere.
        id: The same however often Slack tells of the same press; 64 hexadecimal digits.
    """

    button: Button
    target: Target | None
    user: str
    user_name: str
    workspaces: frozenset[str]
    channel: str
    ts: str
    answer_at: str
    id: str

    @property
    def is_private(self) -> bool:
        """Return whether the button stands in a message that only the presser sees."""
        return not self.ts


class NotAPress(ValueError):  # noqa: N818 (an answer)
    """Slack tells of something else, or of a button that is not ours; the text says what."""


def elements_of(facts: Facts, version: int, *, has_buttons: bool) -> tuple[Block, ...]:
    """Return the buttons below a message about tidy facts: at most two, and a menu.

    Args:
        version: Number of the event that the message tells of.
        has_buttons: Somebody listens to what is pressed; without, there are links only.
    """
    if not has_buttons:
        return tuple(_links(facts))
    if facts.event is Event.TEST:
        return (_button("Press to test", Button.TRY, ""),)
    target = str(Target.of(facts.id, version, facts.opened_at))
    return (*_first_two(facts, target), *_menu(facts, target))


def _first_two(facts: Facts, target: str) -> tuple[Block, ...]:
    links = tuple(_links(facts))
    if facts.event in _OVER or facts.state not in {"open", "taken"}:
        return links
    if facts.event is Event.OFFERED:
        return (_button("Accept", Button.TAKE, target), _button("Decline", Button.DECLINE, target))
    if facts.state == "open":
        return (_button("Take", Button.TAKE, target), *links[-1:])
    return links


def _menu(facts: Facts, target: str) -> Iterator[Block]:
    if facts.event in _OVER or facts.state not in _MENUS:
        return
    options = [
        {"text": plain_text(words), "value": f"{asked}:{target}"}
        for asked, words in _MENUS[facts.state].items()
    ]
    yield {"type": "overflow", "action_id": _MORE, "options": options}


def _links(facts: Facts) -> Iterator[Block]:
    """Yield what can be opened; the last is what helps most."""
    urls = {"Open": facts.url, "Runbook": safe_url(facts.runbook)}
    for name, url in urls.items():
        if url and (name == "Open" or facts.event not in _OVER):
            yield {
                "type": "button",
                "text": plain_text(name),
                "url": url,
                "action_id": name.lower(),
            }


def _button(words: str, asked: Button, value: str) -> Block:
    button = {"type": "button", "text": plain_text(words), "action_id": asked.value}
    return button | ({"value": value} if value else {})


def take_over_button(target: Target) -> Block:
    """Return the button for whoever insists on what somebody else has."""
    return _button("Take over", Button.TAKE_OVER, str(target))


def read_press(payload: object) -> Press | None:
    """Return the press that Slack tells of; None for one of a link, which asks for nothing.

    Raises:
        NotAPress: It is not of the type `block_actions`, or not one of our buttons.
    """
    told = mapping(payload)
    if told.get("type") != "block_actions":
        raise NotAPress("only presses of buttons are understood (type block_actions)")
    actions = told.get("actions")
    action = mapping(actions[0] if isinstance(actions, list) and len(actions) == 1 else None)
    if _text(action, "action_id") in _LINKS:
        return None
    button, target = _asked(action)
    user, container = mapping(told.get("user")), mapping(told.get("container"))
    member = _text(user, "id")
    if not _MEMBER.fullmatch(member):
        raise NotAPress("the press names no member of Slack")
    is_seen_by_all = container.get("is_ephemeral") is not True
    return Press(
        button=button,
        target=target,
        user=member,
        user_name=_text(user, "username") or _text(user, "name"),
        workspaces=_workspaces(told, user),
        channel=_text(container, "channel_id") if is_seen_by_all else "",
        ts=_text(container, "message_ts") if is_seen_by_all else "",
        answer_at=_text(told, "response_url"),
        id=_id(told, action, member),
    )


def _id(told: Mapping[str, Any], action: Mapping[str, Any], member: str) -> str:
    once = _text(told, "trigger_id") or _text(action, "action_ts")
    return hashlib.sha256(repr((member, once)).encode("utf-8", "surrogatepass")).hexdigest()


def _asked(action: Mapping[str, Any]) -> tuple[Button, Target | None]:
    name, value = _text(action, "action_id"), _text(action, "value")
    if name == _MORE:
        name, _, value = _text(mapping(action.get("selected_option")), "value").partition(":")
    try:
        button = Button(name)
    except ValueError:
        raise NotAPress("no button of this service is called that") from None
    found = _VALUE.fullmatch(value)
    if found is None and button is not Button.TRY:
        raise NotAPress("the button names no incident")
    target = Target(int(found[1]), int(found[2]), int(found[3], 16)) if found else None
    return button, target


def _workspaces(told: Mapping[str, Any], user: Mapping[str, Any]) -> frozenset[str]:
    named = (mapping(told.get("team")), mapping(told.get("enterprise")))
    ids = (*(_text(one, "id") for one in named), _text(user, "team_id"))
    return frozenset(filter(None, ids))


def _text(mapping: Mapping[str, Any], name: str) -> str:
    """Return a short text of Slack's; empty for what is none."""
    value = mapping.get(name)
    return value if isinstance(value, str) and len(value) <= _TEXT_MAX else ""
