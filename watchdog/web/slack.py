"""Where Slack sends what people do in it: `/slack/actions`, signed by it, without a session."""

import json
import logging
from urllib.parse import parse_qsl

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from notifiers.base import DeliveryError
from notifiers.slack_members import NotAPress
from notifiers.slack_replies import may_be_sent_to, send_reply
from notifiers.slack_signing import SKEW_MAX, NotSlack, OutOfTime, require_slack
from notifiers.slack_told import Told, read_told
from watchdog.web.forms import read_body
from watchdog.web.heeding import Heard, heed
from watchdog.web.room import Room, room_of

logger = logging.getLogger(__name__)

BODY_MAX = 1024 * 1024
"""Bytes of a request that are read; Slack sends the message that was pressed along."""

_FIELDS_MAX = 20


async def act(request: Request) -> Response:
    """Do what somebody asks for in Slack, and answer; a presser is told of a refusal afterwards."""
    room = room_of(request)
    try:
        told = _told_in(await _signed_body(request, room))
    except HTTPException as refusal:
        return PlainTextResponse(f"{refusal.detail}\n", refusal.status_code)
    if told is None:
        return Response()
    with room.service.clock.working():
        heard = await heed(room, told)
    if heard.body:
        return JSONResponse(heard.body)
    # Slack gives up after three seconds, and what the presser is told is no part of what was done.
    return Response(background=BackgroundTask(tell, room, heard))


async def _signed_body(request: Request, room: Room) -> bytes:
    """Return a body that Slack has signed; nothing in it is looked at before."""
    slack = room.service.config.slack
    secret = slack.signing_secret.get_secret_value()
    if not secret:
        raise HTTPException(404, "channels.slack has no signing_secret, so no button leads here")
    body = await read_body(request, BODY_MAX)
    try:
        require_slack(secret, request.headers, body, room.now())
    except NotSlack as error:
        raise HTTPException(401, str(error)) from error
    except OutOfTime as error:
        skew_s, most_s = error.skew.total_seconds(), SKEW_MAX.total_seconds()
        logger.warning(
            "a press in Slack was refused: it was signed at another time than ours, so our clock "
            "is wrong, or somebody sends an old one again",
            extra={"our_clock_is_ahead_s": skew_s, "allowed_s": most_s},
        )
        raise HTTPException(401, f"signed more than {most_s:g} s from now") from error
    return body


def _told_in(body: bytes) -> Told | None:
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX))
        is_command = "command" in fields and "payload" not in fields
        return read_told(fields if is_command else json.loads(fields.get("payload", "")))
    except NotAPress as error:
        raise HTTPException(400, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the request holds no payload in JSON") from error


async def tell(room: Room, heard: Heard) -> None:
    """Tell the presser what only they are told, if anything, once; whether it arrives changes nothing."""
    if heard.reply is None:
        return
    with room.service.clock.working():
        if not may_be_sent_to(heard.answer_at, room.service.config.slack.api):
            logger.warning("a presser in Slack was not answered: the address is not Slack's")
            return
        try:
            await send_reply(heard.answer_at, heard.reply)
        except DeliveryError as error:
            logger.warning("a presser in Slack was not answered", extra={"reason": str(error)})
