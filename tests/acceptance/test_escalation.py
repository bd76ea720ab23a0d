"""Nobody takes it: each in their turn is paged once, until somebody does."""

from collections.abc import Iterator

import pytest

from tests.acceptance import running
from tests.acceptance.running import Program, Receivers
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
  tom: {{ slack: U04TOM }}
teams:
  ops:
    lead: tom
    slack: ops-alerts
    oncall: {{ rotate: weekly, handover: mon 10:00, order: [ana, raj] }}
    escalate:
      - {{ after: 0m, to: oncall }}
      - {{ after: 10m, to: oncall_next }}
      - {{ after: 25m, to: lead }}
rules:
  thing-broken:
    title: The thing is broken
    team: ops
    every: 5s
    open_after: 1 check
    recover_after: 1 check
    queue: {{ source: things, table: thing, where: broken = 1, max_rows: 0 }}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Receivers]]:
    folder = tmp_path_factory.mktemp("escalation")
    make_things(folder)
    with running.receivers(folder) as receivers:
        text = RULES.format(
            slack=receivers.slack_port, smtp=receivers.smtp_port, database=folder / "things.db"
        )
        with running.program(receivers, demo=False, rules=text) as program:
            set_broken(folder, 1)
            yield program, receivers


def pushes(receivers: Receivers, since: int) -> list[tuple[str, str]]:
    """Return to whom something was pushed, and its word: posts to people, and below in the channel."""
    posts = [one for one in receivers.slack()[since:] if one["what"] == "post"]
    return [(one["channel"], one["text"].split()[1]) for one in posts]


def test_each_in_turn_is_paged_once_until_somebody_takes_it(
    world: tuple[Program, Receivers],
) -> None:
    program, receivers = world
    program.advance(10)
    first = pushes(receivers, 0)
    assert [word for _, word in first] == ["WARNING", "WARNING"]
    told = [len(receivers.slack())]
    for minutes in (10, 15, 15):
        program.advance(minutes * 60)
        told.append(len(receivers.slack()))
        program.advance(60)
        assert len(receivers.slack()) == told[-1]
    pushed = pushes(receivers, told[0])
    assert [word for _, word in pushed] == ["ESCALATED"] * 4 + ["NOBODY"] * 2
    people = [channel for channel, _ in pushed if not channel.startswith("C")]
    assert len(set(people)) == 2


def test_its_timeline_says_who_was_silent_and_a_taker_ends_it(
    world: tuple[Program, Receivers],
) -> None:
    program, receivers = world
    shown = program.run("show", "1001", "-o", "json")
    assert "silent 10m, now" in shown
    assert "silent 15m, now tom (3/3)" in shown
    assert program.run("take", "1001", "--as", "tom").startswith("#1001 is yours")
    program.advance(60)
    before = len(receivers.slack())
    program.hurry(3600)
    assert len(receivers.slack()) == before


def test_what_was_taken_can_be_given_back_and_escalated_by_hand(
    world: tuple[Program, Receivers],
) -> None:
    program, _ = world
    said = program.run("give-back", "1001", "-m", "my train", "--as", "tom")
    assert said.startswith("#1001 given back; ")
    assert program.run("escalate", "1001", "--as", "tom").startswith("#1001 passed on to ")
    program.run("take", "1001", "--as", "tom")
    assert "has taken #1001" in program.run("escalate", "1001", "--as", "raj", code=1)
