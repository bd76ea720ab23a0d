"""What people do to incidents from the command line: what it prints, and how it ends."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.command_line import Terminal, terminal
from tests.page import open_incident, recover, stored
from watchdog.clock import MovedClock
from watchdog.domain.incident import State

REFUSED = [
    (("take", "1042"), "mei", 4, "mei is a viewer"),
    (("take", "1042"), "zoe", 2, "nobody is called zoe: known under `people:` are ana"),
    (("take", "7"), "ana", 2, "there is no incident #7"),
    (("take", "0"), "ana", 2, "0 is not in the range"),
    (("take", str(2**63)), "ana", 2, "is not in the range"),
    (("take", str(2**63 - 1)), "ana", 2, "there is no incident"),
    (("take", "first"), "ana", 2, "'first' is not a valid integer"),
    (("note", "1042", "-m", " \t"), "ana", 1, "a note needs words"),
    (("note", "1042"), "ana", 2, "Missing option '-m'"),
    (("handover", "1042", "mei"), "ana", 4, "mei is a viewer"),
    (("handover", "1042", "zoe"), "ana", 4, "nobody is called zoe"),
    (("handover", "1042", "ana"), "ana", 1, "is already yours"),
    (("handover", "1042", "ana"), "raj", 1, "belongs to ana"),
    (
        ("resolve", "1042", "-m", "x", "--kind", "code", "--action", "y"),
        "ana",
        1,
        "has not recovered",
    ),
    (("resolve", "1042", "-m", "x", "--kind", "code"), "ana", 2, "--action, or --nothing-needed"),
    (("resolve", "1042", "-m", "x", "--kind", "withdrawn"), "ana", 2, "'withdrawn'"),
    (("resolve", "1042", "-m", "x"), "ana", 2, "Missing option '--kind'"),
]


@pytest.fixture
def shell(tmp_path: Path, store_dsn: str) -> Iterator[Terminal]:
    with terminal(tmp_path, store_dsn) as here:
        yield here


async def test_taking_says_that_it_is_yours_and_what_to_do_first(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, do_first="Rotate the key\x1b[2J")
    said = await shell.run("take", "1042", "--as", "raj")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "#1042 is yours: Orders stopped syncing. Newest row is 1 h 02 min old, limit 1 h.",
        "Do first: Rotate the key [2J",
    ]
    assert (await stored(store)).owner == "raj"


async def test_the_second_taker_ends_with_1_and_may_take_it_over(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    await shell.run("take", "1042", "--as", "ana")
    late = await shell.run("ack", "1042", "--as", "raj")
    assert (late.code, late.out) == (1, "")
    assert late.err.startswith("ana took #1042 ")
    over = await shell.run("take", "1042", "--over", "--as", "raj")
    assert (over.code, (await stored(store)).owner) == (0, "raj")


async def test_what_cannot_be_done_changes_nothing_and_says_why(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    for words, person, code, sentence in REFUSED:
        said = await shell.run(*words, "--as", person)
        assert (said.code, said.out) == (code, ""), words
        assert sentence in said.err, words
        assert "internal error" not in said.err
    assert (await stored(store)).version == 1


async def test_an_offer_is_accepted_by_taking(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    offered = await shell.run("handover", "1042", "raj", "-m", "resync runs", "--as", "ana")
    assert offered.out == "#1042 offered to raj. You stay owner until raj takes it.\n"
    assert (await stored(store)).owner == "ana"
    assert (await shell.run("take", "1042", "--as", "raj")).code == 0
    assert (await stored(store)).owner == "raj"


async def test_a_note_of_bytes_that_no_database_holds_is_kept_without_them(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    said = await shell.run("note", "1042", "-m", "key\0rotated \udcff", "--as", "ana")
    assert (said.code, said.out) == (0, "#1042 noted.\n")
    shown = await shell.run("show", "1042", "-o", "json")
    assert [one["words"] for one in shown.rows if one["what"] == "noted"] == ["keyrotated ?"]


async def test_what_has_recovered_ends_with_its_cause(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await recover(store, clock, await open_incident(store, clock))
    said = await shell.run(
        *("resolve", "1042", "-m", "key expired", "--kind", "config", "--as", "ana"),
        *("--nothing-needed", "keys do not expire any more"),
    )
    next_time = "Next time: nothing needed: keys do not expire any more"
    assert (said.code, said.out) == (0, f"#1042 resolved: key expired. {next_time}\n")
    ended = await stored(store)
    assert (ended.state, ended.cause_kind) == (State.RESOLVED, "config")
    again = await shell.run(
        *("resolve", "1042", "-m", "x", "--kind", "code", "--action", "y", "--as", "ana")
    )
    assert (again.code, again.err) == (1, "#1042 is already resolved: key expired\n")
