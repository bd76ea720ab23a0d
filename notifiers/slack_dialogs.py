"""Dialogs in Slack: what they ask for, and what Slack tells of what was answered. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, assert_never

from notifiers.clean import cut, one_line, slack_text
from notifiers.slack_members import Member, NotAPress, deed_id, member_in
from notifiers.slack_parts import Block, mapping, mrkdwn_section, plain_text, short_text
from notifiers.slack_targets import Target, target_in

_TITLE_MAX = 24
_OPTIONS_MAX = 100
_OPTION_MAX = 75
_MORE = f"These are the first {_OPTIONS_MAX}; the page of the incident has all."
_TYPED_MAX = 2000
_SHADOW_MAX = 150
_SAID_MAX = 500  # escaped, each character may become five
_ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Line:
    """Something to type.

    Attributes:
        name: The field of the page's form.
        is_needed: Slack sends nothing while it is empty.
        is_long: It may have several lines.
        shadow: What stands there until something is typed, and is not sent.
    """

    name: str
    label: str
    is_needed: bool = False
    is_long: bool = False
    shadow: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several.

    Attributes:
        options: What is sent, with what stands there; the first 100 are shown, and it is said that there
            are more.
        chosen: What is chosen at first; empty for nothing.
    """

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """A day."""

    name: str
    label: str
    chosen: date


Field = Line | Choice | Day


@dataclass(frozen=True, slots=True)
class Dialog:
    """What is asked.

    Attributes:
        title: At most 24 characters are shown, as of `sends`: what its button says.
        about: What it is about, above the fields; may hold data.
    """

    title: str
    sends: str
    about: str
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class Submission:
    """A dialog that somebody has answered.

    Attributes:
        form: Which one, as it was opened.
        fields: What stands in each field; those that are empty are missing.
        id: The same however often Slack tells of it, and for whatever is answered in the same dialog.
    """

    form: str
    target: Target
    member: Member
    fields: Mapping[str, str]
    id: str


def view_of(dialog: Dialog, form: str, target: Target) -> Block:
    """Return the view for `views.open`. It carries which incident it is about, and no right to it."""
    said = mrkdwn_section(slack_text(cut(dialog.about, _SAID_MAX)))
    return {
        **_frame(dialog.title, "Cancel"),
        "submit": plain_text(cut(dialog.sends, _TITLE_MAX)),
        "callback_id": form,
        "private_metadata": str(target),
        "blocks": [said, *map(_input, dialog.fields)],
    }


def _frame(title: str, close: str) -> Block:
    return {
        "type": "modal",
        "title": plain_text(cut(title, _TITLE_MAX)),
        "close": plain_text(close),
    }


def _input(one: Field) -> Block:
    match one:
        case Line():
            typed = {"type": "plain_text_input", "multiline": one.is_long, "max_length": _TYPED_MAX}
            shadow = {"placeholder": plain_text(cut(one.shadow, _SHADOW_MAX))} if one.shadow else {}
            return _labelled(one, typed | shadow, is_needed=one.is_needed)
        case Choice():
            choice = _labelled(one, {"type": "static_select", **_options(one)})
            return choice | ({"hint": plain_text(_MORE)} if len(one.options) > _OPTIONS_MAX else {})
        case Day():
            day = {"type": "datepicker", "initial_date": one.chosen.isoformat()}
            return _labelled(one, day)
        case _:
            assert_never(one)


def _labelled(one: Field, element: Block, *, is_needed: bool = True) -> Block:
    return {
        "type": "input",
        "block_id": one.name,
        "label": plain_text(one.label),
        "optional": not is_needed,
        "element": {**element, "action_id": _ANSWER},
    }


def _options(one: Choice) -> Block:
    options = {value: _option(value, words) for value, words in one.options[:_OPTIONS_MAX]}
    first = {"initial_option": options[one.chosen]} if one.chosen in options else {}
    return {"options": list(options.values()), **first}


def _option(value: str, words: str) -> Block:
    return {"text": plain_text(cut(one_line(words), _OPTION_MAX) or "–"), "value": value}


def with_errors(errors: Mapping[str, str]) -> Block:
    """Return the answer that leaves the dialog open, with words below its fields."""
    return {"response_action": "errors", "errors": dict(errors)}


def with_message(title: str, blocks: Sequence[Block]) -> Block:
    """Return the answer that shows something in the dialog's place."""
    return {
        "response_action": "update",
        "view": {**_frame(title, "Close"), "blocks": list(blocks)},
    }


def read_submission(told: Mapping[str, Any]) -> Submission:
    """Return what Slack tells of a dialog that was sent (type `view_submission`).

    Raises:
        NotAPress: It is not about an incident, or nobody has sent it.
    """
    view, sender = mapping(told.get("view")), member_in(told)
    target = target_in(short_text(view, "private_metadata"))
    if target is None:
        raise NotAPress("the dialog names no incident")
    return Submission(
        form=short_text(view, "callback_id"),
        target=target,
        member=sender,
        fields=dict(_answers(mapping(mapping(view.get("state")).get("values")))),
        id=deed_id(sender.id, "dialog", short_text(view, "id")),
    )


def _answers(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, block in list(values.items())[:_OPTIONS_MAX]:
        element = mapping(mapping(block).get(_ANSWER))
        chosen = mapping(element.get("selected_option")).get("value")
        found = (element.get("value"), chosen, element.get("selected_date"))
        answer = next((one for one in found if isinstance(one, str)), "")
        if answer:
            yield name, answer[:_TYPED_MAX]
