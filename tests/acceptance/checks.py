"""What must be true of a failure that was played: exactly its incidents, each as it should be."""

import functools
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.acceptance.nights import Night, Played, Player
from tests.acceptance.running import REPOSITORY
from tests.carried import OF_OTHERS, ROWS_MAX, carried
from tests.invariants import OWNERS
from watchdog.config.load import load
from watchdog.config.model import Config
from watchdog.demo.failure import Expected, Failure
from watchdog.domain.oncall import on_call

Row = dict[str, Any]


@functools.cache
def repository_rules() -> Config:
    """Return the configuration that the program runs."""
    config = load(REPOSITORY / "rules.yaml", {}).config
    assert config is not None
    return config


async def check(failure: Failure, night: Night, player: Player) -> None:
    """Play the night of a failure, and check what it alone brought."""
    played = await player.play(night)
    opened, ended = (played.of(failure.id[0], one) for one in (played.opened, played.ended))
    assert sorted(map(_named, opened)) == sorted(map(_expected, failure.opens))
    assert {one["state"] for one in ended} <= {"recovered"}
    assert set(failure.holds) <= played.held
    for one, expected in _pairs(opened, failure.opens):
        assert one["state"] == ("recovered" if expected.recovers else "open")
        words = f"{one['fact']} {one['detail']}"
        assert expected.says in words
        assert not expected.omits or expected.omits not in words
        assert (one["repeat_of"] is not None) == expected.repeats
        _check_owner(one, expected)
        _check_evidence(one)
        _check_messages(one, played)


async def check_told(night: Night, player: Player) -> None:
    """Play a night, and check that nothing was told in it but its incidents, each of them owned."""
    played = await player.play(night)
    told = [one for one in played.opened if one["severity"] != "info"]
    assert len([one for one in played.posts if is_root(one)]) == len(told)
    threads = _threads(played.mails)
    assert set(threads.values()) <= {2}
    assert {number for _, number in threads} == {
        str(one["id"]) for one in told if one["severity"] == "critical"
    }
    if not told:
        assert played.posts == []
    assert await player.program.fetch(OWNERS) == []


def _named(one: Row) -> tuple[object, ...]:
    entity = tuple((name, value) for name, value in one["entity"])
    return one["rule"], one["severity"], one["failure_class"], entity


def _expected(one: Expected) -> tuple[object, ...]:
    return one.rule, one.severity, one.failure_class, one.entity


def _pairs(opened: list[Row], expected: tuple[Expected, ...]) -> list[tuple[Row, Expected]]:
    """Return each incident with what was expected; of equal ones the earlier comes first in both."""
    return list(
        zip(sorted(opened, key=_named), sorted(expected, key=_expected), strict=True)  # stable
    )


def _check_owner(incident: Row, expected: Expected) -> None:
    """The owner is whoever of the team was on call when it opened."""
    team = expected.team or repository_rules().rules[incident["rule"]].team
    assert incident["team"] == team
    directory = repository_rules().directory
    assert incident["first_owner"] == on_call(directory, team, incident["opened_at"])


def _check_evidence(incident: Row) -> None:
    """Every query that the rule should have was answered, with rows of this entity alone."""
    evidence, (names, _) = incident["evidence"], carried(incident["rule"])
    assert evidence.keys() == names
    for name, rows in evidence.items():
        assert rows, f"no {name}"
        assert "could not ask" not in rows[0], rows
        assert len(rows) <= ROWS_MAX
        for column, value in (
            incident["entity"] if (incident["rule"], name) not in OF_OTHERS else ()
        ):
            assert {str(row.get(column, value)) for row in rows} == {value}, name
    assert len(evidence.get("latest_runs", range(ROWS_MAX))) == ROWS_MAX


def _check_messages(incident: Row, played: Played) -> None:
    """It has one root message, its recovery is told, and mails only when it is critical.

    An incident of severity info is told to nobody.
    """
    number = f"#{incident['id']}"
    about = [one for one in played.posts if number in one["text"]]
    threads = _threads(one for one in played.mails if number in one["headers"]["Subject"])
    assert set(threads.values()) == ({2} if incident["severity"] == "critical" else set())
    if incident["severity"] == "info":
        assert about == []
        return
    [root] = [one for one in about if is_root(one)]
    assert str(incident["severity"]).upper() in root["text"]
    assert len(root["text"]) <= 80
    recovered = {one["what"] for one in about if "RECOVERED" in one["text"]}
    assert recovered >= {"edit", "post"}


def _threads(mails: Iterable[Row]) -> Counter[tuple[str, str]]:
    """Return how many mails each recipient got of each incident: one at first, one at its end.

    Whoever it is passed on to is a recipient, too: some failures last longer than a rung.
    """
    return Counter(
        (str(one["recipient"]), str(one["headers"]["Subject"]).rpartition("#")[2]) for one in mails
    )


def is_root(post: Row) -> bool:
    """Return whether a post is the first of its thread in a channel."""
    return post["what"] == "post" and not post["thread_ts"] and post["channel"].startswith("C")
