"""Alive, ready, and in figures."""

from datetime import timedelta

import asyncpg

from rules.base import Outcome
from tests.page import Page, open_incident, running_page
from watchdog import metrics
from watchdog.clock import MovedClock
from watchdog.config.load import Loaded
from watchdog.config.model import Place
from watchdog.config.problems import Problem
from watchdog.engine.memory import Memory
from watchdog.engine.reconcile import LEASE
from watchdog.store import leases
from watchdog.store.looks import RuleLook
from watchdog.store.pool import transaction
from watchdog.web.figures import read_figures


def lead(page: Page) -> None:
    """Let the engine know what the store knows of one rule."""
    look = RuleLook("jobs-stuck", None, Outcome.OK, ok=7, bad=2, missed=3)
    page.engine.memory = Memory([], [look])


async def test_a_replica_without_a_leader_is_not_ready(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "reason": "nobody watches yet"}


async def test_a_replica_that_leads_is_ready(store: asyncpg.Pool, clock: MovedClock) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        lead(page)
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_our_own_lease_makes_nobody_ready_but_anothers_does(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        for replica, status in (("one", 503), ("another", 200)):
            async with transaction(store) as conn:
                await leases.release(conn, LEASE, "one")
                await leases.acquire(conn, LEASE, replica, timedelta(seconds=10), anew=True)
            assert (await client.get("/readyz")).status_code == status


async def test_figures_say_how_it_goes(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_incident(store, clock)
    await clock.advance(timedelta(minutes=2))
    async with running_page(store, clock) as page, page.client() as client:
        lead(page)
        page.engine._agenda.lag = timedelta(seconds=1.5)
        page.delivery_figures().attempts["sent"] = 4
        answer = await client.get("/metrics")
    lines = answer.text.splitlines()
    for line in (
        'watchdog_evaluations_total{outcome="ok",source="jobs"} 7.0',
        'watchdog_evaluations_total{outcome="bad",source="jobs"} 2.0',
        "watchdog_slots_missed_total 3.0",
        "watchdog_engine_lag_seconds 1.5",
        "watchdog_rules 1.0",
        "watchdog_rules_not_watched 1.0",
        'watchdog_incidents{severity="critical",state="open"} 1.0',
        'watchdog_delivery_attempts_total{outcome="sent"} 4.0',
        "watchdog_oldest_due_message_age_seconds 120.0",
        "watchdog_last_reload_ok 1.0",
        "watchdog_page_streams 0.0",
    ):
        assert line in lines
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_a_refused_reload_shows_in_the_figures(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page:
        page.service.loaded = Loaded(None, (Problem("x", "y", Place("rules.yaml", 1, 1)),), {})
        figures = await read_figures(page.web._room)
    assert figures["watchdog_last_reload_ok"] == {(): False}


async def test_every_figure_is_in_the_table_and_every_row_of_it_is_said(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page:
        lead(page)
        figures = await read_figures(page.web._room)
    assert set(figures) == {one.name for one in metrics.METRICS}


async def test_without_a_store_the_process_still_says_what_it_knows(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    async with running_page(store, clock) as page, page.client() as client:
        await store.close()
        text = (await client.get("/metrics")).text
    assert "watchdog_leading 0.0" in text
    assert "watchdog_incidents{" not in text


async def test_no_figure_names_a_rule_or_an_entity(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_incident(store, clock, title="Secret title", rule="secret-rule")
    async with running_page(store, clock) as page, page.client() as client:
        lead(page)
        text = (await client.get("/metrics")).text
    assert "secret" not in text.lower()
    assert "jobs-stuck" not in text
