"""A storm from the command line: its row, its members, and splitting one out."""

import asyncpg
import pytest

from tests.command_line import Terminal
from tests.page import open_incident
from tests.storms import STORM, heal, open_storm
from watchdog.clock import MovedClock


async def test_a_storm_is_one_row_of_the_list(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_storm(store, clock)
    said = await shell.run("incidents", "-o", "json")
    [row] = said.rows
    assert (row["id"], row["what"], row["fact"]) == (
        STORM,
        "source crm",
        "6 incidents at once, 1 critical",
    )


async def test_a_storm_is_listed_under_the_rules_of_its_members(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_storm(store, clock)
    assert len((await shell.run("incidents", "--rule", "jobs-stuck", "-o", "json")).rows) == 1
    assert (await shell.run("incidents", "--rule", "orders-stale", "-o", "json")).rows == []


async def test_members_are_listed_the_worst_first_and_the_rest_counted(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    storm = await open_storm(store, clock, 60)
    await heal(store, clock, storm, 3)
    said = await shell.run("members", str(STORM), "-o", "json", "--limit", "60")
    assert (said.rows[0]["member"], said.rows[0]["level"]) == (8, "critical")
    assert (said.rows[-1]["member"], said.rows[-1]["state"]) == (3, "good")
    assert said.rows[0]["entity"] == "queue=q8"
    cut = await shell.run("members", str(STORM), "-o", "tsv")
    assert len(cut.out.splitlines()) == 51
    assert "10 more: watchdog members 1050 --limit 10000" in cut.err


async def test_a_storm_is_shown_with_its_first_members(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_storm(store, clock, 30)
    said = await shell.run("show", str(STORM), "-o", "table")
    assert "#1050 CRITICAL source crm" in said.out
    assert "Do first   Restart it." in said.out
    assert said.out.index("Members") < said.out.index("Timeline")
    assert said.out.count("queue=") == 20
    assert "10 more: watchdog members 1050" in said.err


@pytest.mark.parametrize("words", [("2",), ("jobs-stuck", "queue=q2")])
async def test_a_member_is_split_out_by_its_number_or_its_name(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock, words: tuple[str, ...]
) -> None:
    await open_storm(store, clock)
    said = await shell.run("split", str(STORM), *words, "--as", "raj")
    assert (said.code, said.err) == (0, "")
    number = await store.fetchval("select max(split_id) from member")
    assert said.out == (
        f"#{number} is an incident of its own now: Jobs of q2 hang. ana is paged.\n"
    )
    listed = await shell.run("members", str(STORM), "-o", "json")
    [split] = [row for row in listed.rows if row["state"] == "split"]
    assert (split["member"], split["incident"], split["fact"]) == (2, number, f"#{number}")
    shown = await shell.run("show", str(number), "-o", "table")
    assert "Storm      #1050" in shown.out


@pytest.mark.parametrize(
    ("words", "person", "code", "said"),
    [
        (("split", "1050", "99"), "raj", 1, "has no member number 99; `watchdog members 1050`"),
        (("split", "1050", "jobs-stuck", "queue=x"), "raj", 1, "no member jobs-stuck queue=x"),
        (("split", "1050", "jobs-stuck", "q1"), "raj", 1, "`q1` names nothing of a member"),
        (("split", "1050", "1"), "mei", 4, "mei is a viewer"),
        (("split", "1050"), "raj", 2, "Missing argument"),
        (("split", "7", "1"), "raj", 2, "there is no incident #7"),
        (("split", "1042", "1"), "raj", 1, "#1042 is no storm"),
    ],
)
async def test_what_cannot_be_split_is_refused_with_a_sentence(
    shell: Terminal,
    store: asyncpg.Pool,
    clock: MovedClock,
    words: tuple[str, ...],
    person: str,
    code: int,
    said: str,
) -> None:
    await open_incident(store, clock)
    await open_storm(store, clock)
    answer = await shell.run(*words, "--as", person)
    assert answer.code == code
    assert said in answer.err
    assert await store.fetchval("select count(*) from member where state = 'split'") == 0


@pytest.mark.parametrize(
    ("number", "said"), [("7", "there is no incident #7"), ("1042", "#1042 is no storm")]
)
async def test_only_a_storm_has_members(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock, number: str, said: str
) -> None:
    await open_incident(store, clock)
    answer = await shell.run("members", number)
    assert (answer.code, said in answer.err) == (2, True)
