"""What kinds make of nothing: no answer, no rows, nothing new."""

from typing import Any

import pytest
from pydantic import ValidationError

from rules.base import Context, Dialect, Judgement, Kind, Outcome, Rows, Severity, Unanswered
from rules.registry import KINDS
from tests.postgres import NIGHT as NOW

LEVELS = {"warning": "30m", "critical": "2h"}
SETTINGS: dict[str, dict[str, Any]] = {
    "stale": {"column": "at", "max_age": LEVELS},
    "stuck": {"column": "status", "is": ["r", "q"], "since": "at", "max_age": LEVELS},
    "queue": {"column": "at", "max_wait": LEVELS, "max_rows": 5},
    "failures": {"column": "status", "failed": "f", "succeeded": "s", "order_by": "at"},
}
WATCHED = ((("org", "a"),), (("org", "b"),))


def made(name: str, **more: Any) -> Kind:
    settings = {"source": "db", "table": "t"} | SETTINGS[name] | more
    kind: Any = KINDS[name].model_validate(settings)
    return kind  # type: ignore[no-any-return]


def judge(kind: Kind, *rows: dict[str, Any], **more: Any) -> Judgement:
    watched = WATCHED if kind.entity else ((),)
    return kind.judge(Context(NOW, watched), ((Rows(rows, **more),),))


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("whole_source", [True, False])
def test_without_an_answer_nothing_is_known_of_what_is_watched(
    name: str, whole_source: bool
) -> None:
    context = Context(NOW, WATCHED)
    silence = Unanswered("down", whole_source=whole_source)
    judgement = made(name, entity="org").judge(context, ((silence,),))
    assert judgement == Judgement(unknown=WATCHED, has_data=False)
    assert judgement.outcome is Outcome.NO_DATA


@pytest.mark.parametrize(
    ("if_empty", "outcome"),
    [("bad", Outcome.BAD), ("ok", Outcome.OK), ("no_data", Outcome.NO_DATA)],
)
@pytest.mark.parametrize("entity", [[], ["org"]])
def test_a_rule_says_what_an_empty_table_means(
    if_empty: str, outcome: Outcome, entity: list[str]
) -> None:
    kind = made("stale", if_empty=if_empty, entity=entity)
    marker = {"e0": None, "at": None, "n": 0}
    assert judge(kind, marker).outcome is outcome


def test_an_empty_table_is_as_bad_as_the_mildest_limit() -> None:
    (found,) = judge(made("stale", if_empty="bad"), {"at": None, "n": 0}).findings
    assert (found.entity, found.severity, found.value) == ((), Severity.WARNING, None)
    assert (found.fact, found.detail) == ("no rows", "There is no row, limit 30 min.")


def test_what_never_happened_is_as_bad_as_the_worst_limit() -> None:
    (found,) = judge(made("stale"), {"at": None, "n": 3}).findings
    assert (found.severity, found.limit) == (Severity.CRITICAL, 7200.0)
    assert found.fact == "never (max 2h)"
    assert found.detail == "There has never been one, limit 2 h."


@pytest.mark.parametrize(
    ("count", "fact", "detail"),
    [
        (1, "r or q for 1h (max 30m)", "Has been r or q for 1 h, limit 30 min."),
        (
            2,
            "2 stuck, 1h (max 30m)",
            "2 rows stuck in r or q, the oldest for 1 h, limit 30 min.",
        ),
        (
            1204,
            "1,204 stuck, 1h (max 30m)",
            "1,204 rows stuck in r or q, the oldest for 1 h, limit 30 min.",
        ),
    ],
)
def test_stuck_rows_are_counted_without_an_entity(count: int, fact: str, detail: str) -> None:
    (found,) = judge(made("stuck"), {"at": NOW.timestamp() - 3600, "n": count}).findings
    assert (found.fact, found.detail) == (fact, detail)


def test_nothing_stuck_is_good() -> None:
    (reading,) = judge(made("stuck"), {"at": None, "n": 0}).readings
    assert (reading.value, reading.fact) == (0.0, "not r or q")
    assert reading.detail == "No row is r or q."


def test_a_queue_that_is_not_told_of_is_empty() -> None:
    readings = judge(made("queue", entity="org")).readings
    assert [(one.entity, one.value) for one in readings] == [(one, 0.0) for one in WATCHED]


def test_a_queue_may_stand_in_the_rows_that_were_cut() -> None:
    judgement = judge(made("queue", entity="org"), truncated=True)
    assert (judgement.readings, judgement.truncated) == ((), True)


@pytest.mark.parametrize("name", ["stale", "stuck", "queue"])
def test_very_old_instants_are_an_age(name: str) -> None:
    (found,) = judge(made(name), {"at": -1e300, "n": 1}).findings
    assert len(found.fact) <= 40
    assert found.severity is Severity.CRITICAL


def test_an_error_of_any_length_is_kept_on_one_line() -> None:
    row = {"bad": 1, "n": 9, "since": None, "error": "x\n" * 9_000}
    (found,) = judge(made("failures", error="error"), row).findings
    assert (len(found.error_text), found.error_text[:3]) == (500, "x x")


@pytest.mark.parametrize(
    ("count", "fact"),
    [
        (3, "3 failed in a row (limit 3)"),
        (999, "999 failed in a row (limit 3)"),
        (1000, "1,000+ failed in a row (limit 3)"),
    ],
)
def test_failures_are_counted_in_words(count: int, fact: str) -> None:
    row = {"bad": 1, "n": count, "since": None, "error": None}
    assert [one.fact for one in judge(made("failures"), row).findings] == [fact]


@pytest.mark.parametrize("query", [None, 5, "", "delete from t", "x" * 20_001])
def test_what_is_no_query_is_refused(query: object) -> None:
    with pytest.raises(ValidationError) as caught:
        KINDS["sql"].model_validate({"source": "db", "query": query})
    assert [one["type"] for one in caught.value.errors()] == ["bad_sql"]


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(
    "dialect",
    [Dialect("postgres", time) for time in ("native", "iso", "epoch_s", "epoch_ms")]
    + [Dialect("sqlite", time) for time in ("iso", "epoch_s", "epoch_ms")],
)
def test_every_parameter_of_a_statement_is_bound_and_used(name: str, dialect: Dialect) -> None:
    for entity in ([], ["org"], ["org", "job"]):
        watched = (tuple((column, "x; --") for column in entity),)
        kind = made(name, entity=entity, where="at < {{ now }} and note <> '{'")
        (question,) = kind.ask(Context(NOW, watched, dialect), ())
        text = question.text  # type: ignore[union-attr]
        params = question.params  # type: ignore[union-attr]
        assert "x; --" not in text
        assert "{{" not in text
        assert all(f"${n}" in text for n in range(1, len(params) + 1))
        assert f"${len(params) + 1}" not in text
