"""A storm's pages: its members, page by page, and splitting one out."""

import re

import asyncpg

from tests.page import open_incident, running_page
from tests.storms import STORM, heal, open_storm
from watchdog.clock import MovedClock


async def test_a_storm_shows_its_first_members_and_counts_the_rest(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_storm(store, clock, 30)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        text = await ana.read(f"/i/{STORM}")
        part = await ana.read(f"/i/{STORM}/part")
    assert "Critical 6: Jobs of q3 hang" in text
    assert text.count("Split out") == 10
    assert "20 more are not shown" in text
    assert text.index("Jobs of q3 hang") < text.index("Jobs of q1 hang")
    assert "Split out" in part


async def test_all_members_are_on_pages_of_a_hundred(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    storm = await open_storm(store, clock, 250)
    await heal(store, clock, storm, 3)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        first = await ana.read(f"/i/{STORM}/members")
        last = await ana.read(f"/i/{STORM}/members?page=3")
        assert "Jobs of q8 hang" in first
        assert "Page 1 of 3" in first
        assert f"/i/{STORM}/members?page=2" in first
        assert last.count("<tr>") == 51
        assert "good since" in last
        for beyond in ("0", "1001", "x", "-1", "99999"):
            await ana.read(f"/i/{STORM}/members?page={beyond}", 404)


async def test_a_member_is_split_out_and_its_incident_shown(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_storm(store, clock)
    async with running_page(store, clock) as page, page.signed_in("raj") as raj:
        answer = await raj.post(f"/i/{STORM}/split", member="2")
        assert answer.status_code == 303
        where = answer.headers["location"]
        own = await raj.read(where)
        assert "Jobs of q2 hang" in own
        assert f'<a href="/i/{STORM}">#{STORM}</a>' in own
        assert page.service.wake.is_set()
        assert f'<a href="{where}">' in await raj.read(f"/i/{STORM}")


async def test_the_same_form_sent_twice_splits_once_and_leads_to_the_same_incident(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_storm(store, clock)
    async with running_page(store, clock) as page, page.signed_in("raj") as raj:
        ids = re.findall(r'name="action_id" value="([0-9a-f]{32})"', await raj.read(f"/i/{STORM}"))
        assert len(ids) == len(set(ids)) > 6, "each button is an action of its own"
        form = {"member": "2", "action_id": ids[-1]}
        first, again = [await raj.post(f"/i/{STORM}/split", **form) for _ in range(2)]
        assert (first.status_code, again.status_code) == (303, 303)
        assert first.headers["location"] == again.headers["location"]
        other = await raj.post(f"/i/{STORM}/split", member="3", action_id="x" * 101)
        assert other.status_code == 409
        assert "has at most 100 characters, not 101" in other.text
    assert await store.fetchval("select count(*) from member where state = 'split'") == 1


async def test_what_cannot_be_split_out_says_why(store: asyncpg.Pool, clock: MovedClock) -> None:
    storm = await open_storm(store, clock)
    await open_incident(store, clock)
    await heal(store, clock, storm, 1)
    async with running_page(store, clock) as page, page.signed_in("raj") as raj:
        answer = await raj.post(f"/i/{STORM}/split", member="1")
        assert answer.status_code == 409
        assert "is good; only what is bad can be split out" in answer.text
        assert (await raj.post(f"/i/{STORM}/split")).status_code == 409
        assert (await raj.post(f"/i/{STORM}/split", member="'<b>")).status_code == 409
        assert (await raj.post("/i/7/split", member="1")).status_code == 404
        assert (await raj.post("/i/1042/split", member="1")).status_code == 404
        await raj.read("/i/1042/members", 404)
        assert "Members" not in await raj.read("/i/1042")


async def test_who_only_looks_splits_nothing(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_storm(store, clock)
    async with running_page(store, clock) as page, page.signed_in("mei") as mei:
        assert "Split out" not in await mei.read(f"/i/{STORM}")
        assert (await mei.post(f"/i/{STORM}/split", member="1")).status_code == 403
    assert await store.fetchval("select count(*) from member where state = 'split'") == 0


async def test_the_last_bad_member_has_no_button(store: asyncpg.Pool, clock: MovedClock) -> None:
    storm = await open_storm(store, clock)
    await heal(store, clock, storm, 1, 2, 3, 4, 5)
    async with running_page(store, clock) as page, page.signed_in() as ana:
        assert "Split out" not in await ana.read(f"/i/{STORM}/members")
