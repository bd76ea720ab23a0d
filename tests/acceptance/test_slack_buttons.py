"""An incident is taken from the message that told of it, and the slower one learns who was faster."""

from collections.abc import Iterator

import pytest

from tests.acceptance import running
from tests.acceptance.running import Program, Receivers
from tests.acceptance.slack_hands import direct, press, standing_in
from tests.acceptance.small_world import log_lines, make_things, set_broken
from tests.slack_presses import words_of

RULES = """
version: 1
channels:
  slack:
    token: "${{SLACK_BOT_TOKEN}}"
    signing_secret: "${{SLACK_SIGNING_SECRET}}"
    api: "http://127.0.0.1:{slack}/api/"
sources:
  things: {{ sqlite: {database}, team: ops }}
people:
  ana: {{ slack: U01ANA }}
  raj: {{ slack: U02RAJ }}
teams:
  ops: {{ lead: ana, slack: ops-alerts }}
rules:
  thing-broken:
    title: The thing is broken
    team: ops
    severity: critical
    every: 5s
    open_after: 1 check
    recover_after: 1 check
    queue: {{ source: things, table: thing, where: broken = 1, max_rows: 0 }}
    impact: Things do not work.
    do_first: Mend the thing.
    runbook: https://wiki.example.com/thing
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Receivers]]:
    folder = tmp_path_factory.mktemp("buttons")
    make_things(folder)
    with running.receivers(folder) as receivers:
        text = RULES.format(slack=receivers.slack_port, database=folder / "things.db")
        with running.program(receivers, demo=False, rules=text) as program:
            set_broken(folder, 1)
            program.advance(10)
            yield program, receivers


def texts(receivers: Receivers, since: int = 0) -> list[tuple[str, str, str]]:
    """Return everything that Slack took: how, where, and how it begins."""
    return [
        (one["what"], one["channel"], " ".join(one["text"].split()[:2]))
        for one in receivers.slack()[since:]
    ]


def test_the_page_has_a_button_and_a_press_takes_the_incident(
    world: tuple[Program, Receivers],
) -> None:
    program, receivers = world
    page = direct(receivers, "ana")
    assert words_of(page["blocks"]) == ["Take", "Runbook", "(Escalate now)"]
    assert sorted(texts(receivers)) == [
        ("post", "COPSALERTS", "🔴 CRITICAL"),
        ("post", "D01ANA", "🔴 CRITICAL"),
    ]

    assert press(program, receivers, page, "Take", "ana") == 200

    assert "taken" in program.run("incidents")
    assert sorted(texts(receivers, 2)) == [
        ("edit", "COPSALERTS", "👀 TAKEN"),
        ("edit", "D01ANA", "👀 TAKEN"),
        ("post", "COPSALERTS", "👀 TAKEN"),
    ]


def test_the_slower_one_is_told_who_was_faster_and_takes_over(
    world: tuple[Program, Receivers],
) -> None:
    program, receivers = world
    before = len(receivers.slack())
    [opened] = [one for one in receivers.slack()[:2] if one["channel"] == "COPSALERTS"]

    assert press(program, receivers, opened, "Take", "raj") == 200

    [told] = receivers.slack()[before:]
    assert told["what"] == "reply"
    assert told["text"] == "ana took #1001 1s ago; take it over if that is agreed"

    assert press(program, receivers, told, "Take over", "raj") == 200

    reply, *others = sorted(receivers.slack()[before + 1 :], key=lambda one: one["what"] != "reply")
    assert reply["text"] == "#1001 is yours."
    assert {one["text"].split()[1] for one in others} == {"HANDOVER"}
    assert "ana → raj" in standing_in(receivers, "COPSALERTS")["text"]
    assert "raj" in program.run("incidents")


def test_pressing_once_more_is_told_and_leaves_no_traceback(
    world: tuple[Program, Receivers],
) -> None:
    program, receivers = world
    before = len(receivers.slack())
    assert press(program, receivers, receivers.slack()[0], "Take", "raj") == 200  # theirs already
    assert [one["text"] for one in receivers.slack()[before:]] == ["#1001 is already yours"]
    assert not [one for one in log_lines(program) if "traceback" in str(one).lower()]


def test_a_test_message_tests_the_way_back_too(world: tuple[Program, Receivers]) -> None:
    program, receivers = world
    said = program.run("notify", "test", "ana")
    assert "press its button: it answers if the Request URL of your Slack app" in said
    before = len(receivers.slack())
    assert press(program, receivers, direct(receivers, "ana"), "Press to test", "ana") == 200
    [told] = receivers.slack()[before:]
    assert told["text"] == "It works: you are ana, and may take incidents."
