"""Where Slack sends what was pressed: `/slack/actions`, signed by it, without a session."""

import asyncio
import json
import logging
from urllib.parse import parse_qsl

from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from notifiers.base import DeliveryError
from notifiers.slack_buttons import NotAPress, Press, read_press
from notifiers.slack_replies import may_be_sent_to, send_reply
from notifiers.slack_signing import SKEW_MAX, NotSlack, OutOfTime, require_slack
from watchdog.web import presses
from watchdog.web.presses import Reply
from watchdog.web.room import Room, room_of

logger = logging.getLogger(__name__)

BODY_MAX = 1024 * 1024
"""Bytes of a request that are read; Slack sends the message that was pressed along."""

_READ_SECONDS = 5.0
_FIELDS_MAX = 20


class _Refusal(Exception):  # noqa: N818 (an answer)
    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


async def act(request: Request) -> Response:
    """Do what somebody pressed in Slack, and answer; they are told of a refusal afterwards."""
    room = room_of(request)
    try:
        press = _press_in(await _signed_body(request, room))
    except _Refusal as refusal:
        return PlainTextResponse(f"{refusal}\n", refusal.status)
    if press is None:
        return Response()
    with room.service.clock.working():
        said = await presses.do(room, press)
    # Slack gives up after three seconds, and what the presser is told is no part of what was done.
    return Response(background=BackgroundTask(tell, room, press, said) if said else None)


async def _signed_body(request: Request, room: Room) -> bytes:
    """Return a body that Slack has signed; nothing in it is looked at before."""
    slack = room.service.config.slack
    secret = slack.signing_secret.get_secret_value()
    if not secret:
        raise _Refusal(404, "channels.slack has no signing_secret, so no button leads here")
    body = await _body(request)
    try:
        require_slack(secret, request.headers, body, room.now())
    except NotSlack as error:
        raise _Refusal(401, str(error)) from error
    except OutOfTime as error:
        skew_s, most_s = error.skew.total_seconds(), SKEW_MAX.total_seconds()
        logger.warning(
            "a press in Slack was refused: it was signed at another time than ours, so our clock "
            "is wrong, or somebody sends an old one again",
            extra={"our_clock_is_ahead_s": skew_s, "allowed_s": most_s},
        )
        raise _Refusal(401, f"signed more than {most_s:g} s from now") from error
    return body


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(_READ_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_MAX:
                    raise _Refusal(413, f"a request has at most {BODY_MAX} bytes")
    except TimeoutError:
        raise _Refusal(408, f"the request did not arrive within {_READ_SECONDS:g} s") from None
    except ClientDisconnect:
        raise _Refusal(400, "the request ended too early") from None
    return bytes(body)


def _press_in(body: bytes) -> Press | None:
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX))
        return read_press(json.loads(fields.get("payload", "")))
    except NotAPress as error:
        raise _Refusal(400, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _Refusal(400, "the request holds no payload in JSON") from error


async def tell(room: Room, press: Press, said: Reply) -> None:
    """Tell the presser what only they are told, once; whether it arrives changes nothing."""
    with room.service.clock.working():
        if not may_be_sent_to(press.answer_at, room.service.config.slack.api):
            logger.warning("a presser in Slack was not answered: the address is not Slack's")
            return
        try:
            await send_reply(press.answer_at, said)
        except DeliveryError as error:
            logger.warning("a presser in Slack was not answered", extra={"reason": str(error)})
