"""What keeps quiet, from outside: a silence, and messages that wait for working hours."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.acceptance import running
from tests.acceptance.running import Program, Receivers
from tests.acceptance.small_world import make_things

RULES = """
version: 1
channels:
  slack: {{ token: "${{SLACK_BOT_TOKEN}}", api: "http://127.0.0.1:{slack}/api/" }}
sources:
  things: {{ sqlite: {database}, team: ops }}
people:
  ana: {{ slack: U01ANA }}
  raj: {{ slack: U02RAJ }}
  tom: {{ slack: U04TOM, role: admin }}
teams:
  ops:
    lead: tom
    slack: ops-alerts
    working_hours: mon-fri 09:00-18:00
    oncall: {{ rotate: weekly, handover: mon 10:00, order: [ana, raj] }}
    escalate: [{{ after: 10m, to: oncall_next }}, {{ after: 25m, to: lead }}]
routes:
  - {{ when: {{ severity: critical }}, send: [slack] }}
  - {{ when: {{ severity: warning }}, send: [slack], {hold} }}
rules:
  thing-broken:
    title: The thing is broken
    impact: Nothing works.
    do_first: Look at it.
    runbook: https://wiki.example.com/thing
    team: ops
    every: 5s
    open_after: 1 check
    recover_after: 1 check
    queue: {{ source: things, table: thing, where: broken > 0, max_rows: {{ warning: 0, critical: 1 }} }}
"""


@contextmanager
def night(folder: Path, hold: bool) -> Iterator[tuple[Program, Receivers]]:
    """Run the program at 02:15 on a Friday, with routes that hold warnings until the morning or not."""
    make_things(folder)
    with running.receivers(folder) as receivers:
        rules = RULES.replace(", {hold} }}", ", hold_until: working_hours }}" if hold else " }}")
        text = rules.format(slack=receivers.slack_port, database=folder / "things.db")
        with running.program(receivers, demo=False, rules=text) as program:
            yield program, receivers


def break_things(folder: Path, number: int) -> None:
    """Let so many things be broken, and no others."""
    with closing(sqlite3.connect(folder / "things.db", isolation_level=None)) as database:
        database.execute("delete from thing")
        database.executemany(
            "insert into thing values (?, 1)", [(str(one),) for one in range(number)]
        )


CHANNEL, ANA, RAJ = "COPSALERTS", "D01ANA", "D02RAJ"
ESCALATED = [
    *[("edit", place, "ESCALATED") for place in (CHANNEL, ANA)],
    *[("post", place, "ESCALATED") for place in (CHANNEL, RAJ)],
]


def words(receivers: Receivers, since: int = 0) -> list[tuple[str, str, str]]:
    """Return what Slack took: post or edit, where, and the word that it begins with."""
    return sorted(
        (one["what"], one["channel"], one["text"].split()[1].removesuffix(":"))
        for one in receivers.slack()[since:]
    )


def test_a_silence_hides_what_opens_until_its_end_and_then_it_is_told(tmp_path: Path) -> None:
    with night(tmp_path, hold=False) as (program, receivers):
        added = program.run("silence", "add", "thing-*", "2h", "-m", "deploy", "--as", "raj")
        assert "(silence 1). It hides nothing now." in added
        break_things(tmp_path, 1)
        program.advance(60)
        assert receivers.slack() == []
        [one] = json.loads(program.run("incidents", "-o", "json"))
        assert (one["state"], one["owner"]) == ("open", "ana (not taken)"), (
            "it has one all the same"
        )
        [silence] = json.loads(program.run("silence", "list", "-o", "json"))
        assert (silence["id"], silence["hides"]) == (1, 1)
        shown = program.run("show", "1001", "-o", "tsv")
        assert shown.count("silenced by raj until 04:15 UTC: deploy") == 2
        program.hurry(2 * 3600 - 17 * 60)
        assert receivers.slack() == []
        program.advance(2 * 60)
        assert words(receivers) == [("post", RAJ, "SILENCE")], "raj is reminded, and nobody else"
        program.advance(14 * 60 + 10)
        assert words(receivers, 1) == [("post", CHANNEL, "STILL"), ("post", ANA, "STILL")]
        program.advance(10 * 60)
        assert words(receivers, 3) == ESCALATED


def test_ended_early_it_tells_at_once_and_what_was_mended_is_never_told(tmp_path: Path) -> None:
    with night(tmp_path, hold=False) as (program, receivers):
        program.run("silence", "add", "thing-broken", "18:00", "-m", "deploy", "--as", "tom")
        break_things(tmp_path, 2)
        program.advance(10)
        assert receivers.slack() == [], "tom is an admin: critical ones are hidden, too"
        break_things(tmp_path, 0)
        program.advance(10)
        assert program.run("silence", "end", "1", "--as", "ana").endswith("Nothing of it is bad.\n")
        program.hurry(3600)
        assert receivers.slack() == []
        assert "withheld" in program.run("show", "1001", "-o", "tsv")


def test_a_warning_that_waits_for_the_morning_and_gets_critical_is_told_at_once(
    tmp_path: Path,
) -> None:
    with night(tmp_path, hold=True) as (program, receivers):
        break_things(tmp_path, 1)
        program.hurry(3600)
        assert receivers.slack() == [], "and nobody is escalated to"
        break_things(tmp_path, 2)
        program.advance(10)
        assert words(receivers) == [
            *[("edit", place, "CRITICAL") for place in (CHANNEL, ANA)],
            *[("post", CHANNEL, word) for word in ("CRITICAL", "WARNING")],
            *[("post", ANA, word) for word in ("CRITICAL", "WARNING")],
        ]
        before = len(receivers.slack())
        program.advance(9 * 60)
        assert len(receivers.slack()) == before
        program.advance(70)
        assert words(receivers, before) == ESCALATED, "10 minutes after the release"
