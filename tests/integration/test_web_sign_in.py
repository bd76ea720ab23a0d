"""Signing in by the printed link, and out again."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from tests.page import DIRECTORY, running_page
from tests.watching import config_of
from watchdog.clock import MovedClock
from watchdog.config.model import Service
from watchdog.domain.people import Directory, Role
from watchdog.store.sessions import SESSION_LASTS

NO_REDIRECT = 303


def token_of(link: str) -> str:
    return link.partition("token=")[2]


async def test_the_printed_link_signs_in_whom_one_chooses(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        asked = await client.get(page.link)
        assert "<option>raj</option>" in asked.text.replace(" selected", "")
        fields = {"token": token_of(page.link), "person": "raj"}
        assert (await client.post("/sign-in", data=fields)).headers["location"] == "/"
        assert '<span class="who">raj</span>' in (await client.get("/")).text


async def test_a_link_works_once(store: asyncpg.Pool, clock: MovedClock) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        fields = {"token": token_of(page.link), "person": "raj"}
        assert (await client.post("/sign-in", data=fields)).status_code == 303
        assert (await client.post("/sign-in", data=fields)).status_code == 403
        assert (await client.get(page.link)).status_code == 403


async def test_of_many_who_use_a_link_at_once_one_is_signed_in(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        fields = {"token": token_of(page.link), "person": "raj"}
        posts = [client.post("/sign-in", data=fields) for _ in range(8)]
        codes = [answer.status_code for answer in await asyncio.gather(*posts)]
    assert sorted(codes) == [303] + [403] * 7
    assert await store.fetchval("select count(*) from session") == 1


async def test_what_is_over_is_dropped_when_something_new_is_kept(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page:
        async with page.signed_in():
            await clock.advance(SESSION_LASTS + timedelta(seconds=1))
        async with page.signed_in("raj"):
            assert await store.fetchval("select array_agg(person) from session") == ["raj"]
            assert await store.fetchval("select count(*) from sign_in_link") == 1


async def test_a_person_keeps_a_session_and_loses_a_role_with_the_configuration(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        assert "looking only" not in await ana.read("/")
        viewer = replace(DIRECTORY.people["ana"], role=Role.VIEWER)
        people = replace(DIRECTORY, people={**DIRECTORY.people, "ana": viewer})
        page.service.config = replace(page.service.config, directory=people)
        assert (await ana.post("/i/7/take")).status_code in {403, 404}
        gone = replace(people, people={"raj": DIRECTORY.people["raj"]})
        page.service.config = replace(page.service.config, directory=gone)
        await ana.read("/", status=401)


async def test_programs_that_open_links_do_not_use_them_up(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        for _ in range(100):
            assert (await client.get(page.link)).status_code == 200
            assert (await client.head(page.link)).status_code == 200
        fields = {"token": token_of(page.link), "person": "ana"}
        assert (await client.post("/sign-in", data=fields)).status_code == 303


async def test_a_link_is_over_after_a_quarter_of_an_hour(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        await clock.advance(timedelta(minutes=15))
        fields = {"token": token_of(page.link), "person": "ana"}
        answer = await client.post("/sign-in", data=fields)
    assert answer.status_code == 403
    assert "at most 15 minutes old" in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_session_ends_after_its_time(store: asyncpg.Pool, clock: MovedClock) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        await clock.advance(SESSION_LASTS - timedelta(seconds=1))
        await ana.read("/")
        await clock.advance(timedelta(seconds=1))
        await ana.read("/", status=401)


async def test_nothing_in_the_tables_signs_anybody_in(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        [cookie] = ana.client.cookies.jar
        tables = [
            await store.fetch("select * from session"),
            await store.fetch("select * from sign_in_link"),
        ]
        hashes = [row["secret_hash"].hex() for table in tables for row in table]
        assert str(cookie.value) not in str(tables)
        assert token_of(page.link) not in str(tables)
        async with page.client() as thief:
            for stolen in hashes:
                fields = {"token": stolen, "person": "ana"}
                assert (await thief.post("/sign-in", data=fields)).status_code == 403
                answer = await thief.get("/", headers={"cookie": f"{cookie.name}={stolen}"})
                assert answer.status_code == 401


async def test_signing_out_ends_the_session_itself(store: asyncpg.Pool, clock: MovedClock) -> None:
    async with running_page(store, clock) as page, page.signed_in() as ana:
        [cookie] = ana.client.cookies.jar
        assert (await ana.post("/sign-out")).status_code == 303
        answer = await ana.client.get("/", headers={"cookie": f"{cookie.name}={cookie.value}"})
    assert answer.status_code == 401


async def test_the_cookie_is_kept_from_scripts_and_other_sites(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        fields = {"token": token_of(page.link), "person": "ana"}
        cookie = (await client.post("/sign-in", data=fields)).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie  # the base URL is not https


async def test_behind_https_the_cookie_and_all_else_keep_to_https(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    config = replace(
        config_of("", []), directory=DIRECTORY, service=Service(url="https://watchdog.example.com")
    )
    async with running_page(store, clock, config) as page, page.client() as client:
        link = " ".join(page.said)
        assert "https://watchdog.example.com/sign-in?token=" in link
        fields = {"token": token_of(page.link), "person": "ana"}
        answer = await client.post("/sign-in", data=fields)
    assert answer.headers["set-cookie"].startswith("__Host-watchdog=")
    assert re.search(r"; Path=/;.*; Secure", answer.headers["set-cookie"])
    assert answer.headers["strict-transport-security"]


async def test_a_session_is_a_new_secret_each_time(store: asyncpg.Pool, clock: MovedClock) -> None:
    async with (
        running_page(store, clock) as page,
        page.signed_in() as one,
        page.signed_in() as other,
    ):
        [first], [second] = one.client.cookies.jar, other.client.cookies.jar
    assert first.value != second.value


async def test_nobody_can_be_chosen_who_is_not_declared(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        fields = {"token": token_of(page.link), "person": "zoe<b>"}
        answer = await client.post("/sign-in", data=fields)
        assert answer.status_code == 400
        assert "zoe&lt;b&gt;" in answer.text
        assert (await client.get(page.link)).status_code == 200


@pytest.mark.parametrize("directory", [Directory(), DIRECTORY])
async def test_somebody_without_a_name_may_look_and_nothing_else(
    directory: Directory, store: asyncpg.Pool, clock: MovedClock
) -> None:
    config = replace(config_of("", []), directory=directory)
    async with running_page(store, clock, config) as page, page.signed_in("") as anyone:
        assert "looking only" in await anyone.read("/")
        assert "/take" not in await anyone.read("/")
