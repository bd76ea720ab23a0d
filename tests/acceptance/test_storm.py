"""A storm on the whole program: six break one by one, then hundreds at once, and they recover one by one."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import running
from tests.acceptance.running import Program, Receivers
from tests.acceptance.small_world import places

RULES = """
people:
  ana: { email: ana@example.com, slack: U01ANA }
  raj: { email: raj@example.com, slack: U02RAJ }
teams:
  ops: { lead: ana, slack: ops-alerts, escalate: [{ after: 10m, to: raj }] }
rules:
  thing-broken:
    title: "Thing {{ entity.id }} is broken"
    team: ops
    every: 5s
    severity: critical
    impact: Nobody can use it.
    do_first: Look at its log.
    runbook: https://wiki.example.com/things
    open_after: 1 check
    recover_after: 1 check
    queue: { source: things, table: thing, where: broken = 1, max_rows: 0, entity: [id] }
"""
IDS = [f"t{number:03d}" for number in range(500)]


def set_broken(folder: Path, ids: list[str], broken: int) -> None:
    with closing(sqlite3.connect(folder / "things.db", isolation_level=None)) as database:
        database.executemany(
            "update thing set broken = ? where id = ?", [(broken, one) for one in ids]
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("storm")
    with closing(sqlite3.connect(folder / "things.db", isolation_level=None)) as database:
        database.execute("create table thing (id text primary key, broken integer not null)")
        database.executemany("insert into thing values (?, 0)", [(one,) for one in IDS])
    return folder


@pytest.fixture(scope="module")
def world(folder: Path) -> Iterator[tuple[Program, Receivers]]:
    with running.receivers(folder) as receivers:
        text = places(receivers, folder) + RULES
        with running.program(receivers, demo=False, rules=text) as program:
            program.advance(10)
            yield program, receivers


class Ear:
    """What has been heard since somebody listened last."""

    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers
        self._slack = len(receivers.slack())
        self._mails = len(receivers.mails())

    def slack(self) -> list[tuple[str, str]]:
        """Return what was said in Slack, posts before edits: `post`, `edit` or `below`, and the words."""
        said = self._receivers.slack()[self._slack :]
        self._slack += len(said)
        return sorted((_way(one), one["text"]) for one in said)

    def mails(self) -> list[str]:
        """Return the subjects of the mails that came."""
        came = self._receivers.mails()[self._mails :]
        self._mails += len(came)
        return [one["headers"]["Subject"] for one in came]


def _way(said: dict[str, Any]) -> str:
    if said["what"] != "post":
        return "edit"
    return "below" if said.get("thread_ts") else "post"


async def test_six_that_break_one_by_one_become_one_incident_of_which_one_page_tells(
    world: tuple[Program, Receivers], folder: Path
) -> None:
    program, receivers = world
    ear = Ear(receivers)
    for one in IDS[:5]:
        set_broken(folder, [one], 1)
        program.advance(20)
    alone = [line for way, line in ear.slack() if way == "post"]
    assert len(alone) == 10
    assert all(
        re.fullmatch(r"🔴 CRITICAL Thing t00\d is broken: .* · ana · #100\d", one) for one in alone
    )
    assert len(ear.mails()) == 5
    set_broken(folder, IDS[5:6], 1)
    program.advance(20)
    storm = "⛈ STORM source things: 6 incidents at once, all critical · ana · #1006"
    assert ear.slack() == [
        *[
            ("edit", f"↪ JOINED Thing {one} is broken: part of storm #1006 · ana · #{number}")
            for number, one in enumerate(IDS[:5], start=1001)
            for _ in ("channel", "person")
        ],
        ("post", storm),
        ("post", storm),
    ]
    assert ear.mails() == ["[STORM] source things #1006"]
    states = await program.fetch("select id, state, cause from incident order by id")
    assert [tuple(row) for row in states] == [
        *[(number, "resolved", "part of storm #1006") for number in range(1001, 1006)],
        (1006, "open", ""),
    ]


async def test_hundreds_more_join_without_a_page(
    world: tuple[Program, Receivers], folder: Path
) -> None:
    program, receivers = world
    ear = Ear(receivers)
    set_broken(folder, IDS[6:], 1)
    program.advance(20)
    line = "⛈ STORM source things: 500 incidents, all critical · ana · #1006"
    assert ear.slack() == [("edit", line), ("edit", line)]
    assert ear.mails() == []
    [counted] = await program.fetch("select count(*) as members from member where state = 'bad'")
    assert counted["members"] == 500


def test_it_is_escalated_and_taken_as_one(world: tuple[Program, Receivers]) -> None:
    program, receivers = world
    ear = Ear(receivers)
    program.hurry(600)
    assert {line.split(" source")[0] for _, line in ear.slack()} == {"⏫ ESCALATED"}
    assert program.run("take", "1006", "--as", "raj").startswith("#1006 is yours: source things.")
    program.advance(20)
    assert {line.split(" source")[0] for _, line in ear.slack()} == {"👀 TAKEN"}
    shown = program.run("show", "1006", "-o", "table")
    assert "Members" in shown
    assert "480 more: watchdog members 1006" in shown
    assert shown.count("thing-broken") >= 20


def test_a_member_that_is_split_out_is_paged_for_itself(
    world: tuple[Program, Receivers], folder: Path
) -> None:
    program, receivers = world
    ear = Ear(receivers)
    said = program.run("split", "1006", "thing-broken", f"id={IDS[7]}", "--as", "raj")
    assert (
        said.strip()
        == f"#1007 is an incident of its own now: Thing {IDS[7]} is broken. ana is paged."
    )
    program.advance(20)
    heard = ear.slack()
    pages = [line for way, line in heard if way == "post"]
    assert len(pages) == 2
    assert all(f"🔴 CRITICAL Thing {IDS[7]} is broken" in line for line in pages)
    assert [line for way, line in heard if way == "below"] == [
        f"⛈ STORM source things: Thing {IDS[7]} is broken is #1007 now · raj · #1006"
    ]
    assert len(ear.mails()) == 1
    set_broken(folder, IDS[7:8], 0)
    program.advance(20)
    assert any(line.startswith(f"🟢 RECOVERED Thing {IDS[7]}") for _, line in ear.slack())


async def test_members_recover_one_by_one_and_the_storm_with_the_last(
    world: tuple[Program, Receivers], folder: Path
) -> None:
    program, receivers = world
    ear = Ear(receivers)
    set_broken(folder, IDS[:1], 0)
    program.advance(20)
    line = "⛈ STORM source things: 498 of 499 bad, all critical · raj · #1006"
    assert ear.slack() == [("edit", line)] * 3
    set_broken(folder, IDS[1:-1], 0)
    program.advance(20)
    line = "⛈ STORM source things: 1 of 499 bad, all critical · raj · #1006"
    assert ear.slack() == [("edit", line)] * 3
    assert ear.mails() == []
    set_broken(folder, IDS[-1:], 0)
    program.advance(20)
    heard = ear.slack()
    assert {line.split(" source")[0] for _, line in heard} == {"🟢 RECOVERED"}
    assert [way for way, _ in heard] == ["below", "edit", "edit", "edit"]
    assert set(ear.mails()) == {"[RECOVERED] source things #1006"}
    [row] = await program.fetch("select state, fact from incident where id = 1006")
    assert tuple(row) == ("recovered", "all 499 good again")
