import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notifiers.base import DeliveryError, Event, Message, Part, Receipt
from notifiers.samples import sample
from notifiers.slack import Slack
from tests.fake_slack import TOKEN, FakeSlack, Trouble, fake_slack, rate_limited

CHANNEL = "#data-alerts"


@pytest.fixture
async def server() -> AsyncIterator[FakeSlack]:
    async with fake_slack("data-alerts", "other") as running:
        yield running


@pytest.fixture
async def slack(server: FakeSlack) -> AsyncIterator[Slack]:
    client = Slack(TOKEN, server.api, deadline=timedelta(seconds=5))
    yield client
    await client.close()


def message_of(
    event: Event = Event.OPENED,
    part: Part = Part.ROOT,
    address: str = CHANNEL,
    key: str = "n-1",
    remote: dict[str, str] | None = None,
) -> Message:
    return Message(key, address, part, 1, sample(event), remote or {})


async def send(slack: Slack, message: Message) -> Receipt:
    return await slack.send(message, slack.render(message))


async def failure(slack: Slack, message: Message) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await send(slack, message)
    assert TOKEN not in str(caught.value)
    return caught.value


async def test_a_root_message_is_posted_with_its_line_blocks_and_key(
    server: FakeSlack, slack: Slack
) -> None:
    message = message_of()
    receipt = await send(slack, message)
    [posted] = server.messages
    assert receipt.remote == {"channel": "CDATAALERTS", "ts": posted.ts}
    assert posted.text == slack.render(message).line
    assert len(posted.blocks) == 5
    assert posted.key == "n-1"


async def test_nothing_unfurls_and_no_name_becomes_a_mention(
    server: FakeSlack, slack: Slack
) -> None:
    await send(slack, message_of())
    args = server.messages[0].args
    assert (args["unfurl_links"], args["unfurl_media"], args["link_names"]) == (False,) * 3
    assert args["parse"] == "none"


async def test_a_page_goes_to_the_person(server: FakeSlack, slack: Slack) -> None:
    receipt = await send(slack, message_of(part=Part.PAGE, address="@U01ANA"))
    assert server.calls[0][1]["channel"] == "U01ANA"
    assert receipt.remote["channel"] == "D01ANA"


async def test_a_channel_can_be_given_by_id(server: FakeSlack, slack: Slack) -> None:
    await send(slack, message_of(address="#C0123ABCD"))
    assert server.calls[0][1]["channel"] == "C0123ABCD"


async def test_an_edit_changes_the_message_in_place(server: FakeSlack, slack: Slack) -> None:
    root = await send(slack, message_of())
    edit = message_of(Event.TAKEN, Part.EDIT, key="n-2", remote=dict(root.remote))
    assert await send(slack, edit) == root
    [posted] = server.messages
    assert posted.text.startswith("👀 TAKEN")
    assert posted.key == "n-1"


async def test_a_thread_line_stands_below_its_root(server: FakeSlack, slack: Slack) -> None:
    root = await send(slack, message_of())
    await send(slack, message_of(Event.TAKEN, Part.THREAD, key="n-2", remote=dict(root.remote)))
    assert server.messages[1].thread_ts == root.remote["ts"]
    assert not server.messages[1].broadcast


async def test_back_again_is_seen_in_the_channel_too(server: FakeSlack, slack: Slack) -> None:
    root = await send(slack, message_of())
    again = message_of(Event.BACK_AGAIN, Part.THREAD, key="n-2", remote=dict(root.remote))
    await send(slack, again)
    assert server.messages[1].broadcast


@pytest.mark.parametrize("part", [Part.EDIT, Part.THREAD])
async def test_what_has_no_root_is_posted_as_a_message_of_its_own(
    part: Part, server: FakeSlack, slack: Slack
) -> None:
    receipt = await send(slack, message_of(Event.TAKEN, part))
    assert [posted.ts for posted in server.messages] == [receipt.remote["ts"]]
    assert server.messages[0].thread_ts == ""


@pytest.mark.parametrize("part", [Part.EDIT, Part.THREAD])
async def test_if_the_root_was_deleted_the_text_is_posted_anew_once(
    part: Part, server: FakeSlack, slack: Slack
) -> None:
    root = await send(slack, message_of())
    server.delete(server.messages[0])
    receipt = await send(slack, message_of(Event.TAKEN, part, key="n-2", remote=dict(root.remote)))
    [posted] = server.messages
    assert posted.key == "n-2"
    assert receipt.remote["ts"] == posted.ts != root.remote["ts"]
    assert len(server.calls) == 3


async def test_an_edit_in_a_channel_that_is_gone_is_not_repeated_for_ever(
    server: FakeSlack, slack: Slack
) -> None:
    gone = {"channel": "CGONE", "ts": "1.1"}
    edit = message_of(Event.TAKEN, Part.EDIT, address="#gone", remote=gone)
    assert (await failure(slack, edit)).permanent
    assert [method for method, _ in server.calls] == ["chat.update", "chat.postMessage"]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("1", 1),
        ("30", 30),
        (None, 30),
        ("abc", 30),
        ("-5", 30),
        ("0", 1),
        ("9" * 8, 3600),
        ("1.5", 30),
    ],
)
async def test_slack_is_left_alone_for_as_long_as_it_asks(
    said: str | None, seconds: int, server: FakeSlack, slack: Slack
) -> None:
    server.troubles.append(rate_limited(said))
    error = await failure(slack, message_of())
    assert error.retry_after == timedelta(seconds=seconds)
    assert (error.permanent, error.unknown) == (False, False)
    assert len(server.calls) == 1, "the library must not try again by itself"


@pytest.mark.parametrize(
    "code",
    [
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "invalid_auth",
        "account_inactive",
        "token_revoked",
        "missing_scope",
        "user_not_found",
    ],
)
async def test_what_only_a_person_can_mend_is_permanent(
    code: str, server: FakeSlack, slack: Slack
) -> None:
    server.troubles.append(Trouble(code=code))
    error = await failure(slack, message_of())
    assert (error.permanent, error.unknown) == (True, False)
    assert code in str(error)


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(code="internal_error"),
        Trouble(code="fatal_error"),
        Trouble(status=500, body=b"oops", content_type="text/html"),
        Trouble(status=503, body=b"", content_type="text/plain"),
        Trouble(drop=True),
        Trouble(drop=True, accept=True),
    ],
)
async def test_where_slack_does_not_know_neither_do_we(
    trouble: Trouble, server: FakeSlack, slack: Slack
) -> None:
    server.troubles.append(trouble)
    error = await failure(slack, message_of())
    assert (error.permanent, error.unknown) == (False, True)
    assert len(server.calls) == 1


GARBLED = {
    "ok false without a reason": (b'{"ok": false}', "application/json"),
    "ok that is not true": (b'{"ok": "yes", "channel": "C1", "ts": "1.1"}', "application/json"),
    "ok without a message": (b'{"ok": true}', "application/json"),
    "a list": (b"[1, 2]", "application/json"),
    "half of it": (b'{"ok": tr', "application/json"),
    "deep nesting": (b"[" * 100_000, "application/json"),
    "a web page": (b"<html>welcome</html>", "text/html"),
    "plain text": (b"ok", "text/plain"),
    "packed": (b"\x1f\x8b", "application/gzip"),
    "nothing": (b"", "application/json"),
    "ten megabytes": (b" " * 10_000_000 + b'{"ok": true}', "application/json"),
    "our own token": (f'{{"ok": false, "error": "{TOKEN} is bad"}}'.encode(), "application/json"),
}


@pytest.mark.parametrize("name", GARBLED)
async def test_a_garbled_answer_never_counts_as_sent(
    name: str, server: FakeSlack, slack: Slack
) -> None:
    body, content_type = GARBLED[name]
    server.troubles.append(Trouble(body=body, content_type=content_type))
    assert (await failure(slack, message_of())).unknown


async def test_an_unlisted_refusal_may_be_tried_again(server: FakeSlack, slack: Slack) -> None:
    server.troubles.append(Trouble(code="something_new"))
    error = await failure(slack, message_of())
    assert (error.permanent, error.unknown) == (False, False)


async def test_a_refused_connection_is_known_not_to_have_arrived(server: FakeSlack) -> None:
    await server.stop()
    slack = Slack(TOKEN, server.api)
    error = await failure(slack, message_of())
    await slack.close()
    assert (error.permanent, error.unknown) == (False, False)


async def test_a_time_out_after_the_request_left_is_unknown(server: FakeSlack) -> None:
    slack = Slack(TOKEN, server.api, deadline=timedelta(seconds=0.2))
    server.troubles.append(Trouble(hang=True, accept=True))
    error = await failure(slack, message_of())
    await slack.close()
    assert error.unknown
    assert len(server.messages) == 1


async def test_a_time_out_before_the_request_left_is_known() -> None:
    writers: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    slack = Slack(TOKEN, f"https://127.0.0.1:{port}/", deadline=timedelta(seconds=0.2))
    error = await failure(slack, message_of())
    await slack.close()
    for writer in writers:
        writer.close()
    silent.close()
    assert not error.unknown


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", "msg_too_long"])
async def test_a_refused_layout_goes_out_as_its_line(
    code: str, server: FakeSlack, slack: Slack
) -> None:
    server.troubles.append(Trouble(code=code))
    message = message_of()
    await send(slack, message)
    [posted] = server.messages
    assert posted.text == slack.render(message).line
    assert posted.blocks == []
    assert posted.key == "n-1"


async def test_a_refused_line_goes_out_as_a_stub(server: FakeSlack, slack: Slack) -> None:
    server.troubles.extend([Trouble(code="invalid_blocks"), Trouble(code="msg_too_long")])
    await send(slack, message_of())
    assert server.lines == [
        "Incident 1042: its message could not be shown here. https://watchdog.example.com/i/1042"
    ]


async def test_a_refused_stub_is_permanent(server: FakeSlack, slack: Slack) -> None:
    server.troubles.extend([Trouble(code="invalid_blocks")] * 3)
    assert (await failure(slack, message_of())).permanent
    assert len(server.calls) == 3


async def test_an_edit_with_a_refused_layout_is_edited_without(
    server: FakeSlack, slack: Slack
) -> None:
    root = await send(slack, message_of())
    server.troubles.append(Trouble(code="invalid_blocks"))
    await send(slack, message_of(Event.TAKEN, Part.EDIT, remote=dict(root.remote)))
    assert server.messages[0].blocks == []


@pytest.mark.parametrize("address", [CHANNEL, "@U01ANA"])
async def test_a_message_that_arrived_unheard_is_found_by_its_key(
    address: str, server: FakeSlack, slack: Slack
) -> None:
    server.troubles.append(Trouble(drop=True, accept=True))
    message = message_of(address=address)
    assert (await failure(slack, message)).unknown
    receipt = await slack.look_up(message)
    assert receipt is not None
    assert receipt.remote == {"channel": server.messages[0].channel, "ts": server.messages[0].ts}


async def test_a_message_that_did_not_arrive_is_not_found(server: FakeSlack, slack: Slack) -> None:
    server.troubles.append(Trouble(code="internal_error"))
    await failure(slack, message_of())
    await send(slack, message_of(key="n-10"))
    assert await slack.look_up(message_of()) is None


async def test_a_thread_line_is_looked_for_in_its_thread(server: FakeSlack, slack: Slack) -> None:
    root = await send(slack, message_of())
    line = message_of(Event.TAKEN, Part.THREAD, key="n-2", remote=dict(root.remote))
    await send(slack, line)
    receipt = await slack.look_up(line)
    assert receipt is not None
    assert receipt.remote["ts"] == server.messages[1].ts


async def test_an_old_message_is_found_some_pages_back(server: FakeSlack, slack: Slack) -> None:
    at = sample(Event.OPENED).at - timedelta(days=300)
    old = replace(message_of(key="n-old"), facts=replace(sample(Event.OPENED), at=at))
    await send(slack, old)
    for number in range(250):
        await send(slack, message_of(key=f"x-{number}"))
    receipt = await slack.look_up(old)
    assert receipt is not None
    assert receipt.remote["ts"] == server.messages[0].ts


async def test_not_being_able_to_look_is_not_the_same_as_not_there(
    server: FakeSlack, slack: Slack
) -> None:
    server.missing_scopes.add("conversations.history")
    with pytest.raises(DeliveryError) as caught:
        await slack.look_up(message_of())
    assert caught.value.permanent


async def test_one_connection_is_kept_for_many_messages(server: FakeSlack, slack: Slack) -> None:
    for number in range(5):
        await send(slack, message_of(key=f"n-{number}"))
    assert len(server.peers) == 1


async def test_the_token_is_in_no_log(
    server: FakeSlack, slack: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.troubles.extend([Trouble(code="invalid_auth"), Trouble(body=TOKEN.encode())])
    for _ in range(2):
        await failure(slack, message_of())
    assert TOKEN not in caplog.text.replace(f"body: {TOKEN}", "")


async def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    server: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    slack = Slack(TOKEN, server.api)
    await send(slack, message_of())
    await slack.close()
    assert len(server.messages) == 1


async def test_hostile_facts_arrive_without_powers(server: FakeSlack, slack: Slack) -> None:
    evil: dict[str, Any] = dict.fromkeys(
        ("title", "fact", "detail", "words", "owner"), "<!channel> <@U1> x" * 600
    )
    message = replace(message_of(), facts=replace(sample(Event.OPENED), **evil))
    await send(slack, message)
    assert server.live_mentions == []


async def test_an_edit_of_unknown_outcome_is_not_found_and_can_safely_be_sent_again(
    server: FakeSlack, slack: Slack
) -> None:
    root = await send(slack, message_of())
    edit = message_of(Event.TAKEN, Part.EDIT, key="n-2", remote=dict(root.remote))
    server.troubles.append(Trouble(drop=True, accept=True))
    assert (await failure(slack, edit)).unknown
    assert await slack.look_up(edit) is None
    assert await send(slack, edit) == root
    assert len(server.messages) == 1


async def test_many_at_once_do_not_mix_up_their_outcomes(server: FakeSlack, slack: Slack) -> None:
    server.troubles.extend([Trouble(), Trouble(code="is_archived")] * 10)
    outcomes: list[bool] = []

    async def one(number: int) -> None:
        try:
            await send(slack, message_of(key=f"n-{number}"))
        except DeliveryError as error:
            outcomes.append(error.permanent)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(one(number), name=f"message {number}")
    assert outcomes == [True] * 10
    assert len(server.messages) == 10


SILENT = (1_780_000_000, 1_780_030_000)
SPAN = tuple(datetime.fromtimestamp(one, UTC) for one in SILENT)


@pytest.mark.parametrize("part", [Part.PAGE, Part.THREAD])
async def test_a_push_to_a_person_says_when_their_phone_stays_silent(
    server: FakeSlack, slack: Slack, part: Part
) -> None:
    server.silences["U01ANA"] = SILENT
    receipt = await send(slack, message_of(part=part, address="@U01ANA"))
    assert receipt.silences == (SPAN,)
    assert [method for method, _ in server.calls] == ["chat.postMessage", "dnd.info"]


async def test_nobody_is_asked_for_what_pushes_no_person(server: FakeSlack, slack: Slack) -> None:
    posted = await send(slack, message_of())
    page = await send(slack, message_of(part=Part.PAGE, address="@U01ANA"))
    for address, remote in ((CHANNEL, posted.remote), ("@U01ANA", page.remote)):
        await send(slack, message_of(part=Part.EDIT, address=address, remote=dict(remote)))
    assert [method for method, _ in server.calls].count("dnd.info") == 1


@pytest.mark.parametrize(
    "trouble",
    [
        *(Trouble(code="missing_scope"), Trouble(status=500), Trouble(drop=True)),
        *(Trouble(body=b"<html>"), rate_limited("30"), Trouble(hang=True)),
    ],
    ids=["scope", "500", "dropped", "html", "rate", "hangs"],
)
async def test_whatever_comes_of_that_question_the_page_has_arrived(
    server: FakeSlack, slack: Slack, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifiers.slack._SILENCE_SECONDS", 0.2)
    server.silences["U01ANA"] = SILENT
    server.troubles.extend([Trouble(), trouble, trouble])  # a question may be asked twice
    receipt = await send(slack, message_of(part=Part.PAGE, address="@U01ANA"))
    assert (receipt.silences, len(server.messages)) == ((), 1)
    assert receipt.remote["channel"] == "D01ANA"


async def test_a_missing_scope_is_said_once_and_not_for_each_page(
    server: FakeSlack, slack: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    server.missing_scopes.add("dnd.info")
    for number in range(3):
        await send(slack, message_of(part=Part.PAGE, address="@U01ANA", key=f"n-{number}"))
    told = [one for one in caplog.records if "Do Not Disturb" in one.message]
    assert [one.message.endswith("its app needs the scope dnd:read") for one in told] == [True]


async def test_a_page_that_is_found_after_a_doubt_says_it_too(
    server: FakeSlack, slack: Slack
) -> None:
    message = message_of(part=Part.PAGE, address="@U01ANA")
    await send(slack, message)
    server.silences["U01ANA"] = SILENT
    found = await slack.look_up(message)
    assert found is not None
    assert found.silences == (SPAN,)
