"""The one address that Slack may post to: what it takes, and what it refuses without a word too many."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fake_slack import Trouble
from tests.page import stored
from tests.slack_desk import PATH, Desk, running_desk
from tests.slack_presses import FORM, SIGNING_SECRET, Signed, form_of, signed
from watchdog.clock import MovedClock
from watchdog.web.slack import BODY_MAX


@pytest.fixture
async def desk(store: asyncpg.Pool, clock: MovedClock) -> AsyncIterator[Desk]:
    async with running_desk(store, clock) as desk:
        yield desk


async def test_what_slack_has_not_signed_moves_nothing(desk: Desk) -> None:
    root = await desk.open()
    body = form_of(root.pressed("Take"))
    for request in (
        Signed(body, {"content-type": FORM}),
        signed(body, desk.clock.now(), secret="another"),
        Signed(body + b"&x=1", signed(body, desk.clock.now()).headers),
    ):
        answer = await desk.send(request)
        assert answer.status_code == 401
        assert "signed" in answer.text or "signature" in answer.text
    assert (await stored(desk.page.service.pool)).version == 1


@pytest.mark.parametrize(("seconds", "ahead_s"), [(-301, 301.0), (301, -301.0)])
async def test_what_is_signed_at_another_time_is_refused_and_the_log_names_our_skew(
    seconds: int, ahead_s: float, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    root = await desk.open()
    caplog.set_level(logging.WARNING)
    at = desk.clock.now() + timedelta(seconds=seconds)
    answer = await desk.send(signed(form_of(root.pressed("Take")), at))
    assert (answer.status_code, answer.text) == (401, "signed more than 300 s from now\n")
    [line] = [one for one in caplog.records if one.name == "watchdog.web.slack"]
    assert vars(line)["our_clock_is_ahead_s"] == ahead_s
    assert (await stored(desk.page.service.pool)).version == 1


async def test_without_a_signing_secret_no_button_leads_anywhere(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_desk(store, clock, secret="") as desk:
        answer = await desk.send(signed(b"payload={}", clock.now()))
    assert answer.status_code == 404
    assert answer.text == "channels.slack has no signing_secret, so no button leads here\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload",
        b"payload=",
        b"payload={",
        b"payload=null",
        b"payload=[]",
        b"payload=%00",
        b"payload=%ff%fe",
        b"payload=" + b"[" * 100_000,
        b"payload=" + b"9" * 10_000,
        b"payload=NaN",
        b"payload=%22block_actions%22",
        b"a=1&" * 100,
        b'{"type": "block_actions"}',
        form_of({"type": "block_actions", "actions": [{"action_id": "take", "value": "1042"}]}),
        form_of({"type": "view_submission"}),
    ],
)
async def test_what_is_signed_and_no_press_is_refused_with_a_sentence(
    body: bytes, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await desk.send(signed(body, desk.clock.now()))
    assert answer.status_code == 400
    assert answer.text.count("\n") == 1
    assert "Traceback" not in caplog.text


async def test_a_request_is_read_up_to_a_megabyte(desk: Desk) -> None:
    body = form_of({"type": "view_submission", "x": "y" * (BODY_MAX - 200)})
    assert (await desk.send(signed(body, desk.clock.now()))).status_code == 400
    too_long = signed(b"payload=" + b"x" * BODY_MAX, desk.clock.now())
    with contextlib.suppress(OSError):  # it may be cut off in mid-sentence
        assert (await desk.send(too_long)).status_code == 413


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_the_address_is_for_posting_only(method: str, desk: Desk) -> None:
    assert (await desk.client.request(method, PATH)).status_code == 405


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}],
)
async def test_a_page_of_another_site_is_refused_even_with_a_signature(
    headers: Mapping[str, str], desk: Desk
) -> None:
    root = await desk.open()
    request = signed(form_of(root.pressed("Take")), desk.clock.now())
    answer = await desk.send(Signed(request.body, {**request.headers, **headers}))
    assert answer.status_code == 403
    assert (await stored(desk.page.service.pool)).version == 1


async def test_a_signature_opens_nothing_but_its_own_address(desk: Desk) -> None:
    await desk.open()
    request = signed(b"words=x", desk.clock.now())
    for path in ("/i/1042/take", "/i/1042/note", "/slack", "/slack/", "/slack/actions/1"):
        answer = await desk.client.post(path, content=request.body, headers=dict(request.headers))
        assert answer.status_code == 401, path
    assert (await stored(desk.page.service.pool)).version == 1


_VALUES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.lists(st.text(max_size=5))
)
_CHANGES = st.dictionaries(
    st.sampled_from(["type", "user", "container", "team", "response_url", "trigger_id", "actions"]),
    _VALUES | st.dictionaries(st.sampled_from(["id", "channel_id", "message_ts", "name"]), _VALUES),
    max_size=3,
)
_ACTION = st.dictionaries(
    st.sampled_from(["action_id", "value", "selected_option", "action_ts", "type"]),
    _VALUES | st.sampled_from(["take", "more", "escalate", "1042.1.7", "9" * 1999]),
    max_size=3,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_CHANGES, _ACTION)
async def test_no_signed_payload_whatever_is_in_it_is_our_mistake(
    desk: Desk, changes: dict[str, Any], action: dict[str, Any]
) -> None:
    root = desk.slack.messages[0] if desk.slack.messages else await desk.open()
    payload = root.pressed("Take", hook=desk.slack.hook, user="U03MEI")
    [one] = payload["actions"]
    answer = await desk.tell({**payload, "actions": [{**one, **action}], **changes})
    assert answer.status_code in {200, 400}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=300)
    | st.text(max_size=100).map(lambda one: urlencode({"payload": one}).encode()),
    st.booleans(),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=90).map(str.strip),
)
async def test_no_request_of_a_stranger_is_our_mistake(
    desk: Desk, body: bytes, is_signed: bool, odd: str
) -> None:
    request = signed(body, desk.clock.now())
    if not is_signed:
        name = ("x-slack-signature", "x-slack-request-timestamp")[len(odd) % 2]
        request = Signed(body, {**request.headers, name: odd})
    answer = await desk.client.post(
        PATH,
        content=request.body,
        headers=[
            (name.encode(), value.encode("latin-1")) for name, value in request.headers.items()
        ],
    )
    assert answer.status_code in ({400, 401} if is_signed else {401})


async def test_a_reply_goes_to_slack_only_and_the_press_counts_all_the_same(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    root = await desk.open()
    await desk.press(root, "Take", user="U01ANA")
    payload = root.pressed("Take")
    caplog.set_level(logging.WARNING)
    for address in ("http://127.0.0.1:9/actions/T/1/x", "https://evil.example/x", "", 7):
        assert (await desk.tell({**payload, "response_url": address})).status_code == 200
    told = [one.message for one in caplog.records if one.name == "watchdog.web.slack"]
    assert told == ["a presser in Slack was not answered: the address is not Slack's"] * 4
    assert desk.replied() == []
    assert "evil.example" not in caplog.text


@pytest.mark.parametrize(
    "trouble",
    [Trouble(drop=True), Trouble(status=500), Trouble(status=302, headers=(("Location", "/x"),))],
)
async def test_a_reply_that_slack_does_not_take_fails_nothing(
    trouble: Trouble, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    root = await desk.open()
    desk.slack.troubles.append(trouble)
    caplog.set_level(logging.WARNING)
    assert (await desk.press(root, "Take", user="U03MEI")).status_code == 200
    [line] = [one for one in caplog.records if one.name == "watchdog.web.slack"]
    assert vars(line)["reason"].startswith("slack ")
    assert "secret" not in caplog.text


async def test_a_reply_that_hangs_does_not_hold_the_answer(desk: Desk) -> None:
    root = await desk.open()
    held = asyncio.Event()
    desk.slack.troubles.append(Trouble(until=held, status=500))
    request = signed(
        form_of(root.pressed("Take", user="U03MEI", hook=desk.slack.hook)), desk.clock.now()
    )
    answer = await desk.client.post(PATH, content=request.body, headers=dict(request.headers))
    assert answer.status_code == 200, "though nobody has let Slack go on"
    held.set()
    await desk.clock.rest()


async def test_no_secret_of_slacks_stands_on_a_page_or_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await desk.press(await desk.open(), "Take")
    async with desk.page.signed_in() as ana:
        seen = await ana.read("/?all") + await ana.read("/i/1042") + await ana.read("/outbox/1")
    assert SIGNING_SECRET not in seen + caplog.text + json.dumps(desk.slack.replies)


async def test_the_outbox_shows_buttons_as_links_to_where_they_work_there(desk: Desk) -> None:
    await desk.open()
    async with desk.page.signed_in() as ana:
        shown = await ana.read("/outbox/1")
    assert '<a class="button quiet" href="/i/1042/take">Take</a>' in shown
    assert (
        '<a class="button quiet" href="/i/1042">⋯ Hand over… · Escalate now · Add note · ' in shown
    )
