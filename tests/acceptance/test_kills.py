"""kill -9 at random moments while incidents open and recover: nothing lost, no duplicate unaccounted."""

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import running
from tests.acceptance.running import Program, Receivers
from tests.acceptance.small_world import ANA_ALONE, places
from tests.invariants import OWNERS, REST

KILLS, MANY_KILLS = 7, 50
KILLS_IN_STORMS, MANY_IN_STORMS = 3, 10
"""By default, and with `--long`."""

OFF, SOON = "off", "{ more_than: 3 incidents, within: 5m }"
"""Of the storms: each incident by itself, and what breaks together as one."""

THINGS = 12
SETTLE_SECONDS = 90

RULE = """
  thing-broken:
    title: Thing {{ entity.id }} is broken
    team: ops
    severity: critical
    every: 1s
    open_after: 1 check
    recover_after: 1 check
    reopen_within: 0s
    impact: Nothing works.
    do_first: Mend it.
    runbook: https://wiki.example.com/things
    queue: { source: things, table: thing, where: broken = 1, max_rows: 0, entity: [id] }
"""


@pytest.fixture
def things(tmp_path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(tmp_path / "things.db", isolation_level=None, timeout=10)
    database.execute("create table thing (id text primary key, broken integer not null)")
    database.executemany("insert into thing values (?, 0)", [(f"t{n}",) for n in range(THINGS)])
    return database


@pytest.fixture
def victim(
    tmp_path: Path, things: sqlite3.Connection, request: pytest.FixtureRequest
) -> Iterator[tuple[Program, Receivers]]:
    assert things
    with running.receivers(tmp_path) as receivers:
        rules = places(receivers, tmp_path) + f"storms: {request.param}" + ANA_ALONE + RULE
        with running.program(receivers, demo=False, moved=False, rules=rules) as program:
            yield program, receivers


@pytest.mark.parametrize(
    ("victim", "kills"),
    [(OFF, KILLS), pytest.param(OFF, MANY_KILLS, marks=pytest.mark.long)],
    indirect=["victim"],
)
async def test_kill_9_loses_no_message_and_doubles_none_unaccounted(
    victim: tuple[Program, Receivers], things: sqlite3.Connection, kills: int
) -> None:
    program, receivers = victim
    await _kill_again_and_again(program, things, kills)
    told = await _all_told_and_arrived(program, receivers)
    assert len(told) > 2 * kills, "too little happened to prove anything"
    assert [text for text in _latest_texts(receivers) if "RECOVERED" not in text] == []
    await _histories_end_well(program)


@pytest.mark.parametrize(
    ("victim", "kills"),
    [(SOON, KILLS_IN_STORMS), pytest.param(SOON, MANY_IN_STORMS, marks=pytest.mark.long)],
    indirect=["victim"],
)
async def test_kill_9_loses_no_message_of_a_storm_and_none_of_what_joins_it(
    victim: tuple[Program, Receivers], things: sqlite3.Connection, kills: int
) -> None:
    program, receivers = victim
    things.execute("update thing set broken = 1 where id in ('t0', 't1', 't2')")
    _wait(2)
    await _kill_again_and_again(program, things, kills)
    await _all_told_and_arrived(program, receivers)
    endings = {text.split()[1] for text in _latest_texts(receivers)}
    assert "JOINED" in endings
    assert endings <= {"RECOVERED", "JOINED"}
    for statement in (OWNERS, REST):
        assert [dict(row) for row in await program.fetch(statement)] == []


async def _kill_again_and_again(program: Program, things: sqlite3.Connection, kills: int) -> None:
    """Kill it at random moments while things break and are mended; then let all come to rest."""
    dice = random.Random(7)  # noqa: S311
    for _ in range(kills):
        _shuffle(things, dice)
        _wait(dice.uniform(0.05, 1.2))
        _shuffle(things, dice)
        _wait(dice.uniform(0.05, 0.6))
        program.kill()
        program.start()
    things.execute("update thing set broken = 0")
    await _settled(program)


async def _all_told_and_arrived(
    program: Program, receivers: Receivers
) -> dict[tuple[str, str], int]:
    """Check that nothing was lost and nothing doubled unaccounted; return what was told."""
    told = await _told(program)
    arrived = _arrived(receivers)
    lost = [one for one in told if not arrived[one]]
    doubled = {one: arrived[one] for one in told if arrived[one] > 1 + told[one]}
    again = sum(arrived[one] - 1 for one in told if arrived[one] > 1)
    print(f"{len(told)} messages, {len(lost)} lost, {again} doubled")
    assert lost == []
    assert doubled == {}
    return told


def _wait(seconds: float) -> None:
    """Let the real program go on in real time: what is tested here is its death, not its slots."""
    time.sleep(seconds)


def _shuffle(things: sqlite3.Connection, dice: random.Random) -> None:
    """Break and mend some things."""
    for number in dice.sample(range(THINGS), 3):
        things.execute("update thing set broken = 1 - broken where id = ?", (f"t{number}",))


async def _settled(program: Program) -> None:
    """Return when every incident has recovered and no message is on its way."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        [left] = await program.fetch(
            """
            select (select count(*) from incident where state in ('open', 'taken'))
                + (select count(*) from notification where state in ('pending', 'sending')) as left
            """
        )
        if left["left"] == 0:
            return
        _wait(0.5)
    pytest.fail(f"{left['left']} incidents or messages have not come to their end")


async def _told(program: Program) -> dict[tuple[str, str], int]:
    """Return each post and mail that says it was sent, with its attempts of unknown outcome."""
    rows = await program.fetch(
        """
        select n.id, n.incident_id, n.version, n.receiver, n.part, n.state,
            count(a.*) filter (where a.outcome = 'unknown') as unknown
        from notification n left join attempt a on a.notification_id = n.id
        group by n.id
        """
    )
    assert {row["state"] for row in rows} <= {"sent", "superseded"}
    posts = [row for row in rows if row["state"] == "sent" and row["part"] != "edit"]
    return {_key(dict(row)): row["unknown"] for row in posts}


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    if row["receiver"].startswith("email:"):
        return "mail", f"{row['incident_id']}.{row['version']}"
    return "post", str(row["id"])


def _arrived(receivers: Receivers) -> Counter[tuple[str, str]]:
    """Return how often each post and mail arrived."""
    arrived: Counter[tuple[str, str]] = Counter()
    for post in receivers.slack():
        if post["what"] == "post":
            arrived["post", post["key"].split("-")[0]] += 1
    for mail in receivers.mails():
        incident, version = mail["headers"]["Message-ID"].lstrip("<i").split(".")[:2]
        arrived["mail", f"{incident}.{version}"] += 1
    return arrived


def _latest_texts(receivers: Receivers) -> list[str]:
    """Return what each root message and page says in the end: edits change it in place."""
    latest = {}
    for post in receivers.slack():
        if not post["thread_ts"]:
            latest[post["channel"], post["ts"]] = post["text"]
    return list(latest.values())


async def _histories_end_well(program: Program) -> None:
    """Every opening has its recovery, in the store and at every receiver."""
    unfinished = await program.fetch(
        """
        with told as (
            select n.receiver, n.incident_id, n.part, e.event
            from notification n join event e using (incident_id, version)
        )
        select receiver, incident_id from told one
        where part in ('root', 'page') and event = 'opened' and not exists (
            select from told later
            where later.incident_id = one.incident_id and later.receiver = one.receiver
                and later.event = 'recovered'
        )
        """
    )
    assert unfinished == []
