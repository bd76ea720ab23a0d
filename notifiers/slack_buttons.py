"""Buttons in Slack's messages: what they say, what they carry, and what Slack tells of a press. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from notifiers.base import Event, Facts
from notifiers.clean import safe_url
from notifiers.slack_members import Member, NotAPress, deed_id, member_in
from notifiers.slack_parts import Block, mapping, plain_text, short_text
from notifiers.slack_targets import Target, target_in

_OVER = {
    *(Event.RECOVERED, Event.RESOLVED, Event.WITHDRAWN, Event.JOINED),
    *(Event.CAUSE_ASKED, Event.ACTION_LATE, Event.ACTION_DONE),
}
_LIVE = {"open", "taken"}
_LINKS = {"open", "runbook", "open_list"}
_MORE = "more"
_STORM = "storm:"
"""How the name of what stands for many begins."""


class Button(StrEnum):
    """What a button asks for."""

    TAKE = "take"
    TAKE_OVER = "take_over"
    DECLINE = "decline"
    GIVE_BACK = "give_back"
    ESCALATE = "escalate"
    NOTE = "note"
    HAND_OVER = "handover"
    SNOOZE = "snooze"
    SILENCE = "silence"
    SPLIT = "split"
    UNNEEDED = "not-actionable"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    DONE = "action-done"
    TRY = "try"
    """Nothing, but an answer: does a press arrive, and whose is it?"""


DIALOGS = frozenset(
    {
        *(Button.NOTE, Button.HAND_OVER, Button.SNOOZE, Button.SILENCE, Button.SPLIT),
        *(Button.UNNEEDED, Button.RESOLVE, Button.REOPEN, Button.DONE),
    }
)
"""Those that need more than a press: each opens a dialog, of the same name as the page's form."""

_WORDS = {
    Button.TAKE: "Take",
    Button.TAKE_OVER: "Take over",
    Button.DECLINE: "Decline",
    Button.GIVE_BACK: "Give back",
    Button.ESCALATE: "Escalate now",
    Button.NOTE: "Add note",
    Button.HAND_OVER: "Hand over…",
    Button.SNOOZE: "Snooze…",
    Button.SILENCE: "Silence this rule…",
    Button.SPLIT: "Split one out…",
    Button.UNNEEDED: "Not actionable…",
    Button.RESOLVE: "Write cause and close",
    Button.REOPEN: "Keep open…",
    Button.DONE: "It is done…",
    Button.TRY: "Press to test",
}
_WORDS_AT_THE_END = {Button.UNNEEDED: "False alarm…"}
"""What they say of what has recovered, if not the usual."""

_MENUS = {
    "open": (
        *(Button.HAND_OVER, Button.ESCALATE, Button.NOTE),
        *(Button.SILENCE, Button.UNNEEDED),
    ),
    "taken": (
        *(Button.HAND_OVER, Button.SNOOZE, Button.GIVE_BACK),
        *(Button.SILENCE, Button.UNNEEDED),
    ),
    "recovered": (Button.REOPEN, Button.UNNEEDED, Button.NOTE),
}
"""What stands in the menu of a message, by the state of its incident; Slack shows at most five."""

_FIRST = {
    "open": ((Button.TAKE, ""),),
    "taken": ((Button.NOTE, ""),),
    "recovered": ((Button.RESOLVE, ""),),
}
_OFFERED = ((Button.TAKE, "Accept"), (Button.DECLINE, ""))
_ENDED_BY_HAND = ((Button.RESOLVE, "Resolve…"), (Button.NOTE, ""))
"""What is seen at once, with what it says if not the usual."""

_VISIBLE_MAX = 2
_OF_A_STORM = {Button.SILENCE: Button.SPLIT}
_NOT_OF_A_STORM = {Button.REOPEN}


@dataclass(frozen=True, slots=True)
class Press:
    """A press of one of our buttons, as Slack tells of it.

    Attributes:
        target: None for a button about nothing.
        channel, ts: Where the message is; empty where only the presser sees it.
        answer_at: Where a message goes that only the presser sees; empty for nowhere.
        trigger: Lets a dialog be opened, once and within three seconds.
        id: The same however often Slack tells of the same press.
    """

    button: Button
    target: Target | None
    member: Member
    channel: str
    ts: str
    answer_at: str
    trigger: str
    id: str

    @property
    def is_private(self) -> bool:
        """Return whether the button stands in a message that only the presser sees."""
        return not self.ts


def elements_of(facts: Facts, version: int, *, has_buttons: bool) -> tuple[Block, ...]:
    """Return the buttons below a message about tidy facts: at most two, and a menu.

    Args:
        version: Number of the event that the message tells of.
        has_buttons: Somebody listens to what is pressed; without, there are links only.
    """
    if not has_buttons:
        return tuple(_links(facts))
    if facts.event is Event.TEST:
        return (button(Button.TRY),)
    target = Target.of(facts.id, version, facts.opened_at)
    return (*_first_two(facts, target), *_menu(facts, target))


def _first_two(facts: Facts, target: Target) -> tuple[Block, ...]:
    asked = _asked_first(facts)
    buttons = (button(one, target, _said(one, words, facts)) for one, words in asked)
    links = tuple(_links(facts))
    if not asked:
        return links
    if _is_storm(facts) and facts.url:
        links = (_link("Open list", f"{facts.url}/members"),)
    helps_most = links[:1] if _is_over(facts) else links[-1:]
    return (*buttons, *helps_most)[:_VISIBLE_MAX]


def _asked_first(facts: Facts) -> Sequence[tuple[Button, str]]:
    if facts.event is Event.ACTION_LATE:
        return ((Button.DONE, ""),)
    if _is_ended(facts):
        return ()
    if facts.event is Event.OFFERED and facts.state in _LIVE:
        return _OFFERED
    if facts.ends_by_hand and facts.state in _LIVE:
        return _ENDED_BY_HAND
    return _FIRST.get(facts.state, ())


def _said(asked: Button, words: str, facts: Facts) -> str:
    if asked is Button.TAKE and not words and _is_storm(facts):
        return f"Take all {facts.bad_members:,}" if facts.bad_members > 0 else "Take all"
    return words


def _is_over(facts: Facts) -> bool:
    return facts.event in _OVER or facts.state not in _LIVE


def _is_ended(facts: Facts) -> bool:
    return facts.state != "recovered" and _is_over(facts)


def _is_storm(facts: Facts) -> bool:
    return facts.rule.startswith(_STORM)


def _menu(facts: Facts, target: Target) -> Iterator[Block]:
    asked = () if _is_ended(facts) else _MENUS.get(facts.state, ())
    if _is_storm(facts):
        asked = tuple(_OF_A_STORM.get(one, one) for one in asked if one not in _NOT_OF_A_STORM)
    if asked:
        said = _WORDS | (_WORDS_AT_THE_END if facts.state == "recovered" else {})
        options = [
            {"text": plain_text(said[one]), "value": f"{one.value}:{target}"} for one in asked
        ]
        yield {"type": "overflow", "action_id": _MORE, "options": options}


def _links(facts: Facts) -> Iterator[Block]:
    """Yield what can be opened; the last is what helps most."""
    urls = {"Open": facts.url, "Runbook": safe_url(facts.runbook)}
    for name, url in urls.items():
        if url and (name == "Open" or facts.event not in _OVER):
            yield _link(name, url)


def _link(words: str, url: str) -> Block:
    name = words.lower().replace(" ", "_")
    return {"type": "button", "text": plain_text(words), "url": url, "action_id": name}


def button(asked: Button, target: Target | None = None, words: str = "") -> Block:
    """Return a button; `words` is what it says if not the usual."""
    block = {
        "type": "button",
        "text": plain_text(words or _WORDS[asked]),
        "action_id": asked.value,
    }
    return block | ({"value": str(target)} if target else {})


def read_press(told: Mapping[str, Any]) -> Press | None:
    """Return the press that Slack tells of (type `block_actions`); None for one that asks for nothing.

    That is a press of a link.

    Raises:
        NotAPress: It is not one of our buttons.
    """
    actions = told.get("actions")
    action = mapping(actions[0] if isinstance(actions, list) and len(actions) == 1 else None)
    if short_text(action, "action_id") in _LINKS:
        return None
    asked, target = _asked(action)
    presser, container = member_in(told), mapping(told.get("container"))
    is_seen_by_all = container.get("is_ephemeral") is not True
    trigger = short_text(told, "trigger_id")
    return Press(
        button=asked,
        target=target,
        member=presser,
        channel=short_text(container, "channel_id") if is_seen_by_all else "",
        ts=short_text(container, "message_ts") if is_seen_by_all else "",
        answer_at=short_text(told, "response_url"),
        trigger=trigger,
        id=deed_id(presser.id, trigger or short_text(action, "action_ts")),
    )


def _asked(action: Mapping[str, Any]) -> tuple[Button, Target | None]:
    name, value = short_text(action, "action_id"), short_text(action, "value")
    if name == _MORE:
        chosen = short_text(mapping(action.get("selected_option")), "value")
        name, _, value = chosen.partition(":")
    try:
        asked = Button(name)
    except ValueError:
        raise NotAPress("no button of this service is called that") from None
    target = target_in(value)
    if target is None and asked is not Button.TRY:
        raise NotAPress("the button names no incident")
    return asked, target
