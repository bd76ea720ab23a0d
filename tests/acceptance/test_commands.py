"""An incident's whole life, as somebody lives it who has only the command line."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import date

import pytest

from notifiers.base import Event
from tests.acceptance.nights import REOPEN_WINDOW, SECONDS_TO_OPEN, SECONDS_TO_RECOVER
from tests.acceptance.running import Program
from watchdog.demo.failures import FAILURES

RULE = "servicetitan_sync-sync-stuck"
WITHOUT_A_PAST = (
    "servicetitan_sync-contacts-flood",
    "workspace_issues-repositories-halved",
    "workspace_issues-frequency-doubled",
)
"""What is compared with our own samples has nothing to say until the program has lived for some days."""

AT_TIMES = "workspace_issues-nothing-syncs"
"""There are minutes at which no repository is due, so nothing can be missing."""


def rows(program: Program, *words: str) -> list[dict[str, str]]:
    """Return what a command prints into a pipe."""
    printed = program.run(*words, "-o", "tsv").splitlines()
    table = "\n".join(line for line in printed if "\t" in line)
    return list(csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE))


def on_terminal(program: Program, *words: str) -> str:
    """Return what a command shows on a terminal of 140 columns."""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "watchdog", *words],
        cwd=program.folder,
        env={**program.env, "COLUMNS": "140", "TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    os.close(theirs)
    shown = b""
    with open(ours, "rb", buffering=0) as terminal:
        try:
            while piece := terminal.read(65536):
                shown += piece
        except OSError:  # Linux says so when the last writer has gone
            return shown.decode() + done.stderr
    return shown.decode() + done.stderr


@pytest.fixture(scope="module")
def number(program: Program) -> Iterator[str]:
    """Give the incident of a hanging sync, which lives through the tests of this module in order."""
    program.jump(REOPEN_WINDOW.total_seconds())
    program.run("demo", "break", "S1")
    program.advance(SECONDS_TO_OPEN)
    [opened] = [
        one
        for one in rows(program, "incidents")
        if (one["rule"], one["level"], one["state"]) == (RULE, "warning", "open")
    ]
    yield opened["id"]
    program.run("demo", "mend", "S1")
    program.advance(SECONDS_TO_RECOVER)


def test_a_new_incident_is_listed_as_tsv_and_json(program: Program, number: str) -> None:
    [line] = [one for one in rows(program, "incidents") if one["id"] == number]
    assert line["state"] == "open"
    assert line["owner"].endswith(" (not taken)")
    assert line["what"].startswith("Contact sync of ")
    assert line["opened_at"].startswith("2025-")
    [same] = [
        one
        for one in json.loads(program.run("incidents", "-o", "json"))
        if one["id"] == int(number)
    ]
    assert (same["rule"], same["owner"]) == (RULE, line["owner"])


def test_a_terminal_shows_a_table_and_what_to_do(program: Program, number: str) -> None:
    shown = on_terminal(program, "incidents")
    assert "ID" in shown.splitlines()[0]
    assert "LEVEL" in shown.splitlines()[0]
    assert f"Take it: watchdog take {number}" in shown
    assert "\t" not in shown


def test_lists_are_narrowed_by_rule_owner_and_time(program: Program, number: str) -> None:
    of_rule = rows(program, "incidents", "--rule", RULE, "--since", "1h")
    assert number in [one["id"] for one in of_rule]
    assert rows(program, "incidents", "--rule", "nothing-like-it") == []
    assert "write it like `30m` or `2h`" in program.run("incidents", "--since", "yesterday", code=2)
    program.run("incidents", "--fail-if-open", code=1)


def test_one_incident_is_shown_with_its_evidence_and_timeline(
    program: Program, number: str
) -> None:
    shown = on_terminal(program, "show", number)
    assert f"#{number} WARNING Contact sync of" in shown
    assert "Evidence state" in shown
    assert "Timeline" in shown
    events = [one["what"] for one in rows(program, "show", number)]
    assert events[0] == "opened"
    assert "page sent" in events


def test_taking_makes_it_yours_and_the_next_one_is_told_who_and_when(
    program: Program, number: str
) -> None:
    assert f"#{number} is yours" in program.run("ack", number, "--as", "ana")
    refused = program.run("take", number, "--as", "raj", code=1)
    assert refused == f"ana took #{number} 0s ago; take it over if that is agreed\n"


def test_a_note_is_on_the_timeline(program: Program, number: str) -> None:
    program.run("note", number, "-m", "restarting the workflow", "--as", "raj")
    last = rows(program, "show", number)
    [noted] = [one for one in last if one["what"] == "noted"]
    assert (noted["who"], noted["words"], noted["owner"]) == (
        "raj",
        "restarting the workflow",
        "ana",
    )
    assert "needs words" in program.run("note", number, "-m", " ", "--as", "raj", code=1)


def test_the_giver_stays_owner_until_the_receiver_takes_it(program: Program, number: str) -> None:
    offered = program.run("handover", number, "raj", "-m", "my shift ends", "--as", "ana")
    assert offered == f"#{number} offered to raj. You stay owner until raj takes it.\n"
    [line] = [one for one in rows(program, "incidents") if one["id"] == number]
    assert line["owner"] == "ana"
    program.run("take", number, "--as", "raj")
    [line] = [one for one in rows(program, "incidents", "--owner", "raj") if one["id"] == number]
    assert line["state"] == "taken"
    assert "belongs to raj" in program.run("handover", number, "mei", "--as", "ana", code=1)


def test_it_is_resolved_only_once_it_has_recovered_and_with_a_cause(
    program: Program, number: str
) -> None:
    why = ("-m", "instance lost", "--kind", "infrastructure", "--as", "raj")
    cause = (*why, "--action", "restart lost instances", "--due", "2025-07-01")
    assert "has not recovered" in program.run("resolve", number, *cause, code=1)
    program.run("demo", "mend", "S1")
    program.advance(SECONDS_TO_RECOVER)
    assert "Missing option '-m'" in program.run("resolve", number, "--kind", "code", code=2)
    assert "--kind" in program.run("resolve", number, "-m", "x", "--kind", "weather", code=2)
    assert "cause in one sentence" in program.run(
        *("resolve", number, "-m", " ", "--kind", "code", "--as", "raj"),
        *("--nothing-needed", "x"),
        code=1,
    )
    assert "--action, or --nothing-needed" in program.run("resolve", number, *why, code=2)
    assert program.run("resolve", number, *cause) == (
        f"#{number} resolved: instance lost. "
        "Next time: restart lost instances (other; raj, due 2025-07-01)\n"
    )
    assert number not in [one["id"] for one in rows(program, "incidents")]
    [line] = [one for one in rows(program, "incidents", "--all") if one["id"] == number]
    assert line["state"] == "resolved"


def test_its_preventive_action_is_listed_until_somebody_has_done_it(
    program: Program, number: str
) -> None:
    [line] = rows(program, "actions", "list")
    assert (line["id"], line["action"], line["owner"]) == (number, "restart lost instances", "raj")
    late = program.run("actions", "late", code=None)
    assert ("restart lost instances" in late) is (program.now().date() > date(2025, 7, 1))
    said = program.run("actions", "done", number, "-m", "a timer does it", "--as", "raj")
    assert said == f"#{number} done: restart lost instances\n"
    assert rows(program, "actions", "list") == []
    assert "restart lost instances: a timer does it" in program.run("show", number)
    assert "is done already" in program.run("actions", "done", number, "--as", "raj", code=1)


def test_the_outbox_lists_messages_and_shows_one_as_its_reader_sees_it(
    program: Program, number: str
) -> None:
    program.advance(5)
    messages = [one for one in rows(program, "outbox") if one["incident"] == number]
    assert {one["state"] for one in messages} <= {"sent", "superseded"}
    assert all(len(one["line"]) <= 80 for one in messages)
    shown = program.run("outbox", messages[-1]["id"])
    assert f"#{number}" in shown
    assert "there is no message" in program.run("outbox", "999999", code=2)


def test_a_rule_is_tried_without_sending_anything(program: Program, number: str) -> None:
    assert number
    before = len(rows(program, "outbox"))
    assert "Nothing was sent." in program.run("try", RULE)
    program.run("demo", "break", "S1")
    tried = program.run("try", RULE, code=1)
    program.run("demo", "mend", "S1")
    assert "1 bad now" in tried
    assert len(rows(program, "outbox")) == before
    assert f"did you mean {RULE}?" in program.run("try", "servicetitan_sync-sync-stuk", code=2)


def test_status_says_whether_everything_is_watched(program: Program) -> None:
    program.jump(REOPEN_WINDOW.total_seconds())
    program.advance(SECONDS_TO_RECOVER)
    said = program.run("status")
    assert "rules are watched." in said
    assert "0 could not be delivered" in said
    outcomes = {one["rule"]: one["outcome"] for one in rows(program, "status")}
    silent = {name: one for name, one in outcomes.items() if one != "ok"}
    assert silent.items() <= dict.fromkeys((*WITHOUT_A_PAST, AT_TIMES), "no_data").items()


def test_the_demo_lists_what_can_be_broken_and_what_is(program: Program) -> None:
    program.run("demo", "break", "S1")
    listed = {one["id"]: one["now"] for one in rows(program, "demo", "list")}
    program.run("demo", "mend", "S1")
    assert set(listed) == set(FAILURES)
    assert [name for name, now in listed.items() if now] == ["S1"]
    assert "there is no failure X9" in program.run("demo", "break", "X9", code=2)


@pytest.mark.parametrize("channel", ["slack", "email"])
@pytest.mark.parametrize("event", [one.value for one in Event])
def test_every_kind_of_message_can_be_previewed(
    event: str, channel: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    from watchdog.cli import main

    assert program
    with pytest.raises(SystemExit) as ended:
        main(["notify", "preview", event, "--channel", channel])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert (json.loads(shown)["text"] if channel == "slack" else shown).strip()


def test_a_test_message_reaches_a_person_on_every_way(program: Program) -> None:
    said = program.run("notify", "test", "ana").splitlines()
    assert sorted(said) == ["email to ana@example.com: delivered", "slack to @U01ANA: delivered"]
    assert "nobody is called zoe" in program.run("notify", "test", "zoe", code=2)


@pytest.mark.parametrize("words", [("show",), ("take",), ("note", "-m", "x")])
def test_an_unknown_incident_is_wrong_use(program: Program, words: tuple[str, ...]) -> None:
    command, *rest = words
    someone = [] if command == "show" else ["--as", "ana"]
    for unknown in ("7", "9223372036854775808"):
        said = program.run(command, unknown, *rest, *someone, code=2)
        assert unknown in said
        assert "internal error" not in said


def test_without_a_service_the_exit_code_says_unreachable(program: Program) -> None:
    said = program.run("incidents", "--data", "elsewhere", code=3)
    assert said.startswith("no service runs on elsewhere: start it with `watchdog run`")
    said = program.run("demo", "list", "--data", "elsewhere", code=3)
    assert said.startswith("no demo runs on elsewhere")


def test_a_viewer_is_not_allowed_to_act_and_a_stranger_is_told_who_is_known(
    program: Program, number: str
) -> None:
    config = program.folder / "viewer.yaml"
    text = (program.folder / "rules.yaml").read_text()
    config.write_text(
        text.replace("people:\n", "people:\n  zoe: { role: viewer, email: z@e.io }\n")
    )
    words = ("note", number, "-m", "x", "--config", "viewer.yaml")
    assert "zoe is a viewer" in program.run(*words, "--as", "zoe", code=4)
    assert "nobody is called eve" in program.run(*words, "--as", "eve", code=2)
    config.unlink()
