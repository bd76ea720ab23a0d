"""Slack's documented limits on dialogs: what `views.open` refuses, and what may answer a dialog."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.slack_limits import is_good_text, refusal

_TITLE_MAX = 24
_BLOCKS_MAX = 100
_METADATA_MAX = 3000
_NAME_MAX = 255
_LABEL_MAX = 2000
_TYPED_MAX = 3000
_OPTIONS_MAX = 100
_OPTION_MAX = 75
_VALUE_MAX = 150
_ERROR_MAX = 1000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def view_refusal(view: Any) -> str:
    """Return the error code that Slack answers to such a view, or an empty string."""
    if not isinstance(view, dict) or view.get("type") != "modal":
        return "invalid_arguments"
    blocks = view.get("blocks", [])
    inputs = inputs_of(view)
    names = [one.get("block_id", "") for one in inputs]
    others = [one for one in blocks if one.get("type") != "input"]
    good = (
        _is_title(view.get("title"))
        and _is_title(view.get("close"))
        and (_is_title(view.get("submit")) if inputs else "submit" not in view)
        and len(view.get("private_metadata", "")) <= _METADATA_MAX
        and len(view.get("callback_id", "x")) <= _NAME_MAX
        and 0 < len(blocks) <= _BLOCKS_MAX
        and len(set(names)) == len(names)
        and all(_is_good_input(one) for one in inputs)
        and not (others and refusal({"text": "x", "blocks": others}))
    )
    return "" if good else "invalid_arguments"


def inputs_of(view: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Return what can be filled in."""
    return [one for one in view["blocks"] if one.get("type") == "input"]


def answer_refusal(answer: Mapping[str, Any], view: Mapping[str, Any]) -> str:
    """Return why Slack does not understand what a dialog was answered with, or an empty string."""
    names = {one["block_id"] for one in inputs_of(view)}
    kind = answer.get("response_action")
    if kind == "errors":
        errors: Mapping[str, str] = answer["errors"]
        good = errors and all(0 < len(words) <= _ERROR_MAX for words in errors.values())
        return "" if good and set(errors) <= names else f"errors at {set(errors) - names}"
    if kind == "update":
        return view_refusal(answer["view"])
    return "not understood" if answer else ""


def _is_title(text: Any) -> bool:
    return is_good_text(text, _TITLE_MAX) and bool(text["type"] == "plain_text")


def _is_good_input(block: Mapping[str, Any]) -> bool:
    kinds: dict[str, Callable[[dict[str, Any]], bool]] = {
        "plain_text_input": _is_good_typing,
        "static_select": _is_good_select,
        "datepicker": _is_good_day,
    }
    label, element = block.get("label", {}), block.get("element", {})
    kind = kinds.get(element.get("type", ""))
    is_named = 0 < len(block.get("block_id", "x")) <= _NAME_MAX
    return bool(
        kind is not None
        and kind(element)
        and is_named
        and label.get("type") == "plain_text"
        and is_good_text(label, _LABEL_MAX)
        and is_good_text(block.get("hint", label), _LABEL_MAX)
    )


def _is_good_typing(element: dict[str, Any]) -> bool:
    length_max: int = element.get("max_length", _TYPED_MAX)
    placeholder = element.get("placeholder", {"type": "plain_text", "text": "x"})
    return 0 < length_max <= _TYPED_MAX and is_good_text(placeholder, _VALUE_MAX)


def _is_good_select(element: dict[str, Any]) -> bool:
    options = element.get("options", [])
    first = element.get("initial_option")
    return (
        0 < len(options) <= _OPTIONS_MAX
        and all(_is_good_option(one) for one in options)
        and len({one["value"] for one in options}) == len(options)
        and (first is None or first in options)
    )


def _is_good_option(option: dict[str, Any]) -> bool:
    return is_good_text(option["text"], _OPTION_MAX) and 0 < len(option["value"]) <= _VALUE_MAX


def _is_good_day(element: dict[str, Any]) -> bool:
    return _DAY.fullmatch(element.get("initial_date", "2026-01-01")) is not None


def submission_of(
    view: Mapping[str, Any], answers: Mapping[str, str], *, user: str, name: str, workspace: str
) -> dict[str, Any]:
    """Return what Slack tells when somebody sends a dialog; what they leave stands as it was at first."""
    told = {field: value for field, value in view.items() if field != "blocks"}
    values = {one["block_id"]: _answered(one, answers) for one in inputs_of(view)}
    unknown = set(answers) - set(values)
    assert not unknown, f"the dialog has no field {unknown}"
    return {
        "type": "view_submission",
        "team": {"id": workspace},
        "user": {"id": user, "username": name, "team_id": workspace},
        "trigger_id": f"{view['id']}.sent",
        "view": told | {"state": {"values": values}},
        "response_urls": [],
    }


def _answered(block: Mapping[str, Any], answers: Mapping[str, str]) -> dict[str, Any]:
    element, answer = block["element"], answers.get(block["block_id"])
    told: dict[str, Any] = {"type": element["type"]}
    if element["type"] == "plain_text_input":
        told["value"] = answer
        assert answer or block["optional"], f"Slack sends nothing without {block['block_id']}"
    elif element["type"] == "datepicker":
        told["selected_date"] = answer or element["initial_date"]
    else:
        chosen = [one for one in element["options"] if one["value"] == answer]
        told["selected_option"] = chosen[0] if answer else element.get("initial_option")
    return {element["action_id"]: told}
