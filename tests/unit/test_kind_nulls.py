"""The stale kind: what has not happened yet is bad only after a while."""

from datetime import timedelta
from typing import Any

import pytest

from rules.base import Outcome
from rules.stale import Stale
from tests.looks import MINUTE, Looks

DAY = timedelta(days=1)
A = (("org", "a"),)


def looks(**more: Any) -> Looks:
    settings = {"source": "db", "table": "t", "column": "at", "max_age": "30m", "entity": "org"}
    return Looks(Stale.model_validate(settings | {"null_after": "1d"} | more))


def rows(*orgs: str, at: float | None = None) -> list[dict[str, Any]]:
    return [{"e0": None, "at": None, "n": 1}, *({"e0": org, "at": at, "n": 1} for org in orgs)]


def test_a_null_is_bad_when_it_has_been_seen_for_long() -> None:
    each = looks()
    assert each.see(*rows("a")).outcome is Outcome.OK
    first = each.now
    assert each.see(*rows("a"), after=DAY - MINUTE).outcome is Outcome.OK
    (found,) = each.see(*rows("a", "b")).findings
    assert (found.entity, found.fact) == (A, "never (max 24h)")
    assert (found.limit, found.first_bad_at) == (86400.0, first + DAY)


def test_a_null_that_is_watched_is_good_for_now() -> None:
    (reading,) = looks().see(*rows("a"), watched=[A]).readings
    assert (reading.entity, reading.fact) == (A, "not yet, for 0s (max 24h)")


def test_a_null_is_written_once() -> None:
    each = looks()
    for _ in range(3):
        each.see(*rows("a", "b"))
    assert each.written == 2


@pytest.mark.parametrize("at", [0.0, 1e9])
def test_an_instant_ends_it(at: float) -> None:
    each = looks()
    each.see(*rows("a"))
    (found,) = each.see(*rows("a", at=at)).findings
    assert found.fact.endswith("old (max 30m)")
    assert each.remembered == {}


def test_an_entity_that_is_gone_is_forgotten() -> None:
    each = looks()
    each.see(*rows("a", "b"))
    each.see(*rows("b"), truncated=True)
    assert len(each.remembered) == 2
    each.see(*rows("b"))
    assert list(each.remembered) == ['["b"]']


def test_the_whole_of_a_table_may_have_a_null_as_well() -> None:
    each = looks(entity=[])
    assert each.see({"at": None, "n": 3}).outcome is Outcome.OK
    assert each.see({"at": None, "n": 3}, after=DAY).outcome is Outcome.BAD


def test_without_the_setting_a_null_is_bad_at_once() -> None:
    each = looks(null_after=None)
    each.remembered = {'["a"]': "0"}
    assert each.see(*rows("a")).outcome is Outcome.BAD
    assert each.remembered == {}


@pytest.mark.parametrize("text", ["", "x", "{}", "null", "NaN"])
def test_what_cannot_be_read_any_more_is_counted_anew(text: str) -> None:
    each = looks()
    each.remembered = {'["a"]': text}
    assert each.see(*rows("a")).outcome is Outcome.OK
    assert each.see(*rows("a"), after=DAY).outcome is Outcome.BAD
