"""Taking an incident by the link of a mail: only by POST, only for its reader, only while it is open."""

from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from notifiers.keys import KEY_MIN
from notifiers.mail_link import LASTS, Grant, write
from tests.page import DIRECTORY, FORM, open_incident, recover, running_page, stored
from tests.watching import config_of, stuck_rule
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.config.model import Config, EmailChannel
from watchdog.domain.incident import Incident, State
from watchdog.domain.notices import with_notices
from watchdog.domain.storm_life import joined
from watchdog.moving import Deed
from watchdog.store import incidents
from watchdog.store.pool import transaction

KEY = "k" * KEY_MIN
GONE = "This link does not work, or does not work any more"


def config(key: str = KEY) -> Config:
    email = EmailChannel(link_key=SecretStr(key))
    return replace(config_of("", [stuck_rule()]), directory=DIRECTORY, email=email)


def link(one: Incident, person: str = "ana", key: str = KEY, at: datetime | None = None) -> str:
    grant = Grant(one.id, person, (at or one.opened_at) + LASTS)
    return f"/take/{write(grant, one.opened_at, key)}"


async def test_a_link_asks_once_and_its_button_takes(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    async with running_page(store, clock, config()) as page, page.client() as phone:
        asked = await phone.get(link(one))
        assert asked.status_code == 200
        assert "Take it as ana" in asked.text
        taken = await phone.post(link(one), data={}, headers=FORM)
        assert (taken.status_code, taken.headers["location"]) == (303, link(one))
        assert "It is yours." in (await phone.get(link(one))).text
    now = await stored(store)
    assert (now.state, now.owner, now.version) == (State.TAKEN, "ana", 2)


async def test_whoever_only_opens_links_changes_nothing(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    async with running_page(store, clock, config()) as page, page.client() as scanner:
        for method in ("GET", "HEAD", "GET"):
            await scanner.request(method, link(one))
            await scanner.request(method, link(one), headers={"user-agent": "LinkScanner"})
        for method in ("PUT", "DELETE", "OPTIONS"):
            assert (await scanner.request(method, link(one))).status_code == 405
        page_of_another_site = FORM | {"sec-fetch-site": "cross-site"}
        refused = await scanner.post(link(one), data={}, headers=page_of_another_site)
        assert refused.status_code == 403
    assert (await stored(store)).version == 1


async def test_a_link_opens_nothing_else_and_begins_no_session(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    async with running_page(store, clock, config()) as page, page.client() as phone:
        answer = await phone.post(link(one), data={}, headers=FORM)
        assert "set-cookie" not in answer.headers
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert (await phone.get("/i/1042")).status_code == 401
        for verb in ("note", "resolve", "give-back"):
            assert (await phone.post(f"{link(one)}/{verb}", headers=FORM)).status_code == 404
    assert (await stored(store)).version == 2


async def refused(phone: httpx.AsyncClient, path: str) -> bool:
    """Return whether the link is worth nothing, and says no more than that."""
    answers = [await phone.get(path), await phone.post(path, data={}, headers=FORM)]
    return all(one.status_code == 403 and GONE in one.text for one in answers)


async def test_a_link_that_is_not_ours_says_nothing_of_the_incident(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    claim, _, proof = link(one).rpartition(".")
    forged = [
        "/take/x",
        f"{claim}.{proof[::-1]}",
        f"{link(one, 'raj').rpartition('.')[0]}.{proof}",
        link(one, key="x" * KEY_MIN),
        link(replace(one, id=1043)),
        link(replace(one, opened_at=one.opened_at + timedelta(seconds=1))),
        link(one, "nobody"),
    ]
    async with running_page(store, clock, config()) as page, page.client() as phone:
        assert [path for path in forged if not await refused(phone, path)] == []
    assert (await stored(store)).version == 1


@pytest.mark.parametrize("key", ["", "another key that is quite as long as it must be"])
async def test_without_the_key_no_link_works(
    key: str, store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    async with running_page(store, clock, config(key)) as page, page.client() as phone:
        assert await refused(phone, link(one))


async def test_a_link_works_for_a_day(store: asyncpg.Pool, clock: MovedClock) -> None:
    one = await open_incident(store, clock)
    async with running_page(store, clock, config()) as page, page.client() as phone:
        await clock.advance(LASTS - timedelta(seconds=1))
        assert (await phone.get(link(one))).status_code == 200
        await clock.advance(timedelta(seconds=1))
        assert await refused(phone, link(one))


async def test_a_viewer_takes_nothing_by_a_link_either(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    async with running_page(store, clock, config()) as page, page.client() as phone:
        answer = await phone.post(link(one, "mei"), data={}, headers=FORM)
    assert answer.status_code == 403
    assert "mei is a viewer" in answer.text
    assert (await stored(store)).version == 1


async def test_what_somebody_else_has_taken_is_not_taken_from_them(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    await verbs.take(store, DIRECTORY, Deed(1042, "raj", clock.now()))
    async with running_page(store, clock, config()) as page, page.client() as phone:
        shown = (await phone.get(link(one))).text
        assert "There is nothing to take: it is taken." in shown
        assert "<button" not in shown
        late = await phone.post(link(one), data={"over": "yes"}, headers=FORM)
    assert late.status_code == 409
    assert "raj took #1042" in late.text
    assert (await stored(store)).owner == "raj"


async def test_what_is_over_cannot_be_taken(store: asyncpg.Pool, clock: MovedClock) -> None:
    one = await open_incident(store, clock)
    await recover(store, clock, one)
    async with running_page(store, clock, config()) as page, page.client() as phone:
        shown = (await phone.get(link(one))).text
        assert "There is nothing to take: it is recovered." in shown
        assert (await phone.post(link(one), data={}, headers=FORM)).status_code == 409
    assert (await stored(store)).version == 2


async def test_what_has_joined_a_storm_says_which(store: asyncpg.Pool, clock: MovedClock) -> None:
    one = await open_incident(store, clock)
    storm = await open_incident(store, clock, 1050, kind="storm")
    step = with_notices(joined(one, storm.id, clock.now()), DIRECTORY)
    async with transaction(store) as conn:
        await incidents.commit(conn, [step])
    async with running_page(store, clock, config()) as page, page.client() as phone:
        shown = (await phone.get(link(one))).text
    assert "There is nothing to take: it is resolved, part of storm #1050." in shown


async def test_an_offer_is_accepted_by_a_link(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_incident(store, clock)
    await verbs.take(store, DIRECTORY, Deed(1042, "ana", clock.now()))
    one = await verbs.hand_over(store, DIRECTORY, Deed(1042, "ana", clock.now()), "raj", "")
    async with running_page(store, clock, config()) as page, page.client() as phone:
        assert "Take it as raj" in (await phone.get(link(one, "raj"))).text
        await phone.post(link(one, "raj"), data={}, headers=FORM)
    assert (await stored(store)).owner == "raj"


async def test_a_button_pressed_twice_takes_once(store: asyncpg.Pool, clock: MovedClock) -> None:
    one = await open_incident(store, clock)
    async with running_page(store, clock, config()) as page, page.client() as phone:
        for _ in range(2):
            fields = {"action_id": "pressed once"}
            assert (await phone.post(link(one), data=fields, headers=FORM)).status_code == 303
    assert (await stored(store)).version == 2
