"""Slack by bot token: posts, edits in place, thread lines, and looks for what it may have sent."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from notifiers import leaving
from notifiers.base import DeliveryError, Message, Pace, Part, Receipt, Rendered, Report
from notifiers.nearby import LOOPBACK
from notifiers.report_slack import render_report_slack
from notifiers.slack_answers import GONE, LAYOUT, refused, silences_of
from notifiers.slack_blocks import render_slack, shorter
from notifiers.summary import Summary
from notifiers.summary_slack import render_summary_slack

ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""Bytes of an answer that are read, uncompressed. A page of history is far below."""

HISTORY_PAGES_MAX = 5
LIST_PAGES_MAX = 20
_PAGE = 200
_CONNECTIONS_MAX = 20
_POSTS = Pace(timedelta(seconds=1))
_EDITS = Pace(timedelta(seconds=1.5), burst=10)
"""Slack takes a post a second in each channel, and of all edits of a workspace 50 in any minute: 40 at
this pace, and a burst before them. Source: https://docs.slack.dev/apis/web-api/rate-limits"""

_CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{5,}")
_CLOCKS_APART = timedelta(hours=1)
_OPEN_SECONDS = 1.5
_SILENCE_SECONDS = 3.0
"""How long we wait to hear whether somebody is in Do Not Disturb; their page is there already."""

logger = logging.getLogger(__name__)


class _Unreadable(aiohttp.ClientError):
    """The answer is too large to be one."""


class _CappedResponse(aiohttp.ClientResponse):
    """A response that is not read past the cap: the SDK itself reads whatever comes."""

    async def read(self) -> bytes:
        """Return the body.

        Raises:
            _Unreadable: It is larger than the cap.
        """
        if self._body is None:
            body = bytearray()
            async for piece in self.content.iter_any():
                body += piece
                if len(body) > ANSWER_BYTES_MAX:
                    self.close()
                    raise _Unreadable("the answer is too large")
            self._body = bytes(body)
        return self._body


class Slack:
    """Sends to channels (`#support-alerts`, or `#C0123ABCD` by id) and people (`@U01ANA`).

    Sends are independent of each other; pacing, retries and order belong to the caller. It never
    waits and never tries again by itself, but for two cases in which Slack has surely not taken the
    message: a refused layout goes out with less in it, and an edit of a message that is gone is posted.

    Args:
        token: Bot token, `xoxb-…`. It is in no error.
        api: Base of the web API.
        deadline: For one send or look-up, all requests together.
        has_buttons: Somebody listens to what is pressed; without, messages have links only.
    """

    at_once = 20
    paces: Mapping[Part, Pace] = dict.fromkeys(Part, _POSTS) | {Part.EDIT: _EDITS}
    is_one_place = False
    keeps_rendered = False

    def __init__(
        self,
        token: str,
        api: str = "https://slack.com/api/",
        *,
        deadline: timedelta = timedelta(seconds=15),
        has_buttons: bool = False,
    ) -> None:
        self._has_buttons = has_buttons
        self._token = token
        self._api = api
        self._deadline_s = deadline.total_seconds()
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None
        self._channel_ids: dict[str, str] = {}
        self._silences_refused = ""

    def render(self, message: Message) -> Rendered:
        """Return the message with its push line, blocks and metadata. Pure; never fails."""
        if isinstance(message.facts, Report):
            return render_report_slack(message)
        if isinstance(message.facts, Summary):
            return render_summary_slack(message)
        return render_slack(message, has_buttons=self._has_buttons)

    async def send(self, message: Message, rendered: Rendered) -> Receipt:
        """Post or edit the message; the receipt has the `channel` id and `ts`.

        An edit or a thread line without `remote` is posted as a message of its own.

        Raises:
            DeliveryError: It did not, or may not, have arrived.
        """
        times = 0
        body: Mapping[str, Any] = rendered.body
        async with _deadline(self._deadline_s):
            while True:
                try:
                    receipt = await self._send_once(message, body)
                    break
                except _LayoutError as error:
                    times += 1
                    if times > 2:
                        raise error.as_permanent() from None
                    body = shorter(rendered.body, message, times)
        return replace(receipt, silences=await self._silences(message))

    async def _silences(self, message: Message) -> tuple[tuple[datetime, datetime], ...]:
        """Return when the person who was just pushed is in Do Not Disturb; nothing if nobody says.

        Slack lets no app through it, so the page lies there unheard. It is asked once the page has
        been taken: this delays no page, and fails none.
        """
        if not message.address.startswith("@") or message.part not in {Part.PAGE, Part.THREAD}:
            return ()
        try:
            return await self.silences(message.address[1:])
        except DeliveryError as error:
            if str(error) != self._silences_refused:  # mostly the scope: say it once
                logger.warning(
                    "slack does not say who is in Do Not Disturb; its app needs the scope dnd:read",
                    extra={"reason": str(error)},
                )
            self._silences_refused = str(error)
            return ()

    async def silences(self, user: str) -> tuple[tuple[datetime, datetime], ...]:
        """Return when a person (`U01ANA`) is in Do Not Disturb: now, or next by their schedule.

        Raises:
            DeliveryError: Slack does not say.
        """
        async with _deadline(_SILENCE_SECONDS):
            return silences_of(await self._call("dnd.info", params={"user": user}))

    async def _send_once(self, message: Message, body: Mapping[str, Any]) -> Receipt:
        remote = message.remote
        below = {"thread_ts": remote["ts"]} if message.part is Part.THREAD and remote else {}
        try:
            if message.part is Part.EDIT and remote:
                return await self._update(remote, body)
            where = remote["channel"] if below else _channel(message.address)
            return await self._post(where, dict(body) | below)
        except _GoneError:
            return await self._post(_channel(message.address), body)

    async def _update(self, remote: Mapping[str, str], body: Mapping[str, Any]) -> Receipt:
        # Without metadata the message keeps its own: it is found by the key it was posted with.
        args = {name: body[name] for name in ("text", "blocks", "parse", "link_names")}
        where = {"channel": remote["channel"], "ts": remote["ts"]}
        await self._call("chat.update", json=where | args)
        return Receipt(where)

    async def _post(self, channel: str, body: Mapping[str, Any]) -> Receipt:
        args = {name: value for name, value in body.items() if value != []}
        if "thread_ts" not in args:
            args.pop("reply_broadcast", None)
        answer = await self._call("chat.postMessage", json={"channel": channel} | args)
        posted = {"channel": answer.get("channel"), "ts": answer.get("ts")}
        if not all(isinstance(value, str) and value for value in posted.values()):
            raise DeliveryError("slack's answer names no message", unknown=True)
        self._channel_ids[channel] = str(posted["channel"])
        return Receipt({name: str(value) for name, value in posted.items()})

    async def open_view(self, trigger: str, view: Mapping[str, Any]) -> None:
        """Open a dialog for whoever has just pressed something; Slack allows it for three seconds.

        Raises:
            DeliveryError: It is not, or may not be, open.
        """
        async with _deadline(_OPEN_SECONDS):
            await self._call("views.open", json={"trigger_id": trigger, "view": view})

    async def look_up(self, message: Message) -> Receipt | None:
        """Return where a message with this key is, or None if it is not there.

        Reads the newest messages back to an hour before the event: the clocks may differ.

        Raises:
            DeliveryError: It could not look.
        """
        async with _deadline(self._deadline_s):
            channel = message.remote.get("channel") or await self._channel_id(message.address)
            found = await self._find(channel, message)
        if found is None:
            return None
        where = {"channel": channel, "ts": str(found["ts"])}
        return Receipt(where, await self._silences(message))

    async def _find(self, channel: str, message: Message) -> Mapping[str, Any] | None:
        params: dict[str, Any] = {"channel": channel, "include_all_metadata": True, "limit": _PAGE}
        method, pages = "conversations.history", HISTORY_PAGES_MAX
        if message.part is Part.THREAD and message.remote:
            # Replies come oldest first, so a long thread needs more pages to reach the newest.
            method, pages = "conversations.replies", LIST_PAGES_MAX
            params["ts"] = message.remote["ts"]
        oldest = (message.facts.at - _CLOCKS_APART).timestamp()
        async for page in self._pages(method, params, "messages", pages):
            for posted in page:
                if _key_of(posted) == message.key:
                    return posted
            if method == "conversations.history" and page and _ts(page[-1]) < oldest:
                return None
        return None

    async def _channel_id(self, address: str) -> str:
        """Return the id of the channel: history is read by id only, while posting takes names."""
        channel = _channel(address)
        if _CHANNEL_ID.fullmatch(channel):
            return channel
        if channel not in self._channel_ids:
            if channel.startswith("#"):
                self._channel_ids[channel] = await self._channel_named(channel[1:])
            else:
                opened = await self._call("conversations.open", json={"users": channel})
                self._channel_ids[channel] = str((opened.get("channel") or {}).get("id", ""))
        return self._channel_ids[channel]

    async def _channel_named(self, name: str) -> str:
        params = {
            "types": "public_channel,private_channel",
            "exclude_archived": True,
            "limit": _PAGE,
        }
        async for page in self._pages("conversations.list", params, "channels", LIST_PAGES_MAX):
            for channel in page:
                if channel.get("name") == name:
                    return str(channel["id"])
        raise DeliveryError("slack has no such channel to look into", permanent=True)

    async def _pages(
        self, method: str, params: dict[str, Any], items: str, pages_max: int
    ) -> AsyncIterator[list[Mapping[str, Any]]]:
        for _ in range(pages_max):
            answer = await self._call(method, params=params)
            yield [one for one in answer.get(items) or [] if isinstance(one, dict)]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
            params = params | {"cursor": cursor}

    async def _call(self, method: str, **request: Any) -> Mapping[str, Any]:
        """Call a method of the web API once and return its answer, which is `ok: true`."""
        client = self._connected()
        leaving.forget()
        verb = "GET" if "params" in request else "POST"
        try:
            answer = await client.api_call(method, http_verb=verb, **request)
        except SlackApiError as error:
            raise _meaning(error) from None  # its text may repeat whatever the answer held
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            reason = f"slack cannot be reached: {type(error).__name__}"
            raise DeliveryError(reason, is_outage=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise DeliveryError(
                f"slack did not answer: {type(error).__name__}",
                unknown=leaving.has_left(),
                is_outage=True,
            ) from error
        except (AttributeError, TypeError, ValueError, LookupError, RecursionError) as error:
            # The SDK trips over answers that are not a JSON object: text, a list, a wrong charset.
            raise DeliveryError(
                f"slack's answer cannot be read: {type(error).__name__}", unknown=True
            ) from error
        data = answer.data
        if not isinstance(data, dict) or data.get("ok") is not True:
            raise DeliveryError("slack's answer cannot be read", unknown=True)
        return data

    def _connected(self) -> AsyncWebClient:
        if self._client is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS_MAX),
                response_class=_CappedResponse,
                trace_configs=[leaving.noted()],
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._deadline_s),
            )
            self._client = AsyncWebClient(
                self._token, self._api, session=self._session, retry_handlers=[]
            )
            if urlsplit(self._api).hostname in LOOPBACK:
                self._client.proxy = None  # the SDK takes HTTPS_PROXY even for this machine
        return self._client

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
        self._session = self._client = None


class _LayoutError(DeliveryError):
    """Slack does not like how the message looks."""

    def as_permanent(self) -> DeliveryError:
        """Return the error for a message that is refused even as a stub."""
        return DeliveryError(str(self), permanent=True)


class _GoneError(DeliveryError):
    """The message to edit or to answer is not there."""


@contextlib.asynccontextmanager
async def _deadline(seconds: float) -> AsyncIterator[None]:
    """Bound a send in real seconds, and say whether a request had left when time ran out."""
    with leaving.watched():
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise DeliveryError(
                "slack did not answer in time", unknown=leaving.has_left(), is_outage=True
            ) from None


def _meaning(error: SlackApiError) -> DeliveryError:
    answer = error.response
    status = int(getattr(answer, "status_code", 0) or getattr(answer, "status", 0))
    data = getattr(answer, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    meaning = refused(status, code, getattr(answer, "headers", {}))
    if code in LAYOUT:
        return _LayoutError(str(meaning))
    if code in GONE:
        return _GoneError(str(meaning))
    return meaning


def _channel(address: str) -> str:
    """Return what Slack calls the address: a channel's name or id, or a person's id."""
    bare = address[1:]
    if address.startswith("@") or _CHANNEL_ID.fullmatch(bare):
        return bare
    return address


def _key_of(posted: Mapping[str, Any]) -> object:
    metadata = posted.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    return payload.get("key") if isinstance(payload, dict) else None


def _ts(posted: Mapping[str, Any]) -> float:
    try:
        return float(posted.get("ts", "inf"))
    except ValueError:
        return float("inf")
