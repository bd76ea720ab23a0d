"""`watchdog outbox`: what was sent to whom, as its reader sees it, and sending it again."""

from datetime import timedelta

import asyncpg
import pytest

from tests.command_line import Terminal
from tests.page import open_incident
from watchdog.clock import MovedClock, SystemClock

_CLAIMED = (
    "update notification set state = 'sending', token = 1, leased_until = $1"
    " where receiver like 'slack:@%'"
)
_SETTLED = (
    "update notification set state = $1, settled_at = $2, leased_until = null, last_error = $3"
    " where receiver like 'slack:@%'"
)


async def page_that_is(store: asyncpg.Pool, clock: MovedClock, state: str, error: str = "") -> int:
    """Open an incident whose page has ended so; return the number of that message."""
    await open_incident(store, clock)
    await store.execute(_CLAIMED, clock.now())
    await store.execute(_SETTLED, state, clock.now(), error)
    number = await store.fetchval("select id from notification where receiver like 'slack:@%'")
    assert isinstance(number, int)
    return number


async def waiting(store: asyncpg.Pool, receiver: str = "slack:@U01ANA") -> list[int]:
    rows = await store.fetch(
        "select id from notification where state = 'pending' and receiver = $1", receiver
    )
    return [row["id"] for row in rows]


async def test_messages_are_listed_and_shown_as_their_reader_sees_them(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    empty = await shell.run("outbox")
    assert (empty.code, empty.err) == (0, "No message yet.\n")
    await open_incident(store, clock)
    await store.execute(
        "update notification set line = 'CRITICAL Orders', rendered = $1 where receiver like 'em%'",
        {"subject": "[CRITICAL] Orders", "text": "1 h old"},
    )
    rows = (await shell.run("outbox", "-o", "json")).rows
    mail, page = (
        next(one for one in rows if one["to"].startswith(way)) for way in ("email", "slack")
    )
    assert (mail["state"], mail["part"], mail["incident"]) == ("pending", "page", 1042)
    shown = await shell.run("outbox", str(mail["id"]))
    assert shown.out == "Subject: [CRITICAL] Orders\n\n1 h old\n"
    assert (await shell.run("outbox", str(page["id"]))).code == 0


async def test_the_messages_of_one_incident_are_listed_in_their_order(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    for number in (1042, 1043):
        await open_incident(store, clock, number)
    rows = (await shell.run("outbox", "--incident", "1043", "-o", "json")).rows
    assert {row["incident"] for row in rows} == {1043}
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert (await shell.run("outbox", "--incident", "7")).err == "No message yet.\n"


async def test_what_was_given_up_is_said_below_the_list_and_sent_again(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    number = await page_that_is(store, clock, "dead", "user_not_found")
    said = await shell.run("outbox", "-o", "tsv")
    again = f"watchdog outbox {number} --resend"
    assert said.err == f"1 could not be delivered; the first to slack:@U01ANA: {again}\n"
    said = await shell.run("outbox", str(number), "--resend")
    [written] = await waiting(store)
    assert (said.code, said.out) == (0, "")
    assert said.err == f"Message {number} is sent again as {written}; see watchdog outbox.\n"


async def test_what_waits_for_another_try_is_tried_at_once(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    [number] = await waiting(store)
    later = SystemClock().now() + timedelta(hours=9)  # the command reads the system's clock
    await store.execute("update notification set due_at = $1", later)
    said = await shell.run("outbox", str(number), "--resend")
    assert said.err == f"Message {number} is tried at once; see watchdog outbox.\n"
    due_at = await store.fetchval("select due_at from notification where id = $1", number)
    assert due_at <= SystemClock().now()


async def test_what_is_withheld_or_not_there_is_not_sent_and_says_why(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    number = await page_that_is(store, clock, "withheld", "silenced by ana: a move")
    said = await shell.run("outbox", str(number), "--resend")
    assert (said.code, said.err) == (2, f"message {number} is withheld: silenced by ana: a move\n")
    said = await shell.run("outbox", "7777", "--resend")
    assert (said.code, said.err) == (2, "there is no message 7777\n")
    assert await waiting(store) == []


@pytest.mark.parametrize("words", [["--resend"], ["7", "--incident", "1042"]])
async def test_half_a_question_is_wrong_use(shell: Terminal, words: list[str]) -> None:
    said = await shell.run("outbox", *words)
    assert (said.code, said.out) == (2, "")
    assert "say " in said.err
