"""Sending the weekly summary by hand, and its readers, from the command line."""

from datetime import timedelta

import asyncpg
import pytest

from tests.command_line import RULES, Terminal
from tests.page import open_incident, send_too_many
from tests.postgres import NIGHT
from watchdog.clock import MovedClock, SystemClock
from watchdog.store import subscriptions
from watchdog.store.pool import transaction

WEEKLY = "reports: { weekly: { kind: weekly, to: [ana, heads@example.com] } }\n"


@pytest.fixture
def shell(shell: Terminal, store_dsn: str) -> Terminal:
    shell.rules.write_text(RULES.format(store=store_dsn) + WEEKLY)
    return shell


async def told(store: asyncpg.Pool) -> list[str]:
    rows = await store.fetch("select receiver from notification order by id")
    return [row["receiver"] for row in rows]


async def test_a_week_is_sent_to_each_reader_once(shell: Terminal, store: asyncpg.Pool) -> None:
    first = await shell.run("report", "weekly", "--week", "2025-24", "--send")
    again = await shell.run("report", "weekly", "--week", "2025-24", "--send")
    assert first.out == "Week 2025-24 is on its way to ana@example.com, heads@example.com.\n"
    assert again.out == "Week 2025-24 goes to nobody; 2 had it before, or have stopped it.\n"
    assert await told(store) == ["email:ana@example.com", "email:heads@example.com"]


async def test_by_default_it_is_the_last_week_that_is_over(
    shell: Terminal, store: asyncpg.Pool
) -> None:
    said = await shell.run("report", "weekly", "--send")
    [told_at] = await store.fetch("select due_on, told_at from report_told limit 1")
    assert said.code == 0
    today = told_at["told_at"].date()
    assert told_at["due_on"] == today - timedelta(days=today.weekday() + 7)


async def test_a_week_that_is_not_over_is_not_sent(shell: Terminal, store: asyncpg.Pool) -> None:
    said = await shell.run("report", "weekly", "--week", f"{SystemClock().now():%G-%V}", "--send")
    assert said.code == 2
    assert "it is not over; the last one that is, is" in said.err
    assert await told(store) == []


async def test_without_a_weekly_summary_it_says_what_to_write(
    shell: Terminal, store_dsn: str
) -> None:
    shell.rules.write_text(RULES.format(store=store_dsn))
    said = await shell.run("report", "weekly", "--send")
    assert said.code == 2
    assert "write `weekly: { kind: weekly, to: [ana] }` under `reports:`" in said.err


async def test_whoever_has_stopped_it_is_listed_and_can_have_it_again(
    shell: Terminal, store: asyncpg.Pool
) -> None:
    await shell.run("report", "weekly", "--week", "2025-24", "--send")
    async with transaction(store) as conn:
        _, token = (await subscriptions.readers(conn, "weekly"))["ana@example.com"]
        await subscriptions.stop(conn, token, NIGHT)
    listed = (await shell.run("report", "readers", "-o", "json")).rows
    assert [(one["reader"], one["state"]) for one in listed] == [
        ("ana@example.com", "stopped"),
        ("heads@example.com", "gets it"),
    ]
    resumed = await shell.run("report", "resume", "Ana@example.com")
    twice = await shell.run("report", "resume", "ana@example.com")
    assert resumed.out == "Ana@example.com gets it again.\n"
    assert (twice.code, twice.err[:38]) == (2, "ana@example.com has not stopped it; `w")
    listed = (await shell.run("report", "readers", "-o", "json")).rows
    assert {one["state"] for one in listed} == {"gets it"}


async def test_it_stands_among_the_reports(shell: Terminal) -> None:
    [row] = (await shell.run("report", "list", "-o", "json")).rows
    assert (row["name"], row["when"]) == ("weekly", "30 8 * * mon UTC")
    assert row["send"] == "ana@example.com, heads@example.com"
    said = await shell.run("report", "show", "weekly")
    assert (said.code, said.err) == (
        2,
        "weekly is a weekly summary: watchdog report weekly --out text\n",
    )


async def test_two_summaries_are_both_sent(
    shell: Terminal, store: asyncpg.Pool, store_dsn: str
) -> None:
    both = (
        "reports: { weekly: { kind: weekly, to: ana }, heads: { kind: weekly, to: h@x.example } }\n"
    )
    shell.rules.write_text(RULES.format(store=store_dsn) + both)
    said = await shell.run("report", "weekly", "--week", "2025-24", "--send")
    assert said.out.splitlines() == [
        "Week 2025-24 is on its way to ana@example.com.",
        "Week 2025-24 is on its way to h@x.example.",
    ]
    assert await told(store) == ["email:ana@example.com", "email:h@x.example"]


async def test_a_reader_who_has_stopped_it_is_left_out_by_hand_too(
    shell: Terminal, store: asyncpg.Pool
) -> None:
    await shell.run("report", "weekly", "--week", "2025-23", "--send")
    async with transaction(store) as conn:
        _, token = (await subscriptions.readers(conn, "weekly"))["ana@example.com"]
        await subscriptions.stop(conn, token, NIGHT)
    said = await shell.run("report", "weekly", "--week", "2025-24", "--send")
    assert said.out == (
        "Week 2025-24 is on its way to heads@example.com; 1 had it before, or have stopped it.\n"
    )


@pytest.mark.parametrize(
    ("week", "why"), [("2025-53", "2025 has no week 53"), ("June", "write a year and a week")]
)
async def test_what_is_no_week_is_not_sent(
    shell: Terminal, store: asyncpg.Pool, week: str, why: str
) -> None:
    said = await shell.run("report", "weekly", "--week", week, "--send")
    assert (said.code, why in said.err) == (2, True)
    assert await told(store) == []


async def test_whoever_is_no_reader_is_not_resumed(shell: Terminal) -> None:
    said = await shell.run("report", "resume", "nobody@example.com")
    assert said.code == 2
    assert "`watchdog report readers` shows who has" in said.err


async def test_a_summary_with_a_mistake_sends_nothing(
    shell: Terminal, store: asyncpg.Pool, store_dsn: str
) -> None:
    wrong = "reports: { weekly: { kind: weekly, to: [ana, nobody] } }\n"
    shell.rules.write_text(RULES.format(store=store_dsn) + wrong)
    said = await shell.run("report", "weekly", "--send")
    assert (said.code, await told(store)) == (2, [])


async def test_a_week_with_too_much_to_count_is_not_sent_by_hand(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, 1042)
    await send_too_many(store, 1042, NIGHT)
    said = await shell.run("report", "weekly", "--week", "2025-24", "--send")
    assert (said.code, said.out) == (1, "")
    assert "more than 100,000 messages to people" in said.err
    assert await store.fetchval("select count(*) from report_told") == 0
