"""Hands on a phone: what people see in Slack, and press there."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.acceptance.running import Program, Receivers
from tests.slack_limits import texts_of, visible
from tests.slack_presses import WORKSPACE, command_of, form_of, payload_of, signed
from tests.slack_views import submission_of

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
    return _told(program, receivers, payload, by_socket=by_socket)[0]


def submit(
    program: Program,
    receivers: Receivers,
    view: Mapping[str, Any],
    person: str,
    *,
    by_socket: bool = False,
    **answers: str,
) -> Mapping[str, Any]:
    """Send a dialog as somebody; return what Slack shows then, nothing where it closes."""
    payload = submission_of(view, answers, user=MEMBERS[person], name=person, workspace=WORKSPACE)
    return _shown(*_told(program, receivers, payload, by_socket=by_socket))


def type_words(
    program: Program, receivers: Receivers, words: str, person: str, *, by_socket: bool = False
) -> str:
    """Type something behind `/watchdog` as somebody; return the lines that only they see."""
    payload = command_of(words, user=MEMBERS[person], name=person)
    shown = _shown(*_told(program, receivers, payload, by_socket=by_socket))
    return "\n".join(visible(one) for one in texts_of(shown["blocks"]))


def _shown(status: int, body: bytes) -> Mapping[str, Any]:
    assert status == 200, body
    shown: Mapping[str, Any] = json.loads(body) if body else {}
    return shown


def _told(
    program: Program, receivers: Receivers, payload: Mapping[str, Any], *, by_socket: bool
) -> tuple[int, bytes]:
    """Let Slack tell the service of something; return what it is answered."""
    asked = _by_slack(receivers, payload) if by_socket else _signed(program, payload)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 (our own address)
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, b""
    finally:
        program.advance(1)


def _signed(program: Program, payload: Mapping[str, Any]) -> urllib.request.Request:
    body = urlencode(payload).encode() if "command" in payload else form_of(payload)
    request = signed(body, program.now())
    url = f"{program.url}/slack/actions"
    return urllib.request.Request(url, request.body, dict(request.headers))  # noqa: S310


def _by_slack(receivers: Receivers, payload: object) -> urllib.request.Request:
    url, headers = (
        f"http://127.0.0.1:{receivers.slack_port}/press",
        {"content-type": "application/json"},
    )
    return urllib.request.Request(url, json.dumps(payload).encode(), headers)
