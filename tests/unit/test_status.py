"""Is everything watched?"""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.base import Outcome
from tests.postgres import NIGHT
from tests.watching import config_of, stuck_rule
from watchdog.config.model import BrokenRule, Place
from watchdog.status import describe
from watchdog.store.looks import RuleLook

CONFIG = config_of("postgresql:///jobs", [stuck_rule("one"), stuck_rule("two")])
FINE = {name: RuleLook(name, NIGHT, Outcome.OK) for name in ("one", "two")}


def test_everything_is_watched_when_every_rule_was_looked_at_lately() -> None:
    status = describe(CONFIG, FINE, NIGHT)
    assert status.is_all_watched
    assert status.sentences == ("All 2 rules are watched.",)


def test_a_rule_whose_check_is_bad_is_watched() -> None:
    bad = FINE | {"one": RuleLook("one", NIGHT, Outcome.BAD)}
    assert describe(CONFIG, bad, NIGHT).is_all_watched


@pytest.mark.parametrize("look", [None, RuleLook("one", missed=7)])
def test_a_rule_without_a_look_is_not_watched(look: RuleLook | None) -> None:
    looks = {"two": FINE["two"]} | ({"one": look} if look else {})
    status = describe(CONFIG, looks, NIGHT)
    assert status.reasons == {"one": "not looked at yet"}
    assert status.sentences == (
        "1 of 2 rules are not watched.",
        "Not watched: one: not looked at yet",
    )


@pytest.mark.parametrize(("errors", "is_watched"), [(1, True), (2, True), (3, False)])
def test_three_errors_in_a_row_are_not_watched(errors: int, is_watched: bool) -> None:
    look = RuleLook("one", NIGHT, Outcome.ERROR, "table gone", errors_in_a_row=errors)
    status = describe(CONFIG, FINE | {"one": look}, NIGHT)
    assert status.is_all_watched is is_watched
    if not is_watched:
        assert status.reasons == {"one": "failed 3 times in a row: table gone"}


@pytest.mark.parametrize(("seconds", "is_watched"), [(150, True), (151, False)])
def test_a_look_may_be_two_intervals_and_a_flush_old(seconds: int, is_watched: bool) -> None:
    status = describe(CONFIG, FINE, NIGHT + timedelta(seconds=seconds))
    assert status.is_all_watched is is_watched


def test_an_old_look_says_how_old_and_how_often_it_should_be() -> None:
    looks = FINE | {"two": RuleLook("two", NIGHT - timedelta(hours=3), Outcome.OK)}
    assert describe(CONFIG, looks, NIGHT).reasons == {"two": "last looked at 3h ago, every 1m"}


def test_a_broken_rule_is_not_watched_and_says_where_it_stands() -> None:
    broken = BrokenRule("three", "ops", "`max_aeg`", Place("rules.yaml", 7, 3))
    status = describe(replace(CONFIG, broken=(broken,)), FINE, NIGHT)
    assert status.sentences == (
        "1 of 3 rules are not watched.",
        "Not watched: three: broken at rules.yaml:7",
    )


def test_reasons_come_in_the_order_of_names() -> None:
    sentences = describe(CONFIG, {}, NIGHT).sentences
    assert [one.split(":")[1].strip() for one in sentences[1:]] == ["one", "two"]
