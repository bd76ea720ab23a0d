"""The webhook against a receiver that takes, refuses, asks to wait, hangs, and leads elsewhere."""

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from notifiers.base import DeliveryError, Event, Message, Part
from notifiers.samples import sample
from notifiers.webhook import Webhook, signature
from tests.hook_server import HookServer, Reply, silent_server
from tests.incidents import Story, states
from tests.post_office import PostOffice
from tests.postgres import NIGHT
from watchdog.clock import MovedClock
from watchdog.domain.routing import WEBHOOK

SECRET = "0123456789abcdef0123456789abcdef"
MESSAGE = Message("7-63", "events", Part.ROOT, 1, sample(Event.OPENED))


@pytest.fixture
async def server() -> AsyncIterator[HookServer]:
    async with HookServer() as server:
        yield server


@pytest.fixture
async def webhook(server: HookServer) -> AsyncIterator[Webhook]:
    webhook = Webhook(server.url, SECRET, lambda: NIGHT, deadline=timedelta(seconds=5))
    yield webhook
    await webhook.close()


async def send(webhook: Webhook, message: Message = MESSAGE) -> None:
    await webhook.send(message, webhook.render(message))


async def refused(webhook: Webhook, server: HookServer, reply: Reply) -> DeliveryError:
    """Return the error of a message that is answered so."""
    server.replies.append(reply)
    with pytest.raises(DeliveryError) as caught:
        await send(webhook)
    told = f"{caught.value!s} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert SECRET not in told
    assert "in-the-url" not in str(caught.value)
    return caught.value


async def test_what_is_posted_is_signed_over_its_raw_body_and_its_instant(
    webhook: Webhook, server: HookServer
) -> None:
    await send(webhook)

    [posted] = server.posted
    stamp = posted.headers["Watchdog-Timestamp"]
    assert int(stamp) == int(NIGHT.timestamp())
    assert posted.headers["Watchdog-Signature"] == signature(SECRET, stamp, posted.raw)
    assert posted.headers["Watchdog-Id"] == json.loads(posted.raw)["id"] == "7-63"
    assert posted.headers["Content-Type"] == "application/json"


async def test_a_body_that_was_changed_has_another_signature(
    webhook: Webhook, server: HookServer
) -> None:
    await send(webhook)

    [posted] = server.posted
    stamp, signed = posted.headers["Watchdog-Timestamp"], posted.headers["Watchdog-Signature"]
    assert signature(SECRET, stamp, posted.raw + b" ") != signed
    assert signature(SECRET, str(int(stamp) + 1), posted.raw) != signed
    assert signature(SECRET + "0", stamp, posted.raw) != signed


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_good_status_is_a_receipt(
    webhook: Webhook, server: HookServer, status: int
) -> None:
    server.replies.append(Reply(status))
    await send(webhook)
    assert len(server.posted) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422])
async def test_a_refusal_is_final(webhook: Webhook, server: HookServer, status: int) -> None:
    error = await refused(webhook, server, Reply(status))
    assert (error.permanent, error.unknown) == (True, False)
    assert str(status) in str(error)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(
    webhook: Webhook, server: HookServer, status: int
) -> None:
    error = await refused(webhook, server, Reply(status, (("Location", "/elsewhere"),)))
    assert error.permanent
    assert server.followed == 0


@pytest.mark.parametrize("status", [408, 409, 423, 425])
async def test_what_is_not_taken_now_is_tried_again(
    webhook: Webhook, server: HookServer, status: int
) -> None:
    error = await refused(webhook, server, Reply(status))
    assert (error.permanent, error.unknown, error.retry_after) == (False, False, None)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("said", "seconds"),
    [("1", 1), ("30", 30), (None, 30), ("abc", 30), ("-5", 30), ("999999", 3600)],
)
async def test_a_wait_is_as_long_as_it_was_asked_for(
    webhook: Webhook, server: HookServer, status: int, said: str | None, seconds: int
) -> None:
    headers = (("Retry-After", said),) if said else ()
    error = await refused(webhook, server, Reply(status, headers))
    assert error.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize("reply", [Reply(500), Reply(502), Reply(drop=True)])
async def test_after_a_failure_nobody_knows_whether_it_was_taken(
    webhook: Webhook, server: HookServer, reply: Reply
) -> None:
    error = await refused(webhook, server, reply)
    assert (error.permanent, error.unknown, error.is_outage) == (False, True, True)


async def test_who_never_answers_is_left_at_the_deadline(server: HookServer) -> None:
    webhook = Webhook(server.url, SECRET, lambda: NIGHT, deadline=timedelta(milliseconds=50))
    error = await refused(webhook, server, Reply(hang=True))
    await webhook.close()
    assert error.unknown


async def test_who_cannot_be_reached_has_taken_nothing() -> None:
    webhook = Webhook("http://127.0.0.1:1/in", SECRET, lambda: NIGHT)
    with pytest.raises(DeliveryError, match="cannot be reached") as caught:
        await send(webhook)
    await webhook.close()
    assert (caught.value.unknown, caught.value.is_outage) == (False, True)


async def test_who_takes_a_connection_and_says_nothing_has_taken_nothing() -> None:
    with silent_server() as url:
        webhook = Webhook(url, SECRET, lambda: NIGHT, deadline=timedelta(milliseconds=100))
        with pytest.raises(DeliveryError) as caught:
            await send(webhook)
        await webhook.close()
    assert (caught.value.unknown, caught.value.is_outage) == (False, True)


async def test_of_a_large_answer_little_is_read_and_nothing_is_unpacked(
    webhook: Webhook, server: HookServer
) -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    server.replies.append(Reply(headers=(("Content-Encoding", "gzip"),), body=bomb))
    server.replies.append(Reply(body=bytes(2 * 1024 * 1024)))
    await send(webhook)
    await send(webhook)
    await send(webhook)
    assert len(server.posted) == 3


async def test_each_event_of_an_incident_comes_in_order_and_again_under_its_id(
    store: asyncpg.Pool, clock: MovedClock, webhook: Webhook, server: HookServer
) -> None:
    office = PostOffice(store, clock)
    worker = office.worker(notifiers={"webhook": webhook})
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (WEBHOOK, Part.ROOT))
    for event in (Event.TAKEN, Event.RECOVERED):
        await story.tell(event, NIGHT, (WEBHOOK, Part.THREAD))
    server.replies += [Reply(500), Reply()]

    await office.deliver_all(worker)

    bodies = [json.loads(one.raw) for one in server.posted]
    assert [one["event"] for one in bodies] == ["opened", "opened", "taken", "recovered"]
    assert [one["number"] for one in bodies] == [1, 1, 2, 3]
    assert bodies[0] == bodies[1]
    assert len({one["id"] for one in bodies}) == 3
    assert {state for _, _, state in await states(store)} == {"sent"}


async def test_hostile_texts_arrive_as_they_are_but_no_longer_than_allowed(
    webhook: Webhook, server: HookServer
) -> None:
    facts = replace(sample(Event.OPENED), title='"}\r\nX: y\x00\u202e😀', detail="x" * 100_000)
    await send(webhook, replace(MESSAGE, facts=facts))

    told = json.loads(server.posted[0].raw)["incident"]
    assert told["title"] == facts.title
    assert len(told["detail"]) == 4000
