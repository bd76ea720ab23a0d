"""`watchdog act`, on a store that this process owns and a file that it changes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from tests.command_line import Terminal
from tests.page import DIRECTORY, open_incident
from watchdog import verbs
from watchdog.clock import MovedClock
from watchdog.moving import Deed

RULES = """\
version: 1
service: {{ store: "{store}" }}
people:
  ana: {{ email: ana@example.com }}
  raj: {{ email: raj@example.com }}
  mei: {{ email: mei@example.com, role: viewer }}
teams: {{ data: {{ lead: ana, email: data@example.com }} }}
defaults: {{ team: data }}
sources:
  web: {{ sqlite: {folder}/web.db }}
  web_writer: {{ sqlite: {folder}/web.db, writes: true }}
rules:
  orders-stale:
    title: Orders stopped syncing
    stale: {{ source: web, table: orders, column: synced_at, max_age: 1h }}
    actions:
      unlock:
        label: Free the lock of the sync
        sql: {{ source: web_writer, statement: "delete from sync_lock where name = 'orders'" }}
        at_most: 1 per incident
      wipe:
        label: Forget all locks
        sql: {{ source: web_writer, statement: delete from sync_lock where true, max_rows: 1 }}
        two_people: true
"""


@pytest.fixture
def shell(shell: Terminal, store_dsn: str) -> Terminal:
    shell.rules.write_text(RULES.format(store=store_dsn, folder=shell.folder))
    return shell


@pytest.fixture
def locks(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "web.db", isolation_level=None)) as file:
        file.execute("create table sync_lock (name text)")
        file.executemany("insert into sync_lock values (?)", [("orders",), ("stock",)])
        yield file


@pytest.fixture
async def taken(store: asyncpg.Pool, clock: MovedClock) -> None:
    await open_incident(store, clock)
    await verbs.take(store, DIRECTORY, Deed(1042, "ana", clock.now()))


def left(locks: sqlite3.Connection) -> list[str]:
    return [name for (name,) in locks.execute("select name from sync_lock order by name")]


@pytest.mark.usefixtures("taken", "locks")
async def test_without_an_action_it_lists_what_there_is(shell: Terminal) -> None:
    said = await shell.run("act", "1042", "--as", "ana", "-o", "table")
    assert (said.code, said.err) == (0, "Run one: watchdog act 1042 unlock -m HYPOTHESIS\n")
    assert [line.split()[0] for line in said.out.splitlines()[1:3]] == ["unlock", "wipe"]
    other = await shell.run("act", "1042", "--as", "raj", "-o", "json")
    assert {one["now"] for one in other.rows} == {
        "#1042 belongs to ana; only its owner acts on it. Take it over if that is agreed"
    }


@pytest.mark.usefixtures("taken")
async def test_an_incident_is_shown_with_what_can_be_run(shell: Terminal) -> None:
    shown = await shell.run("show", "1042", "-o", "table")
    assert "Actions    unlock, wipe: watchdog act 1042\n" in shown.out


@pytest.mark.usefixtures("taken")
async def test_a_run_says_what_came_of_it_and_is_on_the_timeline(
    shell: Terminal, locks: sqlite3.Connection
) -> None:
    said = await shell.run("act", "1042", "unlock", "-m", "Its host died", "--as", "ana")
    assert (said.code, said.out) == (0, "#1042 Free the lock of the sync: done, 1 row changed\n")
    assert left(locks) == ["stock"]
    shown = await shell.run("show", "1042", "-o", "json")
    assert [(one["what"], one["words"]) for one in shown.rows if "action" in one["what"]] == [
        ("action begun", "Free the lock of the sync: Its host died"),
        ("action ran", "Free the lock of the sync: done, 1 row changed"),
    ]


@pytest.mark.usefixtures("taken")
async def test_what_is_not_done_ends_with_1_and_says_why(
    shell: Terminal, locks: sqlite3.Connection
) -> None:
    for words, code, sentence in (
        (("act", "1042", "unlock"), 1, "say what you think is wrong"),
        (("act", "1042", "unlokc", "-m", "x"), 1, "has no action `unlokc`; it has unlock, wipe"),
        (("act", "7", "unlock", "-m", "x"), 2, "there is no incident #7"),
        (("act", "1042", "-m", "x"), 2, "say which action; `watchdog act 1042` lists them"),
        (("act", "1042", "wipe", "--approve"), 1, "no run of `wipe` waits for a second person"),
    ):
        said = await shell.run(*words, "--as", "ana")
        assert (said.code, said.out) == (code, ""), words
        assert sentence in said.err
        assert "internal error" not in said.err
    viewer = await shell.run("act", "1042", "unlock", "-m", "x", "--as", "mei")
    assert (viewer.code, "mei is a viewer" in viewer.err) == (4, True)
    assert left(locks) == ["orders", "stock"]


@pytest.mark.usefixtures("taken")
async def test_all_actions_can_be_stopped_and_let_run_again(
    shell: Terminal, locks: sqlite3.Connection
) -> None:
    unlock = ("act", "1042", "unlock", "-m", "Its host died", "--as", "ana")
    assert (await shell.run("stop-actions", "--as", "raj")).err.startswith("say why all actions")
    stopped = await shell.run("stop-actions", "-m", "wrong database", "--as", "raj")
    assert (stopped.code, stopped.out) == (0, "No action can be run until --lift.\n")
    for words, code, sentence in (
        (unlock, 1, "raj stopped all actions"),
        (
            ("stop-actions", "-m", "me too", "--as", "ana"),
            1,
            "ago: wrong database. raj or an admin",
        ),
        (("stop-actions", "--lift", "--as", "ana"), 4, "raj or an admin lifts it"),
        (("stop-actions", "--lift", "--as", "mei"), 4, "mei is a viewer"),
    ):
        said = await shell.run(*words)
        assert (said.code, said.out, sentence in said.err) == (code, "", True), said
    assert left(locks) == ["orders", "stock"]
    assert "raj stopped all actions" in (await shell.run("status")).err
    assert (await shell.run("stop-actions", "--lift", "--as", "raj")).code == 0
    assert "stopped all" not in (await shell.run("status")).err
    assert (await shell.run("stop-actions", "--lift", "--as", "raj")).code == 1
    assert (await shell.run(*unlock)).code == 0


@pytest.mark.usefixtures("taken")
async def test_two_people_run_what_needs_two(shell: Terminal, locks: sqlite3.Connection) -> None:
    asked = await shell.run("act", "1042", "wipe", "-m", "All are old", "--as", "ana")
    assert asked.code == 0
    assert asked.out.startswith("#1042 Forget all locks: waits until ")
    assert asked.out.endswith("UTC for somebody else: watchdog act 1042 wipe --approve\n")
    ran = await shell.run("act", "1042", "wipe", "--approve", "--as", "raj")
    refused = "refused, would change 2 rows, allowed is 1; nothing was changed"
    assert (ran.code, ran.err) == (1, f"#1042 Forget all locks: {refused}\n")
    assert left(locks) == ["orders", "stock"]
