"""Each failure of the five systems, broken and mended for real: exactly its incidents, and recovery."""

import functools
from typing import Any

import pytest

from tests.acceptance.nights import Played, Player, nights
from tests.acceptance.running import REPOSITORY
from watchdog.config.load import load
from watchdog.config.model import Config
from watchdog.demo.failure import Expected
from watchdog.demo.failures import FAILURES
from watchdog.domain.oncall import owner_for

NIGHTS = {
    failure.id: night
    for night in nights(one for one in FAILURES.values() if not one.is_twin)
    for failure in night.failures
}


@functools.cache
def repository_rules() -> Config:
    """Return the configuration that the program runs."""
    config = load(REPOSITORY / "rules.yaml", {}).config
    assert config is not None
    return config


def as_expected(row: dict[str, Any]) -> Expected:
    entity = tuple((name, value) for name, value in row["entity"])
    return Expected(row["rule"], row["severity"], row["failure_class"], entity)


@pytest.mark.parametrize("failure_id", NIGHTS)
async def test_a_failure_opens_exactly_its_incidents_and_mending_recovers_them(
    failure_id: str, player: Player
) -> None:
    failure, played = FAILURES[failure_id], await player.play(NIGHTS[failure_id])
    opened, ended = (played.of(failure_id[0], one) for one in (played.opened, played.ended))
    assert {as_expected(one) for one in opened} == set(failure.opens)
    assert [one["state"] for one in opened] == ["open"] * len(failure.opens)
    assert [one["state"] for one in ended] == ["recovered"] * len(failure.opens)
    for one in opened:
        check_owner(one)
        check_evidence(one)
        check_messages(one, played)


def check_owner(incident: dict[str, Any]) -> None:
    """The owner is whoever of the team was on call when it opened."""
    directory = repository_rules().directory
    assert incident["owner"] == owner_for(directory, incident["team"], incident["opened_at"])


def check_evidence(incident: dict[str, Any]) -> None:
    """Every named query of the rule was answered, with rows."""
    evidence = incident["evidence"]
    assert evidence.keys() == repository_rules().rules[incident["rule"]].evidence.keys()
    for name, rows in evidence.items():
        assert rows, f"no {name}"
        assert "could not ask" not in rows[0], rows


def check_messages(incident: dict[str, Any], played: Played) -> None:
    """It has one root message, its recovery is told, and mails only when it is critical."""
    number = f"#{incident['id']}"
    about = [one for one in played.posts if number in one["text"]]
    [root] = [one for one in about if is_root(one)]
    assert str(incident["severity"]).upper() in root["text"]
    assert len(root["text"]) <= 80
    recovered = {one["what"] for one in about if "RECOVERED" in one["text"]}
    assert recovered >= {"edit", "post"}
    mails = [one for one in played.mails if number in one["headers"]["Subject"]]
    assert len(mails) == (2 if incident["severity"] == "critical" else 0)


def is_root(post: dict[str, Any]) -> bool:
    return post["what"] == "post" and not post["thread_ts"] and post["channel"].startswith("C")


@pytest.mark.parametrize(
    "night", dict.fromkeys(NIGHTS.values()), ids=lambda one: one.failures[0].id
)
async def test_of_a_night_nothing_is_told_but_its_incidents(night: Any, player: Player) -> None:
    played = await player.play(night)
    assert len([one for one in played.posts if is_root(one)]) == len(played.opened)
    critical = sum(one["severity"] == "critical" for one in played.opened)
    assert len(played.mails) == 2 * critical
