"""Rows that every run overwrites: the runs are the changes that were observed."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Outcome, Severity
from rules.classify import ClassSpec, build_classifier
from rules.failures import Failures
from tests.looks import MINUTE, Looks
from tests.postgres import NIGHT as NOW


def failures(**more: Any) -> Failures:
    settings = {"source": "db", "table": "t", "of": "changes", "changed": "at", "bad": "n > 0"}
    return Failures.model_validate(settings | {"entity": "org"} | more)


def row(changed: object, bad: int = 1, org: str = "a", error: str | None = None) -> dict[str, Any]:
    return {"e0": org, "changed": changed, "bad": bad, "error": error, "n": 1}


A = (("org", "a"),)


def test_three_changes_are_three_runs_however_often_we_look() -> None:
    looks = Looks(failures())
    for changed in (1, 1, 1, 2, 2):
        assert looks.see(row(changed)).outcome is Outcome.OK
    (found,) = looks.see(row(3)).findings
    assert (found.entity, found.value, found.fact) == (A, 3.0, "3 failed in a row (limit 3)")
    (again,) = looks.see(row(3)).findings
    assert again == found


def test_a_good_change_begins_anew() -> None:
    looks = Looks(failures(in_a_row=2))
    looks.see(row(1))
    judgement = looks.see(row(2, bad=0), watched=[A])
    assert [one.fact for one in judgement.readings] == ["last run succeeded"]
    assert looks.see(row(3)).outcome is Outcome.OK
    assert looks.see(row(4)).outcome is Outcome.BAD


def test_what_is_good_is_not_remembered() -> None:
    looks = Looks(failures())
    looks.see(row(1, bad=0), row(1, bad=0, org="b"))
    assert looks.written == 0
    looks.see(row(1), row(1, bad=0, org="b"))
    looks.see(row(1), row(2, bad=0, org="b"))
    assert looks.written == 1
    looks.see(row(2, bad=0))
    assert (looks.written, looks.remembered) == (2, {})


def test_the_first_bad_change_says_since_when() -> None:
    looks = Looks(failures(in_a_row=2))
    looks.see(row(NOW - MINUTE))
    (found,) = looks.see(row(NOW)).findings
    assert found.first_bad_at == NOW - MINUTE
    ahead = Looks(failures(in_a_row=1))
    (found,) = ahead.see(row(NOW + timedelta(days=1))).findings
    assert found.first_bad_at == ahead.now


def test_a_row_that_is_left_out_for_a_while_keeps_its_streak() -> None:
    looks = Looks(failures(in_a_row=2))
    looks.see(row(1))
    looks.see(row(5, org="b"))
    assert [one.entity for one in looks.see(row(2), row(6, 0, "b")).findings] == [A]
    looks.see(row(7, org="c"), after=timedelta(days=8))
    assert list(looks.remembered) == ['["c"]']


def test_the_newest_of_several_rows_counts_in_any_order() -> None:
    rows = [row(1), row(2, bad=0), row(2)]
    for order in permutations(rows):
        assert Looks(failures(in_a_row=1)).see(*order).outcome is Outcome.OK


def test_a_class_may_need_fewer_in_a_row() -> None:
    kind = failures(error="error")
    classifier = build_classifier({"auth_config": ClassSpec(None, Severity.CRITICAL, in_a_row=1)})
    looks = Looks(kind, classifier=classifier)
    (found,) = looks.see(row(1, error="401 Unauthorized")).findings
    assert (found.severity, found.limit) == (Severity.CRITICAL, 1.0)


@pytest.mark.parametrize("changed", [None, float("nan"), True])
def test_a_row_that_does_not_say_when_it_changed_is_left_out(changed: object) -> None:
    looks = Looks(failures(in_a_row=1))
    assert looks.see(row(changed)).outcome is Outcome.OK


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"changed":1,"count":"x","since":0,"at":0}',
        '{"changed":1,"count":1,"since":"x","at":0}',
        '{"changed":1,"count":1,"since":0,"at":null}',
        '{"changed":1,"count":1,"since":NaN,"at":0}',
    ],
)
def test_what_cannot_be_read_any_more_begins_anew(text: str) -> None:
    looks = Looks(failures(in_a_row=2))
    looks.remembered = {'["a"]': text}
    assert looks.see(row(1)).outcome is Outcome.OK
    assert looks.see(row(2)).outcome is Outcome.BAD


@pytest.mark.parametrize("at", ["1e300", "-1e300", "1e12", "Infinity"])
def test_instants_that_no_calendar_has_do_not_stop_a_rule(at: str) -> None:
    looks = Looks(failures(in_a_row=2))
    looks.remembered = {'["a"]': f'{{"changed":"1","count":1,"since":{at},"at":{at}}}'}
    assert looks.see(row(2)).outcome is Outcome.BAD
    looks.remembered |= {'["gone"]': f'{{"at":{at}}}', '["odd"]': '{"at":"x"}'}
    looks.see(row(3))
    assert '["odd"]' not in looks.remembered


runs = st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=12)


@given(runs)
def test_as_many_bad_changes_as_since_the_last_good_one(history: list[tuple[int, bool]]) -> None:
    looks, count, last = Looks(failures(in_a_row=2)), 0, None
    for changed, bad in history:
        if bad and changed != last:
            count += 1
        elif not bad and changed != last:
            count = 0
        # What was good is not remembered: the next bad look at it is a change.
        last = changed if count else None
        judgement = looks.see(row(changed, int(bad)))
        assert bool(judgement.findings) is (count >= 2)


@given(runs, runs)
def test_entities_do_not_mix(one: list[tuple[int, bool]], other: list[tuple[int, bool]]) -> None:
    both, alone = Looks(failures(in_a_row=2)), Looks(failures(in_a_row=2))
    for (mine, bad), (theirs, worse) in zip(one, other, strict=False):
        expected = alone.see(row(mine, int(bad))).findings
        found = both.see(row(theirs, int(worse), "b"), row(mine, int(bad))).findings
        assert tuple(found_ for found_ in found if found_.entity == A) == expected
