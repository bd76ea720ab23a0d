"""Somebody is in Do Not Disturb: the next person is paged at once, and reminded at work only."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.acceptance import running
from tests.acceptance.running import START, Program, Receivers
from tests.acceptance.small_world import make_things, set_broken

RULES = """
version: 1
channels:
  slack: {{ token: "${{SLACK_BOT_TOKEN}}", api: "http://127.0.0.1:{slack}/api/" }}
sources:
  things: {{ sqlite: {database}, team: ops }}
people:
  ana: {{ slack: U01ANA }}
  raj: {{ slack: U02RAJ }}
teams:
  ops:
    lead: ana
    slack: ops-alerts
    escalate:
      - {{ after: 0m, to: oncall }}
      - {{ after: 10m, to: raj }}
rules:
  thing-broken:
    title: The thing is broken
    team: ops
    every: 5s
    open_after: 1 check
    recover_after: 1 check
    queue: {{ source: things, table: thing, where: broken = 1, max_rows: 0 }}
"""
ANA, RAJ, CHANNEL = "D01ANA", "D02RAJ", "COPSALERTS"
NIGHT = (START - timedelta(hours=5), START + timedelta(hours=3))


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Program, Receivers]]:
    folder = tmp_path_factory.mktemp("silence")
    make_things(folder)
    with running.receivers(folder) as receivers:
        receivers.silence({"U01ANA": NIGHT})
        text = RULES.format(slack=receivers.slack_port, database=folder / "things.db")
        with running.program(receivers, demo=False, rules=text) as program:
            set_broken(folder, 1)
            yield program, receivers


def posts(receivers: Receivers, since: int = 0) -> list[tuple[str, str]]:
    """Return where something was posted, and its line without the number."""
    told = [one for one in receivers.slack()[since:] if one["what"] == "post"]
    return [(one["channel"], one["text"].rpartition(" · #")[0]) for one in told]


def test_the_next_person_is_paged_at_once_and_the_page_lies_there_to_be_read_later(
    world: tuple[Program, Receivers],
) -> None:
    program, receivers = world
    program.advance(20)
    missed = "📵 MISSED The thing is broken: ana in Do Not Disturb, now raj"
    told = posts(receivers)
    assert sorted(told[:2]) == [
        (CHANNEL, "🔶 WARNING The thing is broken: 1 waiting (max 0) · ana"),
        (ANA, "🔶 WARNING The thing is broken: 1 waiting (max 0) · ana"),
    ]
    assert sorted(told[2:]) == [(CHANNEL, missed), (RAJ, missed)]
    before = len(receivers.slack())
    program.advance(9 * 60)
    assert len(receivers.slack()) == before


def test_its_timeline_says_why_and_raj_who_took_it_is_reminded_at_work_only(
    world: tuple[Program, Receivers],
) -> None:
    program, receivers = world
    assert "ana in Do Not Disturb, now raj" in program.run("show", "1001", "-o", "json")
    assert program.run("take", "1001", "--as", "raj").startswith("#1001 is yours")
    program.advance(60)
    before = len(receivers.slack())
    program.hurry((START.replace(hour=8, minute=59) - program.now()).total_seconds())
    assert posts(receivers, before) == []
    program.advance(120)
    still = "⏳ STILL OPEN The thing is broken: 6h44m, no note yet · raj"
    assert sorted(posts(receivers, before)) == [(CHANNEL, still), (RAJ, still)]


def test_a_snooze_keeps_the_next_reminder_away(world: tuple[Program, Receivers]) -> None:
    program, receivers = world
    assert "rests until" in program.run("snooze", "1001", "6h", "--as", "raj")
    program.advance(60)
    before = len(receivers.slack())
    program.hurry(5 * 3600)
    assert posts(receivers, before) == []


def test_what_is_not_well_after_all_is_kept_open_by_whoever_says_so(
    world: tuple[Program, Receivers],
) -> None:
    program, receivers = world
    set_broken(receivers.folder, 0)
    program.advance(30)
    said = program.run("reopen", "1001", "-m", "customers still see it", "--as", "ana")
    assert said.startswith("#1001 is open again, and yours")
    program.hurry(3600)
    closing = ("-m", "a cache", "--kind", "code", "--nothing-needed", "it is gone")
    assert "belongs to ana" in program.run("resolve", "1001", *closing, "--as", "raj", code=1)
    assert program.run("resolve", "1001", *closing, "--as", "ana").startswith("#1001 resolved")
