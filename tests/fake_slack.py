"""A Slack web API of our own on 127.0.0.1: keeps messages, enforces limits, and fails as it is told.

In a test: `async with FakeSlack() as slack: Slack("xoxb-test", slack.api)`. As a process of its own:
`python -m tests.fake_slack --port-file PORT --log LOG`; each accepted message is one line of JSON.
"""

import argparse
import asyncio
import contextlib
import json
import math
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from notifiers.slack_scopes import BOT_SCOPES
from tests.slack_limits import live_parts, refusal, texts_of
from tests.slack_pace import SlackPace
from tests.slack_presses import payload_of
from tests.slack_views import view_refusal

TOKEN = "xoxb-test-token"
APP_TOKEN = "xapp-test-token"
HOOK_CHANNEL = "CHOOK"
_FIRST_TS = 1_780_000_000


@dataclass
class Posted:
    """A message as Slack keeps it."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    key: str = ""
    thread_ts: str = ""
    broadcast: bool = False
    args: dict[str, Any] = field(default_factory=dict)
    edits: list[dict[str, Any]] = field(default_factory=list)

    def pressed(self, words: str, **told: Any) -> dict[str, Any]:
        """Return what Slack tells of a press of the button with these words; see `payload_of`."""
        place = {"channel": self.channel, "ts": self.ts}
        return payload_of(self.blocks, words, **(place | told))


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one call.

    Attributes:
        code: Refuse with this error code.
        status: Answer with this HTTP status.
        body: Answer with these bytes instead of JSON.
        accept: Take the message first.
        hang: Never answer.
        drop: Close the connection instead of answering.
        until: Answer once this is set.
    """

    code: str = ""
    status: int = 200
    body: bytes | None = None
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    accept: bool = False
    hang: bool = False
    drop: bool = False
    until: asyncio.Event | None = None


def rate_limited(retry_after: str | None) -> Trouble:
    """Return a refusal for too many messages, with any `Retry-After` or none."""
    headers = () if retry_after is None else (("Retry-After", retry_after),)
    return Trouble(code="ratelimited", status=429, headers=headers)


class FakeSlack:
    """The server. `troubles` are used up in order, one a call; `messages` are in order of arrival.

    `replies` is what only the presser of a button sees, `views` are dialogs, also in order of arrival.

    Args:
        channels: Names without `#`; their ids are `C` and the name in capitals. None: any name exists.
        log: File that gets a line of JSON for each accepted post and edit.
    """

    def __init__(self, channels: tuple[str, ...] | None = None, log: Path | None = None) -> None:
        self.channels = channels
        self.log = log
        self.messages: list[Posted] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.replies: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.acknowledged: dict[str, asyncio.Event] = {}
        self.acknowledgements: dict[str, dict[str, Any]] = {}
        self._triggers: set[str] = set()
        self.troubles: deque[Trouble] = deque()
        self.greets = True  # else a socket opens and nothing ever comes over it
        self.missing_scopes: set[str] = set()
        self.scopes = set(BOT_SCOPES)
        self.silences: dict[str, tuple[int, int]] = {}
        self.pace: SlackPace | None = None
        self.peers: set[tuple[str, int]] = set()
        self._ts = 0
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def api(self) -> str:
        """Base URL for the client."""
        return f"http://127.0.0.1:{self.port}/api/"

    @property
    def webhook(self) -> str:
        """Address of the incoming webhook."""
        return f"{self.hook}/services/T01/B01/secret"

    @property
    def hook(self) -> str:
        """Where replies go that only the presser sees."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        """The `text` of each message that is not in a thread."""
        return [one.text for one in self.messages if not one.thread_ts]

    @property
    def live_mentions(self) -> list[str]:
        """What in any message Slack would act on and nobody but data can have put there."""
        marked = [
            text for one in self.messages for text in (one.text, *texts_of(one.blocks, "mrkdwn"))
        ]
        return [live for text in marked for live in live_parts(text)]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._answer)
        app.router.add_get("/link", self._link)
        app.router.add_post("/press", self._press)
        app.router.add_post("/actions/{team}/{number}/{secret}", self._reply)
        app.router.add_post("/services/{team}/{number}/{secret}", self._hook)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        server = site._server
        assert isinstance(server, asyncio.Server)
        self.port = server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close; calls that hang are let go."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        args = await _arguments(request)
        self.calls.append((method, args))
        if request.transport is not None:
            self.peers.add(request.transport.get_extra_info("peername"))
        trouble = self.troubles.popleft() if self.troubles else self._too_early(method, args)
        wanted = APP_TOKEN if method == "apps.connections.open" else TOKEN
        if request.headers.get("Authorization") != f"Bearer {wanted}":
            return _json({"ok": False, "error": "invalid_auth"})
        goes_wrong = trouble != Trouble(until=trouble.until)
        answer = {"ok": True} if goes_wrong and not trouble.accept else self.call(method, args)
        if trouble.until:
            await trouble.until.wait()
        if not goes_wrong:
            granted = ",".join(sorted(self.scopes))
            return web.json_response(answer, headers={"x-oauth-scopes": granted})
        return await self._fail(request, trouble)

    def _too_early(self, method: str, args: dict[str, Any]) -> Trouble:
        """Return a refusal if there were too many calls, else no trouble."""
        wait = self.pace.wait(method, self._id(str(args.get("channel", "")))) if self.pace else None
        return rate_limited(str(math.ceil(wait.total_seconds()))) if wait else Trouble()

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        """Take what only the presser of a button sees."""
        trouble = self.troubles.popleft() if self.troubles else Trouble()
        if trouble.until:
            await trouble.until.wait()
        if trouble != Trouble():
            return await self._fail(request, trouble)
        reply: dict[str, Any] = await request.json()
        if refusal(reply):
            return web.Response(status=400)
        self.replies.append(reply)
        if self.log is not None:
            shown = {name: reply[name] for name in ("text", "blocks", "replace_original")}
            with self.log.open("a", encoding="utf-8") as log:
                log.write(
                    json.dumps({"what": "reply", "channel": "", "thread_ts": ""} | shown) + "\n"
                )
        return web.Response(text="ok")

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        """Take what is posted to an incoming webhook, and show it in its channel."""
        trouble = self.troubles.popleft() if self.troubles else Trouble()
        posted: dict[str, Any] = await request.json()
        error = refusal(posted)
        if not error and (trouble == Trouble() or trouble.accept):
            self.call("chat.postMessage", {"channel": HOOK_CHANNEL} | posted)
        if trouble != Trouble():
            return await self._fail(request, trouble)
        return web.Response(text=error or "ok", status=400 if error else 200)

    async def _fail(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        if trouble.hang:
            await self._released.wait()
        if trouble.drop and request.transport is not None:
            request.transport.abort()
        body = trouble.body
        if body is None:
            body = json.dumps({"ok": False, "error": trouble.code or "internal_error"}).encode()
        return web.Response(
            body=body,
            status=trouble.status,
            content_type=trouble.content_type,
            headers=dict(trouble.headers),
        )

    def call(self, method: str, args: dict[str, Any]) -> dict[str, Any]:
        """Return the answer of a method, as if it had been called."""
        if method in self.missing_scopes:
            return {"ok": False, "error": "missing_scope"}
        methods = {
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.open": self._open,
            "conversations.list": self._list,
            "apps.connections.open": self._connect,
            "dnd.info": self._silence,
            "views.open": self._view,
            "auth.test": self._test,
        }
        known = methods.get(method)
        return known(args) if known else {"ok": False, "error": "unknown_method"}

    def _history(self, args: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in self.messages if not one.thread_ts or one.broadcast]
        return self._page(args, list(reversed(found)))

    def _replies(self, args: dict[str, Any]) -> dict[str, Any]:
        found = [one for one in self.messages if args["ts"] in {one.ts, one.thread_ts}]
        return self._page(args, found)

    def _open(self, args: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "channel": {"id": self._id(args["users"])}}

    def _connect(self, _args: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "url": f"ws://127.0.0.1:{self.port}/link"}

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        """Keep a socket open; what comes over it are acknowledgements."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.greets:
            await socket.send_json({"type": "hello"})
        self.sockets.append(socket)
        async for message in socket:
            told = message.json()
            self.acknowledgements[told["envelope_id"]] = told.get("payload", {})
            self.acknowledged[told["envelope_id"]].set()
        self.sockets.remove(socket)
        return socket

    async def _press(self, request: web.Request) -> web.Response:
        """Tell over the socket of what a test in another process presses; answer when that is heard."""
        async with asyncio.timeout(10):
            while not self.sockets:  # noqa: ASYNC110 (the service connects when it likes)
                await asyncio.sleep(0.01)
            told, name = await request.json(), f"envelope-{len(self.acknowledged)}"
            heard = await self.tell(told, "slash_commands" if "command" in told else "interactive")
            await heard.wait()
        return web.json_response(self.acknowledgements[name])

    async def tell(self, payload: object, kind: str = "interactive") -> asyncio.Event:
        """Tell of something over the newest socket; the event is set when that is acknowledged."""
        name = f"envelope-{len(self.acknowledged)}"
        heard = self.acknowledged[name] = asyncio.Event()
        await self.sockets[-1].send_json({"type": kind, "envelope_id": name, "payload": payload})
        return heard

    def _test(self, _args: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "team_id": "T01TEAM", "user_id": "UBOT"}

    def _view(self, args: dict[str, Any]) -> dict[str, Any]:
        """Open a dialog: a trigger is good for one."""
        trigger = args.get("trigger_id", "")
        if not trigger or trigger in self._triggers:
            return {
                "ok": False,
                "error": "exchanged_trigger_id" if trigger else "invalid_trigger_id",
            }
        error = view_refusal(args.get("view"))
        if error:
            return {"ok": False, "error": error}
        self._triggers.add(trigger)
        view = args["view"] | {"id": f"V{len(self.views)}"}
        self.views.append(view)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as log:
                said = {"what": "view", "channel": "", "thread_ts": "", "text": "", "view": view}
                log.write(json.dumps(said) + "\n")
        return {"ok": True, "view": view}

    def _silence(self, args: dict[str, Any]) -> dict[str, Any]:
        """Answer when somebody is in Do Not Disturb: as told here, or in the file beside the log."""
        told = self.log.with_suffix(".dnd") if self.log else None
        silences = json.loads(told.read_text()) if told and told.exists() else self.silences
        begin, end = silences.get(args["user"], (1, 1))
        is_on = args["user"] in silences
        return {
            "ok": True,
            "dnd_enabled": is_on,
            "next_dnd_start_ts": begin,
            "next_dnd_end_ts": end,
        }

    def _list(self, _args: dict[str, Any]) -> dict[str, Any]:
        named = [{"id": self._id(f"#{name}"), "name": name} for name in self._names()]
        return {"ok": True, "channels": named}

    def _names(self) -> list[str]:
        if self.channels is not None:
            return list(self.channels)
        named = {args.get("channel", "") for _, args in self.calls}
        return sorted(name[1:] for name in named if name.startswith("#"))

    def _id(self, channel: str) -> str:
        """Return the id of a channel given by name, id or member; empty when it does not exist."""
        if channel.startswith("#"):
            known = self.channels is None or channel[1:] in self.channels
            return "C" + channel[1:].upper().replace("-", "") if known else ""
        return "D" + channel[1:] if channel.startswith("U") else channel

    def _post(self, args: dict[str, Any]) -> dict[str, Any]:
        channel = self._id(str(args.get("channel", "")))
        error = refusal(args) if channel else "channel_not_found"
        if error:
            return {"ok": False, "error": error}
        self._ts += 1
        posted = Posted(
            channel=channel,
            ts=f"{_FIRST_TS + self._ts}.{self._ts:06d}",
            text=args.get("text", ""),
            blocks=args.get("blocks", []),
            key=args.get("metadata", {}).get("event_payload", {}).get("key", ""),
            thread_ts=args.get("thread_ts", ""),
            broadcast=args.get("reply_broadcast", False),
            args=args,
        )
        if posted.thread_ts and self._find(channel, posted.thread_ts) is None:
            return {"ok": False, "error": "thread_not_found"}
        self.messages.append(posted)
        self._write("post", posted)
        return {"ok": True, "channel": channel, "ts": posted.ts, "message": {}}

    def _update(self, args: dict[str, Any]) -> dict[str, Any]:
        posted = self._find(args.get("channel", ""), args.get("ts", ""))
        error = refusal(args) if posted else "message_not_found"
        if error or posted is None:
            return {"ok": False, "error": error}
        posted.edits.append(args)
        posted.text, posted.blocks = args.get("text", ""), args.get("blocks", [])
        self._write("edit", posted)
        return {"ok": True, "channel": posted.channel, "ts": posted.ts, "text": posted.text}

    def _find(self, channel: str, ts: str) -> Posted | None:
        found = [one for one in self.messages if (one.channel, one.ts) == (channel, ts)]
        return found[0] if found else None

    def _page(self, args: dict[str, Any], found: list[Posted]) -> dict[str, Any]:
        channels = {self._id(f"#{name}") for name in self._names()}
        channels |= {one.channel for one in self.messages}
        if args["channel"] not in channels and not args["channel"].startswith("D"):
            return {"ok": False, "error": "channel_not_found"}
        found = [one for one in found if one.channel == args["channel"]]
        start, limit = int(args.get("cursor") or 0), int(args.get("limit", 100))
        with_metadata = str(args.get("include_all_metadata", "")).lower() in {"1", "true"}
        shown = [_as_history(one, with_metadata) for one in found[start : start + limit]]
        more = str(start + limit) if start + limit < len(found) else ""
        return {"ok": True, "messages": shown, "response_metadata": {"next_cursor": more}}

    def _write(self, what: str, posted: Posted) -> None:
        if self.log is None:
            return
        line = {"what": what} | asdict(posted)
        for name in ("args", "edits"):
            del line[name]
        with self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def delete(self, posted: Posted) -> None:
        """Delete a message, as a person can."""
        self.messages.remove(posted)


def _as_history(posted: Posted, with_metadata: bool) -> dict[str, Any]:
    shown = {"type": "message", "ts": posted.ts, "text": posted.text}
    return shown | ({"metadata": posted.args.get("metadata", {})} if with_metadata else {})


async def _arguments(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        given: dict[str, Any] = await request.json()
        return given
    return dict(request.query) | dict(await request.post())


def _json(answer: dict[str, Any]) -> web.Response:
    return web.json_response(answer)


async def serve(port_file: Path, log: Path, port: int) -> None:
    """Serve until the process is ended; the port file appears when calls are answered."""
    slack = FakeSlack(log=log)
    slack.port = port
    await slack.start()
    partial = port_file.with_suffix(".part")
    partial.write_text(str(slack.port), encoding="utf-8")
    partial.rename(port_file)
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def fake_slack(*channels: str) -> AsyncIterator[FakeSlack]:
    """Yield a running server in which these channels exist; with none named, any name exists."""
    async with FakeSlack(channels or None) as slack:
        yield slack


def main() -> None:
    """Run as a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_slack")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(serve(given.port_file, given.log, given.port))


if __name__ == "__main__":
    main()
