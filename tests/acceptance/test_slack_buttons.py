"""People act from the message that told of an incident, over either road that Slack has to us."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import running
from tests.acceptance.running import Program, Receivers
from tests.acceptance.slack_hands import direct, press, standing_in, submit, type_words
from tests.acceptance.small_world import log_lines, make_things, set_broken
from tests.slack_presses import words_of

RULES = """
version: 1
channels:
  slack:
    token: "${{SLACK_BOT_TOKEN}}"
    {secret}
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


SECRETS = {
    "signed": 'signing_secret: "${SLACK_SIGNING_SECRET}"',
    "socket": 'app_token: "${SLACK_APP_TOKEN}"',
}


@dataclass
class World:
    """A broken thing, and a Slack that tells of presses in one of two ways."""

    program: Program
    receivers: Receivers
    by_socket: bool
    folder: Path

    def press(self, message: Mapping[str, Any], words: str, person: str) -> list[dict[str, Any]]:
        """Let somebody press a button; return everything that Slack took since."""
        before = len(self.receivers.slack())
        answer = press(
            self.program, self.receivers, message, words, person, by_socket=self.by_socket
        )
        assert answer == 200
        return self.receivers.slack()[before:]

    def stands(self) -> tuple[str, str]:
        """Return the state of the one incident, and its owner."""
        [one] = json.loads(self.program.run("incidents", "-o", "json"))
        return one["state"], one["owner"]

    def submit(self, view: Mapping[str, Any], person: str, **answers: str) -> Mapping[str, Any]:
        """Let somebody send a dialog; return what Slack shows then."""
        return submit(
            self.program, self.receivers, view, person, by_socket=self.by_socket, **answers
        )

    def type(self, words: str, person: str) -> str:
        """Let somebody type something behind `/watchdog`; return what they see."""
        return type_words(self.program, self.receivers, words, person, by_socket=self.by_socket)


@pytest.fixture(scope="module", params=SECRETS)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("buttons")
    make_things(folder)
    with running.receivers(folder) as receivers:
        text = RULES.format(
            slack=receivers.slack_port,
            database=folder / "things.db",
            secret=SECRETS[request.param],
        )
        with running.program(receivers, demo=False, rules=text) as program:
            set_broken(folder, 1)
            program.advance(10)
            yield World(program, receivers, request.param == "socket", folder)


def texts(taken: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return how each arrived, where, and how it begins."""
    return sorted((one["what"], one["channel"], " ".join(one["text"].split()[:2])) for one in taken)


def test_the_page_has_a_button_and_a_press_takes_the_incident(world: World) -> None:
    page = direct(world.receivers, "ana")
    assert words_of(page["blocks"])[:2] == ["Take", "Runbook"]
    assert texts(world.receivers.slack()) == [
        ("post", "COPSALERTS", "🔴 CRITICAL"),
        ("post", "D01ANA", "🔴 CRITICAL"),
    ]
    assert texts(world.press(page, "Take", "ana")) == [
        ("edit", "COPSALERTS", "👀 TAKEN"),
        ("edit", "D01ANA", "👀 TAKEN"),
        ("post", "COPSALERTS", "👀 TAKEN"),
    ]
    assert world.stands() == ("taken", "ana")


def test_the_slower_one_is_told_who_was_faster_and_takes_over(world: World) -> None:
    [opened] = [one for one in world.receivers.slack()[:2] if one["channel"] == "COPSALERTS"]
    [told] = world.press(opened, "Take", "raj")
    assert told["what"] == "reply"
    assert re.fullmatch(r"ana took #1001 \ds ago; take it over if that is agreed", told["text"])
    taken = world.press(told, "Take over", "raj")
    replies = [one["text"] for one in taken if one["what"] == "reply"]
    assert replies == ["#1001 is yours."]
    others = {one["text"].split()[1] for one in taken if one["what"] != "reply"}
    assert others == {"HANDOVER"}
    assert "ana → raj" in standing_in(world.receivers, "COPSALERTS")["text"]
    assert world.stands() == ("taken", "raj")


def test_pressing_once_more_is_told_and_leaves_no_traceback(world: World) -> None:
    told = world.press(world.receivers.slack()[0], "Take", "raj")
    assert [one["text"] for one in told] == ["#1001 is already yours"]
    assert not [one for one in log_lines(world.program) if "traceback" in str(one).lower()]


def test_a_note_is_written_in_a_dialog_and_its_lack_said_below_the_field(world: World) -> None:
    root = standing_in(world.receivers, "COPSALERTS")
    [opened] = world.press(root, "Add note", "raj")
    assert opened["what"] == "view"
    assert world.submit(opened["view"], "raj", words=" ") == {
        "response_action": "errors",
        "errors": {"words": "a note needs words."},
    }
    assert world.submit(opened["view"], "raj", words="the thing hums") == {}
    assert "raj: the thing hums" in world.receivers.slack()[-1]["blocks"][0]["text"]["text"]
    assert "the thing hums" in world.program.run("show", "1001")


def test_what_is_typed_behind_the_command_is_answered(world: World) -> None:
    assert world.type("list", "ana").startswith("👀 TAKEN The thing is broken: by raj after ")
    assert world.type("oncall", "ana") == "*ops* ana"
    assert world.type("take 1001", "ana").startswith("raj took #1001 ")


def test_what_has_recovered_is_closed_in_a_dialog_with_its_cause(world: World) -> None:
    set_broken(world.folder, 0)
    world.program.advance(10)
    root = standing_in(world.receivers, "COPSALERTS")
    [opened] = world.press(root, "Write cause and close", "raj")
    answers = {"words": "A screw was loose", "kind": "infrastructure", "answer": "Check screws"}
    assert world.submit(opened["view"], "raj", **answers, prevention="other") == {}
    ended = standing_in(world.receivers, "COPSALERTS")
    assert ended["text"].startswith("✅ RESOLVED The thing is broken: ")
    assert "A screw was loose" in world.program.run("show", "1001")


def test_a_test_message_tests_the_way_back_too(world: World) -> None:
    said = world.program.run("notify", "test", "ana")
    assert "press its button: it answers if " in said
    [told] = world.press(direct(world.receivers, "ana"), "Press to test", "ana")
    assert told["text"] == "It works: you are ana, and may take incidents."
