"""The page of silences: what it shows, who may make and end one, and what it refuses."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from rules.base import Severity
from tests.page import DIRECTORY, open_incident, running_page, stored
from tests.watching import config_of, stuck_rule
from watchdog.clock import MovedClock
from watchdog.config.model import Config

FORM: dict[str, Any] = {"pattern": "orders-stale", "lasts": "2h", "words": "<deploy>"}


def config() -> Config:
    return replace(config_of("", [stuck_rule("orders-stale")]), directory=DIRECTORY)


async def test_it_shows_who_silences_what_until_when_why_and_what_that_hides(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, severity=Severity.WARNING)
    async with running_page(store, clock, config()) as page, page.signed_in() as ana:
        assert "Nothing is silenced" in await ana.read("/silences")
        assert 'href="/silences"' in await ana.read("/")
        assert (await ana.post("/silences", **FORM, team="data")).status_code == 303
        await clock.advance(timedelta(minutes=30))
        shown = await ana.read("/silences")
    assert "<h1>1 silence</h1>" in shown
    assert "orders-stale, team data" in shown
    assert "ends in 1h30m" in shown
    assert "&lt;deploy&gt;" in shown
    assert "What is critical is told all the same." in shown
    assert 'It hides <a href="/i/1042">#1042</a> now.' in shown


async def test_the_page_of_an_incident_says_that_it_is_silenced(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, severity=Severity.WARNING)
    async with running_page(store, clock, config()) as page, page.signed_in() as ana:
        assert "<dt>Next</dt>" in await ana.read("/i/1042")
        await ana.post("/silences", **FORM)
        shown = await ana.read("/i/1042")
        assert "<dt>Silenced</dt><dd>by ana until <time" in shown
        assert "<dt>Next</dt>" not in shown
        assert "silenced until" in await ana.read("/")
        assert '<a href="/silences">1 silence</a> hides 1 of it: orders-stale by ana until' in (
            await ana.read("/parts/incidents")
        )


async def test_ending_one_tells_what_is_still_bad(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_incident(store, clock, severity=Severity.WARNING)
    async with running_page(store, clock, config()) as page, page.signed_in() as ana:
        await ana.post("/silences", **FORM)
        assert (await stored(store)).silence == 1
        assert (await ana.post("/silences/1/end")).status_code == 303
        assert "Nothing is silenced" in await ana.read("/silences")
        assert (await ana.post("/silences/1/end")).status_code == 404
        assert "Silenced" not in await ana.read("/i/1042")
    assert (await stored(store)).silenced_until == clock.now(), "it is told at the next look"


async def test_the_same_form_sent_again_later_makes_no_second_silence(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock, config()) as page, page.signed_in() as ana:
        shown = await ana.read("/silences")
        [action_id] = re.findall(r'name="action_id" value="([0-9a-f]{32})"', shown)
        for _ in range(2):
            answer = await ana.post("/silences", **FORM, action_id=action_id)
            assert answer.status_code == 303
            await clock.advance(timedelta(minutes=2))
        too_long = await ana.post("/silences", **FORM, action_id="x" * 101)
        assert too_long.status_code == 409
        assert "has at most 100 characters, not 101" in too_long.text
    assert await store.fetchval("select count(*) from silence") == 1


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"words": " "}, "a silence needs a reason"),
        ({"lasts": "8d"}, "lasts at most 7d, not 8d"),
        ({"lasts": "soon"}, "a silence needs its length, such as `2h`"),
        ({"pattern": "order-stale"}, "did you mean orders-stale?"),
        ({"team": "nobody"}, "there is no team nobody"),
        ({"entity": "shop"}, "`shop` must read COLUMN=VALUE"),
    ],
)
async def test_a_refusal_says_why_and_keeps_what_was_typed(
    store: asyncpg.Pool, clock: MovedClock, changed: dict[str, str], why: str
) -> None:
    async with running_page(store, clock, config()) as page, page.signed_in() as ana:
        answer = await ana.post("/silences", **(FORM | changed))
    assert answer.status_code == 409
    assert why in answer.text
    assert (
        f'name="pattern" list="rule-names" required maxlength="200" value="{(FORM | changed)["pattern"]}"'
        in (answer.text)
    )
    assert await store.fetchval("select count(*) from silence") == 0


async def test_an_entity_is_typed_as_columns_and_values(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock, config()) as page, page.signed_in() as ana:
        await ana.post("/silences", **FORM, entity="shop=web, zone = eu")
        assert "orders-stale, shop web, zone eu" in await ana.read("/silences")


@pytest.mark.parametrize("person", ["mei", ""])
async def test_a_viewer_sees_them_and_changes_nothing(
    store: asyncpg.Pool, clock: MovedClock, person: str
) -> None:
    async with running_page(store, clock, config()) as page:
        async with page.signed_in() as ana:
            await ana.post("/silences", **FORM)
        async with page.signed_in(person) as viewer:
            shown = await viewer.read("/silences")
            assert "orders-stale" in shown
            assert 'action="/silences' not in shown
            assert (await viewer.post("/silences", **FORM)).status_code == 403
            assert (await viewer.post("/silences/1/end")).status_code == 403
    assert await store.fetchval("select count(*) from silence where ends_at > made_at") == 1


async def test_a_form_of_another_session_or_site_changes_nothing(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock, config()) as page, page.signed_in() as ana:
        for path in ("/silences", "/silences/1/end"):
            answer = await ana.client.post(path, data={**FORM, "token": "0" * 64})
            assert answer.status_code == 403
            elsewhere = {"sec-fetch-site": "cross-site"}
            assert (await ana.post(path, headers=elsewhere, **FORM)).status_code == 403
    assert await store.fetchval("select count(*) from silence") == 0


async def test_the_page_of_what_waits_says_for_what(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_incident(store, clock)
    until = clock.now() + timedelta(days=7)
    await open_incident(store, clock, 1043, waits_for=1042, silenced_until=until)
    async with running_page(store, clock, config()) as page, page.signed_in() as ana:
        shown = await ana.read("/i/1043")
        assert '<dt>Waits for</dt><dd><a href="/i/1042">#1042</a>, which explains it' in shown
        assert "<dt>Next</dt>" not in shown
        assert "waits for #1042" in await ana.read("/")
