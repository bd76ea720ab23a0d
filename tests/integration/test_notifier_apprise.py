"""Apprise itself, posting to a receiver of our own."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from hypothesis import given

from notifiers.apprise_room import BODY_MAX, AppriseRoom, is_known
from notifiers.base import DeliveryError, Event, Facts, Message, Part
from notifiers.samples import sample
from tests.any_facts import any_facts
from tests.hook_server import HookServer, Reply
from tests.incidents import Story, states
from tests.post_office import PostOffice
from tests.postgres import NIGHT
from watchdog.clock import MovedClock
from watchdog.config.load import load_text
from watchdog.domain.routing import APPRISE

MESSAGE = Message("7-63", "room", Part.ROOT, 1, sample(Event.OPENED))


@pytest.fixture
async def server() -> AsyncIterator[HookServer]:
    async with HookServer() as server:
        yield server


def room(server: HookServer, **more: timedelta) -> AppriseRoom:
    return AppriseRoom(f"json://ana:in-the-url@127.0.0.1:{server.port}/in", **more)


async def failure(room: AppriseRoom) -> DeliveryError:
    """Return the error of a message that is not taken."""
    with pytest.raises(DeliveryError) as caught:
        await room.send(MESSAGE, room.render(MESSAGE))
    assert "in-the-url" not in f"{caught.value!s} {caught.value.__cause__!r}"
    return caught.value


async def test_the_line_is_the_title_and_the_way_to_act_stands_below(server: HookServer) -> None:
    await room(server).send(MESSAGE, room(server).render(MESSAGE))

    told = json.loads(server.posted[0].raw)
    assert told["title"].startswith("🔴 CRITICAL Orders stopped syncing")
    assert "https://watchdog.example.com/i/1042" in told["message"]
    assert told["type"] == "failure"


@pytest.mark.parametrize("reply", [Reply(500), Reply(403), Reply(drop=True)])
async def test_of_a_failure_nobody_knows_more_and_no_log_tells_the_address(
    server: HookServer, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.replies.append(reply)

    error = await failure(room(server))

    assert (error.unknown, error.permanent) == (True, False)
    assert "in-the-url" not in caplog.text


async def test_who_never_answers_is_left_at_the_deadline(server: HookServer) -> None:
    server.replies.append(Reply(hang=True))
    assert (await failure(room(server, deadline=timedelta(milliseconds=200)))).unknown


async def test_what_hangs_keeps_no_thread_of_others_and_what_waits_behind_it_has_not_begun(
    server: HookServer,
) -> None:
    server.replies += [Reply(hang=True)] * 12
    hanging = room(server, deadline=timedelta(milliseconds=100))
    failures = await asyncio.gather(*(failure(hanging) for _ in range(12)))
    assert [one.unknown for one in failures].count(True) == hanging.at_once
    assert await asyncio.wait_for(asyncio.to_thread(str, "free"), timeout=2) == "free"
    await hanging.close()


async def test_each_event_is_a_message_and_a_failure_is_tried_again(
    store: asyncpg.Pool, clock: MovedClock, server: HookServer
) -> None:
    office = PostOffice(store, clock)
    story = Story(store)
    await story.tell(Event.OPENED, NIGHT, (APPRISE, Part.ROOT))
    await story.tell(Event.RECOVERED, NIGHT, (APPRISE, Part.THREAD))
    server.replies.append(Reply(500))

    await office.deliver_all(office.worker(notifiers={"apprise": room(server)}))

    titles = [json.loads(one.raw)["title"].split()[1] for one in server.posted]
    assert titles == ["CRITICAL", "CRITICAL", "RECOVERED"]
    assert {state for _, _, state in await states(store)} == {"sent"}


def test_a_url_is_known_or_not() -> None:
    assert is_known("tgram://123456789:abcdefg_hijklmnop/12315544/")
    assert not is_known("carrier-pigeon://loft/7")


@given(any_facts())
def test_whatever_the_data_holds_it_renders_within_bounds(facts: Facts) -> None:
    body = AppriseRoom("json://127.0.0.1:1/").render(Message("1", "room", Part.ROOT, 1, facts)).body
    assert len(body["title"]) <= 80
    assert len(body["body"]) <= BODY_MAX
    assert body["type"] in {"info", "success", "warning", "failure"}


@pytest.mark.parametrize(
    ("url", "codes"),
    [("tgram://123456789:abcdefg_hijklmnop/12315544/", []), ("carrier-pigeon://x/7", ["bad-url"])],
)
def test_a_configuration_with_a_url_that_nobody_knows_is_refused(
    url: str, codes: list[str]
) -> None:
    text = """\
version: 1
channels: { apprise: { url: "${ROOM}" } }
people: { ana: { email: ana@example.com } }
teams: { data: { lead: ana } }
routes: [{ send: [email, apprise] }]
"""
    loaded = load_text({"rules.yaml": text}, "rules.yaml", {"ROOM": url})
    assert [one.code for one in loaded.problems] == codes
    assert url not in repr(loaded)
