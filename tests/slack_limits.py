"""Slack's documented limits on messages: what `chat.postMessage` refuses, and what would come alive."""

import re
from collections.abc import Callable
from typing import Any

BLOCKS_MAX = 50
BLOCKS_TEXT_MAX = 13_000
TEXT_MAX = 40_000
_SECTION_TEXT_MAX = 3000
_FIELDS_MAX = 10
_FIELD_TEXT_MAX = 2000
_BUTTONS_MAX = 25
_BUTTON_TEXT_MAX = 75
_BUTTON_VALUE_MAX = 2000
_OPTIONS_MAX = 5
_OPTION_VALUE_MAX = 75
_ACTION_ID_MAX = 255
_URL_MAX = 3000
_CONTEXT_ELEMENTS_MAX = 10
_HEADER_TEXT_MAX = 150

_ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")
_ANGLED = re.compile(r"<([^<>]*)>")
_DATE = re.compile(r"!date\^\d+\^[^|]*\|[^|]*")
_LINK = re.compile(r"https?://[^|]+\|.+")


def refusal(message: dict[str, Any]) -> str:
    """Return the error code that Slack answers to such a message, or an empty string."""
    text, blocks = message.get("text", ""), message.get("blocks", [])
    if not isinstance(text, str) or not isinstance(blocks, list):
        return "invalid_arguments"
    if not text and not blocks:
        return "no_text"
    if len(text) > TEXT_MAX:
        return "msg_too_long"
    if len(blocks) > BLOCKS_MAX or not all(_is_good_block(block) for block in blocks):
        return "invalid_blocks"
    if sum(len(one) for one in texts_of(blocks)) > BLOCKS_TEXT_MAX:
        return "msg_blocks_too_long"
    return _metadata_refusal(message.get("metadata"))


def _metadata_refusal(metadata: Any) -> str:
    if metadata is None:
        return ""
    good = isinstance(metadata, dict) and isinstance(metadata.get("event_payload"), dict)
    return "" if good and metadata.get("event_type") else "invalid_metadata_format"


def _is_good_block(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    kinds: dict[str, Callable[[dict[str, Any]], bool]] = {
        "section": _is_good_section,
        "actions": _is_good_actions,
        "context": _is_good_context,
        "header": _is_good_header,
        "divider": bool,
    }
    kind = kinds.get(str(block.get("type")))
    return kind is not None and kind(block)


def _is_good_actions(block: dict[str, Any]) -> bool:
    elements = block.get("elements", [])
    names = [one.get("action_id") for one in elements if isinstance(one, dict)]
    good = all(_is_good_overflow(one) or _is_good_button(one) for one in elements)
    return 0 < len(elements) <= _BUTTONS_MAX and good and len(set(names)) == len(elements)


def _is_good_context(block: dict[str, Any]) -> bool:
    elements = block.get("elements", [])
    good = all(is_good_text(one, _FIELD_TEXT_MAX) for one in elements)
    return 0 < len(elements) <= _CONTEXT_ELEMENTS_MAX and good


def _is_good_header(block: dict[str, Any]) -> bool:
    text = block.get("text", {})
    return text.get("type") == "plain_text" and is_good_text(text, _HEADER_TEXT_MAX)


def _is_good_section(block: dict[str, Any]) -> bool:
    if "text" not in block and "fields" not in block:
        return False
    fields = block.get("fields", [])
    text_is_good = "text" not in block or is_good_text(block["text"], _SECTION_TEXT_MAX)
    fields_are_good = all(is_good_text(one, _FIELD_TEXT_MAX) for one in fields)
    return text_is_good and fields_are_good and len(fields) <= _FIELDS_MAX


def is_good_text(text: Any, length_max: int) -> bool:
    """Return whether Slack takes a text object."""
    if not isinstance(text, dict) or text.get("type") not in {"mrkdwn", "plain_text"}:
        return False
    if text["type"] == "mrkdwn" and "emoji" in text:
        return False
    return isinstance(text.get("text"), str) and 1 <= len(text["text"]) <= length_max


def _is_good_button(button: Any) -> bool:
    if not isinstance(button, dict) or button.get("type") != "button":
        return False
    text = button.get("text", {})
    is_plain = text.get("type") == "plain_text" and is_good_text(text, _BUTTON_TEXT_MAX)
    url, value = button.get("url", "https://"), button.get("value", "x")
    leads = len(url) <= _URL_MAX and url.startswith(("http://", "https://"))
    names = 0 < len(button.get("action_id", "x")) <= _ACTION_ID_MAX
    return is_plain and leads and names and 0 < len(value) <= _BUTTON_VALUE_MAX


def _is_good_overflow(menu: Any) -> bool:
    if not isinstance(menu, dict) or menu.get("type") != "overflow":
        return False
    options = menu.get("options", [])
    return 0 < len(options) <= _OPTIONS_MAX and all(
        one.get("text", {}).get("type") == "plain_text"
        and is_good_text(one["text"], _BUTTON_TEXT_MAX)
        and 0 < len(one.get("value", "")) <= _OPTION_VALUE_MAX
        for one in options
    )


def texts_of(blocks: list[dict[str, Any]], kind: str = "") -> list[str]:
    """Return all texts in the blocks; `kind` picks `mrkdwn` or `plain_text`."""
    found: list[str] = []
    queue: list[Any] = list(blocks)
    while queue:
        one = queue.pop(0)
        if isinstance(one, list):
            queue[:0] = one
        elif isinstance(one, dict):
            if one.get("type") in {"mrkdwn", "plain_text"} and kind in {"", one["type"]}:
                found.append(one["text"])
            else:
                queue[:0] = [one[name] for name in ("text", "fields", "elements") if name in one]
    return found


def live_parts(mrkdwn: str) -> list[str]:
    """Return what Slack would act on: mentions, channel links, stray entities, unknown links.

    Dates and links with a label are ours; nothing in data may become either.
    """
    angled = [one for one in _ANGLED.findall(mrkdwn) if not _DATE.fullmatch(one)]
    foreign = [one for one in angled if not _LINK.fullmatch(one)]
    stray = re.findall(r"[<>]", _ANGLED.sub("", mrkdwn))
    return foreign + stray + _ENTITY.findall(mrkdwn)


def visible(mrkdwn: str) -> str:
    """Return what a reader sees: labels instead of links, fallbacks instead of dates."""
    shown = _ANGLED.sub(lambda found: found[1].rpartition("|")[2], mrkdwn)
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        shown = shown.replace(entity, sign)
    return shown
