"""What people do to incidents from the command line: what it prints, and how it ends."""

import asyncpg

from tests.command_line import Terminal
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
    (("decline", "1042"), "raj", 1, "nobody asks raj to take #1042; there is nothing to decline"),
    (("snooze", "1042", "1h"), "ana", 1, "#1042 is open; take it first, then snooze it"),
    (("snooze", "1042", "soon"), "ana", 2, "SPAN soon: write it like `30m` or `2h`"),
    (
        ("reopen", "1042", "-m", "x"),
        "ana",
        1,
        "#1042 is open, not over; there is nothing to reopen",
    ),
    (("reopen", "1042"), "ana", 2, "Missing option '-m'"),
    (("not-actionable", "1042", "--why", "boring"), "ana", 2, "'boring'"),
    (("not-actionable", "1042"), "ana", 2, "Missing option '--why'"),
]


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


async def test_whoever_is_asked_declines_and_its_owner_keeps_it(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    await shell.run("handover", "1042", "raj", "--as", "ana")
    said = await shell.run("decline", "1042", "-m", "no access", "--as", "raj")
    assert (said.code, said.out) == (0, "#1042 declined; ana keeps it.\n")
    assert ((await stored(store)).owner, (await stored(store)).offered_to) == ("ana", "")
    assert (await shell.run("take", "1042", "--as", "ana")).code == 0


async def test_a_snooze_says_until_when_it_rests_and_one_for_too_long_is_refused(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    await shell.run("take", "1042", "--as", "ana")
    said = await shell.run("snooze", "1042", "2h", "--as", "ana")
    until = (await stored(store)).snoozed_until
    assert until is not None
    assert said.out == f"#1042 rests until {until:%Y-%m-%d %H:%M} UTC, or until it is worse.\n"
    late = await shell.run("snooze", "1042", "1d1h", "--as", "ana")
    most = "#1042 can be snoozed for at most 24h, not for 25h; hand it over if that is too short\n"
    assert (late.code, late.err) == (1, most)


async def test_what_is_not_well_after_all_is_reopened_and_resolved_by_its_owner(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await recover(store, clock, await open_incident(store, clock))
    said = await shell.run("reopen", "1042", "-m", "still slow", "--as", "raj")
    assert said.out == "#1042 is open again, and yours. Resolve it when it is well.\n"
    assert (await stored(store)).ends_by_hand
    ending = ("resolve", "1042", "-m", "cache", "--kind", "code", "--action", "y")
    assert "belongs to raj" in (await shell.run(*ending, "--as", "ana")).err
    assert (await shell.run(*ending, "--as", "raj")).code == 0
    assert (await stored(store)).state is State.RESOLVED


async def test_what_needed_nobody_is_noted_while_it_is_bad_and_ends_once_it_has_recovered(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    saying = ("not-actionable", "1042", "--why", "false positive", "-m", "a holiday", "--as", "ana")
    said = await shell.run(*saying)
    noted = "#1042 noted: false positive. It is still open until its checks are good.\n"
    assert (said.code, said.out) == (0, noted)
    await recover(store, clock, await stored(store, one.id))
    said = await shell.run(*saying)
    assert said.out == "#1042 resolved as false alarm: false positive: a holiday.\n"
    ended = await stored(store)
    assert (ended.state, ended.cause_kind) == (State.RESOLVED, "false alarm")
    assert ended.unneeded == "false positive"
    assert "is already resolved" in (await shell.run(*saying)).err


async def test_what_somebody_else_holds_for_long_is_said_to_be_busy(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock)
    async with store.acquire() as conn, conn.transaction():
        await conn.execute("select from incident where id = 1042 for update")
        said = await shell.run("take", "1042", "--as", "ana")
    assert (said.code, said.out) == (3, "")
    assert said.err.startswith("the store is busy, and nothing was changed: ")
