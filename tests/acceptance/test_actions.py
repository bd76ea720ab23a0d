"""Recovery actions in the whole program: what they press really mends the demo, and that is proven."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.acceptance import running
from tests.acceptance.nights import SECONDS_TO_OPEN, SECONDS_TO_RECOVER
from tests.acceptance.running import Program
from watchdog.demo.whereabouts import find

WHY = "The worker died with its host"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder: Path = tmp_path_factory.mktemp("actions")
    with running.receivers(folder) as receivers, running.program(receivers) as one:
        yield one


def broken(program: Program, failure: str, rule: str) -> int:
    """Break something and return the number of its incident, which ana has taken."""
    program.say("demo", "break", failure)
    # By its slots: after strides the demo lags a look behind, and one bad look reopens nothing.
    program.advance(SECONDS_TO_OPEN)
    number = int(incident_of(program, rule)["id"])
    program.say("take", str(number), "--as", "ana")
    return number


def incident_of(program: Program, rule: str) -> dict[str, Any]:
    listed = program.say("incidents", "--rule", rule, "-o", "json")
    [found] = [one for one in json.loads(listed) if one["state"] != "resolved"]
    return dict(found)


def act(program: Program, number: int, action: str, *words: str, code: int = 0) -> str:
    return program.run("act", str(number), action, *words, "--as", "ana", code=code).strip()


def is_proven(program: Program, rule: str, failure: str) -> None:
    """Let time pass until the incident has recovered, though nobody has mended the demo."""
    program.stride(180)
    assert incident_of(program, rule)["state"] == "recovered"
    program.say("demo", "mend", failure)


async def crm(program: Program, statement: str) -> Any:
    """Ask the demo's CRM, from outside."""
    connection = await asyncpg.connect(find(program.data).switch_dsn)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_a_stuck_state_is_set_back_and_a_sync_is_started_by_hand(program: Program) -> None:
    rule = "servicetitan_sync-sync-stuck"
    number = broken(program, "S1", rule)
    said = act(program, number, "unstick", code=1)
    assert said.startswith("say what you think is wrong before you run `unstick`")
    assert act(program, number, "unstick", "-m", WHY).endswith("idle: done, 1 row changed")
    status = "select sync_status from servicetitan_sync_state where workspace_id = 'berlin-heating'"
    assert await crm(program, status) == "idle"
    assert act(program, number, "resync").endswith("workspace: done, the answer was 202")
    assert await crm(program, status) == "running"
    again = act(program, number, "resync", "--mitigation", "impatience", code=1)
    assert "workspace: busy, the answer was 409: it is being done already" in again
    is_proven(program, rule, "S1")


def test_what_comes_back_keeps_the_count_of_its_runs(program: Program) -> None:
    number = broken(program, "S1", "servicetitan_sync-sync-stuck")
    act(program, number, "unstick", "--mitigation", "the host has more memory now")
    said = act(program, number, "unstick", "--mitigation", "and one more", code=1)
    assert "was run 2 times" in said
    assert "2 per incident is the most" in said
    program.say("demo", "mend", "S1")
    program.stride(SECONDS_TO_RECOVER)


def test_a_ticket_sync_is_started_by_hand(program: Program) -> None:
    rule = "zendesk_sync-no-run-started"
    number = broken(program, "Z6", rule)
    said = act(program, number, "resync", "-m", "The cron trigger is gone")
    assert said.endswith("Start a sync by hand: done, the answer was 202")
    is_proven(program, rule, "Z6")


@pytest.mark.long
def test_a_sync_of_one_organisation_is_started_by_hand(program: Program) -> None:
    rule = "background_sync-slot-missed"
    number = broken(program, "B1", rule)
    said = act(program, number, "resync", "-m", "The scheduler lost this organisation")
    assert said.endswith("Start a sync of this organisation: done, the answer was 202")
    is_proven(program, rule, "B1")


@pytest.mark.long
def test_a_repository_that_was_given_up_is_reset(program: Program) -> None:
    rule = "workspace_issues-repository-failing"
    number = broken(program, "W3", rule)
    said = act(program, number, "reset", "-m", "The code host was away")
    assert said.endswith("Reset its attempts and let it sync now: done, 1 row changed")
    is_proven(program, rule, "W3")


def test_failed_mails_of_the_last_day_are_queued_again(program: Program) -> None:
    rule = "support_desk-degraded"
    number = broken(program, "E2-failed", rule)
    said = act(program, number, "requeue", "-m", "The mail server was away for an hour")
    assert said.endswith("Queue failed mails of the last day again: done, 60 rows changed")
    is_proven(program, rule, "E2-failed")


def test_each_run_is_told_in_the_thread_and_nothing_else_opened(program: Program) -> None:
    said = program.say("outbox", "-o", "json")
    lines = [one["line"] for one in json.loads(said) if one["part"] == "thread"]
    [ran] = asyncio.run(program.fetch("select count(*) from event where event = 'action_ran'"))
    assert sum("🔧 ACTION" in line for line in lines) == ran["count"]
    listed = json.loads(program.say("incidents", "--all", "-o", "json"))
    assert {one["rule"] for one in listed} <= {
        "servicetitan_sync-sync-stuck",
        "zendesk_sync-no-run-started",
        "background_sync-slot-missed",
        "workspace_issues-repository-failing",
        "support_desk-degraded",
    }
