"""`watchdog silence`: what it prints, how it ends, and what the other commands say of it."""

from datetime import timedelta

import asyncpg
import pytest

from rules.base import Severity
from tests.command_line import Terminal
from tests.page import open_incident, stored
from watchdog.clock import MovedClock

ADD = ("silence", "add", "orders-*", "2h", "-m", "deploy")


async def test_adding_says_until_when_what_it_hides_and_what_it_does_not(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    for number in range(1042, 1049):
        await open_incident(store, clock, number, severity=Severity.WARNING)
    said = await shell.run(*ADD, "--as", "raj")
    assert said.code == 0
    assert said.out.startswith("raj silences orders-* until ")
    hides = "It hides #1042, #1043, #1044, #1045, #1046 and 2 more now."
    assert said.out.endswith(f"UTC (silence 1). {hides}\n")
    assert said.err == "What is critical is told all the same; only an admin silences that.\n"


async def test_the_list_says_what_each_hides_and_how_to_end_one(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    assert (await shell.run("silence", "list")).err == "Nothing is silenced.\n"
    await open_incident(store, clock, severity=Severity.WARNING)
    await shell.run(*ADD, "--entity", "shop=web", "--as", "raj")
    await shell.run(*ADD, "--team", "data", "--as", "raj")
    said = await shell.run("silence", "list", "-o", "json")
    assert [(row["id"], row["what"], row["hides"], row["why"]) for row in said.rows] == [
        (1, "orders-*, shop web", 0, "deploy"),
        (2, "orders-*, team data", 1, "deploy"),
    ]
    status = (await shell.run("status")).err
    assert "Silenced: orders-*, shop web by raj until " in status
    piped = await shell.run("silence", "list")
    assert piped.out.splitlines()[0] == (
        "id\twhat\tends_in\tby\thides\twhy\tcritical\tmade_at\tends_at\tincidents"
    )
    assert piped.err == "1 incident hidden. End a silence early: watchdog silence end 1\n"


async def test_ending_says_what_is_told_now(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, severity=Severity.WARNING)
    await shell.run(*ADD, "--as", "raj")
    assert (await stored(store)).silence == 1
    said = await shell.run("silence", "end", "1", "--as", "ana")
    assert said.out == "Silence 1 of orders-* has ended. Still bad, and told now: #1042.\n"
    again = await shell.run("silence", "end", "1", "--as", "ana")
    assert (again.code, "there is no silence 1 to end" in again.err) == (1, True)
    await shell.run(
        "silence", "add", "orders-stale", "1h", "-m", "x", "--entity", "a=b", "--as", "raj"
    )
    said = await shell.run("silence", "end", "2", "--as", "ana")
    assert said.out.endswith("has ended. Nothing of it is bad.\n")


async def test_show_says_that_an_incident_is_silenced_by_whom_and_why(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, severity=Severity.WARNING)
    await shell.run(*ADD, "--as", "raj")
    said = await shell.run("show", "1042", "-o", "table")
    [line] = [one for one in said.out.splitlines() if one.startswith("Silenced")]
    assert line.startswith("Silenced   by raj until ")
    assert line.endswith(" UTC: deploy")
    rows = (await shell.run("incidents", "-o", "json")).rows
    assert rows[0]["silenced_until"] is not None
    await shell.run("silence", "end", "1", "--as", "raj")
    assert "Silenced  " not in (await shell.run("show", "1042", "-o", "table")).out


@pytest.mark.parametrize(
    ("words", "person", "code", "said"),
    [
        (ADD, "mei", 4, "mei is a viewer"),
        (ADD[:-2], "raj", 2, "Missing option '-m'"),
        (("silence", "add", "orders-stale", "8d", "-m", "x"), "raj", 1, "lasts at most 7d, not 8d"),
        (
            ("silence", "add", "orders-stale", "soon", "-m", "x"),
            "raj",
            2,
            "UNTIL soon: write it like",
        ),
        (("silence", "add", "orders-stale", "2h", "-m", " "), "raj", 1, "needs a reason"),
        (
            ("silence", "add", "order-stale", "2h", "-m", "x"),
            "raj",
            1,
            "did you mean orders-stale?",
        ),
        ((*ADD, "--team", "nobody"), "raj", 1, "there is no team nobody; there are: data"),
        ((*ADD, "--entity", "shop"), "raj", 2, "--entity shop: write it COLUMN=VALUE"),
        (("silence", "end", "0"), "raj", 2, "0 is not in the range"),
        (("silence", "end", "7"), "raj", 1, "there is no silence 7 to end"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_to_do(
    shell: Terminal, words: tuple[str, ...], person: str, code: int, said: str
) -> None:
    ended = await shell.run(*words, "--as", person)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


async def test_show_says_what_an_incident_waits_for(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    until = clock.now() + timedelta(days=7)
    await open_incident(store, clock, 1043, waits_for=1042, silenced_until=until)
    said = await shell.run("show", "1043", "-o", "table")
    assert "Waits for  #1042, which explains it" in said.out.splitlines()


@pytest.mark.parametrize("pattern", ["source:web", "storm:*", "rule:orders-stale", "no_data:*"])
async def test_what_the_service_opens_by_itself_can_be_silenced_by_its_name(
    shell: Terminal, pattern: str
) -> None:
    said = await shell.run("silence", "add", pattern, "1h", "-m", "moving", "--as", "raj")
    assert (said.code, said.out.startswith(f"raj silences {pattern} until ")) == (0, True)
