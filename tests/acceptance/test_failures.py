"""Each failure of the five systems, broken and mended for real; each twin, which nobody hears of."""

import functools
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.running import REPOSITORY, Program, Receivers
from watchdog.config.load import load
from watchdog.config.model import Config
from watchdog.demo.failure import Expected, Failure
from watchdog.demo.failures import FAILURES
from watchdog.domain.oncall import owner_for

SLOTS_TO_OPEN = 60
"""Seconds: enough for two or three slots of every rule, whose intervals are 5 to 15 s."""

SLOTS_TO_RECOVER = 60
REOPEN_WINDOW = 3700
BROKEN = [one for one in FAILURES.values() if not one.is_twin]
TWINS = [one for one in FAILURES.values() if one.is_twin]

SEEN = """
    select id, rule, team, entity, severity, failure_class, owner, state, opened_at
    from incident where id > $1 order by id
"""


@dataclass(frozen=True)
class Seen:
    """What the world looked like before something was broken."""

    last_incident: int
    slack: int
    mails: int


@functools.cache
def repository_rules() -> Config:
    """Return the configuration that the program runs."""
    config = load(REPOSITORY / "rules.yaml", {}).config
    assert config is not None
    return config


async def look_around(program: Program, receivers: Receivers) -> Seen:
    [newest] = await program.fetch("select coalesce(max(id), 0) as id from incident")
    return Seen(newest["id"], len(receivers.slack()), len(receivers.mails()))


def as_expected(row: object) -> Expected:
    entity = tuple((name, value) for name, value in row["entity"])  # type: ignore[index]
    return Expected(
        row["rule"],  # type: ignore[index]
        row["severity"],  # type: ignore[index]
        row["failure_class"],  # type: ignore[index]
        entity,
    )


async def incidents_since(program: Program, before: Seen) -> list[dict[str, Any]]:
    import json

    rows = await program.fetch(SEEN, before.last_incident)
    return [{**dict(row), "entity": json.loads(row["entity"])} for row in rows]


@pytest.mark.parametrize("failure", BROKEN, ids=[one.id for one in BROKEN])
async def test_a_failure_opens_exactly_its_incidents_and_mending_recovers_them(
    failure: Failure, program: Program, receivers: Receivers
) -> None:
    # Past every reopen window: what was broken before must not come back as the same incident.
    program.jump(REOPEN_WINDOW)
    program.advance(15)
    before = await look_around(program, receivers)
    program.run("demo", "break", failure.id)
    program.advance(SLOTS_TO_OPEN)
    opened = await incidents_since(program, before)
    program.run("demo", "mend", failure.id)
    program.advance(SLOTS_TO_RECOVER)
    ended = await incidents_since(program, before)

    assert {as_expected(one) for one in opened} == set(failure.opens)
    assert [one["state"] for one in opened] == ["open"] * len(failure.opens)
    assert [one["state"] for one in ended] == ["recovered"] * len(failure.opens)
    directory = repository_rules().directory
    for one in opened:
        assert one["owner"] == owner_for(directory, str(one["team"]), one["opened_at"])
    _check_messages(failure, opened, before, receivers)


def _check_messages(
    failure: Failure, opened: list[dict[str, object]], before: Seen, receivers: Receivers
) -> None:
    """Every message is about an expected incident, and none is missing."""
    posts = receivers.slack()[before.slack :]
    mails = receivers.mails()[before.mails :]
    roots = [one for one in posts if one["what"] == "post" and not one["thread_ts"]]
    channel_roots = [one for one in roots if one["channel"].startswith("C")]
    for incident in opened:
        number = f"#{incident['id']}"
        about = [one for one in channel_roots if number in one["text"]]
        assert len(about) == 1, f"{failure.id}: {len(about)} root messages about {number}"
        assert str(incident["severity"]).upper() in about[0]["text"]
        assert len(about[0]["text"]) <= 80
        recovered = [one for one in posts if number in one["text"] and "RECOVERED" in one["text"]]
        assert {one["what"] for one in recovered} >= {"edit", "post"}
        subjects = [
            one["headers"]["Subject"] for one in mails if number in one["headers"]["Subject"]
        ]
        wanted = 2 if incident["severity"] == "critical" else 0
        assert len(subjects) == wanted, subjects
    assert len(channel_roots) == len(opened)
    assert len(mails) == sum(2 for one in opened if one["severity"] == "critical")


@pytest.mark.parametrize("twin", TWINS, ids=[one.id for one in TWINS])
async def test_a_twin_stays_silent(twin: Failure, program: Program, receivers: Receivers) -> None:
    before = await look_around(program, receivers)
    program.run("demo", "break", twin.id)
    program.advance(SLOTS_TO_OPEN)
    program.run("demo", "mend", twin.id)
    program.advance(SLOTS_TO_RECOVER)
    assert await incidents_since(program, before) == []
    assert await look_around(program, receivers) == before
