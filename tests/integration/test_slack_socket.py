"""Socket Mode: presses arrive over a connection that we open, and keep open."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import asyncpg
import pytest
from pydantic import SecretStr

from tests.fake_slack import APP_TOKEN, FakeSlack, Trouble
from tests.page import stored
from tests.slack_desk import Desk, running_desk
from tests.slack_presses import WORKSPACE, command_of, form_of, signed
from tests.slack_views import submission_of
from watchdog.clock import MovedClock
from watchdog.config.model import SlackChannel

SECONDS = timedelta(seconds=1)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (seen from outside)
            await asyncio.sleep(0.005)


@dataclass
class Line:
    """A service that has opened a socket to its Slack."""

    desk: Desk
    task: asyncio.Task[None]

    @property
    def slack(self) -> FakeSlack:
        return self.desk.slack

    @property
    def is_open(self) -> bool:
        return self.desk.page.web._room.is_slack_open

    async def comes(self, *, is_open: bool) -> None:
        """Wait until the socket is open, or closed, at both ends."""
        await until(lambda: self.is_open == bool(self.slack.sockets) == is_open)

    async def tell(self, payload: object, kind: str = "interactive") -> None:
        """Tell of something, and return when it is acknowledged and the service has come to rest."""
        async with asyncio.timeout(10):
            await (await self.slack.tell(payload, kind)).wait()
        await self.desk.clock.rest()

    def configure(self, **changes: object) -> None:
        """Let other settings of Slack be in force."""
        service = self.desk.page.service
        slack: SlackChannel = replace(service.config.slack, **changes)  # type: ignore[arg-type]
        service.config = replace(service.config, slack=slack)


@pytest.fixture
async def line(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Line]:
    async with running_desk(store, clock, secret="", app_token=APP_TOKEN) as desk:
        task = asyncio.ensure_future(desk.page.web.heed_slack())
        line = Line(desk, task)
        await line.comes(is_open=True)
        yield line
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_press_over_the_socket_takes_the_incident(line: Line) -> None:
    root = await line.desk.open()
    await line.tell(root.pressed("Take", hook=line.slack.hook))
    await line.desk.deliver()
    assert (await stored(line.desk.page.service.pool)).owner == "raj"
    assert root.text.startswith("👀 TAKEN")
    assert line.desk.replied() == []


async def test_the_slower_one_is_told_alone_after_slack_was_answered(line: Line) -> None:
    root = await line.desk.open()
    for user in ("U01ANA", "U02RAJ"):
        await line.tell(root.pressed("Take", hook=line.slack.hook, user=user))
    assert line.desk.replied() == ["ana took #1042 0s ago; take it over if that is agreed"]


async def test_a_dialog_over_the_socket_is_answered_with_the_acknowledgement(line: Line) -> None:
    root = await line.desk.open()
    await line.tell(root.pressed("Add note", hook=line.slack.hook))
    [view] = line.slack.views
    for words, answer in ((" ", {"words": "a note needs words."}), ("key rotated", None)):
        told = submission_of(view, {"words": words}, user="U02RAJ", name="raj", workspace=WORKSPACE)
        await line.tell(told)
        expected = {"response_action": "errors", "errors": answer} if answer else {}
        assert list(line.slack.acknowledgements.values())[-1] == expected
    assert (await stored(line.desk.page.service.pool)).version == 2


async def test_a_command_over_the_socket_is_answered_with_the_acknowledgement(line: Line) -> None:
    await line.desk.open()
    await line.tell(command_of("take 1042"), "slash_commands")
    answer = list(line.slack.acknowledgements.values())[-1]
    assert answer["text"].startswith("#1042 is yours: Orders stopped syncing.")
    assert (await stored(line.desk.page.service.pool)).owner == "raj"


async def test_many_press_at_once_and_each_is_answered(line: Line) -> None:
    roots = [await line.desk.open(number) for number in range(3001, 3011)]
    told = [await line.slack.tell(one.pressed("Take", hook=line.slack.hook)) for one in roots]
    async with asyncio.timeout(10):
        await asyncio.gather(*(one.wait() for one in told))
    owners = await line.desk.page.service.pool.fetch("select distinct owner from incident")
    assert [one["owner"] for one in owners] == ["raj"]


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"type": "event_callback"}, "events_api"),
        ({"command": "/other", "user_id": "U02RAJ"}, "slash_commands"),
        (None, "interactive"),
        ([[]], "interactive"),
        ({"type": "block_actions", "actions": [{"action_id": "boo"}]}, "interactive"),
    ],
)
async def test_what_is_no_press_is_acknowledged_and_moves_nothing(
    payload: object, kind: str, line: Line
) -> None:
    await line.desk.open()
    await line.tell(payload, kind)
    assert (await stored(line.desk.page.service.pool)).version == 1


@pytest.mark.parametrize("words", ["", "hello", "[]", "{", "[" * 50_000, '{"envelope_id": 7}'])
async def test_what_cannot_be_read_is_passed_over(words: str, line: Line) -> None:
    root = await line.desk.open()
    await line.slack.sockets[-1].send_str(words)
    await line.slack.sockets[-1].send_bytes(b"\xff\xfe")
    await line.tell(root.pressed("Take", hook=line.slack.hook))
    assert (await stored(line.desk.page.service.pool)).owner == "raj"


async def test_the_address_for_signed_requests_stays_closed(line: Line) -> None:
    root = await line.desk.open()
    answer = await line.desk.send(signed(form_of(root.pressed("Take")), line.desk.clock.now()))
    assert answer.status_code == 404


async def test_when_slack_wants_another_connection_it_gets_one_at_once(line: Line) -> None:
    [first] = line.slack.sockets
    await first.send_json({"type": "disconnect", "reason": "refresh_requested"})
    await until(lambda: bool(line.slack.sockets) and first not in line.slack.sockets)
    await line.comes(is_open=True)
    root = await line.desk.open()
    await line.tell(root.pressed("Take", hook=line.slack.hook))
    assert (await stored(line.desk.page.service.pool)).owner == "raj"


async def test_a_lost_connection_is_opened_anew_and_shown_meanwhile(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    await line.slack.sockets[-1].close()
    await line.comes(is_open=False)
    async with line.desk.page.signed_in() as ana:
        assert "watchdog_slack_socket_open 0.0" in await ana.read("/metrics")
        await line.desk.clock.advance(SECONDS)
        await line.comes(is_open=True)
        assert "watchdog_slack_socket_open 1.0" in await ana.read("/metrics")
    assert "slack's socket is not open, so its buttons do not answer" in caplog.text


async def test_a_slack_that_refuses_is_asked_less_and_less_often(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    line.slack.troubles.extend([Trouble(code="invalid_auth")] * 6)
    await line.slack.sockets[-1].close()
    await line.comes(is_open=False)
    line.slack.calls.clear()
    asked: list[int] = []
    for seconds in (10, 10, 20, 30, 60):
        await line.desk.clock.advance(seconds * SECONDS)
        asked.append(sum(method == "apps.connections.open" for method, _ in line.slack.calls))
    told = [vars(one) for one in caplog.records if one.name == "watchdog.web.slack_socket"]
    reasons = {one["reason"] for one in told if "reason" in one}
    assert "slack refused: invalid_auth" in reasons
    assert asked == [3, 4, 5, 6, 7]  # after 1, 2, 4, 8, 16, 32 and 60 s
    assert APP_TOKEN not in caplog.text + json.dumps([str(one) for one in told])


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"<html>",
        b'{"ok": true}',
        b'{"ok": true, "url": "https://evil.example"}',
        b'{"ok": true, "url": "file:///etc/passwd"}',
        b'{"ok": true, "url": "wss://127.0.0.1:9/link"}',
        b'{"ok": true, "url": "ws://[::1"}',
    ],
)
async def test_what_is_no_address_of_a_socket_is_not_connected_to(
    answer: bytes, line: Line
) -> None:
    line.slack.troubles.append(Trouble(body=answer))
    await line.slack.sockets[-1].close()
    await line.comes(is_open=False)
    await line.desk.clock.advance(SECONDS)
    await line.desk.clock.advance(2 * SECONDS)
    await line.comes(is_open=True)


async def test_a_socket_over_which_nothing_is_said_is_given_up(
    line: Line, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("notifiers.slack_socket.OPEN_SECONDS", 0.2)
    line.slack.greets = False
    await line.slack.sockets[-1].close()
    await line.comes(is_open=False)
    await line.desk.clock.advance(3 * SECONDS)
    await until(
        lambda: "slack did not say hello within 0.2 s" in str(list(map(vars, caplog.records)))
    )
    assert not line.is_open
    line.slack.greets = True
    await line.desk.clock.advance(60 * SECONDS)
    await line.comes(is_open=True)


async def test_without_a_token_any_more_the_socket_is_closed_and_with_one_opened(
    line: Line,
) -> None:
    line.configure(app_token=SecretStr(""))
    await line.desk.clock.advance(5 * SECONDS)
    await line.comes(is_open=False)
    line.configure(app_token=SecretStr(APP_TOKEN))
    await line.desk.clock.advance(5 * SECONDS)
    await line.comes(is_open=True)


async def test_a_mistake_of_ours_in_a_press_ends_nothing(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    root = await line.desk.open()
    service = line.desk.page.service
    people = service.config.directory.people
    broken = replace(service.config.directory, people={**people, "nobody": None})  # type: ignore[dict-item]
    whole, service.config = service.config, replace(service.config, directory=broken)
    await line.slack.tell(root.pressed("Take", hook=line.slack.hook))
    await until(lambda: "a press was not understood" in caplog.text)
    service.config = whole
    await line.tell(root.pressed("Take", hook=line.slack.hook))
    assert (await stored(service.pool)).owner == "raj"


async def test_a_stop_closes_the_socket(line: Line) -> None:
    line.task.cancel()
    await until(lambda: not line.slack.sockets)
