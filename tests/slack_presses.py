"""Presses of buttons as Slack tells of them: a payload in a form, signed with the app's secret."""

import hashlib
import hmac
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
WORKSPACE = "T01TEAM"
FORM = "application/x-www-form-urlencoded"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Signed:
    """A request of Slack's."""

    body: bytes
    headers: Mapping[str, str]


def signed(body: bytes, at: datetime, secret: str = SIGNING_SECRET) -> Signed:
    """Return the body with the headers of a request that is signed at an instant."""
    timestamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256)
    headers = {
        "content-type": FORM,
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": f"v0={digest.hexdigest()}",
    }
    return Signed(body, headers)


def form_of(payload: object) -> bytes:
    """Return the body that carries a payload."""
    return urlencode({"payload": json.dumps(payload)}).encode()


def words_of(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the buttons say, and in brackets what the menus hold."""
    said = []
    for one in _elements(blocks):
        if one["type"] == "overflow":
            said += [f"({option['text']['text']})" for option in one["options"]]
        else:
            said.append(one["text"]["text"])
    return said


def _elements(blocks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for block in blocks if block["type"] == "actions" for one in block["elements"]]


def action_of(blocks: Sequence[Mapping[str, Any]], words: str) -> dict[str, Any]:
    """Return what Slack tells of a press of the button, or the entry of a menu, that says these words."""
    for one in _elements(blocks):
        told = {"type": one["type"], "action_id": one["action_id"], "action_ts": "1780000000.1"}
        if one["type"] == "overflow":
            for option in one["options"]:
                if option["text"]["text"] == words:
                    return told | {"selected_option": option}
        elif one["text"]["text"] == words:
            return told | {"text": one["text"], "value": one.get("value", "")}
    raise AssertionError(f"no button says {words}: {words_of(blocks)}")


def payload_of(
    blocks: Sequence[Mapping[str, Any]],
    words: str,
    *,
    user: str = "U02RAJ",
    name: str = "raj",
    channel: str = "CDATAALERTS",
    ts: str = "1780000001.000001",
    hook: str = "https://hooks.slack.com",
    is_ephemeral: bool = False,
) -> dict[str, Any]:
    """Return what Slack tells of a press; each is another one."""
    number = next(_numbers)
    return {
        "type": "block_actions",
        "user": {"id": user, "username": name, "name": name, "team_id": WORKSPACE},
        "api_app_id": "A01APP",
        "container": {
            "type": "message",
            "message_ts": ts,
            "channel_id": channel,
            "is_ephemeral": is_ephemeral,
        },
        "trigger_id": f"{number}.1.abc",
        "team": {"id": WORKSPACE, "domain": "example"},
        "enterprise": None,
        "channel": {"id": channel, "name": "data-alerts"},
        "response_url": f"{hook}/actions/{WORKSPACE}/{number}/secret",
        "actions": [action_of(blocks, words)],
    }


def command_of(words: str, *, user: str = "U02RAJ", name: str = "raj") -> dict[str, str]:
    """Return the fields that Slack sends of what somebody typed behind `/watchdog`; each is another one."""
    number = next(_numbers)
    return {
        "command": "/watchdog",
        "text": words,
        "user_id": user,
        "user_name": name,
        "team_id": WORKSPACE,
        "channel_id": "CDATAALERTS",
        "trigger_id": f"{number}.2.abc",
        "response_url": f"https://hooks.slack.com/commands/{WORKSPACE}/{number}/secret",
    }
