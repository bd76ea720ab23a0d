"""`watchdog demo scenario bad-morning`, from outside: exactly its incidents, in order, and their messages."""

import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.acceptance.checks import repository_rules
from tests.acceptance.nights import (
    REPEAT_WINDOW,
    SECONDS_TO_RECOVER,
    incidents_after,
    newest_incident,
)
from tests.acceptance.running import Program, Receivers
from tests.acceptance.test_commands import rows
from watchdog.cli.scenario import clock
from watchdog.demo.failure import Expected
from watchdog.demo.scenarios import BAD_MORNING as STORY
from watchdog.demo.whereabouts import find
from watchdog.domain.oncall import on_call

pytestmark = pytest.mark.asyncio(loop_scope="module")

STORY_IS_LONG = pytest.mark.long
"""Ten minutes with every rule of five systems: one or two for the machine."""

PLAY = ("demo", "scenario", STORY.id)
BEFORE_A_QUARTER = {"hour": 15, "minute": 10, "second": 0}
"""Floods are looked for when a quarter of an hour has ended, and this is the busiest hour of tickets."""

LOOK_SECONDS = 15
TELLING_SECONDS = 30
Row = dict[str, Any]


@dataclass
class Played:
    """What the story brought; `reasons` are those for which something bad opened no incident."""

    began_at: datetime
    incidents: list[Row] = field(default_factory=list)
    reasons: set[tuple[str, str]] = field(default_factory=set)
    posts: list[Row] = field(default_factory=list)
    mails: list[Row] = field(default_factory=list)
    told: str = ""
    code: int = -1


@contextmanager
def teller(program: Program) -> Iterator[subprocess.Popen[str]]:
    """Run the command that plays the story, up to its first line."""
    command = [sys.executable, "-m", "watchdog", *PLAY]
    with subprocess.Popen(
        command,
        cwd=program.folder,
        env=program.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(" 0:00  Z1a breaks: ")
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module", autouse=True)
def _listening(program: Program) -> None:
    """Let the demo tick once: from then on it hears at once of what a command has written."""
    program.advance(LOOK_SECONDS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(program: Program, receivers: Receivers) -> AsyncIterator[Played]:
    """Play the story once, for all tests of this module."""
    now = program.now()
    at = (now + REPEAT_WINDOW + timedelta(days=1)).replace(**BEFORE_A_QUARTER)  # type: ignore[arg-type]
    program.jump((at - now).total_seconds() - LOOK_SECONDS)
    program.advance(LOOK_SECONDS)
    newest = await newest_incident(program)
    posts, mails = len(receivers.slack()), len(receivers.mails())
    story = Played(at)
    with teller(program) as process:
        while program.now() < at + STORY.lasts + timedelta(seconds=SECONDS_TO_RECOVER):
            program.advance(LOOK_SECONDS)
            found = await program.fetch("select rule, reason from track where reason <> ''")
            story.reasons |= {(one["rule"], one["reason"]) for one in found}
        assert process.stdout is not None
        story.told, story.code = process.stdout.read(), process.wait(TELLING_SECONDS)
    story.incidents = await incidents_after(program, newest)
    story.posts, story.mails = receivers.slack()[posts:], receivers.mails()[mails:]
    yield story


def is_of(one: Row, expected: Expected) -> bool:
    rule = repository_rules().rules[expected.rule]
    return (
        (one["rule"], one["severity"], one["failure_class"])
        == (expected.rule, expected.severity, expected.failure_class)
        and [tuple(pair) for pair in one["entity"]] == list(expected.entity)
        and one["team"] == (expected.team or rule.team)
    )


@STORY_IS_LONG
async def test_each_turn_opens_exactly_its_incidents_before_the_next_one(played: Played) -> None:
    assert len(played.incidents) == len(STORY.opens)
    ends = [*(turn.after for turn in STORY.turns[1:]), STORY.lasts + timedelta(hours=1)]
    for turn, end in zip(STORY.turns, ends, strict=True):
        opened = [
            one
            for one in played.incidents
            if turn.after <= one["opened_at"] - played.began_at < end
        ]
        assert len(opened) == len(turn.opens), turn
        for expected in turn.opens:
            assert sum(is_of(one, expected) for one in opened) == 1, expected


@STORY_IS_LONG
async def test_each_incident_is_owned_by_whoever_of_its_team_is_on_call(played: Played) -> None:
    directory = repository_rules().directory
    for one in played.incidents:
        assert one["owner"] == on_call(directory, one["team"], one["opened_at"]), one


@STORY_IS_LONG
async def test_only_the_repeat_names_an_earlier_incident(played: Played) -> None:
    failing = [one for one in played.incidents if one["rule"] == "zendesk_sync-runs-failing"]
    assert [one["repeat_of"] for one in failing] == [None, failing[0]["id"]]
    assert [one["team"] for one in failing] == ["support-ops", "engineering"]
    others = [one for one in played.incidents if one not in failing]
    assert {one["repeat_of"] for one in others} == {None}


@STORY_IS_LONG
async def test_symptoms_are_held_and_what_is_expected_is_excused(played: Played) -> None:
    held = {
        (rule, f"held under {turn.opens[0].rule}") for turn in STORY.turns for rule in turn.holds
    }
    assert ("background_sync-slot-missed", "held under background_sync-scheduler-dead") in held
    excused = {
        ("zendesk_sync-tickets-stale", "excused by `unless`"),
        ("servicetitan_sync-contacts-flood", "excused by `unless`"),
    }
    counting = {one for one in played.reasons if re.match(r"bad \d of \d checks", one[1])}
    assert played.reasons - counting == held | excused


def messages_of(one: Row) -> list[tuple[str, str, str, str]]:
    """Return what an incident's life sends: how, whereto, in a thread or not, and what it says first."""
    if one["severity"] == "info":
        return []
    directory, number = repository_rules().directory, f"#{one['id']}"
    channel = "C" + directory.teams[one["team"]].slack.upper().replace("-", "")
    owner = directory.people[one["owner"]]
    person, level = "D" + owner.slack[1:], one["severity"].upper()
    posted = [("post", place, level, number) for place in (channel, person)]
    edited = [("edit", place, "RECOVERED", number) for place in (channel, person)]
    threaded = [("thread", channel, "RECOVERED", number)]
    mailed = [("mail", owner.email, word, number) for word in (level, "RECOVERED")]
    return [*posted, *edited, *threaded, *(mailed if level == "CRITICAL" else [])]


@STORY_IS_LONG
async def test_exactly_the_messages_of_these_incidents_are_sent(played: Played) -> None:
    sent = []
    for one in played.posts:
        what = "thread" if one["what"] == "post" and one["thread_ts"] else one["what"]
        sent.append((what, one["channel"], one["text"].split()[1], one["text"].split()[-1]))
    for one in played.mails:
        level, *_, number = one["headers"]["Subject"].split()
        sent.append(("mail", one["recipient"], level.strip("[]"), number))
    assert sorted(sent) == sorted(line for one in played.incidents for line in messages_of(one))


@STORY_IS_LONG
async def test_at_its_end_all_has_recovered_and_nothing_is_broken(
    played: Played, program: Program
) -> None:
    assert {one["state"] for one in played.incidents} == {"recovered"}
    assert {one["now"] for one in rows(program, "demo", "list")} == {""}
    assert {one["now"] for one in rows(program, "demo", "scenario")} == {""}
    assert await program.fetch("select * from track where incident_id is not null") == []


@STORY_IS_LONG
async def test_the_command_tells_each_turn_in_its_order_and_ends_well(played: Played) -> None:
    assert played.code == 0
    told = " ".join(played.told.split())
    places = [told.find(turn.says) for turn in STORY.turns]
    assert -1 not in places
    assert places == sorted(places)
    times = re.findall(r"^ *(\d+:\d\d)  ", played.told, re.MULTILINE)
    assert times == [clock(turn.after) for turn in STORY.turns[1:]]


async def test_it_begins_only_where_nothing_is_broken(program: Program) -> None:
    program.run("demo", "break", "E13b", "S8a")
    said = program.run(*PLAY, code=1)
    program.run("demo", "mend", "E13b", "S8a")
    assert said == (
        "E13b, S8a are broken, and bad-morning begins where nothing is: "
        "watchdog demo mend E13b S8a\n"
    )


async def test_an_interrupted_one_ends_and_mends_what_it_has_broken(program: Program) -> None:
    with teller(program) as process:
        assert [one["now"] for one in rows(program, *PLAY[:2])] == ["playing"]
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=TELLING_SECONDS)
    assert process.returncode == 130
    assert said.endswith("bad-morning is stopped. Mended: Z1a\n")
    assert {one["now"] for one in rows(program, "demo", "list")} == {""}


async def test_with_its_terminal_closed_it_goes_on_and_is_told_again(program: Program) -> None:
    with teller(program) as process:
        process.send_signal(signal.SIGHUP)
    with teller(program) as process:
        assert program.run(*PLAY, "--stop") == "bad-morning is stopped. Mended: Z1a\n"
        _, said = process.communicate(timeout=TELLING_SECONDS)
    assert process.returncode == 1
    assert said.splitlines() == [
        "bad-morning is being played already. This has happened so far:",
        "bad-morning was stopped before its end",
    ]
    assert program.run(*PLAY, "--stop") == "bad-morning is not being played\n"


async def test_a_command_that_loses_the_demo_says_that_the_story_goes_on(program: Program) -> None:
    with teller(program) as process:
        db = await asyncpg.connect(find(program.data).switch_dsn)
        cut = "select pg_terminate_backend(pid) from pg_stat_activity where query like $1"
        await db.execute(cut, "-- What scenario $1 has played%")
        await db.close()
        _, said = process.communicate(timeout=TELLING_SECONDS)
    assert process.returncode == 3
    assert said.endswith("the demo has gone; when it runs again, so does the story\n")
    assert program.run(*PLAY, "--stop") == "bad-morning is stopped. Mended: Z1a\n"


async def test_an_unknown_scenario_is_wrong_use(program: Program) -> None:
    assert "there is no scenario fine-day" in program.run("demo", "scenario", "fine-day", code=2)
    assert "say which scenario" in program.run("demo", "scenario", "--stop", code=2)
