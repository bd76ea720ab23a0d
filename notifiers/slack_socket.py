"""Socket Mode: over a WebSocket that we open Slack tells of presses, so no address of ours is public."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from notifiers.base import DeliveryError
from notifiers.nearby import proxy_for
from notifiers.slack_answers import refused
from notifiers.slack_parts import mapping

OPEN_SECONDS = 10.0
"""Deadline of a connection: to be told where, and to stand; then, for Slack to say that it will tell."""

PING_SECONDS = 10.0
"""How often Slack is pinged; half of it later a silent connection is lost."""

AT_ONCE = 20
MESSAGE_BYTES_MAX = 1024 * 1024
_ANSWER_BYTES_MAX = 65_536

Acknowledge = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Says that something was heard, with what Slack is to show for it, if anything."""

Heed = Callable[[object, Acknowledge], Awaitable[None]]
"""Is given what Slack tells, and acknowledges it within three seconds."""


class SocketLost(Exception):  # noqa: N818 (a state)
    """There is no connection, or there is none any more; the text says why."""


async def listen(token: str, api: str, heed: Heed, opened: Callable[[], None]) -> None:
    """Connect, and heed what Slack tells until it wants another connection, as it does every few hours.

    What is under way then is still acknowledged.

    Args:
        token: The app's token, `xapp-…`. It is in no error.
        api: Base of the web API.
        heed: Called for each press, at most 20 at a time.
        opened: Called when Slack says that it will tell.

    Raises:
        SocketLost: Somebody else has ended it, or it never began.
    """
    proxy = proxy_for(api)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                where = await _where(session, token, api, proxy)
                socket = await session.ws_connect(
                    where, heartbeat=PING_SECONDS, max_msg_size=MESSAGE_BYTES_MAX, proxy=proxy
                )
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise SocketLost(f"slack cannot be reached: {type(error).__name__}") from error
        async with socket:
            await _heed_all(socket, heed, opened)


async def require_socket(token: str, api: str) -> None:
    """Return if Slack would open a socket for this token.

    Raises:
        SocketLost: It would not; the text says why.
    """
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await _where(session, token, api, proxy_for(api))
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise SocketLost(f"slack cannot be reached: {type(error).__name__}") from error


async def _where(session: aiohttp.ClientSession, token: str, api: str, proxy: str | None) -> str:
    """Return where Slack wants the next connection."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{api.rstrip('/')}/apps.connections.open"
    async with session.post(url, headers=headers, allow_redirects=False, proxy=proxy) as answer:
        told = mapping(_json(await answer.content.read(_ANSWER_BYTES_MAX)))
        where = told.get("url")
        if told.get("ok") is not True or not isinstance(where, str):
            meaning: DeliveryError = refused(answer.status, told.get("error"), answer.headers)
            raise SocketLost(str(meaning))
    if urlsplit(where).scheme != ("wss" if api.startswith("https:") else "ws"):
        raise SocketLost("slack names no address of a socket that is encrypted as its API is")
    return where


async def _heed_all(
    socket: aiohttp.ClientWebSocketResponse, heed: Heed, opened: Callable[[], None]
) -> None:
    turns = asyncio.Semaphore(AT_ONCE)
    is_over = False
    await _greeted(socket)
    opened()
    async with asyncio.TaskGroup() as group:
        async for message in socket:
            envelope = mapping(_json(message.data))
            if envelope.get("type") == "disconnect":
                is_over = True
                break
            if isinstance(envelope.get("envelope_id"), str):
                await turns.acquire()
                one = _heed_one(socket, envelope, heed, turns)
                group.create_task(one, name="a press in slack")
    if not is_over:
        raise SocketLost(f"the connection has ended: {socket.close_code or 'no reason'}")


async def _greeted(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Return once Slack has said that it will tell: somebody between us may answer pings for ever."""
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            async for message in socket:
                if mapping(_json(message.data)).get("type") == "hello":
                    return
    except TimeoutError as error:
        raise SocketLost(f"slack did not say hello within {OPEN_SECONDS:g} s") from error
    raise SocketLost(f"the connection has ended: {socket.close_code or 'no reason'}")


async def _heed_one(
    socket: aiohttp.ClientWebSocketResponse,
    envelope: Mapping[str, Any],
    heed: Heed,
    turns: asyncio.Semaphore,
) -> None:
    async def acknowledge(answer: Mapping[str, Any]) -> None:
        payload = {"payload": answer} if answer else {}
        await socket.send_json({"envelope_id": envelope["envelope_id"], **payload})

    try:
        await heed(envelope.get("payload"), acknowledge)
    except ConnectionError:
        return  # it has ended, which the loop says; whoever pressed sees no answer, and presses again
    finally:
        turns.release()


def _json(data: object) -> object:
    """Return what a message holds; None for what is no JSON."""
    try:
        return json.loads(data) if isinstance(data, str | bytes) else None
    except (ValueError, RecursionError):
        return None
