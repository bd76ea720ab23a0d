"""What the command line shows of incidents, messages and looks, and how it ends."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from rules.base import Outcome, Severity
from tests.command_line import Terminal
from tests.page import DIRECTORY, open_incident, recover
from tests.unit.test_incident import ACTION, closing
from watchdog import verbs
from watchdog.clock import MovedClock, SystemClock
from watchdog.domain.track import Track
from watchdog.moving import Deed
from watchdog.store import configurations, looks, tracks
from watchdog.store.looks import RuleLook
from watchdog.store.pool import transaction


@pytest.fixture
def clock() -> MovedClock:
    """Give a clock that stands an hour before now: commands read the system's."""
    return MovedClock(SystemClock().now() - timedelta(hours=1))


async def looked(store: asyncpg.Pool, clock: MovedClock, **changes: object) -> None:
    at = clock.now() + timedelta(hours=1)
    one = RuleLook("orders-stale", at, Outcome.OK, ok=1, **changes)  # type: ignore[arg-type]
    async with transaction(store) as conn:
        await looks.add(conn, [one])


async def test_without_incidents_it_says_so_and_pipes_stay_clean(shell: Terminal) -> None:
    said = await shell.run("incidents", "--fail-if-open")
    assert (said.code, said.err) == (0, "Nothing is open.\n")
    assert said.out.split("\t")[0] == "id"
    assert len(said.out.splitlines()) == 1


async def test_the_list_names_who_has_not_taken_it_and_what_to_type(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, 1042)
    await open_incident(store, clock, 1043, owner="raj")
    said = await shell.run("incidents", "--owner", "raj", "-o", "json")
    [row] = said.rows
    assert (row["id"], row["owner"], row["state"]) == (1043, "raj (not taken)", "open")
    table = await shell.run("incidents")
    assert table.err == "2 not taken, the first for 1h. Take it: watchdog take 1042\n"


async def test_only_what_is_open_or_taken_makes_the_answer_bad(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    assert (await shell.run("incidents")).code == 0
    assert (await shell.run("incidents", "--fail-if-open")).code == 1
    await recover(store, clock, one)
    said = await shell.run("incidents", "--fail-if-open")
    assert (said.code, said.err) == (0, "1 shown, all taken or over.\n")


async def test_what_is_asked_for_narrows_the_list(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await open_incident(store, clock, 1042, rule="other", severity=Severity.WARNING)
    await open_incident(store, clock, 1043)
    for options, found in (
        ((), [1043, 1042]),
        (("--rule", "orders-stale"), [1043]),
        (("--rule", "orders-*"), []),
        (("--owner", "raj"), []),
        (("--since", "2h"), [1043, 1042]),
        (("--since", "30m"), []),
    ):
        said = await shell.run("incidents", *options, "-o", "json")
        assert [row["id"] for row in said.rows] == found, options


async def test_a_span_that_is_none_is_wrong_use(shell: Terminal) -> None:
    for since in ("soon", "-1h", "99999999d", "1h\x1b[2J", "١h"):
        said = await shell.run("incidents", "--since", since)
        assert (said.code, said.out) == (2, ""), since
        assert "write it like `30m` or `2h`" in said.err
        assert "\x1b" not in said.err


async def test_an_incident_is_shown_with_all_that_is_known_of_it(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    narrow: list[dict[str, object]] = [{"shop": "a\x1b[31m", "lag": None}]
    wide: list[dict[str, object]] = [{f"column{n}": n for n in range(7)} | {"column0": None}]
    evidence = {"runs": narrow, "all": wide, "none": []}
    steps = ("Look", "Resync")
    await open_incident(store, clock, evidence=evidence, steps=steps, failure_class="auth")
    said = await shell.run("show", "1042", "-o", "table")
    lines = [line.rstrip() for line in said.out.splitlines()]
    assert lines[0] == "#1042 CRITICAL Orders stopped syncing"
    for line in (
        "State      open, open for 1h",
        "Owner      ana, not taken",
        "Class      auth",
        "Step 2     Resync",
        "Evidence runs, 1 row",
        "Evidence none, 0 rows",
        "  column6  6",
        "Timeline",
    ):
        assert line in lines, line
    assert "Offered" not in said.out
    assert "\x1b" not in said.out


async def test_an_incident_that_is_over_says_so_in_the_past(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    one = await open_incident(store, clock)
    await clock.advance(timedelta(minutes=5))
    await recover(store, clock, one)
    ending = replace(closing("a full disk", "infrastructure", ACTION), risk="other disks")
    await verbs.resolve(store, DIRECTORY, Deed(1042, "ana", clock.now()), ending)
    said = await shell.run("show", "1042", "-o", "table")
    assert "State      resolved, open for 5m" in said.out
    assert "Cause      a full disk (infrastructure)" in said.out
    assert "Next time  warn before a key expires (alerting; raj, due 2025-06-27)" in said.out
    assert "At risk    other disks" in said.out
    assert "not taken" not in said.out
    whats = [row["what"] for row in (await shell.run("show", "1042", "-o", "json")).rows]
    assert [one for one in whats if one != "message"] == ["opened", "recovered", "resolved"]


@pytest.mark.parametrize("command", ["show", "outbox"])
async def test_what_is_not_there_or_cannot_be_is_wrong_use(command: str, shell: Terminal) -> None:
    for number in ("7", str(2**63 - 1)):
        said = await shell.run(command, number)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("there is no ")
    for number in ("0", str(2**63)):
        said = await shell.run(command, number)
        assert (said.code, said.out) == (2, "")
        assert "is not in the range" in said.err


async def test_a_message_that_was_given_up_lately_is_in_the_status(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await looked(store, clock)
    await open_incident(store, clock)
    at = clock.now() + timedelta(minutes=59)
    await store.execute(
        "update notification set state = 'dead', settled_at = $1, last_error = 'user_not_found'"
        " where receiver = 'slack:@U01ANA'",
        at,
    )
    status = await shell.run("status")
    assert status.code == 1
    assert "1 could not be delivered in the last day" in status.err


async def test_whether_everything_is_watched_is_the_exit_code(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    refused = "Not watched: orders-stale: failed 3 times in a row: refused [2J"
    for errors, code, sentence in (
        (0, 0, "The one rule is watched."),
        (2, 0, "The one rule is watched."),
        (3, 1, refused),
    ):
        await looked(store, clock, errors_in_a_row=errors, reason="refused\x1b[2J")
        said = await shell.run("status", "-o", "json")
        assert (said.code, sentence in said.err.splitlines()) == (code, True), errors
        assert [row["rule"] for row in said.rows] == ["orders-stale"]


@pytest.mark.parametrize(("outcome", "said"), [(Outcome.BAD, "held under up"), (Outcome.OK, "")])
async def test_of_a_rule_that_is_bad_status_says_why_nothing_is_open(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock, outcome: Outcome, said: str
) -> None:
    at = clock.now()
    track = Track("orders-stale", (), 2, at, at, Severity.WARNING, reason="held under up")
    async with transaction(store) as conn:
        await looks.add(conn, [RuleLook("orders-stale", at + timedelta(hours=1), outcome)])
        await tracks.write(conn, [track], "orders")
    [row] = (await shell.run("status", "-o", "json")).rows
    assert row["reason"] == said


async def test_a_rule_that_nobody_has_looked_at_is_not_watched(shell: Terminal) -> None:
    said = await shell.run("status")
    assert said.code == 1
    assert "Not watched: orders-stale: not looked at yet" in said.err


async def test_files_with_mistakes_are_not_in_force_and_say_so(
    shell: Terminal, store: asyncpg.Pool, clock: MovedClock
) -> None:
    await looked(store, clock)
    good = shell.rules.read_text()
    async with transaction(store) as conn:
        await configurations.keep(conn, b"d" * 32, {"rules.yaml": good}, clock.now())
    shell.rules.write_text(good.replace("max_age: 1h", "max_age: soon"))
    said = await shell.run("status")
    assert said.code == 1
    assert "has 1 mistake and is not in force: watchdog check" in said.err
    assert "The one rule is watched." in said.err


async def test_a_store_that_does_not_answer_is_unreachable(shell: Terminal) -> None:
    text = shell.rules.read_text()
    dsn = text.partition('store: "')[2].partition('"')[0]
    shell.rules.write_text(text.replace(dsn, "postgresql://ana:hunter2@127.0.0.1:1/nowhere"))
    said = await shell.run("incidents")
    assert (said.code, said.out) == (3, "")
    assert "hunter2" not in said.err
    assert "internal error" not in said.err


async def test_without_rules_nor_service_it_says_what_to_do(shell: Terminal) -> None:
    shell.rules.write_text("version: [")
    said = await shell.run("incidents")
    assert (said.code, said.out) == (3, "")
    assert "start it with `watchdog run`" in said.err
