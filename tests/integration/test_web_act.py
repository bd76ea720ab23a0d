"""Recovery actions on an incident's page: buttons that tell, by POST alone."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.page import running_page
from tests.postgres import Database
from tests.yard import WHY, Yard, a_yard, change
from watchdog.clock import MovedClock
from watchdog.domain.acting import Standing


@pytest.fixture
async def yard(store: asyncpg.Pool, database: Database, clock: MovedClock) -> AsyncIterator[Yard]:
    async with a_yard(store, database, clock) as yard:
        yard.add(change())
        yield yard


async def test_the_owner_finds_a_form_and_others_why_there_is_none(yard: Yard) -> None:
    async with running_page(yard.store, yard.clock, yard.config) as page:
        async with page.signed_in("ana") as ana:
            shown = await ana.read("/i/1042")
            assert 'action="/i/1042/act"' in shown
            assert "What you think is wrong" in shown
            assert "What is different this time" not in shown
        async with page.signed_in("raj") as raj:
            shown = await raj.read("/i/1042")
            assert 'action="/i/1042/act"' not in shown
            assert "Not now: #1042 belongs to ana; only its owner acts on it." in shown
        async with page.signed_in("mei") as mei:
            assert "Set it back" not in await mei.read("/i/1042")


async def test_a_press_runs_it_once_and_the_page_tells(yard: Yard) -> None:
    async with (
        running_page(yard.store, yard.clock, yard.config) as page,
        page.signed_in("ana") as ana,
    ):
        answer = await ana.post("/i/1042/act", action="unstick", hypothesis=WHY)
        assert (answer.status_code, answer.headers["location"]) == (303, "/i/1042")
        shown = await ana.read("/i/1042")
    assert await yard.statuses() == ["idle"]
    assert "Set it back <b>done</b> by ana: 1 row changed" in shown
    assert f'value="{WHY}"' in shown  # what was said last is there already
    assert "What is different this time" in shown


async def test_a_refusal_is_told_and_changes_nothing(yard: Yard) -> None:
    async with running_page(yard.store, yard.clock, yard.config) as page:
        async with page.signed_in("ana") as ana:
            for action, why, words in (
                ("unstick", "", "say what you think is wrong"),
                ("nothing", WHY, "has no action `nothing`"),
                ("", "", "has no action ``"),
            ):
                answer = await ana.post("/i/1042/act", action=action, hypothesis=why)
                assert answer.status_code == 409
                assert words in answer.text
        async with page.signed_in("mei") as mei:
            answer = await mei.post("/i/1042/act", action="unstick", hypothesis=WHY)
            assert answer.status_code == 403
    assert await yard.statuses() == ["running"]
    assert await yard.runs() == []


async def test_the_same_form_sent_twice_runs_an_action_once(yard: Yard) -> None:
    yard.add(yard.call("/ok"), again_needs_mitigation=False)
    async with (
        running_page(yard.store, yard.clock, yard.config) as page,
        page.signed_in("ana") as ana,
    ):
        for _ in range(2):
            answer = await ana.post(
                "/i/1042/act", action="unstick", hypothesis=WHY, action_id="pressed once"
            )
            assert answer.status_code == 303
    assert len(yard.server.heads) == 1
    assert [one.standing for one in await yard.runs()] == [Standing.DONE]


async def test_what_was_typed_into_a_refused_form_stands_there_and_in_no_other(yard: Yard) -> None:
    async with (
        running_page(yard.store, yard.clock, yard.config) as page,
        page.signed_in("ana") as ana,
    ):
        await ana.post("/i/1042/act", action="unstick", hypothesis=WHY)
        refused = await ana.post(
            "/i/1042/act",
            action="unstick",
            hypothesis="Disk is full",
            mitigation=WHY,
            words="not a note",
        )
    assert refused.status_code == 409
    assert 'name="hypothesis" required maxlength="500" value="Disk is full"' in refused.text
    assert f'name="mitigation" required maxlength="500" value="{WHY}"' in refused.text
    assert "not a note" not in refused.text


async def test_no_get_and_no_foreign_form_runs_anything(yard: Yard) -> None:
    async with running_page(yard.store, yard.clock, yard.config) as page:
        async with page.signed_in("ana") as ana:
            for verb in ("act", "approve"):
                got = await ana.client.get(f"/i/1042/{verb}?action=unstick&hypothesis=x")
                assert got.status_code == 405
                fields = {"action": "unstick", "hypothesis": WHY, "token": "x"}
                assert (await ana.client.post(f"/i/1042/{verb}", data=fields)).status_code == 403
        async with page.client() as nobody:
            fields = {"action": "unstick", "hypothesis": WHY}
            assert (await nobody.post("/i/1042/act", data=fields)).status_code in {303, 401, 403}
    assert await yard.runs() == []


async def test_the_second_person_finds_what_waits_and_approves_it(yard: Yard) -> None:
    yard.add(change(), two_people=True)
    async with running_page(yard.store, yard.clock, yard.config) as page:
        async with page.signed_in("ana") as ana:
            assert "Ask for it" in await ana.read("/i/1042")
            await ana.post("/i/1042/act", action="unstick", hypothesis=WHY)
            shown = await ana.read("/i/1042")
            assert "ana wants to run this and needs a second person" in shown
            assert "Approve and run" not in shown
            answer = await ana.post("/i/1042/approve", action="unstick")
            assert "you asked for `unstick` yourself" in answer.text
        async with page.signed_in("raj") as raj:
            assert "Approve and run" in await raj.read("/i/1042")
            assert (await raj.post("/i/1042/approve", action="unstick")).status_code == 303
            assert "by ana, approved by raj: 1 row changed" in await raj.read("/i/1042")
    [run] = await yard.runs()
    assert (run.standing, await yard.statuses()) == (Standing.DONE, ["idle"])


async def test_what_people_write_cannot_become_part_of_the_page(yard: Yard) -> None:
    hostile = '"><script>alert(1)</script>'
    async with (
        running_page(yard.store, yard.clock, yard.config) as page,
        page.signed_in("ana") as ana,
    ):
        await ana.post("/i/1042/act", action="unstick", hypothesis=hostile)
        shown = await ana.read("/i/1042")
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown
