"""Hands on a phone: what people see in Slack, and press there."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.acceptance.running import Program, Receivers
from tests.slack_presses import form_of, payload_of, signed

MEMBERS = {"ana": "U01ANA", "raj": "U02RAJ", "mei": "U03MEI", "tom": "U04TOM"}


def standing_in(receivers: Receivers, channel: str) -> Mapping[str, Any]:
    """Return the newest message of a channel that is not below another, as it stands there now."""
    lines = [one for one in receivers.slack() if one["channel"] == channel]
    newest = [one for one in lines if one["what"] == "post" and not one["thread_ts"]][-1]
    return [one for one in lines if one["ts"] == newest["ts"]][-1]


def direct(receivers: Receivers, person: str) -> Mapping[str, Any]:
    """Return the newest message to a person alone, as it stands there now."""
    return standing_in(receivers, f"D{MEMBERS[person][1:]}")


def press(
    program: Program,
    receivers: Receivers,
    message: Mapping[str, Any],
    words: str,
    person: str,
    *,
    by_socket: bool = False,
) -> int:
    """Press a button of a message as somebody; return what the service answers to Slack.

    Args:
        by_socket: Slack tells of it over the socket that the service has opened.
    """
    payload = payload_of(
        message["blocks"],
        words,
        user=MEMBERS[person],
        name=person,
        channel=message["channel"],
        ts=message.get("ts", ""),
        hook=f"http://127.0.0.1:{receivers.slack_port}",
        is_ephemeral=message["what"] == "reply",
    )
    asked = _by_slack(receivers, payload) if by_socket else _signed(program, payload)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 (our own address)
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    finally:
        program.advance(1)


def _signed(program: Program, payload: object) -> urllib.request.Request:
    request = signed(form_of(payload), program.now())
    url = f"{program.url}/slack/actions"
    return urllib.request.Request(url, request.body, dict(request.headers))  # noqa: S310


def _by_slack(receivers: Receivers, payload: object) -> urllib.request.Request:
    url, headers = (
        f"http://127.0.0.1:{receivers.slack_port}/press",
        {"content-type": "application/json"},
    )
    return urllib.request.Request(url, json.dumps(payload).encode(), headers)
