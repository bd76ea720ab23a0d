"""What people do on an incident's page."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.page import DIRECTORY, open_incident, recover, running_page, stored
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.domain.incident import State
from watchdog.moving import Deed

VERBS = [
    *("take", "note", "resolve", "handover", "give-back", "escalate", "action-done"),
    *("decline", "snooze", "reopen", "not-actionable"),
]


async def test_taking_makes_the_visitor_the_owner_and_wakes_delivery(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in("raj") as raj:
        answer = await raj.post("/i/1042/take")
        assert (answer.status_code, answer.headers["location"]) == (303, "/i/1042")
        assert page.service.wake.is_set()
        assert "<b>raj</b>, taken" in await raj.read("/i/1042")
    assert (await stored(store)).owner == "raj"


async def test_the_slower_taker_is_told_who_was_faster_and_may_take_over(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    await verbs.take(store, DIRECTORY, Deed(1042, "ana", clock.now()))
    async with running_page(store, clock) as page, page.signed_in("raj") as raj:
        answer = await raj.post("/i/1042/take")
        assert answer.status_code == 409
        assert "ana took #1042 0s ago" in answer.text
        assert "Take over from ana" in answer.text
        assert (await raj.post("/i/1042/take", over="yes")).status_code == 303
    assert (await stored(store)).owner == "raj"


async def test_a_note_is_written(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        assert (await ana.post("/i/1042/note", words="key\nrotated")).status_code == 303
        assert "key rotated" in await ana.read("/i/1042")


async def test_a_refusal_keeps_what_was_typed(store: asyncpg.Pool, clock: MovedClock) -> None:
    one = await open_incident(store, clock)
    await recover(store, clock, one)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        answer = await ana.post("/i/1042/resolve", words="a long cause", kind="moonlight")
    assert answer.status_code == 409
    assert "of the kind `moonlight`; use one of" in answer.text
    assert 'value="a long cause"' in answer.text


async def test_a_page_left_open_neither_escalates_twice_nor_takes_over_from_somebody_else(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        seen = str(one.version)
        assert f'name="seen" value="{seen}"' in await ana.read("/i/1042")
        assert (await ana.post("/i/1042/escalate", seen=seen)).status_code == 303
        again = await ana.post("/i/1042/escalate", seen=seen)
        assert again.status_code == 409
        assert "was passed on" in again.text
        await verbs.take(store, DIRECTORY, Deed(1042, "raj", clock.now()))
        over = await ana.post("/i/1042/take", over="yes", seen=seen)
        assert over.status_code == 409
    assert (await stored(store)).owner == "raj"


async def test_a_refused_form_that_was_folded_stands_open(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        answer = await ana.post("/i/1042/not-actionable", why="moonlight", words="a full moon")
    assert answer.status_code == 409
    (opened,) = re.findall(r"(?s)<details[^>]* open>(.*?)</details>", answer.text)
    assert 'value="a full moon"' in opened
    assert "<summary>It needed nobody</summary>" in opened


async def test_a_recovered_incident_is_resolved_with_its_cause(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    await recover(store, clock, one)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        assert "What was the cause?" in await ana.read("/i/1042")
        said: dict[str, Any] = {"words": "Key expired", "kind": "config", "prevention": "alerting"}
        assert (await ana.post("/i/1042/resolve", **said)).status_code == 409
        answer = await ana.post("/i/1042/resolve", **said, answer="Warn earlier", doer="raj")
        assert answer.status_code == 303
        shown = await ana.read("/i/1042")
        assert "Key expired" in shown
        assert "Warn earlier (alerting; raj, due 2025-06-27)" in shown
        assert (await ana.post("/i/1042/action-done")).status_code == 303
        assert "Warn earlier (alerting; raj, done)" in await ana.read("/i/1042")
    assert (await stored(store)).state is State.RESOLVED


async def test_nothing_may_be_needed_when_it_is_said_why(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    await recover(store, clock, one)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        said: dict[str, Any] = {"words": "A test", "kind": "config", "prevention": "nothing needed"}
        assert (await ana.post("/i/1042/resolve", answer="only once", **said)).status_code == 303
        assert "nothing needed: only once" in await ana.read("/i/1042")
        broken = {**said, "due": "tomorrow"}
        assert (await ana.post("/i/1042/resolve", answer="x", **broken)).status_code == 409


async def test_an_open_incident_cannot_be_resolved(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        assert "What was the cause?" not in await ana.read("/i/1042")
        answer = await ana.post("/i/1042/resolve", words="Key expired", kind="config")
    assert answer.status_code == 409
    assert "has not recovered" in answer.text


async def test_handing_over_asks_and_the_asked_accepts_by_taking(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page:
        async with page.signed_in() as ana:
            assert "<option>mei</option>" not in await ana.read("/i/1042")
            answer = await ana.post("/i/1042/handover", to="raj", words="I am on a train")
            assert answer.status_code == 303
            assert "raj is asked to take over" in await ana.read("/")
        async with page.signed_in("raj") as raj:
            assert 'action="/i/1042/take"' in await raj.read("/")
            assert (await raj.post("/i/1042/take")).status_code == 303
    assert (await stored(store)).owner == "raj"


async def test_the_page_says_who_is_next_and_passes_it_on_at_once(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        shown = await ana.read("/i/1042")
        assert "<dt>Next</dt><dd>raj at " in shown
        assert "Escalate to raj now" in shown
        assert (await ana.post("/i/1042/escalate")).status_code == 303
        assert "<dt>Next</dt><dd>nobody is left at " in await ana.read("/i/1042")
        answer = await ana.post("/i/1042/escalate")
    assert answer.status_code == 409
    assert (await stored(store)).owner == "raj"


async def test_who_took_it_gives_it_back_with_what_must_be_known(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in("raj") as raj:
        assert "Give it back" not in await raj.read("/i/1042")
        await raj.post("/i/1042/take")
        assert "Give it back" in await raj.read("/i/1042")
        assert (await raj.post("/i/1042/give-back", words="my train")).status_code == 303
        assert "raj → ana: my train" in await raj.read("/i/1042")
    assert ((await stored(store)).owner, (await stored(store)).state) == ("ana", State.OPEN)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("person", ["mei", ""])
async def test_a_viewer_sees_no_buttons_and_moves_nothing(
    verb: str, person: str, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in(person) as viewer:
        for path in ("/", "/i/1042", "/i/1042/take"):
            assert 'action="/i/' not in await viewer.read(path)
        answer = await viewer.post(f"/i/1042/{verb}", words="x", kind="code", to="raj")
    assert answer.status_code == 403
    assert (await stored(store)).version == 1


@pytest.mark.parametrize("verb", VERBS)
async def test_an_incident_that_is_not_there_cannot_be_moved(
    verb: str, store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        answer = await ana.post(f"/i/7/{verb}", words="x", kind="code", to="raj")
    assert answer.status_code == 404


async def test_the_same_form_twice_and_at_once_moves_once(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        [action_id, *_] = re.findall(
            r'name="action_id" value="([0-9a-f]{32})"', await ana.read("/")
        )
        form: dict[str, Any] = {"words": "on it", "action_id": action_id}
        for _ in range(2):
            answer = await ana.post("/i/1042/note", **form)
            assert (answer.status_code, answer.headers["location"]) == (303, "/i/1042")
        assert (await stored(store)).version == 2
        form = {"action_id": action_id[::-1]}
        answers = await asyncio.gather(*(ana.post("/i/1042/take", **form) for _ in range(4)))
        assert {one.status_code for one in answers} == {303}
    assert (await stored(store)).version == 3


async def test_every_form_of_a_page_is_an_action_of_its_own(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        shown = await ana.read("/i/1042")
        found = re.findall(r'name="action_id" value="([0-9a-f]{32})"', shown)
    assert len(set(found)) == len(found) == shown.count('action="/i/1042/')


async def test_whoever_is_asked_declines_on_the_page(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in("raj") as raj:
        assert "I do not take it" not in await raj.read("/i/1042")
        await verbs.hand_over(store, DIRECTORY, Deed(1042, "ana", clock.now()), "raj", "")
        assert "I do not take it" in await raj.read("/i/1042")
        assert (await raj.post("/i/1042/decline", words="no access")).status_code == 303
        assert "raj does not take it from ana: no access" in await raj.read("/i/1042")
    assert (await stored(store)).offered_to == ""


async def test_what_is_taken_rests_as_long_as_its_owner_says(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        assert 'action="/i/1042/snooze"' not in await ana.read("/i/1042")
        await ana.post("/i/1042/take")
        assert 'action="/i/1042/snooze"' in await ana.read("/i/1042")
        for wrong, sentence in (("x", "not for 0s"), ("25", "not for 25h")):
            answer = await ana.post("/i/1042/snooze", hours=wrong)
            assert answer.status_code == 409
            assert sentence in answer.text
        assert (await ana.post("/i/1042/snooze", hours="2")).status_code == 303
        assert "snoozed until" in await ana.read("/i/1042")


async def test_what_is_over_is_reopened_from_the_page_and_ended_there(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await recover(store, clock, await open_incident(store, clock))
    async with running_page(store, clock) as page, page.signed_in("raj") as raj:
        assert "Reopen, it is mine" in await raj.read("/i/1042")
        assert (await raj.post("/i/1042/reopen", words="still slow")).status_code == 303
        shown = await raj.read("/i/1042")
        assert "though its checks are good: raj resolves it" in shown
        assert "What was the cause?" in shown
        said: dict[str, Any] = {
            "words": "cache",
            "kind": "code",
            "prevention": "nothing needed",
            "answer": "x",
        }
        assert (await raj.post("/i/1042/resolve", **said)).status_code == 303
        assert "Reopen, it is mine" in await raj.read("/i/1042")
        await clock.advance(timedelta(hours=1, seconds=1))
        assert "Reopen, it is mine" not in await raj.read("/i/1042")
        answer = await raj.post("/i/1042/reopen", words="late")
    assert answer.status_code == 409
    assert "was resolved 1h ago; only within 1h it can be reopened" in answer.text


async def test_what_needed_nobody_is_kept_and_ends_by_one_press_once_it_has_recovered(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    why: dict[str, Any] = {"why": "poor details", "words": "which shop?"}
    async with running_page(store, clock) as page, page.signed_in() as ana:
        assert (await ana.post("/i/1042/not-actionable", **why)).status_code == 303
        shown = await ana.read("/i/1042")
        assert "<dt>Not needed</dt><dd>poor details: which shop?</dd>" in shown
        await recover(store, clock, await stored(store))
        shown = await ana.read("/i/1042")
        assert "<option selected>poor details</option>" in shown
        assert 'value="which shop?"' in shown
        assert "Resolve as false alarm" in shown
        assert (await ana.post("/i/1042/not-actionable", **why)).status_code == 303
    assert (await stored(store)).cause_kind == "false alarm"
