"""The figures of a week from the command line, of incidents that lived in a real store."""

import json
import re
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.command_line import Terminal
from tests.integration.test_outbox import begin, claim, sent, settle
from tests.page import DIRECTORY, open_incident, recover, send_too_many, stored
from tests.postgres import NIGHT
from tests.unit.test_incident import closing
from watchdog.clock import MovedClock
from watchdog.domain import life
from watchdog.domain.incident import Incident, Transition
from watchdog.domain.notices import with_notices
from watchdog.domain.people import UTC_ZONE
from watchdog.domain.storm_life import joined
from watchdog.domain.weeks import week_at
from watchdog.store import figures, incidents
from watchdog.store.pool import transaction

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def move(store: asyncpg.Pool, transition: Transition) -> None:
    async with transaction(store) as conn:
        await incidents.commit(conn, [with_notices(transition, DIRECTORY)])


async def join(store: asyncpg.Pool, one: Incident, storm: Incident) -> None:
    async with transaction(store) as conn:
        step = with_notices(joined(one, storm.id, one.opened_at), DIRECTORY)
        await incidents.commit(conn, [step])


async def send_what_is_due(store: asyncpg.Pool) -> None:
    rows = await claim(store)
    await begin(store, *rows)
    await settle(store, *map(sent, rows))


async def a_week(store: asyncpg.Pool, clock: MovedClock) -> None:
    """One is taken by night and explained, one ends by itself, one joins a storm; one was there before."""
    before = MovedClock(NIGHT - 20 * DAY)
    await recover(store, before, await open_incident(store, before, 1041))
    taken = await open_incident(store, clock, 1042)
    await send_what_is_due(store)
    await join(store, await open_incident(store, clock, 1043), taken)
    await move(store, life.take(taken, "raj", NIGHT + 5 * MINUTE))
    await clock.advance(HOUR)
    await recover(store, clock, await stored(store))
    await move(store, life.resolve(await stored(store), "raj", closing(), NIGHT + 2 * HOUR))
    await clock.advance(8 * HOUR)
    shop = await open_incident(store, clock, 1044, entity=(("shop", "berlin"),))
    await clock.advance(11 * MINUTE)
    await recover(store, clock, shop)


async def weekly(shell: Terminal, *words: str) -> dict[str, Any]:
    said = await shell.run("report", "weekly", *words, "-o", "json")
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


async def test_the_figures_of_a_week_are_what_happened_in_it(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await a_week(store, clock)
    days = [
        {"day": f"2025-06-{9 + one:02}", "incidents": 2 * (one == 4), "at_night": int(one == 4)}
        for one in range(7)
    ]
    assert await weekly(shell, "--week", "2025-24") == {
        "week": "2025-24",
        "zone": "UTC",
        "since": "2025-06-09T00:00:00+00:00",
        "until": "2025-06-16T00:00:00+00:00",
        "incidents": 2,
        "withdrawn": 0,
        "not_taken": 1,
        "still_open": 0,
        "useful": 1,
        "mtta_seconds": 300,
        "mtta_mean_seconds": 300,
        "slowest_takes_seconds": 300,
        "mttr_seconds": (60 + 11) * 60 / 2,
        "time_not_taken_seconds": (5 + 11) * 60,
        "time_not_taken_at_work_seconds": 11 * 60,
        "night_pages": 1,
        "came_back": [{"team": "data", "rule": "orders-stale", "entity": {}, "times": 2}],
        "people": [
            {"person": "ana", "taken": 0, "off_hours_pages": 0, "night_pages": 1},
            {"person": "raj", "taken": 1, "off_hours_pages": 0, "night_pages": 0},
        ],
        "days": days,
    }


async def test_the_table_says_the_same_and_where_the_definitions_are(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await a_week(store, clock)
    said = await shell.run("report", "weekly", "--week", "2025-24")
    lines = dict(line.split("\t") for line in said.out.splitlines())
    assert lines["MTTA (median)"] == "5m"
    assert lines["person: ana"] == "taken: 0, night pages: 1"
    assert lines["again: orders-stale"] == "2 times"
    assert lines["day: Fri 13 Jun"] == "2"
    assert said.err == (
        "Week 2025-24 in UTC. What the figures mean: watchdog report weekly --help\n"
    )


async def test_the_summary_is_shown_before_anybody_gets_it(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await a_week(store, clock)
    said = await shell.run("report", "weekly", "--week", "2025-24", "--out", "text")
    assert said.out.startswith("Subject: Week 24: 2 incidents (2 more)")
    assert re.search(r"^orders-stale +2 \(was 1\) +1 h", said.out, re.MULTILINE)
    assert "  API key expired" not in said.out  # nobody wrote that
    assert "1 incident taken by nobody." in said.out
    html = await shell.run("report", "weekly", "--week", "2025-24", "--out", "html")
    assert html.out.startswith("<!doctype html>")
    assert "Week 24: 2 incidents (2 more)" in html.out
    assert await store.fetchval("select count(*) from report_run") == 0


async def test_the_summary_is_there_for_programs(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await a_week(store, clock)
    said = await shell.run("report", "weekly", "--week", "2025-24", "--out", "json")
    summary = json.loads(said.out)
    assert (summary["counted"]["incidents"], summary["before"]["incidents"]) == (2, 0)
    assert summary["counted"]["mtta"] == 300
    assert summary["counted"]["time_not_taken"] == (5 + 11) * 60
    assert [one["rule"] for one in summary["noisy"]] == ["orders-stale"]
    assert (summary["not_taken"], summary["rules"], summary["unlooked"]) == (1, 1, None)


async def test_what_is_open_late_or_unheard_is_in_the_summary(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await a_week(store, clock)
    await open_incident(store, clock, 1045, entity=(("shop", "rome"),))
    await store.execute(
        "update incident set prevention = 'alerting', prevention_words = 'warn before keys expire', "
        "prevention_owner = 'raj', prevention_due = '2025-06-10' where id = 1042"
    )
    await store.execute(
        "update notification set state = 'dead', settled_at = $1 where state = 'pending'",
        clock.now(),
    )
    said = await shell.run("report", "weekly", "--week", "2025-24", "--out", "json")
    summary = json.loads(said.out)
    [still] = summary["still_open"]
    assert (still["id"], still["owner"], summary["open_total"]) == (1045, "ana", 1)
    [action] = summary["actions"]
    assert (action["id"], action["words"]) == (1042, "warn before keys expire")
    dead = await store.fetch("select part from notification where state = 'dead'")
    pages = sum(one["part"] == "page" for one in dead)
    assert 0 < pages < len(dead)
    assert [one["what"] for one in summary["unseen"]] == [f"{pages} undelivered pages"]


async def test_without_a_week_it_is_the_present_one(shell: Terminal) -> None:
    found = await weekly(shell)
    assert (found["incidents"], found["mtta_seconds"], len(found["days"])) == (0, None, 7)


async def test_what_is_no_week_is_refused(shell: Terminal) -> None:
    said = await shell.run("report", "weekly", "--week", "2025-53")
    assert (said.code, said.err) == (2, "--week 2025-53: 2025 has no week 53\n")


@pytest.mark.parametrize(("rows_max", "what"), [(1, "1 incidents"), (2, "2 messages to people")])
async def test_figures_of_a_part_of_a_week_are_not_given(
    store: asyncpg.Pool, clock: MovedClock, rows_max: int, what: str
) -> None:
    await a_week(store, clock)
    async with transaction(store) as conn:
        with pytest.raises(figures.TooMany, match=f"^week 2025-24 has more than {what}, and"):
            await figures.record(conn, week_at(NIGHT, UTC_ZONE), clock.now(), rows_max)


@pytest.mark.parametrize("words", [(), ("--out", "text")])
async def test_a_week_with_too_much_to_count_is_refused(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock, words: tuple[str, ...]
) -> None:
    await open_incident(store, clock, 1042)
    await send_too_many(store, 1042, NIGHT)
    said = await shell.run("report", "weekly", "--week", "2025-24", *words)
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        "week 2025-24 has more than 100,000 messages to people, and figures of a part of them would be "
        "wrong; ask for another week with --week\n"
    )


async def test_what_has_not_happened_by_now_is_not_read(
    store: asyncpg.Pool, clock: MovedClock
) -> None:
    await a_week(store, clock)
    async with transaction(store) as conn:
        known = await figures.record(conn, week_at(NIGHT, UTC_ZONE), NIGHT + HOUR)
    assert [one.opening.opened_at for one in known.histories] == [NIGHT]


async def test_a_page_that_arrived_by_another_road_is_not_undelivered(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, 1042)
    await store.execute(
        "update notification set state = 'dead', settled_at = $1 where part = 'page'",
        clock.now(),
    )
    by_mail = (
        "insert into notification (incident_id, version, receiver, part, priority, state, due_at, "
        "created_at, settled_at, fallback_of) select incident_id, version, 'email:tom@example.com', "
        "part, priority, 'sent', due_at, created_at, settled_at, id from notification "
        "where part = 'page' order by id limit 1"
    )
    dead = await store.fetchval("select count(*) from notification where state = 'dead'")
    await store.execute(by_mail)
    said = await shell.run("report", "weekly", "--week", "2025-24", "--out", "json")
    assert dead == 2
    assert [one["what"] for one in json.loads(said.out)["unseen"]] == ["1 undelivered page"]


async def test_undelivered_pages_are_all_counted_however_many_did_not_get_them(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, 1042)
    await store.execute(
        "insert into notification (incident_id, version, receiver, part, priority, state, due_at, "
        "created_at, settled_at) select 1042, 1, format('email:%s@example.com', one), 'page', 0, "
        "'dead', $1, $1, $1 from generate_series(1, 60) one",
        NIGHT,
    )
    said = await shell.run("report", "weekly", "--week", "2025-24", "--out", "json")
    assert [one["what"] for one in json.loads(said.out)["unseen"]] == ["60 undelivered pages"]
